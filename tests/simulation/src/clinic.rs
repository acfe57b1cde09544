//! A clinic: its workstation, its people, the vendor's collector and the line between them, day by day.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::api::Reply;
use agent::request::{ConsentAction, ConsentRequest, Request};
use protocol::ledger::Role;
use protocol::{Digest, Purpose};
use test_support::random::Random;

use crate::cases::Cases;
use crate::consent::{Consent, Texts};
use crate::faults::{Fault, Faults};
use crate::letter::Letters;
use crate::link::Link;
use crate::model::Model;
use crate::plan::Plan;
use crate::vendor::Vendor;
use crate::workstation::{Harm, Workstation};
use crate::world::{BEGIN, DAY, HOUR, World, date};

/// Turns without the time going on after which the loop spins.
const TURNS: u32 = 5000;

/// Something that happens in a story, by its number: the day's, and its own on that day.
pub type Happens = u32;

/// The world of one seed.
pub struct Clinic {
    seed: u64,
    /// What happened so far, by number, and what this telling leaves out.
    pub happened: Vec<Happens>,
    left_out: BTreeSet<Happens>,
    next: Happens,
    /// Of this day.
    pub(crate) random: Random,
    pub(crate) world: Arc<World>,
    pub(crate) pc: Workstation,
    pub(crate) link: Link,
    pub(crate) vendor: Vendor,
    pub(crate) consent: Consent,
    pub(crate) model: Model,
    pub(crate) faults: Faults,
    pub(crate) plan: Plan,
    /// Until when the workstation's disk is full, the line cut, the collector down: in true time.
    pub(crate) until: BTreeMap<Fault, i64>,
    /// What the model knew when the image of the agent's data was kept.
    pub(crate) image: Option<(Model, Consent)>,
    /// Since when, in true time, the workstation's clock goes on without a leap.
    pub(crate) clock_since: i64,
    /// Since when the grant is to another policy.
    pub(crate) over_since: Option<i64>,
    /// Grants that the clinic withdrew.
    pub(crate) ended: BTreeSet<Digest>,
    /// Days on which the vendor answered and nothing was left to say, one after the other.
    pub(crate) quiet_days: u32,
    /// When the clinic asked to erase what was sent, the oldest first.
    pub(crate) erase_said: Vec<i64>,
    /// Support cases and their bundles.
    pub(crate) cases: Cases,
    /// What the owner asked by letter.
    pub(crate) letters: Letters,
    /// The clinic withdrew while it was restricted.
    pub(crate) is_hidden_for_ever: bool,
    /// Answers of the vendor when it became uncertain what it knows.
    pub(crate) unknown_since: u64,
    /// The newest of what the vendor knows to be restricted.
    pub(crate) vendor_knows_restricted: Option<bool>,
    /// What happened, a line each.
    pub story: Vec<String>,
    /// What must not have happened.
    pub violations: Vec<String>,
    root: PathBuf,
}

impl Clinic {
    /// The clinic of a seed, with its files below `root`.
    ///
    /// # Errors
    /// The world cannot be made, in a sentence.
    pub fn new(seed: u64, root: &Path, plan: Plan, left_out: &BTreeSet<Happens>) -> Result<Self, String> {
        let _ = fs::remove_dir_all(root);
        fs::create_dir_all(root).map_err(|error| format!("{}: {}", root.display(), error.kind()))?;
        let mut random = Random::new(seed);
        let world = World::new();
        let link = Link::new(world.clone(), Random::new(random.next()));
        let vendor = Vendor::new(root, world.clone(), link.clone())?;
        let ca = root.join("ca.pem");
        fs::copy(vendor.ca(), &ca).map_err(|error| error.kind().to_string())?;
        let mut texts = BTreeMap::new();
        for name in ["copenhagen-imaging", "novo-imaging"] {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../protocol/policies/{name}.toml"));
            let text =
                fs::read_to_string(&path).map_err(|error| format!("{}: {}", path.display(), error.kind()))?;
            texts.insert(name.to_owned(), Texts::read(&text)?);
        }
        let mut consent = Consent::new(texts);
        if random.percent(30) {
            "novo-imaging".clone_into(&mut consent.policy);
        }
        let jitter = Random::new(random.next());
        let pc = Workstation::new(root, world.clone(), link.clone(), &ca, &consent.policy, jitter);
        Ok(Self {
            seed,
            happened: Vec::new(),
            left_out: left_out.clone(),
            next: 0,
            random,
            world,
            pc,
            link,
            vendor,
            consent,
            model: Model::default(),
            faults: Faults::default(),
            plan,
            until: BTreeMap::new(),
            image: None,
            clock_since: BEGIN,
            over_since: None,
            ended: BTreeSet::new(),
            erase_said: Vec::new(),
            cases: Cases::default(),
            letters: Letters::default(),
            quiet_days: 0,
            is_hidden_for_ever: false,
            unknown_since: 0,
            vendor_knows_restricted: Some(false),
            story: Vec::new(),
            violations: Vec::new(),
            root: root.to_owned(),
        })
    }

    /// Tells the story to its end, or to the first violation.
    pub fn live(&mut self) {
        if let Err(what) = self.first_day() {
            self.violations.push(format!("start: {what}"));
        }
        for day in 1..self.plan.days {
            if !self.violations.is_empty() {
                return;
            }
            self.day(BEGIN + day * DAY);
        }
        if self.violations.is_empty() {
            self.last_days();
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Removes its files.
    pub fn clear(mut self) {
        self.pc.stop();
        self.vendor.down();
        let _ = fs::remove_dir_all(&self.root);
    }

    pub(crate) fn tell(&mut self, what: impl Into<String>) {
        let line = format!("{} {}", date(self.world.now()), what.into());
        self.story.push(line);
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.count(fault);
        self.tell(fault.word());
        match fault {
            Fault::NewOwner => {
                self.cases.excuse();
                self.link.net().is_case_open = false;
            }
            Fault::PolicyChanged
            | Fault::ClockAhead
            | Fault::ClockBehind
            | Fault::ClockDead
            | Fault::WriteError
            | Fault::ReadError
            | Fault::DiskFull => self.cases.excuse(),
            Fault::ImageRestored | Fault::ErasedByLetter => {
                self.cases.excuse();
                self.cases.has_copies = true;
            }
            Fault::Cloned => self.cases.has_copies = true,
            _ => {}
        }
    }

    fn first_day(&mut self) -> Result<(), String> {
        self.world.advance_to(BEGIN + 9 * HOUR);
        self.pc.start().map_err(|_| "killed".to_owned())??;
        self.enrol()?;
        self.pc.device = self.pc.status().map(|status| status.device);
        self.tell("installed and enrolled");
        if self.random.percent(70) {
            self.grant();
        }
        self.run_until(BEGIN + 12 * HOUR);
        self.observe();
        self.pc.stop();
        Ok(())
    }

    /// Each day has random numbers of its own, so that what is left out of one changes no other.
    fn begin_day(&mut self, midnight: i64) {
        let day = u32::try_from((midnight - BEGIN) / DAY).unwrap_or(0);
        let mut of_days = Random::new(self.seed);
        let mut random = Random::new(of_days.next() ^ Random::new(u64::from(day)).next());
        self.link.net().random = Random::new(random.next());
        self.pc.jitter = Random::new(random.next());
        self.random = random;
        self.next = day * 16 * self.plan.faults.div_ceil(1000).max(1);
    }

    /// The random numbers of the next thing that happens today; none if this telling leaves it out.
    pub(crate) fn comes(&mut self) -> Option<Random> {
        self.next += 1;
        let random = Random::new(self.random.next());
        if self.left_out.contains(&self.next) {
            return None;
        }
        self.happened.push(self.next);
        Some(random)
    }

    /// An engineer enrols the workstation with a new token.
    pub(crate) fn enrol(&mut self) -> Result<(), String> {
        let token = self.vendor.token()?;
        let reply = self.pc.ask(&Request::Enroll { url: None, token }).ok().flatten();
        if !reply.as_ref().is_some_and(Reply::is_done) {
            return Err(format!(
                "not enrolled: {}",
                reply.map_or_else(String::new, |reply| reply.what().to_owned())
            ));
        }
        Ok(())
    }

    fn day(&mut self, midnight: i64) {
        self.begin_day(midnight);
        self.world.advance_to(midnight + 3 * HOUR);
        self.vendors_night(midnight);
        let weekday = (midnight / DAY + 3).rem_euclid(7);
        let is_holiday = self.random.percent(4) || self.is_away();
        if weekday >= 5
            || is_holiday
            || self.until.get(&Fault::PowerOff).is_some_and(|until| *until > midnight)
        {
            return;
        }
        self.world.advance_to(midnight + 8 * HOUR + i64::from(self.random.within(0, 3600)));
        self.morning();
        if !self.turn_on() {
            return;
        }
        for block in 0..4 {
            self.kathea_works();
            for share in self.plan.at_once() {
                if self.random.within(0, 999) < share {
                    self.something_happens();
                }
            }
            self.run_until(midnight + (10 + 2 * block) * HOUR);
            self.observe();
            if !self.violations.is_empty() {
                return;
            }
        }
        self.evening();
    }

    /// Starts the agent. Whatever the disk did, it starts once the disk is sound.
    pub(crate) fn turn_on(&mut self) -> bool {
        for _ in 0..20 {
            let (harmed, is_due) = (self.pc.harmed, self.pc.is_harm_due());
            match self.pc.start() {
                Ok(Ok(())) => {
                    self.check_identity();
                    return true;
                }
                Ok(Err(what)) if self.pc.harmed > harmed || is_due => {
                    self.tell(format!("does not start: {what}"));
                    self.pc.set_harm(Harm::None);
                }
                Ok(Err(what)) => {
                    self.violations.push(format!("start: the disk is sound, and it says: {what}"));
                    return false;
                }
                Err(_) => self.fault(Fault::Killed),
            }
        }
        self.violations.push("start: it did not start in twenty tries".to_owned());
        false
    }

    fn check_identity(&mut self) {
        let device = self.pc.status().map(|status| status.device);
        if device != self.pc.device {
            self.violations.push("identity: the device is another one".to_owned());
        }
        let aside = self.pc.set_aside();
        if !aside.is_empty() {
            self.violations.push(format!("identity: keys were set aside: {aside:?}"));
        }
    }

    /// The loop's turns until then. False if it was killed, and started again.
    pub(crate) fn run_until(&mut self, end: i64) {
        let (mut turns, mut last) = (0, self.world.now());
        loop {
            let wall = self.pc.wall();
            let asked = {
                let mut net = self.link.net();
                net.is_allowed = self.consent.live(wall).is_some();
                net.exchanges
            };
            match self.pc.step() {
                Ok(due) => {
                    let now = self.world.now();
                    // What answered wakes the loop.
                    let is_woken = self.link.net().exchanges > asked;
                    let next = if is_woken { now } else { due.unwrap_or(end).max(now) };
                    if now >= end || due.is_none() && !is_woken {
                        self.world.advance_to(end);
                        return;
                    }
                    turns = if next > last { 0 } else { turns + 1 };
                    if turns > TURNS {
                        self.violations.push(format!("loop: {TURNS} turns and no time goes on"));
                        return;
                    }
                    last = next;
                    self.world.advance_to(next.min(end));
                }
                Err(_) => {
                    self.fault(Fault::Killed);
                    if !self.turn_on() {
                        return;
                    }
                }
            }
        }
    }

    /// Says something about usage statistics, again until it is taken: nobody gives up a no.
    pub(crate) fn answer(&mut self, action: ConsentAction, erase: bool) -> bool {
        self.consent.answers += 1;
        let mut request = ConsentRequest::new(action);
        request.purpose = Some(Purpose::UsageStatistics);
        request.by = Some(Role::Owner);
        request.erase = erase;
        if action == ConsentAction::Grant {
            let show = ConsentRequest { by: None, ..ConsentRequest::new(ConsentAction::Show) };
            let show = Request::Consent(ConsentRequest { purpose: Some(Purpose::UsageStatistics), ..show });
            let notice =
                self.pc.ask(&show).ok().flatten().and_then(Reply::read::<agent::api::consent::Notice>);
            request.yes = notice.map(|notice| notice.digest.to_string());
        }
        let mut refusals = 0;
        for _ in 0..10 {
            let (harmed, is_due) = (self.pc.harmed, self.pc.is_harm_due());
            match self.pc.ask(&Request::Consent(request.clone())) {
                Ok(Some(reply)) if reply.is_done() => return true,
                Ok(Some(reply)) => {
                    let what = reply.what().to_owned();
                    self.tell(format!("refused: {what}"));
                    if !is_due && self.pc.harmed == harmed {
                        refusals += 1;
                    }
                    self.pc.set_harm(Harm::None);
                    // Only the loop's next turn looks at the files again after an error of the disk.
                    if refusals > 2 || self.pc.step().is_err() && !self.turn_on() {
                        return false;
                    }
                }
                Ok(None) => return false,
                Err(_) => {
                    self.fault(Fault::Killed);
                    if !self.turn_on() {
                        return false;
                    }
                }
            }
        }
        false
    }
}

//! The vendor: the real collector with its real store, its operator, its backups, and the oracle of what it may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kathea_collector::{Bundle, Exported, InProcess};
use protocol::{DeviceId, Digest, Epoch};

use crate::consent::Texts;
use crate::link::Link;
use crate::model::Came;
use crate::world::{DAY, World, date, months_later};

/// Days in which an erasure can be taken back (GDPR art. 17; SECURITY.md).
const REVOCABLE: i64 = 14;

/// A record that the vendor may hold, by the oracle.
#[derive(Clone, Debug)]
struct Held {
    received: i64,
    /// When it goes, at the earliest and at the latest: one moment, unless it may have come under either policy.
    ends: (i64, i64),
    /// When the clinic asked to erase it.
    asked: Option<i64>,
    /// Since when the vendor has that request for certain.
    known: Option<i64>,
}

/// Records by epoch and number.
type Records = BTreeMap<(Epoch, u64), Held>;

/// The vendor, and what the oracle knows of it.
pub struct Vendor {
    root: PathBuf,
    world: Arc<World>,
    link: Link,
    /// Its data directory of now; a restored one is another.
    life: u32,
    held: Records,
    /// Months that a record is kept under any policy there ever was here; none while there was one.
    widest: Option<(i32, i32)>,
    /// Up to where its store was looked at.
    place: i64,
    /// Every epoch of which a record came.
    epochs: BTreeSet<Epoch>,
    /// Something came since forks were looked for.
    is_changed: bool,
    backup: Option<(u32, Records, BTreeSet<Epoch>)>,
    backups: u32,
    /// Up to when the operator erased, each time: a restored vendor does so again.
    erased: Vec<i64>,
    /// Record-days that were looked at.
    pub record_days: u64,
    /// What must not happen.
    pub violations: Vec<String>,
}

impl Vendor {
    /// A new collector below `root`, serving `link`.
    ///
    /// # Errors
    /// It cannot be made, in a sentence.
    pub fn new(root: &Path, world: Arc<World>, link: Link) -> Result<Self, String> {
        let vendor = Self {
            root: root.join("vendor"),
            world,
            link,
            life: 0,
            held: BTreeMap::new(),
            widest: None,
            place: 0,
            epochs: BTreeSet::new(),
            is_changed: false,
            backup: None,
            backups: 0,
            erased: Vec::new(),
            record_days: 0,
            violations: Vec::new(),
        };
        fs::create_dir_all(&vendor.root).map_err(|error| error.kind().to_string())?;
        InProcess::create(&vendor.data(), vendor.world.now())?;
        vendor.up()?;
        Ok(vendor)
    }

    fn data(&self) -> PathBuf {
        self.root.join(format!("data-{}", self.life))
    }

    /// The authority that agents trust.
    pub fn ca(&self) -> PathBuf {
        self.data().join("ca.pem")
    }

    /// Starts it, if it is down.
    ///
    /// # Errors
    /// It does not start, in a sentence.
    pub fn up(&self) -> Result<(), String> {
        let mut net = self.link.net();
        if net.vendor.is_none() {
            net.vendor = Some(InProcess::open(&self.data(), self.world.now())?);
        }
        Ok(())
    }

    /// Stops it.
    pub fn down(&self) {
        self.link.net().vendor = None;
    }

    /// A one-time token.
    ///
    /// # Errors
    /// The store failed, in a sentence.
    pub fn token(&self) -> Result<String, String> {
        self.asked(InProcess::token)
    }

    fn asked<T>(&self, ask: impl FnOnce(&InProcess) -> Result<T, String>) -> Result<T, String> {
        let net = self.link.net();
        let vendor = net.vendor.as_ref().ok_or("the collector is down")?;
        vendor.set_time(self.world.now());
        ask(vendor)
    }

    /// The grants under which it takes batches of a device now; none while it is down.
    pub fn standing_grants(&self, device: DeviceId) -> Vec<Digest> {
        self.asked(|vendor| vendor.standing_grants(device)).unwrap_or_default()
    }

    /// Records that came since the last look, under a policy.
    pub fn came(&mut self, texts: &Texts) -> Vec<Came> {
        if self.link.net().vendor.is_none() {
            return Vec::new();
        }
        let place = self.place;
        let held = match self.asked(|vendor| vendor.held(place)) {
            Ok((held, place)) => {
                self.place = place;
                held
            }
            Err(what) => {
                self.violations.push(format!("collector: {what}"));
                return Vec::new();
            }
        };
        let mut came = Vec::new();
        for Exported { epoch, seq, received, record, .. } in held {
            self.epochs.insert(epoch);
            self.is_changed = true;
            if self.held.contains_key(&(epoch, seq)) {
                continue;
            }
            let (least, most) = self.widest.unwrap_or((texts.at_vendor, texts.at_vendor));
            let ends = (months_later(received, least), months_later(received, most));
            self.held.insert((epoch, seq), Held { received, ends, asked: None, known: None });
            came.push(Came { epoch, seq, record });
        }
        came
    }

    /// The clinic asks at `asked` to erase what was sent.
    pub fn erase_asked(&mut self, asked: i64) {
        for held in self.held.values_mut().filter(|held| held.asked.is_none() && held.received <= asked) {
            held.asked = Some(asked);
        }
    }

    /// The operator erases what `device` sent until then: nothing of it is there any more.
    ///
    /// # Errors
    /// It failed, in a sentence.
    pub fn erase_now(&mut self, device: DeviceId, until: i64) -> Result<(), String> {
        self.asked(|vendor| vendor.erase(device, until))?;
        let (there, _) = self.asked(|vendor| vendor.held(0))?;
        let left = there.iter().filter(|held| held.received <= until).count();
        if left > 0 {
            self.violations.push(format!("erasure: {left} records are there after they were erased"));
        }
        self.held.retain(|_, held| held.received > until);
        self.erased.push(until);
        Ok(())
    }

    /// By now the vendor has that request.
    pub fn erase_known(&mut self) {
        let now = self.world.now();
        for held in self.held.values_mut().filter(|held| held.asked.is_some() && held.known.is_none()) {
            held.known = Some(now);
        }
    }

    /// What the vendor does once a day; `is_restricted` says what it knows of the clinic, if that is certain. Then the oracle looks at every record that it holds.
    ///
    /// # Errors
    /// It failed, in a sentence.
    pub fn day(&mut self, is_restricted: Option<bool>) -> Result<(), String> {
        if self.link.net().vendor.is_none() {
            return Ok(());
        }
        self.asked(InProcess::upkeep)?;
        if !self.is_look_due(is_restricted == Some(true)) {
            return Ok(());
        }
        let (there, _) = self.asked(|vendor| vendor.held(0))?;
        let exported = self.asked(InProcess::exported)?;
        if is_restricted == Some(true) && !exported.is_empty() {
            let what = format!("restriction: {} records are exported while restricted", exported.len());
            self.violations.push(what);
        }
        if is_restricted == Some(false) && exported.len() != there.len() {
            let what = format!(
                "restriction: {} of {} records are hidden and nothing is restricted",
                there.len() - exported.len(),
                there.len()
            );
            self.violations.push(what);
        }
        let now = self.world.now();
        let there: BTreeSet<_> = there.iter().map(|held| (held.epoch, held.seq)).collect();
        let mut gone = Vec::new();
        for (name, held) in &self.held {
            self.record_days += 1;
            let over = |since: i64| now - since >= REVOCABLE * DAY;
            let erase_due = held.known.is_some_and(over);
            let may_erase = held.asked.is_some_and(over);
            if there.contains(name) {
                if now >= held.ends.1 {
                    self.violations.push(format!(
                        "retention: a record of {} is kept too long at {}",
                        date(held.received),
                        date(now)
                    ));
                }
                if erase_due {
                    self.violations.push(format!(
                        "erasure: a record of {} is not erased at {}",
                        date(held.received),
                        date(now)
                    ));
                }
            } else {
                if !may_erase && now < held.ends.0 {
                    self.violations.push(format!(
                        "retention: a record of {} is erased too early at {}",
                        date(held.received),
                        date(now)
                    ));
                }
                gone.push(*name);
            }
        }
        for name in gone {
            self.held.remove(&name);
        }
        Ok(())
    }

    /// Whether this night something has to go, is restricted, or it is the tenth night: to read everything takes long.
    fn is_look_due(&self, is_restricted: bool) -> bool {
        let now = self.world.now();
        let is_near = |since: i64, days: i64| (days - 2..days + 3).contains(&((now - since) / DAY));
        let goes = |held: &Held| {
            is_near(held.ends.1, 0)
                || is_near(held.ends.0, 0)
                || [held.asked, held.known].into_iter().flatten().any(|since| is_near(since, REVOCABLE))
        };
        is_restricted || now / DAY % 10 == 0 || self.held.values().any(goes)
    }

    /// Another policy is in force: what comes may have been sealed under either.
    pub fn widen(&mut self, texts: &BTreeMap<String, Texts>) {
        let months = || texts.values().map(|texts| texts.at_vendor);
        self.widest = Some((months().min().unwrap_or(0), months().max().unwrap_or(0)));
    }

    /// Two stores of one device that share a counter are a fork, and nothing else is: `may_be` says whether a copy of the
    /// device's disk ever ran. Only what comes makes one, so other nights are not looked at, but for every tenth.
    pub fn look_for_forks(&mut self, device: DeviceId, may_be: bool) {
        if !self.is_changed && self.world.now() / DAY % 10 > 0 {
            return;
        }
        let Ok(is_seen) = self.asked(|vendor| vendor.is_fork(device)) else { return };
        let counters: Vec<u64> = self.epochs.iter().map(|epoch| epoch.counter).collect();
        self.is_changed = false;
        let came = counters.windows(2).any(|pair| pair.first() == pair.last());
        if came && !is_seen {
            self.violations
                .push("fork: records of two copies of one disk came, and the vendor sees none".to_owned());
        }
        if is_seen && !may_be {
            self.violations.push("fork: the vendor sees one, and no copy of the disk ever ran".to_owned());
        }
    }

    /// How many records and bundles it holds.
    pub fn holds(&self) -> (usize, usize) {
        let records = self.asked(|vendor| vendor.held(0)).map_or(0, |(held, _)| held.len());
        (records, self.asked(InProcess::bundles).map_or(0, |bundles| bundles.len()))
    }

    /// The bundles that it lists; none while it is down.
    pub fn bundles(&mut self) -> Option<Vec<Bundle>> {
        self.link.net().vendor.as_ref()?;
        let listed = self.asked(InProcess::bundles);
        listed.map_err(|what| self.violations.push(format!("bundle: {what}"))).ok()
    }

    /// Takes in what lies on a stick.
    ///
    /// # Errors
    /// Why it is refused, in a sentence.
    pub fn import(&self, file: &Path, consent: &Path) -> Result<Digest, String> {
        self.asked(|vendor| vendor.import(file, consent))
    }

    /// Goes on with the store as the version before left it. False if it holds what that one did not know.
    ///
    /// # Errors
    /// It does not start again, in a sentence.
    pub fn upgrade(&self) -> Result<bool, String> {
        self.down();
        let is_older = InProcess::downgrade(&self.data()).is_ok();
        self.up().map(|()| is_older)
    }

    /// Every finding of `verify` is a violation.
    pub fn verify(&mut self) {
        match self.asked(InProcess::verify) {
            Ok(findings) => {
                let findings = findings.into_iter().map(|what| format!("verify: {what}"));
                self.violations.extend(findings);
            }
            Err(what) => self.violations.push(format!("verify: {what}")),
        }
    }

    /// Keeps a backup.
    ///
    /// # Errors
    /// It failed, in a sentence.
    pub fn back_up(&mut self) -> Result<(), String> {
        self.backups += 1;
        let to = self.root.join(format!("backup-{}", self.backups));
        self.asked(|vendor| vendor.backup(&to))?;
        if let Some((before, ..)) =
            self.backup.replace((self.backups, self.held.clone(), self.epochs.clone()))
        {
            let _ = fs::remove_dir_all(self.root.join(format!("backup-{before}")));
        }
        Ok(())
    }

    /// Goes on from the last backup on another machine. False without one.
    ///
    /// # Errors
    /// It failed, in a sentence.
    pub fn restore(&mut self) -> Result<bool, String> {
        let Some((number, held, epochs)) = self.backup.clone() else { return Ok(false) };
        self.down();
        let before = self.data();
        self.life += 1;
        let from = self.root.join(format!("backup-{number}"));
        InProcess::restore(&from, &before, &self.data(), self.world.now())?;
        // Sixteen MiB that keep space: written anew they would be half of what a story costs.
        let _ = fs::rename(before.join("reserve"), self.data().join("reserve"));
        // The workstations trust the same authority where it lies.
        let _ = fs::remove_dir_all(before);
        self.held = held;
        self.epochs = epochs;
        self.place = 0;
        self.up()?;
        let (there, _) = self.asked(|vendor| vendor.held(0))?;
        for until in &self.erased {
            self.held.retain(|_, held| held.received > *until);
            let back = there.iter().filter(|held| held.received <= *until).count();
            if back > 0 {
                self.violations.push(format!("erasure: {back} records came back with a backup"));
            }
        }
        Ok(true)
    }
}

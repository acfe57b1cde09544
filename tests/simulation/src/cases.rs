//! Support cases: bundles that are sealed, sent, cut and resumed, and carried by sticks; and the oracle of where each is.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use agent::support::record::State;
use protocol::{CaseId, DeviceId, Digest};
use test_support::random::Random;

use crate::clinic::Clinic;
use crate::consent::Says;
use crate::faults::Fault;
use crate::workstation::{Harm, Workstation};
use crate::world::{BEGIN, DAY, HOUR, months_later};

/// Cases come in every other third of a year, so that the others have images and letters.
const SEASON: i64 = 120;
/// Days from one case to the next in such a season.
const EVERY: i64 = 9;
/// Days for which a case lasts (the notice of `support_case`).
const LASTS: i64 = 30;

/// Where a bundle is, by the oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the workstation or on a stick.
    Here,
    /// The vendor holds it, since then.
    Vendor(i64),
    /// The vendor lost it with what came after its backup, or its period is over.
    Lost,
}

/// A bundle that was sealed.
#[derive(Clone, Debug)]
struct Sealed {
    id: String,
    case: CaseId,
    device: DeviceId,
    at: i64,
    place: Place,
    /// Something came that may end its case, or take its file.
    is_excused: bool,
}

/// A stick on its way.
#[derive(Clone, Debug)]
struct Stick {
    sha256: Digest,
    file: PathBuf,
    consent: PathBuf,
    due: i64,
    times: u32,
    /// Nothing can have come that lets the vendor refuse it.
    is_sure: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    next: u32,
    sealed: BTreeMap<Digest, Sealed>,
    sticks: Vec<Stick>,
    backed_up: BTreeMap<Digest, Sealed>,
    /// A copy of the device's disk ran.
    pub(crate) has_copies: bool,
    /// When the last case was opened.
    last: Option<i64>,
}

impl Cases {
    /// Whether the ledger may have got a line of a case since an image of within so many days.
    pub(crate) fn is_quiet(&self, now: i64) -> bool {
        self.last.is_none_or(|at| now - at > (LASTS + 5) * DAY)
    }

    /// Something happened that may end cases, or take files.
    pub(crate) fn excuse(&mut self) {
        self.sealed.values_mut().for_each(|sealed| sealed.is_excused = true);
        self.sticks.iter_mut().for_each(|stick| stick.is_sure = false);
    }

    /// The vendor has a backup.
    pub(crate) fn backed_up(&mut self) {
        self.backed_up = self.sealed.clone();
    }

    /// The vendor goes on from it.
    pub(crate) fn vendor_restored(&mut self) {
        for (sha256, sealed) in &mut self.sealed {
            let was = self.backed_up.get(sha256).map(|sealed| sealed.place);
            if matches!(sealed.place, Place::Vendor(_)) && !matches!(was, Some(Place::Vendor(_))) {
                sealed.place = Place::Lost;
            }
        }
        self.excuse();
    }
}

impl Clinic {
    /// On some evenings somebody opens a case; what becomes of its bundle is up to the line, the power and the stick.
    pub(crate) fn case_comes(&mut self) {
        let day = (self.world.now() - BEGIN) / DAY;
        let is_evening = day / SEASON % 2 == 1 && day % EVERY < 2;
        let is_sound = self.pc.ahead.load(std::sync::atomic::Ordering::Relaxed) == 0;
        let may_ask = !matches!(self.consent.says, Says::Restricted(_));
        if !is_evening || !is_sound || !may_ask || !self.pc.is_on() {
            return;
        }
        let Some(mut random) = self.comes() else { return };
        self.pc.set_harm(Harm::None);
        self.run_until(self.world.now() + 60);
        self.observe();
        self.observe_cases();
        if random.below(6) == 0 {
            return self.stick_of_a_dead_pc(random);
        }
        let Some(case) = self.case() else { return };
        let was_cut = self.link.net().is_cut;
        self.link.net().is_case_open = true;
        // The yes to the case is a line of the ledger: an older image would be behind what the vendor knows.
        self.consent.answers += 1;
        (self.image, self.cases.last) = (None, Some(self.world.now()));
        let bytes = (1 + random.below(20) as usize) * (60 << 10);
        let sealed = match self.pc.seal(&case, bytes, &mut random) {
            Ok(sealed) => sealed,
            Err(what) => return self.violations.push(format!("bundle: it is not sealed: {what}")),
        };
        self.fault(Fault::CaseOpened);
        let device = self.pc.device.unwrap_or(DeviceId::from_bytes([0; 16]));
        self.seals(sealed.sha256, &sealed.bundle, case, device);
        if random.percent(40) {
            let (file, consent) = self.stick(self.cases.next);
            match self.pc.export(&sealed.bundle, &file, &consent) {
                Ok(()) => self.carry(sealed.sha256, file, consent, &mut random),
                Err(what) => self.violations.push(format!("stick: it is not written: {what}")),
            }
        }
        match random.below(5) {
            0 => {
                self.fault(Fault::UploadCut);
                self.link.net().cut_after = Some(random.within(0, 6));
                self.run_until(self.world.now() + HOUR);
                self.link.net().cut_after = None;
                self.link.net().is_cut = was_cut;
            }
            1 => {
                self.fault(Fault::UploadCut);
                self.link.net().cut_after = Some(random.within(2, 8));
                self.run_until(self.world.now() + 60);
                self.pc.power_off();
                self.link.net().cut_after = None;
                self.link.net().is_cut = was_cut;
                if !self.turn_on() {
                    return;
                }
            }
            2 => {
                self.pc.set_harm(Harm::Kill(random.below(12)));
            }
            3 if self.link.net().vendor.is_some() => {
                self.fault(Fault::UploadCut);
                self.link.net().cut_after = Some(random.within(2, 8));
                self.run_until(self.world.now() + 60);
                self.link.net().cut_after = None;
                self.link.net().is_cut = was_cut;
                self.fault(Fault::VendorRestarted);
                self.vendor.down();
                if let Err(what) = self.vendor.up() {
                    self.violations.push(format!("collector: {what}"));
                }
            }
            _ => {}
        }
        self.run_until(self.world.now() + HOUR);
        self.pc.set_harm(Harm::None);
        if self.pc.is_on() || self.turn_on() {
            self.observe();
            self.observe_cases();
        }
    }

    fn case(&mut self) -> Option<CaseId> {
        self.cases.next += 1;
        format!("CASE-{}", self.cases.next).parse().ok()
    }

    fn seals(&mut self, sha256: Digest, id: &str, case: CaseId, device: DeviceId) {
        let (id, at) = (id.to_owned(), self.world.now());
        let sealed = Sealed { id, case, device, at, place: Place::Here, is_excused: false };
        self.cases.sealed.insert(sha256, sealed);
    }

    fn stick(&self, number: u32) -> (PathBuf, PathBuf) {
        let at = |ending: &str| self.root().join(format!("stick-{number}.{ending}"));
        (at("age"), at("consent"))
    }

    fn carry(&mut self, sha256: Digest, file: PathBuf, consent: PathBuf, random: &mut Random) {
        self.fault(Fault::StickTaken);
        let due = self.world.now() + i64::from(random.within(0, 40)) * DAY;
        let times = 1 + u32::from(random.percent(40));
        self.cases.sticks.push(Stick { sha256, file, consent, due, times, is_sure: true });
    }

    /// A PC that never met the vendor seals a bundle and dies: only the stick is left.
    fn stick_of_a_dead_pc(&mut self, mut random: Random) {
        let Some(case) = self.case() else { return };
        let root = self.root().join("dead");
        let (world, link) = (self.world.clone(), self.link.clone());
        let (ca, jitter) = (self.root().join("ca.pem"), Random::new(random.next()));
        let mut pc = Workstation::new(&root, world, link, &ca, &self.consent.policy, jitter);
        let (file, consent) = self.stick(self.cases.next);
        let made = pc.start().map_err(|_| "killed".to_owned()).and_then(|started| started).and_then(|()| {
            let device = pc.status().ok_or("it says nothing")?.device;
            let sealed = pc.seal(&case, 60 << 10, &mut random)?;
            pc.export(&sealed.bundle, &file, &consent)?;
            Ok((sealed, device))
        });
        pc.stop();
        drop(pc);
        let _ = fs::remove_dir_all(root);
        match made {
            Ok((sealed, device)) => {
                self.fault(Fault::StickOfDeadPc);
                self.seals(sealed.sha256, &sealed.bundle, case, device);
                self.carry(sealed.sha256, file, consent, &mut random);
            }
            Err(what) => self.violations.push(format!("stick: a dead PC wrote none: {what}")),
        }
    }

    /// In the vendor's night: the sticks that came are read, some of them twice.
    pub(crate) fn sticks_come(&mut self) {
        if self.link.net().vendor.is_none() {
            return;
        }
        let now = self.world.now();
        let (here, later) =
            std::mem::take(&mut self.cases.sticks).into_iter().partition(|stick| stick.due <= now);
        self.cases.sticks = later;
        let here: Vec<Stick> = here;
        for stick in here {
            for time in 0..stick.times {
                if time > 0 {
                    self.fault(Fault::StickTwice);
                }
                let imported = self.vendor.import(&stick.file, &stick.consent);
                let Some(sealed) = self.cases.sealed.get_mut(&stick.sha256) else { continue };
                // A case lasts thirty days at the vendor too.
                let is_late = now - sealed.at >= (LASTS - 1) * DAY;
                let is_there = matches!(sealed.place, Place::Vendor(_));
                match imported {
                    Ok(sha256) if sha256 != stick.sha256 => {
                        self.violations.push("stick: another file was taken in".to_owned());
                    }
                    Ok(_) if !is_there => sealed.place = Place::Vendor(now),
                    Ok(_) => {}
                    Err(_) if is_late || !stick.is_sure || sealed.is_excused => {}
                    Err(what) => self.violations.push(format!("stick: it is refused: {what}")),
                }
            }
            let _ = fs::remove_file(&stick.file);
            let _ = fs::remove_file(&stick.consent);
        }
        self.observe_cases();
    }

    /// Where every bundle is must follow from what happened to it.
    pub(crate) fn observe_cases(&mut self) {
        let now = self.world.now();
        if let Some(listed) = self.vendor.bundles() {
            let mut there: BTreeMap<Digest, usize> = BTreeMap::new();
            for bundle in listed {
                *there.entry(bundle.sha256).or_default() += 1;
                let Some(sealed) = self.cases.sealed.get_mut(&bundle.sha256) else {
                    self.violations.push("bundle: the vendor holds one that nobody sealed".to_owned());
                    continue;
                };
                if bundle.device != Some(sealed.device) || bundle.case.as_ref() != Some(&sealed.case) {
                    let what =
                        format!("bundle: {} is filed under {:?}", sealed.id, (bundle.device, bundle.case));
                    self.violations.push(what);
                }
                if !matches!(sealed.place, Place::Vendor(_)) {
                    sealed.place = Place::Vendor(now);
                }
            }
            for (sha256, sealed) in &mut self.cases.sealed {
                match (there.get(sha256), sealed.place) {
                    (Some(count), _) if *count > 1 => {
                        self.violations.push(format!("bundle: {} is held {count} times", sealed.id));
                    }
                    // Two years from the last contact about the case, by the shorter of the policies.
                    (None, Place::Vendor(since)) if now >= months_later(since, 24) => {
                        sealed.place = Place::Lost
                    }
                    (None, Place::Vendor(_)) => {
                        self.violations.push(format!("bundle: the vendor has lost {}", sealed.id));
                    }
                    _ => {}
                }
            }
        }
        let is_up = self.link.net().vendor.is_some();
        let Some(here) = self.pc.bundles() else { return };
        for row in &here.bundles {
            let Some(sealed) = self.cases.sealed.get(&row.sha256) else {
                self.violations.push("bundle: the workstation has one that nobody sealed".to_owned());
                continue;
            };
            if is_up && row.state == State::Sent && sealed.place == Place::Here {
                self.violations.push(format!("bundle: {} is said to be delivered, and is not", sealed.id));
            }
            if row.state == State::Failed && !sealed.is_excused {
                self.violations.push(format!("bundle: {} failed, and nothing forbids it", sealed.id));
            }
        }
        let own = self.pc.device;
        for (sha256, sealed) in &self.cases.sealed {
            let is_here = here.bundles.iter().any(|row| row.sha256 == *sha256);
            let is_live = now - sealed.at < (LASTS - 1) * DAY && !sealed.is_excused;
            if sealed.place == Place::Here && is_live && !is_here && Some(sealed.device) == own {
                self.violations.push(format!("bundle: {} is gone, and nobody took it", sealed.id));
            }
        }
    }

    /// At the end everything was sound for long enough: what may still leave has left.
    pub(crate) fn settle_cases(&mut self, since: i64) {
        let own = self.pc.device;
        let stuck = self.cases.sealed.values().filter(|sealed| {
            let is_young = sealed.at > since - (LASTS - 10) * DAY;
            sealed.place == Place::Here && is_young && !sealed.is_excused && Some(sealed.device) == own
        });
        let stuck: Vec<String> = stuck.map(|sealed| sealed.id.clone()).collect();
        for id in stuck {
            self.violations.push(format!("bundle: {id} never came"));
        }
    }
}

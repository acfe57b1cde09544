//! Many restores of older backups, at random moments of a random life: nothing that was erased is readable again, and
//! no withdrawal, restriction, revocation or retirement is forgotten. `RESTORES=200` makes it longer than the few of
//! `cargo test`; `SEED` repeats a run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use protocol::ledger::{EventKind, line_hash, write_line};
use protocol::reply::PrivacyRequest;
use protocol::rights::PrivacyKind;
use protocol::{DeviceId, Digest, Purpose, Retention, Value};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::erasure::{self, Run};
use crate::store::keystore::places::Settings;
use crate::store::place::Place;
use crate::store::requests::Ticket;
use crate::store::rules::consent;
use crate::store::testing::{Random, epoch};
use crate::store::{Put, Restricted, Standing, Store, Wanted, backup, time};

const DAY: i64 = 86_400_000_000;
const USAGE: Purpose = Purpose::UsageStatistics;
const DEVICES: usize = 4;
/// Backups that are kept; an older one than the newest may be restored.
const BACKUPS: usize = 6;

/// What is known of a device that must not come back.
#[derive(Default)]
struct Known {
    consent: Option<Digest>,
    index: u64,
    number: u64,
    /// Marks of the records that were erased, and of those that were sent.
    erased: BTreeSet<u64>,
    sent: BTreeSet<u64>,
    withdrawn: BTreeSet<Digest>,
    restricted: bool,
    ended: Option<Standing>,
}

struct Life {
    home: TempDir,
    life: u32,
    store: Option<Store>,
    now: i64,
    devices: Vec<Known>,
    backups: Vec<PathBuf>,
    made: u32,
    marks: u64,
}

fn id(device: usize) -> DeviceId {
    DeviceId::of_public_key(&[device as u8 + 1; 32])
}

impl Life {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let devices = (0..DEVICES).map(|_| Known::default()).collect();
        let mut life = Self {
            home,
            life: 0,
            store: None,
            now: 20_000 * DAY,
            devices,
            backups: Vec::new(),
            made: 0,
            marks: 0,
        };
        fs::create_dir(life.data()).unwrap();
        life.open();
        for device in 0..DEVICES {
            let token = life.store().make_token(None, life.at()).unwrap();
            life.store().enrol(&token, &[device as u8 + 1; 32], life.at(), life.at()).unwrap();
            life.answer(device, EventKind::Granted);
        }
        life
    }

    fn data(&self) -> PathBuf {
        self.home.path().join(format!("data-{}", self.life))
    }

    fn open(&mut self) {
        self.store = Some(Store::open(&self.data(), &Place::Embedded, &Settings::default()).unwrap());
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn at(&self) -> OffsetDateTime {
        time(self.now)
    }

    fn step(&mut self, random: &mut Random) {
        self.now += 1 + random.below(36) as i64 * DAY / 24;
        let device = random.index(DEVICES);
        match random.below(40) {
            0..=19 => self.put(device),
            20..=22 => self.answer(device, EventKind::Granted),
            23 => self.answer(device, EventKind::Withdrawn),
            24 => self.answer(device, EventKind::Restricted),
            25 => self.ask(device, PrivacyKind::Withdraw),
            26..=27 => self.ask(device, PrivacyKind::Erase),
            28 => self.erase(device),
            29..=31 => self.upkeep(),
            32 if random.below(4) == 0 => {
                self.store().revoke(id(device), self.at()).unwrap();
                self.devices[device].ended = Some(Standing::Revoked);
            }
            33 if random.below(4) == 0 && self.devices[device].ended.is_none() => {
                self.store().retire(id(device), "dead", self.at()).unwrap();
                self.devices[device].ended = Some(Standing::Retired);
            }
            _ => self.back_up(random),
        }
    }

    fn answer(&mut self, device: usize, kind: EventKind) {
        let known = &mut self.devices[device];
        let mut entry = test_support::entry(id(device), known.index, USAGE, None, kind);
        entry.processing.policy_sha256 = Digest::of(protocol::policy::POLICIES[1].1.as_bytes());
        entry.processing.retention = Retention::Analytics14Months;
        entry.event.until =
            (kind == EventKind::Granted).then(|| crate::store::rfc3339(time(self.now + 90 * DAY)));
        known.index += 1;
        let line = write_line(&entry, |_| vec![0; 64]).unwrap();
        let hash = line_hash(&line);
        let kept = self.store().put_consent(id(device), &line, &entry, self.at()).unwrap();
        if matches!(kept, crate::store::Kept::Now { .. }) {
            let known = &mut self.devices[device];
            match kind {
                EventKind::Granted => known.consent = Some(hash),
                EventKind::Withdrawn => known.withdrawn.extend(known.consent),
                EventKind::Restricted => known.restricted = true,
                _ => {}
            }
        }
    }

    /// A batch whose records say marks that are nowhere else.
    fn put(&mut self, device: usize) {
        let known = &mut self.devices[device];
        let Some(consent) = known.consent else { return };
        let mut batch = test_support::batch(consent, epoch(1, 0), known.number, known.number + 2);
        batch.header.retention = Retention::Analytics14Months;
        known.number += 3;
        let first = self.marks;
        for record in &mut batch.records {
            self.marks += 1;
            record.value = Value::Count(self.marks);
        }
        let body = batch.encode();
        let put = Put::new(&batch, Digest::of(&body), body).unwrap();
        let answer = self.store().put_batch(id(device), put, self.at()).block().unwrap();
        if matches!(answer.verdict, crate::store::Verdict::New(_)) {
            self.devices[device].sent.extend(first + 1..=self.marks);
        }
    }

    fn ask(&mut self, device: usize, kind: PrivacyKind) {
        self.marks += 1;
        let ticket = Ticket::of(id(device), &format!("{:032x}", self.marks)).unwrap();
        let request = serde_json::json!({
            "request_id": format!("{:032x}", self.marks), "purposes": [USAGE], "ledger_sha256": "0".repeat(64)
        });
        let request: PrivacyRequest = serde_json::from_value(request).unwrap();
        let kept = self.store().put_request(ticket, kind, &request, self.at()).unwrap();
        if kind == PrivacyKind::Withdraw && matches!(kept, crate::store::Asked::Kept(_)) {
            let known = &mut self.devices[device];
            known.withdrawn.extend(known.consent);
        }
    }

    fn erase(&mut self, device: usize) {
        erasure::erase(self.store(), id(device), &[USAGE], None, i64::MAX, self.at(), |_| Ok(())).unwrap();
        let known = &mut self.devices[device];
        known.erased.append(&mut known.sent);
    }

    /// What is gone after it was erased, for a request or by its class.
    fn upkeep(&mut self) {
        erasure::carry_out_due(self.store(), self.at(), |_| Ok(())).unwrap();
        erasure::retention(self.store(), Run::Confirmed, self.at(), |_| Ok(())).unwrap();
        let here = self.readable();
        for known in &mut self.devices {
            let gone: Vec<u64> = known.sent.iter().filter(|mark| !here.contains(mark)).copied().collect();
            known.sent.retain(|mark| here.contains(mark));
            known.erased.extend(gone);
        }
    }

    fn readable(&self) -> BTreeSet<u64> {
        let mut out = BTreeSet::new();
        let wanted = Wanted { restricted: Restricted::Included, ..Wanted::default() };
        let looked = self.store().envelopes(wanted, |stored| {
            for record in &stored.unwrap().batch.records {
                if let Value::Count(mark) = record.value {
                    out.insert(mark);
                }
            }
            Ok(())
        });
        looked.unwrap();
        out
    }

    fn back_up(&mut self, random: &mut Random) {
        self.made += 1;
        let to = self.home.path().join(format!("backup-{}", self.made));
        backup::write(self.store(), &to, self.at()).unwrap();
        if self.backups.len() == BACKUPS {
            fs::remove_dir_all(self.backups.remove(random.index(BACKUPS))).unwrap();
        }
        self.backups.push(to);
    }

    /// The machine is lost but its key store; another one goes on with an older backup.
    fn restore(&mut self, random: &mut Random) -> bool {
        if self.backups.is_empty() {
            return false;
        }
        let from = self.backups[random.index(self.backups.len())].clone();
        self.store = None;
        let (before, keys) = (self.data(), self.home.path().join("keys"));
        fs::rename(before.join("keys"), &keys).unwrap();
        fs::remove_dir_all(before).unwrap();
        self.life += 1;
        let beside = backup::Beside { keys: Some(&keys), ..backup::Beside::default() };
        backup::restore(&from, &self.data(), &Settings::default(), beside, self.at()).unwrap();
        fs::remove_dir_all(keys).unwrap();
        self.open();
        self.look(&from);
        // What the backup had not is lost with the machine.
        let here = self.readable();
        for known in &mut self.devices {
            known.sent.retain(|mark| here.contains(mark));
        }
        true
    }

    /// Nothing that was said or erased is forgotten, and nothing of it is damage.
    fn look(&self, from: &Path) {
        let (here, from) = (self.readable(), from.display());
        for (device, known) in self.devices.iter().enumerate() {
            let back = known.erased.intersection(&here).count();
            assert_eq!(back, 0, "{back} erased records of device {device} are readable after {from}");
            let lines = self.store().ledger(id(device)).unwrap();
            for consent in &known.withdrawn {
                assert!(
                    consent::allows(&lines, *consent, USAGE).is_err(),
                    "a withdrawal is forgotten after {from}"
                );
            }
            if known.restricted && !lines.is_empty() {
                assert!(self.store().hidden(id(device)).unwrap().hides(USAGE), "a restriction is forgotten");
            }
            if let Some(ended) = known.ended {
                let standing = self.store().device(id(device)).unwrap().unwrap().standing;
                assert_eq!(standing, ended, "device {device} is served again after {from}");
            }
        }
        let mut said = Vec::new();
        let findings = self.store().verify(self.at(), |finding| {
            said.push(finding.what);
            Ok(())
        });
        assert_eq!(findings.unwrap(), 0, "{said:?}");
    }
}

#[test]
fn older_backups_bring_nothing_back_that_was_erased_or_ended() {
    let mut random = Random::seeded();
    let wanted: u64 = std::env::var("RESTORES").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let (mut restores, mut erased, mut withdrawn) = (0, 0, 0);
    while restores < wanted {
        let mut life = Life::new();
        // A few restores of one life: also of a backup that was made before an earlier restore.
        for _ in 0..4 {
            for _ in 0..60 {
                life.step(&mut random);
            }
            restores += u64::from(life.restore(&mut random));
        }
        erased += life.devices.iter().map(|known| known.erased.len()).sum::<usize>();
        withdrawn += life.devices.iter().map(|known| known.withdrawn.len()).sum::<usize>();
    }
    assert!(erased > 0 && withdrawn > 0, "nothing was erased or withdrawn");
    println!("{restores} restores: {erased} records erased, {withdrawn} consents withdrawn, none came back");
}

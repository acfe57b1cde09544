//! Random operations on the store, compared with a model: batches, repetitions, ledger lines, erasures, retention, kills,
//! backups, restored backups, damaged rows. What an operation answers is compared each time; all that the store gives after
//! each start, after every tenth operation and at the end. `OPERATIONS=100000` makes it longer than `cargo test` has it.

mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use protocol::ledger::{EventKind, line_hash, write_line};
use protocol::{DeviceId, Digest, Purpose, Retention};
use tempfile::TempDir;
use time::OffsetDateTime;

use self::model::{Again, Becomes, DAY, Line, Model, Said, Seen};
use super::keystore::places::Settings;
use super::place::Place;
use super::sqlite::Kept;
use super::testing::{Random, copy, epoch, gap};
use super::{Put, Restricted, Store, Verdict, Wanted, backup, rfc3339, time};
use crate::erasure::{self, Run};

/// Operations on one store; then the next begins anew.
const STEPS: u64 = 400;
/// Numbers of one epoch: few, so that ranges meet.
const NUMBERS: u64 = 90;

#[test]
fn the_store_does_what_the_model_does() {
    let played = test_support::sequences(STEPS, STEPS, |random, steps| {
        let (mut site, mut done) = (Site::new(), BTreeMap::<&str, u64>::new());
        for _ in 0..steps {
            *done.entry(site.step(random)).or_default() += 1;
        }
        site.check();
        done
    });
    let mut done = BTreeMap::<&str, u64>::new();
    played.into_iter().flatten().for_each(|(name, times)| *done.entry(name).or_default() += times);
    println!("{done:?}");
}

struct Site {
    home: TempDir,
    /// Its data directory of now; a restored one is another.
    life: u32,
    store: Option<Store>,
    device: DeviceId,
    now: i64,
    model: Model,
    /// Batches that were sent, to be sent again.
    sent: Vec<Said>,
    /// Ledger lines by hash, likewise.
    lines: Vec<(String, protocol::ledger::Entry)>,
    backup: Option<(PathBuf, Model)>,
    /// What was done since it was made that a restored store has to do again.
    since: Vec<Again>,
    steps: u32,
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let device = DeviceId::of_public_key(&[1; 32]);
        let mut site = Self {
            home,
            life: 0,
            store: None,
            device,
            now: 20_000 * DAY,
            model: Model::default(),
            sent: Vec::new(),
            lines: Vec::new(),
            backup: None,
            since: Vec::new(),
            steps: 0,
        };
        fs::create_dir(site.data()).unwrap();
        site.open();
        let token = site.store().make_token(None, site.at()).unwrap();
        site.store().enrol(&token, &[1; 32], site.at(), site.at()).unwrap();
        site.answer(EventKind::Granted);
        site
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

    /// One operation: its name.
    fn step(&mut self, random: &mut Random) -> &'static str {
        // Now and then nobody comes for weeks: a sequence is long enough for a period of fourteen months to end.
        let hours = if random.below(20) == 0 { 24 * 30 } else { random.below(12) };
        self.now += hours as i64 * DAY / 24 + 1;
        self.steps += 1;
        let name = match random.below(200) {
            0..=99 => {
                let said = self.said(random);
                self.put(said);
                "put"
            }
            100..=139 => {
                let said = if self.sent.is_empty() { self.said(random) } else { self.again(random) };
                self.put(said);
                "put again"
            }
            140..=159 => {
                use EventKind::{Denied, Granted, Released, Restricted, Withdrawn};
                let kinds = [Granted, Granted, Granted, Denied, Withdrawn, Restricted, Released, Released];
                self.answer(kinds[random.index(kinds.len())]);
                "ledger line"
            }
            160..=164 => {
                let (line, entry) = self.lines[random.index(self.lines.len())].clone();
                if self.model.lines.iter().any(|known| known.hash == line_hash(&line)) {
                    let below = self.model.lines.iter().map(|known| known.index);
                    let below = below.filter(|index| *index < entry.header.index).max();
                    let expected = below.map_or(0, |below| below + 1);
                    let kept = self.store().put_consent(self.device, &line, &entry, self.at()).unwrap();
                    assert_eq!(kept, Kept::Before { expected });
                }
                "ledger line again"
            }
            165..=169 => {
                self.erase(self.now - random.below(900) as i64 * DAY);
                "erasure"
            }
            170..=181 => {
                self.retain();
                "retention"
            }
            182..=187 => {
                self.reopen(random.below(2) == 0);
                "kill or stop"
            }
            188..=192 => {
                self.back_up();
                "backup"
            }
            193..=195 => {
                self.restore();
                "restored backup"
            }
            _ => {
                self.damage(random);
                "damaged row"
            }
        };
        if self.steps.is_multiple_of(10) || matches!(name, "kill or stop" | "restored backup") {
            self.check();
        }
        name
    }

    /// A batch, mostly under the newest grant.
    fn said(&self, random: &mut Random) -> Said {
        let grants = self.model.lines.iter().rev().filter(|line| line.kind == EventKind::Granted);
        let newest = grants.map(|line| line.hash).next().unwrap_or(Digest::of(b"none"));
        let consent = match random.below(20) {
            0 => Digest::of(b"unknown"),
            1 | 2 if !self.model.lines.is_empty() => {
                self.model.lines[random.index(self.model.lines.len())].hash
            }
            _ => newest,
        };
        let epoch_of = |random: &mut Random| epoch(1 + random.below(3), 0);
        let lo = random.below(NUMBERS);
        let gaps = (0..random.below(3)).map(|_| {
            let lo = random.below(NUMBERS);
            let reason =
                if random.below(2) == 0 { protocol::Reason::Quota } else { protocol::Reason::Damaged };
            (epoch_of(random), lo, lo + random.below(5), reason)
        });
        let gaps = gaps.collect();
        let twist = u64::from(random.below(10) == 0);
        Said { epoch: epoch_of(random), lo, hi: lo + random.below(8), consent, twist, gaps }
    }

    fn again(&self, random: &mut Random) -> Said {
        let mut said = self.sent[random.index(self.sent.len())].clone();
        match random.below(6) {
            0 => said.twist ^= 1,
            1 => said.hi += 1,
            2 => said.gaps.clear(),
            _ => {}
        }
        said
    }

    fn put(&mut self, said: Said) {
        let mut batch = test_support::batch(said.consent, said.epoch, said.lo, said.hi);
        batch.header.retention = Retention::Analytics14Months;
        batch.records.iter_mut().for_each(|record| record.attributes[1] = said.twist);
        batch.gaps = said.gaps.iter().map(|&(epoch, lo, hi, reason)| gap(epoch, lo, hi, reason)).collect();
        let body = batch.encode();
        let put = Put::new(&batch, Digest::of(&body), body).unwrap();
        let answer = self.store().put_batch(self.device, put, self.at()).block().unwrap();
        let became = match answer.verdict {
            Verdict::Refused(refused) => Becomes::Refused(refused),
            Verdict::Conflict => Becomes::Conflict,
            Verdict::Held => Becomes::Held,
            Verdict::New(change) => {
                let numbers =
                    |&(epoch, lo, hi, reason)| (lo..=hi).map(move |number| ((epoch, number), reason));
                Becomes::New {
                    fresh: change.fresh.iter().flat_map(|&(lo, hi)| lo..=hi).collect(),
                    gaps: change.gaps.iter().flat_map(numbers).collect(),
                }
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(became, self.model.put(&said, self.now), "{said:?}");
        self.sent.push(said);
    }

    fn answer(&mut self, kind: EventKind) {
        let newest = self.lines.last().map(|(line, entry)| (entry.header.index, line_hash(line)));
        let index = newest.map_or(0, |(index, _)| index + 1);
        let mut entry = test_support::entry(self.device, index, Purpose::UsageStatistics, None, kind);
        entry.header.previous = newest.map(|(_, hash)| hash);
        entry.processing.policy_sha256 = Digest::of(protocol::policy::POLICIES[1].1.as_bytes());
        entry.processing.retention = Retention::Analytics14Months;
        let until = self.now.div_euclid(1_000_000) * 1_000_000 + 90 * DAY;
        entry.event.until = (kind == EventKind::Granted).then(|| rfc3339(time(until)));
        let line = write_line(&entry, |_| vec![0; 64]).unwrap();
        let kept = self.store().put_consent(self.device, &line, &entry, self.at()).unwrap();
        assert!(matches!(kept, Kept::Now { .. }), "{kept:?}");
        let said = Line { hash: line_hash(&line), index, kind, until };
        if kind != EventKind::Granted {
            self.since.push(Again::Line(said.clone()));
        }
        self.model.lines.push(said);
        self.lines.push((line, entry));
    }

    fn erase(&mut self, until: i64) {
        let mut count = 0;
        let purposes = [Purpose::UsageStatistics];
        erasure::erase(self.store(), self.device, &purposes, None, until, self.at(), |erased| {
            count += counted(erased);
            Ok(())
        })
        .unwrap();
        assert_eq!(count, self.model.erase(until));
        self.since.push(Again::Erase(until));
    }

    fn retain(&mut self) {
        let mut count = 0;
        erasure::retention(self.store(), Run::Confirmed, self.at(), |over| {
            count += counted(over);
            Ok(())
        })
        .unwrap();
        assert_eq!(count, self.model.retain(self.now));
        self.since.push(Again::Retain(self.now));
        // Lines end when they prove nothing any more: never while something is held, and all of them together.
        let left = self.store().ledger(self.device).unwrap().len();
        if left < self.model.lines.len() {
            assert!(left == 0 && self.model.is_empty(), "{left} of {:?} are left", self.model.lines);
            self.model.lines.clear();
        }
    }

    fn reopen(&mut self, is_killed: bool) {
        let (data, killed) = (self.data(), self.home.path().join("killed"));
        if is_killed {
            copy(&data, &killed);
        }
        self.store = None;
        if is_killed {
            fs::remove_dir_all(&data).unwrap();
            fs::rename(&killed, &data).unwrap();
        }
        self.open();
    }

    fn back_up(&mut self) {
        let to = self.home.path().join(format!("backup-{}", self.steps));
        backup::write(self.store(), &to, self.at()).unwrap();
        self.since.clear();
        if let Some((before, _)) = self.backup.replace((to, self.model.clone())) {
            fs::remove_dir_all(before).unwrap();
        }
    }

    fn restore(&mut self) {
        let Some((from, model)) = self.backup.clone() else { return };
        self.store = None;
        let keys = self.home.path().join("keys");
        fs::rename(self.data().join("keys"), &keys).unwrap();
        fs::remove_dir_all(self.data()).unwrap();
        self.life += 1;
        let beside = backup::Beside { keys: Some(&keys), ..backup::Beside::default() };
        backup::restore(&from, &self.data(), &Settings::default(), beside, self.at()).unwrap();
        fs::remove_dir_all(&keys).unwrap();
        self.model = model;
        self.since.iter().for_each(|again| self.model.again(again));
        self.open();
    }

    /// A row that the disk changed is named, everything else is given, and nothing wrong.
    fn damage(&mut self, random: &mut Random) {
        let held = self.model.held();
        let count: i64 = self
            .store()
            .read(|sql| Ok(sql.query_row("SELECT count(*) FROM envelope", (), |row| row.get(0))?))
            .unwrap();
        if count == 0 {
            return;
        }
        let nth = random.below(count as u64) as i64;
        let (place, body): (i64, Vec<u8>) = self
            .store()
            .read(|sql| {
                let statement = "SELECT place, body FROM envelope ORDER BY place LIMIT 1 OFFSET ?1";
                Ok(sql.query_row(statement, [nth], |row| Ok((row.get(0)?, row.get(1)?)))?)
            })
            .unwrap();
        let mut changed = body.clone();
        let at = random.index(changed.len());
        changed[at] ^= 1 << random.below(8);
        self.write_body(place, changed);
        let (seen, damaged) = self.seen(Restricted::Included);
        assert!(seen.is_subset(&held), "something that nobody sent is given");
        assert!(damaged == 1, "{damaged} of 1 damaged batches are named");
        assert!(self.store().verify(self.at(), |_| Ok(())).unwrap() > 0);
        self.write_body(place, body);
    }

    fn write_body(&self, place: i64, body: Vec<u8>) {
        let write = self.store().write(false, move |tx| {
            let statement = "UPDATE envelope SET body = ?2 WHERE place = ?1";
            tx.put(statement, (place, body.clone()), super::rules::sums::START)
        });
        write.unwrap();
    }

    /// What a reader gets, and how many batches it does not get because they are damaged.
    fn seen(&self, restricted: Restricted) -> (BTreeSet<Seen>, u64) {
        let (mut seen, mut damaged) = (BTreeSet::new(), 0);
        let wanted = Wanted { restricted, ..Wanted::default() };
        let looked = self.store().envelopes(wanted, |stored| {
            let Ok(stored) = stored else {
                damaged += 1;
                return Ok(());
            };
            for &(lo, hi) in &stored.fresh {
                for number in lo..=hi {
                    let record = &stored.batch.records[(number - stored.batch.lo) as usize];
                    assert_eq!(record.attributes[0], number);
                    let is_new =
                        seen.insert((stored.batch.epoch, number, record.attributes[1], stored.received));
                    assert!(is_new, "{number} is there twice");
                }
            }
            Ok(())
        });
        looked.unwrap();
        (seen, damaged)
    }

    fn check(&self) {
        assert_eq!(self.seen(Restricted::Included), (self.model.held(), 0));
        assert_eq!(self.seen(Restricted::LeftOut), (self.model.exported(), 0));
        let mut losses = BTreeMap::new();
        let looked = self.store().losses(|lost| {
            let (_, name, lo, hi, reason) = lost?;
            losses.extend((lo..=hi).map(|number| ((name.epoch, number), reason)));
            Ok(())
        });
        looked.unwrap();
        assert_eq!(losses, self.model.losses());
        let lines = self.store().ledger(self.device).unwrap();
        let known: Vec<Digest> = lines.iter().map(|line| line.hash).collect();
        assert_eq!(known, self.model.lines.iter().map(|line| line.hash).collect::<Vec<_>>());
        assert_eq!(self.store().verify(self.at(), |_| Ok(())).unwrap(), 0);
    }
}

/// Records that a report says were erased.
fn counted(report: &impl serde::Serialize) -> u64 {
    serde_json::to_value(report).unwrap()["records"].as_u64().unwrap()
}

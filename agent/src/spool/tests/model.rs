//! Seeded random sequences of every queue operation, compared with a plain map: also across kills and damaged files.
//! Numbers, gaps, cursors and the queue's head and end after each operation; every record after each start, after every
//! tenth operation and at the end. `OPERATIONS=100000` makes it longer than the few hundred of `cargo test`.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

use protocol::Reason;

use super::*;

/// Small, so that a sequence sees many generations.
const GENERATION: u64 = 700 << 10;
/// Operations on one queue; then the next begins anew.
const STEPS: u64 = 120;
/// Operations until every record is compared: opening the older segments takes most of the time.
const WHOLE: u64 = 10;

#[derive(Default)]
struct Model {
    /// The number of the next record.
    next: u64,
    waiting: BTreeMap<u64, Seen>,
    gaps: BTreeMap<u64, (Epoch, u64, Reason)>,
    cursors: BTreeMap<[u8; 16], u64>,
}

impl Model {
    fn abandon(&mut self, numbers: Range<u64>, reason: Reason) -> u64 {
        let gone: Vec<_> = self.waiting.extract_if(numbers, |_, _| true).collect();
        let count = gone.len() as u64;
        self.gaps.extend(gone.into_iter().map(|(number, (_, epoch, seq, _))| (number, (epoch, seq, reason))));
        count
    }

    /// Compares what is known without opening an older segment than the first one.
    fn check(&self, site: &Site, spool: &mut Spool<Words>) {
        assert_eq!(spool.position().number, self.next);
        assert_eq!(spool.waiting().records, self.waiting.len() as u64);
        let last = self.waiting.keys().next_back().map_or(0, |last| last.saturating_sub(40));
        for from in [0, last] {
            let page: Vec<Seen> =
                site.page(spool, from).iter().flat_map(|record| site.words(record)).collect();
            let first = page.first().map_or(self.next, |seen| seen.0);
            assert!(first >= from && (from > 0 || page.is_empty() == self.waiting.is_empty()));
            let waiting = self.waiting.range(first..).map(|(_, seen)| *seen);
            assert_eq!(page, waiting.take(page.len()).collect::<Vec<_>>());
            assert!(from > 0 || self.waiting.range(..first).next().is_none());
        }
        let gaps = spool.missing().into_iter().flat_map(|missing| {
            let (numbers, gap) = (missing.numbers, missing.gap);
            assert_eq!(numbers.end - numbers.start, gap.hi - gap.lo + 1);
            numbers.enumerate().map(move |(at, number)| (number, (gap.epoch, gap.lo + at as u64, gap.reason)))
        });
        assert_eq!(gaps.collect::<BTreeMap<_, _>>(), self.gaps);
        let cursors = spool.cursors().map(|cursor| (cursor.source, cursor.taken));
        assert_eq!(cursors.collect::<BTreeMap<_, _>>(), self.cursors);
        // A damaged generation is kept for a look.
        let kept = fs::read_dir(spool.dir.path()).into_iter().flatten().flatten();
        let is_kept =
            kept.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("quarantine"));
        assert_eq!(spool.dir.path().exists(), !self.waiting.is_empty() || is_kept);
    }
}

#[test]
fn a_queue_does_what_the_model_does() {
    let found = test_support::sequences(3 * STEPS, STEPS, run);
    let sum = |of: fn(&Recovery) -> u64| found.iter().map(of).sum::<u64>();
    println!("after damage: {} records lost, {} carved", sum(|one| one.lost), sum(|one| one.carved.into()));
}

/// So many operations on a queue of its own; what damage was found.
fn run(random: &mut Random, steps: u64) -> Recovery {
    let (mut site, mut model, mut found) = (Site::new(), Model::default(), Recovery::default());
    let (mut spool, _) = site.open(0);
    for step in 1..=steps {
        spool.generation_bytes = GENERATION;
        let mut is_whole = step % WHOLE == 0 || step == steps;
        match random.below(20) {
            0..=7 => put(random, &mut site, &mut spool, &mut model),
            8..=10 => {
                let items = if random.below(2) == 0 { site.page(&mut spool, 0) } else { items(&mut spool) };
                let taken = items.len() * random.below(5) as usize / 4;
                let settled: Vec<_> = items[..taken].iter().map(Sealed::numbers).collect();
                spool.settle(settled.clone()).unwrap();
                let is_settled = |number: &u64| settled.iter().any(|range| range.contains(number));
                model.waiting.retain(|number, _| !is_settled(number));
            }
            11 => {
                let items = items(&mut spool);
                let chosen: Vec<_> =
                    items.iter().map(Sealed::numbers).filter(|_| random.below(4) == 0).collect();
                assert_eq!(spool.abandon(chosen.clone(), Reason::Rejected), Ok(count(&chosen)));
                for range in chosen {
                    model.abandon(range, Reason::Rejected);
                }
            }
            12 => {
                let stated: Vec<_> = spool.missing().into_iter().map(|missing| missing.numbers).collect();
                spool.settle(stated).unwrap();
                model.gaps.clear();
            }
            13 => {
                let end = spool.ranges().first().map_or(0, |(_, range)| range.end);
                let dropped = spool.drop_oldest(1, Reason::Quota).unwrap();
                assert_eq!(dropped, model.abandon(0..end, Reason::Quota));
            }
            14 => {
                let sources: Vec<_> =
                    model.cursors.keys().copied().filter(|_| random.below(2) == 0).collect();
                spool.forget(&sources);
                // Durable with the next change only.
                spool.settle(None).unwrap();
                model.cursors.retain(|source, _| !sources.contains(source));
            }
            15 => site.merge(&mut spool),
            16 if random.below(10) == 0 => {
                spool.purge().unwrap();
                model = Model { next: model.next, ..Model::default() };
            }
            17 => spool.rest(),
            18 => {
                let mut late = site.seal_all(&spool, &[(vec![1], 0), (vec![2], 0)]);
                assert_eq!(spool.put(&late.split_off(1)), Err(SpoolError::Misplaced));
            }
            19 if !model.waiting.is_empty() => {
                drop(spool);
                damage(random, &site);
                let recovery;
                (spool, recovery) = site.open(step as u8);
                is_whole = true;
                // What is not found any more is lost, and each number of it is counted once as damaged.
                let left: Vec<u64> = site.all(&mut spool).iter().map(|seen| seen.0).collect();
                let lost: Vec<u64> = model
                    .waiting
                    .keys()
                    .copied()
                    .filter(|number| left.binary_search(number).is_err())
                    .collect();
                assert_eq!(recovery.lost, lost.len() as u64);
                for number in lost {
                    model.abandon(number..number + 1, Reason::Damaged);
                }
                assert!(!recovery.high_water_lost);
                found.lost += recovery.lost;
                found.carved += recovery.carved;
            }
            _ => {
                let (spool_dir, killed) = (site.home.path().join("spool"), site.home.path().join("killed"));
                // Half of the time as a kill leaves it: the files as they are while they are open.
                let kill = spool_dir.exists() && random.below(2) == 0;
                if kill {
                    copy_dir(&spool_dir, &killed);
                }
                drop(spool);
                if kill {
                    fs::remove_dir_all(&spool_dir).unwrap();
                    fs::rename(&killed, &spool_dir).unwrap();
                }
                let recovery;
                (spool, recovery) = site.open(step as u8);
                is_whole = true;
                assert_eq!(recovery, Recovery::default());
            }
        }
        model.check(&site, &mut spool);
        if is_whole {
            assert_eq!(site.all(&mut spool), model.waiting.values().copied().collect::<Vec<_>>());
        }
    }
    found
}

/// The disk changes a bit of one generation, loses a page of it, or its end.
fn damage(random: &mut Random, site: &Site) {
    let listed = fs::read_dir(site.queue()).unwrap().map(|entry| entry.unwrap());
    let is_generation = |name: &str| name.parse::<u64>().is_ok();
    let mut generations: Vec<PathBuf> = listed
        .filter(|entry| entry.file_name().to_str().is_some_and(is_generation))
        .map(|entry| entry.path())
        .collect();
    generations.sort();
    let db = generations[random.index(generations.len())].join("db");
    let bytes = fs::read(&db).unwrap();
    let at = random.index(bytes.len());
    let mut file = fs::File::options().write(true).open(&db).unwrap();
    match random.below(4) {
        0 => file.set_len(at as u64).unwrap(),
        1 => {
            file.seek(SeekFrom::Start(at as u64 / 4096 * 4096)).unwrap();
            file.write_all(&[0; 4096]).unwrap();
        }
        _ => {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[bytes[at] ^ (1 << random.below(8))]).unwrap();
        }
    }
}

fn put(random: &mut Random, site: &mut Site, spool: &mut Spool<Words>, model: &mut Model) {
    let mut position = spool.position();
    let mut sealed = Vec::new();
    for _ in 0..=random.below(30) {
        let words: Vec<u32> =
            (0..=random.below(40)).map(|_| random.below(u64::from(u32::MAX)) as u32).collect();
        let cursor = Cursor { source: [random.below(3) as u8; 16], taken: position.number };
        let records = words.len() as u64;
        sealed.push(site.seal(position, words, random.below(5000) as usize, &[cursor]));
        position.number += records;
        position.seq += records;
        model.cursors.insert(cursor.source, cursor.taken);
    }
    spool.put(&sealed).unwrap();
    let seen = sealed.iter().flat_map(|record| site.words(record));
    model.waiting.extend(seen.map(|seen| (seen.0, seen)));
    model.next = position.number;
}

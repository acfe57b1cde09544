//! Seeded random sequences of every queue operation, compared with a plain map.

use std::collections::BTreeMap;

use protocol::Reason;

use super::*;

/// Small, so that a sequence sees many generations.
const GENERATION: u64 = 700 << 10;

#[derive(Default)]
struct Model {
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

    fn check(&self, site: &Site, spool: &mut Spool<Words>) {
        assert_eq!(site.all(spool), self.waiting.values().copied().collect::<Vec<_>>());
        assert_eq!(spool.waiting().records, self.waiting.len() as u64);
        let gaps = spool.missing().into_iter().flat_map(|missing| {
            let (numbers, gap) = (missing.numbers, missing.gap);
            assert_eq!(numbers.end - numbers.start, gap.hi - gap.lo + 1);
            numbers.enumerate().map(move |(at, number)| (number, (gap.epoch, gap.lo + at as u64, gap.reason)))
        });
        assert_eq!(gaps.collect::<BTreeMap<_, _>>(), self.gaps);
        let cursors = spool.cursors().map(|cursor| (cursor.source, cursor.taken));
        assert_eq!(cursors.collect::<BTreeMap<_, _>>(), self.cursors);
        assert_eq!(spool.dir.path().exists(), !self.waiting.is_empty());
    }
}

#[test]
fn a_queue_does_what_the_model_does() {
    let mut random = Random::seeded();
    for _ in 0..3 {
        run(&mut random, 120);
    }
}

fn run(random: &mut Random, steps: u32) {
    let mut site = Site::new();
    let mut model = Model::default();
    let (mut spool, _) = site.open(0);
    for step in 0..steps {
        spool.generation_bytes = GENERATION;
        match random.below(20) {
            0..=7 => put(random, &mut site, &mut spool, &mut model),
            8..=10 => {
                let items = items(&mut spool);
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
                model = Model::default();
            }
            17 => spool.rest(),
            18 => {
                let mut late = site.seal_all(&spool, &[(vec![1], 0), (vec![2], 0)]);
                assert_eq!(spool.put(&late.split_off(1)), Err(SpoolError::Misplaced));
            }
            _ => {
                let number = spool.position().number;
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
                assert_eq!(recovery, Recovery::default());
                assert_eq!(spool.position().number, number);
            }
        }
        model.check(&site, &mut spool);
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
}

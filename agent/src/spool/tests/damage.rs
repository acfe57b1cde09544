//! Damaged files: whatever is hit, the queue opens, found plus lost equals promised, and
//! nothing settled comes back.

use std::io::{Seek, SeekFrom, Write};

use super::super::carve::carve;
use super::super::generation::Generation;
use super::*;
use crate::killpoint::{self, Point};

const ITEMS: u32 = 240;
const RECORDS: u32 = 5;
const SETTLED: u64 = 100;

/// A queue as a clean stop leaves it, and as a kill leaves it: its files while it is open.
fn queues(site: &mut Site) -> [PathBuf; 2] {
    let (mut spool, _) = site.open(1);
    site.fill(&mut spool, ITEMS, RECORDS, 4500);
    spool.settle(Some(0..SETTLED)).unwrap();
    let [clean, killed] = ["clean", "killed"].map(|name| site.home.path().join(name));
    copy_dir(&site.home.path().join("spool"), &killed);
    drop(spool);
    // Opened once more, so that sled has written its snapshot.
    drop(site.open(2));
    copy_dir(&site.home.path().join("spool"), &clean);
    [clean, killed]
}

/// Opens a damaged copy of `queue`. A start that first glances at it comes to the same.
fn recovery_after(site: &Site, queue: &Path, damage: impl FnOnce(&Path)) -> Recovery {
    let [copy, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    copy_dir(queue, copy.path());
    let usage = copy.path().join("usage");
    damage(&usage.join("0"));
    copy_dir(copy.path(), other.path());
    let (mut spool, mut glanced) = site.glance_at(&other.path().join("usage"), 3).unwrap();
    if spool.is_seen() {
        assert_eq!(glanced, Recovery::default());
        glanced = site.recover(&mut spool);
        assert_eq!(glanced.lost, 0, "all of it was seen");
    }
    check(site, &mut spool, glanced.lost);
    drop(spool);

    let (mut spool, recovery) = site.open_at(&usage, 3).unwrap();
    assert_eq!(glanced, recovery);
    check(site, &mut spool, recovery.lost);
    drop(spool);

    let (mut spool, again) = site.open_at(&usage, 4).unwrap();
    assert_eq!(again, Recovery::default(), "the second start finds nothing more to repair");
    check(site, &mut spool, recovery.lost);
    recovery
}

fn check(site: &Site, spool: &mut Spool<Words>, lost: u64) {
    let found = site.all(spool);
    let promised = u64::from(ITEMS * RECORDS) - SETTLED;
    assert_eq!(found.len() as u64 + lost, promised);
    assert_eq!(spool.waiting().records + lost, promised);
    let stated: u64 = spool.missing().iter().map(|missing| missing.gap.hi - missing.gap.lo + 1).sum();
    assert_eq!(stated, lost);
    for (number, epoch, seq, word) in found {
        assert!(number >= SETTLED, "a settled record came back");
        assert_eq!((epoch.counter, seq, u64::from(word)), (1, number, number));
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_flipped_bit_costs_at_most_the_record_it_hits() {
    let mut random = Random::seeded();
    let mut site = Site::new();
    let mut carved = 0;
    for queue in queues(&mut site) {
        for _ in 0..12 {
            let recovery = recovery_after(&site, &queue, |generation| {
                let db = generation.join("db");
                let at = random.below(length(&db));
                let byte = fs::read(&db).unwrap()[at as usize];
                overwrite(&db, at, &[byte ^ (1 << random.below(8))]);
            });
            assert!(recovery.lost <= u64::from(RECORDS), "{} lost to one bit", recovery.lost);
            carved += recovery.carved;
        }
    }
    assert!(carved > 0, "sled alone would have been enough: the damage proves nothing");
}

#[test]
fn a_zeroed_page_costs_at_most_the_records_it_hits() {
    let mut random = Random::seeded();
    let mut site = Site::new();
    for queue in queues(&mut site) {
        for _ in 0..8 {
            let recovery = recovery_after(&site, &queue, |generation| {
                let db = generation.join("db");
                overwrite(&db, random.below(length(&db) / 4096) * 4096, &[0; 4096]);
            });
            assert!(recovery.lost <= 2 * u64::from(RECORDS), "{} lost to one page", recovery.lost);
        }
    }
}

#[test]
fn a_truncated_file_costs_what_was_cut_off() {
    let mut random = Random::seeded();
    let mut site = Site::new();
    for queue in queues(&mut site) {
        let db = queue.join("usage").join("0").join("db");
        let cuts = [0, 1, 4096, length(&db) - 1, length(&db) - 2000];
        for cut in cuts.into_iter().chain((0..4).map(|_| random.below(length(&db)))) {
            recovery_after(&site, &queue, |generation| {
                fs::File::options().write(true).open(generation.join("db")).unwrap().set_len(cut).unwrap();
            });
        }
    }
}

#[test]
fn damage_beside_the_records_costs_none() {
    let mut random = Random::seeded();
    let mut site = Site::new();
    for queue in queues(&mut site) {
        for entry in fs::read_dir(queue.join("usage").join("0")).unwrap() {
            let name = entry.unwrap().file_name();
            if name == "db" || name == "blobs" {
                continue;
            }
            for damage in 0..3 {
                let recovery = recovery_after(&site, &queue, |generation| {
                    let path = generation.join(&name);
                    match damage {
                        0 => fs::remove_file(&path).unwrap(),
                        1 => fs::write(&path, b"").unwrap(),
                        _ => overwrite(&path, random.below(length(&path)), b"\xff\x00\xff"),
                    }
                });
                assert_eq!(recovery.lost, 0, "{name:?}");
            }
        }
    }
}

#[test]
fn whatever_is_damaged_the_queue_opens_and_returns_nothing_wrong() {
    let mut random = Random::seeded();
    let mut site = Site::new();
    for queue in queues(&mut site) {
        for _ in 0..12 {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(&queue, copy.path());
            let mut files = files_below(copy.path());
            for _ in 0..=random.below(4) {
                let path = files.swap_remove(random.below(files.len() as u64) as usize);
                let at = random.below(length(&path).max(1));
                match random.below(4) {
                    0 => fs::remove_file(&path).unwrap(),
                    1 => fs::File::options().write(true).open(&path).unwrap().set_len(at).unwrap(),
                    2 => overwrite(&path, at, &[0; 4096]),
                    _ => overwrite(&path, at, &random.below(u64::MAX).to_le_bytes()),
                }
            }
            let usage = copy.path().join("usage");
            let (mut spool, _) = site.open_at(&usage, 3).unwrap();
            for (number, epoch, seq, word) in site.all(&mut spool) {
                assert_eq!((epoch.counter, seq, u64::from(word)), (1, number, number));
            }
            site.fill(&mut spool, 1, 1, 0);
            let before = site.all(&mut spool);
            drop(spool);
            let (mut spool, again) = site.open_at(&usage, 4).unwrap();
            assert_eq!(again, Recovery::default());
            assert_eq!(site.all(&mut spool), before);
        }
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let (dirs, mut files): (Vec<_>, Vec<_>) =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
    files.extend(dirs.iter().flat_map(|dir| files_below(dir)));
    files
}

/// Why the first look is taken on a copy: without it this is what would be left to carve.
#[test]
fn sled_overwrites_what_it_cannot_read() {
    let mut site = Site::new();
    let [_, killed] = queues(&mut site);
    let generation = killed.join("usage").join("0");
    let overwrites = |part: u64| {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(&generation, copy.path());
        let db = copy.path().join("db");
        overwrite(&db, part * length(&db) / 16 / 4096 * 4096, &[0; 4096]);
        let before = carved(copy.path());
        drop(Generation::open(copy.path()));
        carved(copy.path()) < before
    };
    assert!((1..16).any(overwrites));
}

/// How many numbers are found in the raw files.
fn carved(generation: &Path) -> usize {
    let mut found = std::collections::BTreeSet::new();
    let mut note = |record: Sealed<Words>| {
        found.insert(record.position().number);
        Ok(())
    };
    carve(generation, &mut note).unwrap();
    found.len()
}

#[test]
fn damage_that_is_met_while_reading_is_repaired_in_the_same_process() {
    let (mut site, mut spool) = Site::filled(ITEMS, RECORDS, 4500);
    spool.settle(Some(0..SETTLED)).unwrap();
    drop(spool);
    let (mut spool, _) = site.open(1);
    // Read from disk: nothing of it is in sled's cache yet.
    let first = spool.oldest(0, 1, 1).unwrap();
    assert_eq!(first.len(), 1);
    let db = site.queue().join("0").join("db");
    for page in (5..length(&db) / 4096).step_by(9) {
        overwrite(&db, page * 4096, &[0; 4096]);
    }

    assert_eq!(spool.oldest(0, usize::MAX, usize::MAX).err(), Some(SpoolError::Damaged));
    assert_eq!(spool.oldest(0, 1, 1).err(), Some(SpoolError::Unsettled));
    let lost = site.recover(&mut spool).lost;
    assert!(lost > 0);
    let found = site.all(&mut spool);
    assert_eq!(found.len() as u64 + lost, u64::from(ITEMS * RECORDS) - SETTLED);
    site.fill(&mut spool, 1, 1, 0);
}

#[test]
fn what_was_written_anew_a_moment_ago_is_not_given_up() {
    let mut site = Site::new();
    let [clean, _] = queues(&mut site);
    let usage = clean.join("usage");
    // A disk that reads no copy right; what is carved lies elsewhere.
    killpoint::watch(Some(Box::new(|point| {
        if let Point::Read(path) = point
            && path.extension().is_some_and(|end| end == "tmp")
            && path.join("db").exists()
        {
            fs::write(path.join("conf"), [0; 62])?;
        }
        Ok(())
    })));
    let opened = site.open_at(&usage, 3);
    killpoint::watch(None);
    assert_eq!(opened.err(), Some(SpoolError::NotNow));
    let (mut spool, recovery) = site.open_at(&usage, 4).unwrap();
    assert_eq!(recovery.lost, 0);
    check(&site, &mut spool, 0);
}

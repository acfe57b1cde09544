//! The life of a queue: what is on disk when, and what a crash between two steps leaves.

use protocol::Reason;

use super::*;
use crate::limits;

#[test]
fn a_queue_that_never_held_anything_leaves_no_trace() {
    let site = Site::new();
    let (mut spool, recovery) = site.open(1);
    assert_eq!(recovery, Recovery::default());
    assert!(spool.oldest(0, 1, 1).unwrap().is_empty());
    spool.settle(Some(0..10)).unwrap();
    spool.purge().unwrap();
    drop(spool);
    assert!(!site.home.path().join("spool").exists());
}

#[test]
fn an_empty_queue_keeps_its_numbering_only() {
    let (site, mut spool) = Site::filled(3, 5, 0);
    assert_eq!(
        spool.position(),
        Position { number: 15, epoch: Epoch { counter: 1, random: [1; 8] }, seq: 15 }
    );
    assert!(site.queue().exists());
    spool.settle(Some(0..15)).unwrap();
    assert!(!site.queue().exists());
    drop(spool);
    let (spool, _) = site.open(2);
    assert_eq!(
        spool.position(),
        Position { number: 15, epoch: Epoch { counter: 2, random: [2; 8] }, seq: 0 }
    );
    assert_eq!(spool.waiting().records, 0);
}

#[test]
fn an_epoch_without_records_takes_no_counter() {
    let mut site = Site::new();
    for random in 0..3 {
        assert_eq!(site.open(random).0.position().epoch.counter, 1);
    }
    let (mut spool, _) = site.open(3);
    site.fill(&mut spool, 1, 1, 0);
    drop(spool);
    assert_eq!(site.open(4).0.position().epoch.counter, 2);
}

#[test]
fn a_record_that_is_too_large_is_refused_and_nothing_is_done() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    let large = site.seal_all(&spool, &[(vec![1], limits::SEALED)]);
    assert_eq!(spool.put(&large), Err(SpoolError::TooLarge));
    assert!(!site.queue().exists());
    let largest = limits::SEALED - 82 - 8 - 4;
    let fits = site.seal_all(&spool, &[(vec![1], largest)]);
    assert_eq!(fits[0].as_bytes().len(), limits::SEALED);
    spool.put(&fits).unwrap();
}

#[test]
fn a_second_process_is_refused_and_harms_nothing() {
    let (site, mut spool) = Site::filled(3, 5, 0);
    assert_eq!(site.open_at(&site.queue(), 2).err(), Some(SpoolError::Locked));
    assert_eq!(site.all(&mut spool).len(), 15);
}

#[test]
fn a_record_written_but_not_promised_is_promised_at_the_next_start() {
    let (mut site, mut spool) = Site::filled(1, 5, 0);
    let before = slots(&site);
    let cursor = Cursor { source: [7; 16], taken: 3 };
    let position = spool.position();
    let late = site.seal(position, vec![9; 5], 0, &[cursor]);
    spool.put(&[late]).unwrap();
    drop(spool);
    // The crash came between sled and the high-water file.
    before.into_iter().for_each(|(slot, bytes)| restore(&slot, bytes));

    let (mut spool, recovery) = site.open(2);
    assert_eq!(recovery, Recovery::default());
    assert_eq!(site.all(&mut spool).len(), 10);
    assert_eq!(spool.cursor(&[7; 16]), Some(3));
    assert_eq!(spool.position().number, 10);
}

#[test]
fn a_record_settled_but_still_in_sled_does_not_come_back() {
    let (site, mut spool) = Site::filled(10, 5, 0);
    spool.settle([0..15, 20..25]).unwrap();
    drop(spool);
    let (mut spool, _) = site.open(2);
    let numbers: Vec<u64> = site.all(&mut spool).iter().map(|seen| seen.0).collect();
    assert_eq!(numbers, (15..20).chain(25..50).collect::<Vec<_>>());
    assert_eq!(spool.waiting(), super::super::Waiting { records: 30, bytes: spool.waiting().bytes });
}

#[test]
fn a_torn_slot_costs_nothing_but_its_own_turn() {
    let (site, spool) = Site::filled(40, 5, 0);
    drop(spool);
    for torn in ["a", "b"] {
        let copy = site.home.path().join(torn).join("usage");
        copy_dir(&site.home.path().join("spool"), copy.parent().unwrap());
        let slot = copy.with_extension(torn);
        let length = fs::metadata(&slot).unwrap().len();
        fs::File::options().write(true).open(&slot).unwrap().set_len(length / 2).unwrap();
        fs::write(&slot, &fs::read(&slot).unwrap()[..20]).unwrap();
        let (mut spool, recovery) = site.open_at(&copy, 2).unwrap();
        assert_eq!(recovery, Recovery::default());
        assert_eq!(site.all(&mut spool).len(), 200);
    }
}

#[test]
fn without_a_high_water_file_everything_that_verifies_comes_back() {
    let (site, mut spool) = Site::filled(10, 5, 0);
    spool.settle(Some(0..15)).unwrap();
    let epoch = spool.position().epoch;
    drop(spool);
    slots(&site).into_iter().for_each(|(slot, _)| drop(fs::remove_file(slot)));
    let (mut spool, recovery) = site.open(2);
    assert_eq!(recovery, Recovery { high_water_lost: true, ..Recovery::default() });
    assert_eq!(site.all(&mut spool).len(), 50);
    assert!(spool.position().epoch.counter > epoch.counter);
    assert_eq!(spool.position().number, 50);
}

#[test]
fn a_removed_directory_is_a_loss_that_is_counted_exactly() {
    let (site, mut spool) = Site::filled(10, 5, 0);
    spool.settle(Some(0..15)).unwrap();
    let epoch = spool.position().epoch;
    drop(spool);
    fs::remove_dir_all(site.queue()).unwrap();

    let (spool, recovery) = site.open(2);
    assert_eq!(recovery.lost, 35);
    let [missing] = &spool.missing()[..] else { panic!("one gap") };
    assert_eq!((missing.gap.epoch, missing.gap.lo, missing.gap.hi), (epoch, 15, 49));
    assert_eq!((missing.numbers.clone(), missing.gap.reason), (15..50, Reason::Damaged));
    drop(spool);

    // The gap is stated until it is settled, the loss is reported once.
    let (mut spool, recovery) = site.open(3);
    assert_eq!((recovery.lost, spool.missing().len()), (0, 1));
    spool.settle(Some(15..50)).unwrap();
    assert!(spool.missing().is_empty());
    drop(spool);
    assert!(site.open(4).0.missing().is_empty());
}

#[test]
fn an_older_copy_is_counted_as_a_loss_and_brings_nothing_settled_back() {
    let (mut site, spool) = Site::filled(10, 5, 0);
    drop(spool);
    let copy = site.home.path().join("copy");
    copy_dir(&site.queue(), &copy);
    let (mut spool, _) = site.open(2);
    site.fill(&mut spool, 10, 5, 0);
    spool.settle(Some(0..25)).unwrap();
    drop(spool);
    fs::remove_dir_all(site.queue()).unwrap();
    fs::rename(&copy, site.queue()).unwrap();

    let (mut spool, recovery) = site.open(3);
    assert_eq!(recovery.lost, 50);
    let numbers: Vec<u64> = site.all(&mut spool).iter().map(|seen| seen.0).collect();
    assert_eq!(numbers, (25..50).collect::<Vec<_>>());
}

#[test]
fn a_crash_while_a_generation_is_replaced_leaves_one_of_them_whole() {
    let (site, spool) = Site::filled(10, 5, 0);
    drop(spool);
    let queue = site.queue();
    let (whole, tmp, done) = (queue.join("0"), queue.join("0.tmp"), queue.join("0.done"));

    copy_dir(&whole, &tmp);
    fs::remove_file(tmp.join("db")).unwrap();
    assert_eq!(site.open(2).1, Recovery::default());
    assert!(!tmp.exists());

    copy_dir(&whole, &done);
    fs::remove_file(whole.join("db")).unwrap();
    assert_eq!(site.open(3).1, Recovery::default());
    assert!(!done.exists());

    fs::rename(&whole, &done).unwrap();
    assert_eq!(site.open(4).1, Recovery::default());

    // Condemned by a process that could not go on: carved at the next start, and nothing is lost.
    fs::rename(&whole, queue.join("0.bad")).unwrap();
    let (mut spool, recovery) = site.open(5);
    assert_eq!(recovery, Recovery { carved: 1, ..Recovery::default() });
    assert_eq!(site.all(&mut spool).len(), 50);
}

#[test]
fn merging_makes_few_records_of_many() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    spool.generation_bytes = 600 << 10;
    site.fill(&mut spool, 3000, 3, 0);
    assert!(spool.generations.len() > 1, "small records fill a generation");
    spool.settle(Some(0..30)).unwrap();
    let (before, disk) = (site.all(&mut spool), spool.disk_bytes().unwrap());
    assert!(spool.wants_merge());
    while spool.wants_merge() {
        site.merge(&mut spool);
    }
    assert_eq!(site.all(&mut spool), before);
    assert!(spool.disk_bytes().unwrap() < disk);
    drop(spool);
    let (mut spool, recovery) = site.open(2);
    assert_eq!(recovery, Recovery::default());
    assert_eq!(site.all(&mut spool), before);
}

#[test]
fn what_was_merged_is_not_merged_again_after_a_restart_and_takes_nothing_more() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    spool.generation_bytes = 600 << 10;
    // The merge joins nothing: what is small stays small.
    site.fill(&mut spool, 3000, 3, 0);
    while spool.wants_merge() {
        spool
            .merge(|page| page.iter().map(|record| Sealed::from_bytes(record.as_bytes()).unwrap()).collect())
            .unwrap();
    }
    let before = site.all(&mut spool);
    drop(spool);
    let (mut spool, _) = site.open(2);
    assert!(!spool.wants_merge(), "the mark outlives the process");
    assert_eq!(site.all(&mut spool), before);

    // Everything newer is gone: the merged generation is the last one, and still a new one begins.
    let merged = *spool.generations.first_key_value().unwrap().0;
    let newer = spool.ranges()[0].1.end..u64::MAX;
    spool.settle(Some(newer)).unwrap();
    assert_eq!(spool.generations.len(), 1);
    site.fill(&mut spool, 1, 1, 0);
    assert!(spool.generations.len() == 2 && spool.newest() > merged, "{:?}", spool.generations);
}

#[test]
fn an_older_generation_that_is_open_becomes_the_last_one_and_is_written_to() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    spool.generation_bytes = 600 << 10;
    site.fill(&mut spool, 3000, 3, 0);
    let first = spool.ranges()[0].1.clone();
    assert!(first.end < u64::MAX && !spool.oldest(0, 1, 1).unwrap().is_empty(), "it is open");
    spool.settle(Some(first.end..u64::MAX)).unwrap();
    site.fill(&mut spool, 1, 1, 0);
    assert_eq!(spool.waiting().records, first.end + 1);
}

#[test]
fn records_that_hold_as_many_as_fit_are_not_small_whatever_their_bytes() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    spool.generation_bytes = 600 << 10;
    // Two bytes each, as events that resemble each other take after compression.
    site.fill(&mut spool, 900, 600, 0);
    assert!(spool.generations.len() > 1 && spool.generations.values().all(|content| !content.is_small()));
    assert!(!spool.wants_merge());
}

#[test]
fn a_merge_that_does_not_say_the_same_is_not_taken() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    spool.generation_bytes = 600 << 10;
    site.fill(&mut spool, 3000, 3, 0);
    let before = site.all(&mut spool);
    while spool.wants_merge() {
        spool.merge(|_| Vec::new()).unwrap();
    }
    assert_eq!(site.all(&mut spool), before);
}

fn slots(site: &Site) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let slot = |ending| site.queue().with_extension(ending);
    [slot("a"), slot("b")].into_iter().map(|slot| (slot.clone(), fs::read(slot).ok())).collect()
}

fn restore(slot: &Path, bytes: Option<Vec<u8>>) {
    match bytes {
        Some(bytes) => fs::write(slot, bytes).unwrap(),
        None => fs::remove_file(slot).unwrap_or_default(),
    }
}

//! A glance: what waits is counted without sled, and anything but a clean end gets the whole look.

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::killpoint::{self, Point};

/// What a glance comes to, and how often sled opened something for it.
fn glanced(site: &Site) -> (Spool<Words>, Recovery, u32) {
    let ((spool, recovery), opened) = killpoint::openings(|| site.glance_at(&site.queue(), 9).unwrap());
    (spool, recovery, opened)
}

#[test]
fn what_waits_is_counted_without_sled_and_read_after_a_whole_look() {
    let mut site = Site::new();
    let (mut spool, _) = site.open(1);
    spool.generation_bytes = 600 << 10;
    site.fill(&mut spool, 3000, 3, 0);
    spool.settle(Some(0..30)).unwrap();
    spool.abandon(Some(50..60), protocol::Reason::Quota).unwrap();
    assert!(spool.generations.len() > 1);
    let (waiting, missing, held) = (spool.waiting(), spool.missing(), site.all(&mut spool));
    drop(spool);

    let (mut seen, recovery, opened) = glanced(&site);
    assert_eq!((seen.waiting(), seen.missing(), recovery), (waiting, missing, Recovery::default()));
    assert!(seen.is_seen() && !seen.is_doubtful() && opened == 0, "{opened} opened");
    assert_eq!(seen.oldest(0, 1, 1).err(), Some(SpoolError::Unsettled));
    let sealed = site.seal_all(&seen, &[(vec![1], 0)]);
    assert_eq!(seen.put(&sealed).err(), Some(SpoolError::Unsettled));
    assert!(seen.is_seen(), "a refusal leaves nothing in doubt");

    assert_eq!(site.recover(&mut seen), Recovery::default());
    assert_eq!(site.all(&mut seen), held);
    site.fill(&mut seen, 1, 1, 0);
}

#[test]
fn an_empty_queue_is_ready_at_once() {
    let mut site = Site::new();
    let (mut spool, recovery, _) = glanced(&site);
    assert_eq!((recovery, spool.waiting().records), (Recovery::default(), 0));
    site.fill(&mut spool, 1, 1, 0);
    assert_eq!(site.all(&mut spool).len(), 1);
}

#[test]
fn what_was_written_and_not_promised_gets_the_whole_look() {
    let (mut site, mut spool) = Site::filled(30, 5, 0);
    let slots = ["usage.a", "usage.b"].map(|name| site.queue().with_file_name(name));
    let before = slots.each_ref().map(|slot| fs::read(slot).unwrap());
    site.fill(&mut spool, 1, 5, 0);
    drop(spool);
    slots.iter().zip(before).for_each(|(slot, bytes)| fs::write(slot, bytes).unwrap());

    let (mut spool, recovery, opened) = glanced(&site);
    assert!(!spool.is_seen() && opened > 0 && recovery == Recovery::default());
    assert_eq!(site.all(&mut spool).len(), 155, "it is promised now");
}

#[test]
fn a_record_that_does_not_verify_gets_the_whole_look() {
    let (site, spool) = Site::filled(10, 5, 0);
    drop(spool);
    let wrong = Spool::<Words>::glance(&site.queue(), [9; 8], &|_| false).unwrap().0;
    assert!(!wrong.is_seen());
    drop(wrong);
    assert!(glanced(&site).0.is_seen());
}

#[test]
fn a_glance_at_a_generation_without_its_file_gets_the_whole_look() {
    let (site, spool) = Site::filled(10, 5, 0);
    drop(spool);
    fs::remove_file(site.queue().join("0/db")).unwrap();
    let (mut spool, recovery, _) = glanced(&site);
    assert_eq!((recovery.lost, recovery.carved), (50, 1));
    assert_eq!((spool.waiting().records, site.all(&mut spool).len()), (0, 0));
}

#[test]
fn whichever_read_fails_a_glance_says_what_waits_or_nothing() {
    let (site, spool) = Site::filled(10, 5, 0);
    let waiting = spool.waiting();
    drop(spool);
    let (mut seen, mut failed) = (0, 0);
    for nth in 0.. {
        let left = Rc::new(Cell::new(nth));
        let count = Rc::clone(&left);
        killpoint::watch(Some(Box::new(move |point| {
            if !matches!(point, Point::Read(_)) {
                return Ok(());
            }
            count.set(count.get() - 1);
            if count.get() == -1 { Err(std::io::Error::from_raw_os_error(5)) } else { Ok(()) }
        })));
        let outcome = site.glance_at(&site.queue(), 9);
        killpoint::watch(None);
        match outcome {
            Ok((spool, recovery)) => {
                assert_eq!((spool.waiting(), recovery.lost), (waiting, 0), "read {nth}");
                seen += 1;
            }
            Err(error) => {
                assert!(matches!(error, SpoolError::Io(_) | SpoolError::NotNow), "read {nth}: {error:?}");
                failed += 1;
            }
        }
        if left.get() >= 0 {
            break;
        }
    }
    assert!(failed > 3 && seen > 0, "{seen} looks say what waits, {failed} say nothing");
}

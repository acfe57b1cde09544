//! The store: its size, its bounds, its key, and that nothing counts twice.

use std::fs;

use super::figures::{FIGURES, Fold};
use super::shown::History;
use super::*;
use crate::killpoint;
use crate::vault::{Protector, Vault};

/// 2026-11-29.
const NOW: i64 = 1_795_910_400;
const DAY: i64 = 86_400;

fn vault(dir: &std::path::Path) -> Vault {
    Vault::open(dir, &Protector::File, NOW).unwrap().0
}

/// Every figure on every day of 24 months, with large values.
fn full() -> Days {
    let mut days = Days::default();
    let last = (NOW / DAY) as u32;
    for day in last - 729..=last {
        for (number, figure) in FIGURES.iter().enumerate() {
            let value = if figure.fold == Fold::Kinds { 1 << (day % 6) } else { 49_999 };
            (0..40).for_each(|_| days.add(number, day, value));
        }
    }
    days
}

#[test]
fn two_years_of_every_figure_are_far_below_two_mebibytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = vault(dir.path());
    let (mut store, _) = Store::open(dir.path(), &mut keys).unwrap();
    store.switch(Kept::On(NOW - 730 * DAY));
    store.add(full(), std::iter::empty());
    store.save(&mut keys, NOW).unwrap();
    let size = fs::metadata(dir.path().join(FILES[0])).unwrap().len();
    println!("24 months of every figure on every day: {size} bytes");
    assert!(size < 200_000, "{size}");
    let (again, is_lost) = Store::open(dir.path(), &mut keys).unwrap();
    assert!(!is_lost && again.since() == store.since() && again.days() == store.days());
    let shown = History::of(Kept::On(0), again.days());
    assert_eq!(shown.figures.len(), FIGURES.len());
    assert_eq!(shown.series("exposures_cbct").unwrap().values.len(), 730);
    assert_eq!(shown.series("dap_cbct").unwrap().values.len(), 25);
    assert!(!format!("{again:?}").contains("49999"));
}

#[test]
fn what_is_older_than_two_years_goes_by_a_clock_that_may_decide() {
    let mut days = full();
    assert!(!days.bound(NOW + 10 * 365 * DAY, false), "a leap of the clock deletes nothing");
    assert!(days.bound(NOW + 61 * DAY, true));
    let first = days.values(0).first().cloned().unwrap();
    assert_eq!(first.0, "2025-01-01");
    for day in 0..5_000 {
        days.add(0, day, 1);
    }
    assert!(days.bound(NOW, false), "whatever the clock says it is bounded");
    assert_eq!(days.values(0).len(), crate::limits::HISTORY_DAYS);
}

#[test]
fn a_calibration_counts_once_however_often_it_is_reported() {
    let mut days = Days::default();
    for day in [100, 101, 100, 99, 100] {
        days.add(11, day, 1);
    }
    days.add(11, 100, 4);
    days.add(11, 130, 1);
    let counts: Vec<f64> = days.values(11).into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts.iter().sum::<f64>(), 3.0, "{counts:?}");
}

#[test]
fn what_does_not_open_is_set_aside_and_another_begins() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = vault(dir.path());
    let (mut store, _) = Store::open(dir.path(), &mut keys).unwrap();
    store.switch(Kept::On(NOW));
    store.save(&mut keys, NOW).unwrap();
    let path = dir.path().join(FILES[0]);
    let whole = fs::read(&path).unwrap();
    for at in [0, 6, 14, whole.len() - 1] {
        let mut harmed = whole.clone();
        harmed[at] ^= 1;
        fs::write(&path, &harmed).unwrap();
        let (store, is_lost) = Store::open(dir.path(), &mut keys).unwrap();
        assert!(is_lost && store.since().is_none(), "byte {at}");
        assert_eq!(fs::read(dir.path().join(FILES[1])).unwrap(), harmed);
    }
    fs::write(dir.path().join(FILES[1]), &whole).unwrap();
    fs::remove_file(&path).unwrap_or_default();
    assert_eq!(Store::open(dir.path(), &mut keys).unwrap().0.since(), Some(NOW));
    // A month later the key is another, and the earlier one is gone.
    let (mut store, _) = Store::open(dir.path(), &mut keys).unwrap();
    store.switch(Kept::Off);
    store.save(&mut keys, NOW + 31 * DAY).unwrap();
    assert_eq!(keys.compartments().filter(|name| *name == COMPARTMENT).count(), 1);
    assert_eq!(store.erase(&mut keys).unwrap(), 1);
    assert!(Store::open(dir.path(), &mut keys).unwrap().0.days().is_empty());
}

#[test]
fn what_cannot_be_read_now_is_not_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = vault(dir.path());
    fs::create_dir(dir.path().join(FILES[0])).unwrap();
    assert!(Store::open(dir.path(), &mut keys).is_err());
    assert!(dir.path().join(FILES[0]).is_dir());
}

#[test]
fn an_erasure_that_is_cut_short_is_finished_and_no_loss() {
    for cut in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let mut keys = vault(dir.path());
        let (mut store, _) = Store::open(dir.path(), &mut keys).unwrap();
        store.switch(Kept::On(NOW));
        store.save(&mut keys, NOW).unwrap();
        let is_cut = killpoint::cut(cut, || {
            store.erase(&mut keys).unwrap();
        });
        let (mut keys, losses) = Vault::open(dir.path(), &Protector::File, NOW).unwrap();
        assert_eq!(losses, [], "step {cut}");
        let (store, is_lost) = Store::open(dir.path(), &mut keys).unwrap();
        assert!(!is_lost && store.since().is_none(), "step {cut}");
        assert_eq!((keys.compartments().count(), keys.set_aside().len()), (0, 0), "step {cut}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "step {cut}: the keys' directory alone");
        if !is_cut {
            assert!(cut > 3, "{cut} steps");
            break;
        }
    }
}

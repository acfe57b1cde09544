//! The log alone: what was appended is found behind a position, whatever a cut left of it.

use std::fs;

use protocol::Digest;

use super::Entry;
use super::log::{Log, Position};

fn entry(n: u8) -> Entry {
    Entry::Bundle { sha256: Digest::of(&[n]) }
}

fn behind(log: &Log, position: Option<&Position>) -> (Vec<Entry>, bool) {
    let behind = log.behind(position).unwrap();
    (behind.entries.into_iter().map(|(entry, _)| entry).collect(), behind.is_short)
}

#[test]
fn what_is_behind_a_position_is_what_came_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path().join("log"));
    assert_eq!(behind(&log, None), (vec![], false));
    let positions: Vec<Position> = (0..3).map(|n| log.append(0, &entry(n)).unwrap().unwrap()).collect();
    assert_eq!(behind(&log, None), (vec![entry(0), entry(1), entry(2)], false));
    assert_eq!(behind(&log, Some(&positions[0])), (vec![entry(1), entry(2)], false));
    assert_eq!(behind(&log, Some(&positions[2])), (vec![], false));
    let text = positions[1].to_string();
    assert_eq!(behind(&log, Position::read(&text).as_ref()), (vec![entry(2)], false));
    log.replay(true);
    assert_eq!(log.append(0, &entry(9)).unwrap(), None);
    log.replay(false);
    assert_eq!(behind(&log, Some(&positions[1])), (vec![entry(2)], false));
    // Another log, or one that was put back from before: everything is done again, and it is said.
    let another = Log::new(dir.path().join("another"));
    another.append(0, &entry(7)).unwrap();
    assert_eq!(behind(&another, Some(&positions[1])), (vec![entry(7)], true));
    assert_eq!(behind(&Log::new(dir.path().join("none")), Some(&positions[1])), (vec![], true));
}

#[test]
fn a_cut_costs_the_entry_that_was_never_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::new(path.clone());
    let first = log.append(0, &entry(0)).unwrap().unwrap();
    let whole = fs::read(&path).unwrap();
    log.append(0, &entry(1)).unwrap();
    let two = fs::read(&path).unwrap();
    for cut in whole.len()..two.len() {
        fs::write(&path, &two[..cut]).unwrap();
        assert_eq!(behind(&log, None), (vec![entry(0)], false));
        assert!(!log.behind(Some(&first)).unwrap().is_short);
        log.append(0, &entry(2)).unwrap();
        assert_eq!(behind(&log, None), (vec![entry(0), entry(2)], false));
    }
    fs::write(&path, [&two[..whole.len()], b"{\"what\":\"other\"}\n"].concat()).unwrap();
    assert!(log.behind(None).err().unwrap().to_string().contains("put the log back"));
}

#[test]
fn what_is_too_old_is_removed_and_the_positions_stay_good() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(dir.path().join("log"));
    let positions: Vec<Position> =
        (0..4).map(|n| log.append(i64::from(n), &entry(n)).unwrap().unwrap()).collect();
    log.prune(2).unwrap();
    assert_eq!(behind(&log, Some(&positions[1])), (vec![entry(2), entry(3)], false));
    assert_eq!(behind(&log, Some(&positions[2])), (vec![entry(3)], false));
    // A backup from before what is there: it is said that something is missing.
    assert_eq!(behind(&log, Some(&positions[0])), (vec![entry(2), entry(3)], true));
    assert_eq!(behind(&log, None), (vec![entry(2), entry(3)], true));
    let next = log.append(4, &entry(4)).unwrap().unwrap();
    assert_eq!(behind(&log, Some(&positions[3])), (vec![entry(4)], false));
    log.prune(i64::MAX).unwrap();
    assert_eq!(behind(&log, Some(&next)), (vec![], false));
    log.prune(i64::MAX).unwrap();
    assert_eq!(behind(&log, Some(&next)), (vec![], false));
}

//! The ledger's file: cut, changed behind the agent's back, unreadable, foreign.

use super::*;
use crate::consent::policy::Policy;
use crate::consent::state::State;
use crate::consent::{By, ConsentError, Flag, Kept, Registry, Standing};
use crate::vault::{Protector, Vault};

const NOW: i64 = 1_780_000_000;
const USAGE: &Flag = &Flag::UsageStatistics;

/// Two answers in a directory.
fn two_lines() -> (tempfile::TempDir, DeviceKey) {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::open(dir.path(), &Protector::File, NOW).unwrap();
    let mut registry = open(dir.path(), vault.device_key());
    for minute in 0..2 {
        registry.deny(USAGE, By::AGENT, NOW + 60 * minute).unwrap();
    }
    (dir, vault.device_key().clone())
}

fn open(dir: &Path, key: &DeviceKey) -> Registry {
    Registry::open(dir, Policy::load("copenhagen-imaging").unwrap(), false, key)
}

#[test]
fn an_append_that_was_cut_is_healed_wherever_it_was_cut() {
    let (dir, key) = two_lines();
    let path = ledger_path(dir.path());
    let (whole, head) = (std::fs::read(&path).unwrap(), std::fs::read(head_path(dir.path())).unwrap());
    open(dir.path(), &key).deny(USAGE, By::AGENT, NOW).unwrap();
    let longer = std::fs::read(&path).unwrap();

    // The head was not yet written: no caller knows of the third line.
    for length in (whole.len() + 1..longer.len()).step_by(89).chain([longer.len() - 1]) {
        std::fs::write(head_path(dir.path()), &head).unwrap();
        std::fs::write(&path, &longer[..length]).unwrap();
        let ledger = Ledger::open(dir.path(), key.clone());
        assert_eq!((ledger.finding(), ledger.lines().len()), (None, 2), "cut to {length}");
        assert!(ledger.opened_with().is_some());
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        assert_eq!(std::fs::read(dir.path().join("ledger.torn")).unwrap(), &longer[whole.len()..length]);
    }

    // Blocks that reached the disk in another order.
    std::fs::write(&path, [whole.as_slice(), &[0; 700], b"}\n"].concat()).unwrap();
    assert_eq!(Ledger::open(dir.path(), key.clone()).lines().len(), 2);

    // The whole line arrived: it is the clinic's answer.
    std::fs::write(&path, &longer).unwrap();
    let mut registry = open(dir.path(), &key);
    assert_eq!(registry.head().map(|(index, _)| index), Some(2));
    registry.deny(USAGE, By::AGENT, NOW).unwrap();
    assert_eq!(open(dir.path(), &key).verify(), []);
}

/// Each sync of the directory fails in turn, and each with the next one: once the head had been renamed before its
/// directory failed, the line was cut off under it, and the next start took that for somebody's deed.
#[cfg(unix)] // Windows keeps a name with its file: there no directory is synced.
#[test]
fn a_directory_that_cannot_be_synced_costs_no_trust() {
    let mut failed = 0;
    for (first, count) in (0..8).flat_map(|first| [(first, 1), (first, 2), (first, 20)]) {
        let (dir, key) = two_lines();
        let mut registry = open(dir.path(), &key);
        let (directory, mut left) = (dir.path().to_owned(), first);
        let hit = std::rc::Rc::new(std::cell::Cell::new(0));
        let counted = hit.clone();
        killpoint::watch(Some(Box::new(move |point| {
            let is_sync = matches!(point, killpoint::Point::Write(path) if path == directory);
            left -= i32::from(is_sync);
            if is_sync && left < 0 && left >= -count {
                counted.set(counted.get() + 1);
                return Err(ErrorKind::Other.into());
            }
            Ok(())
        })));
        let is_denied = registry.deny(USAGE, By::AGENT, NOW + 120).is_ok();
        killpoint::watch(None);
        failed += i32::from(hit.get() > 0);
        let where_ = format!("sync {first}, {count} times");
        registry.look_again();
        assert!(registry.is_trusted(), "{where_}");
        let again = open(dir.path(), &key);
        assert!(again.is_trusted() && again.verify().is_empty(), "{where_}: {:?}", again.verify());
        assert_eq!(again.head(), registry.head(), "{where_}");
        let newest = again.head().map(|(index, _)| index);
        assert!(newest == Some(2) || newest == Some(1) && !is_denied, "{where_}: {newest:?}");
        assert!(registry.deny(USAGE, By::AGENT, NOW + 180).is_ok(), "{where_}: it goes on");
        assert_eq!(open(dir.path(), &key).verify(), [], "{where_}");
    }
    assert!(failed > 3, "{failed}");
}

#[test]
fn a_missing_or_foreign_file_closes_the_flags() {
    for (name, content, flaw) in [
        ("ledger.head", None, Flaw::HeadMissing),
        ("ledger.head", Some("kathea-head-1"), Flaw::HeadDamaged),
        ("ledger.ndjson", None, Flaw::Cut),
        ("ledger.ndjson", Some("\u{0}\u{0}\n"), Flaw::NotALine),
    ] {
        let (dir, key) = two_lines();
        let path = dir.path().join(name);
        std::fs::remove_file(&path).unwrap();
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let registry = open(dir.path(), &key);
        assert_eq!(registry.verify().first().map(|finding| finding.flaw), Some(flaw), "{name}");
        assert_eq!(registry.state(USAGE, NOW), State::Unset);
        assert_eq!(registry.problems(NOW).len(), 1);
    }
}

#[test]
fn a_ledger_that_cannot_be_read_is_not_overwritten() {
    let (dir, key) = two_lines();
    let path = ledger_path(dir.path());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
    let mut registry = open(dir.path(), &key);
    assert!(matches!(registry.verify().first().map(|finding| finding.flaw), Some(Flaw::Unreadable(_))));
    assert!(registry.deny(USAGE, By::AGENT, NOW).is_err());
    assert!(path.is_dir());

    std::fs::remove_dir(&path).unwrap();
    let file = File::create(&path).unwrap();
    file.set_len(1 << 40).unwrap(); // sparse: reading it whole would take the memory of the machine
    assert_eq!(open(dir.path(), &key).verify().first().map(|finding| finding.flaw), Some(Flaw::TooLarge));
}

#[test]
fn a_change_behind_the_agents_back_is_noticed_at_the_next_answer() {
    let (dir, key) = two_lines();
    let mut registry = open(dir.path(), &key);
    let path = ledger_path(dir.path());
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(registry.deny(USAGE, By::AGENT, NOW).is_err());
    assert_eq!(registry.state(USAGE, NOW), State::Unset);
}

#[test]
fn the_ledger_of_another_device_stays_until_somebody_answers_anew() {
    let (dir, key) = two_lines();
    let (_, other) = two_lines();
    let path = ledger_path(dir.path());
    let before = std::fs::read(&path).unwrap();
    for _ in 0..2 {
        let registry = open(dir.path(), &other);
        assert_eq!((registry.state(USAGE, NOW), registry.head()), (State::Unset, None));
        assert_eq!(registry.standing(USAGE, NOW, true), Standing::Kept(Kept::Registry));
        assert_eq!(registry.problems(NOW).len(), 1);
        assert!(registry.wants_answer(USAGE, NOW));
    }
    assert_eq!(open(dir.path(), &key).state(USAGE, NOW), State::Denied, "the keys are found again");

    open(dir.path(), &other).deny(USAGE, By::AGENT, NOW).unwrap();
    assert_eq!(std::fs::read(dir.path().join("ledger-before-0.0.ndjson")).unwrap(), before);
    let registry = open(dir.path(), &other);
    assert_eq!((registry.state(USAGE, NOW), registry.problems(NOW).len()), (State::Denied, 0));
}

#[test]
fn a_head_whose_device_is_damaged_is_no_other_devices() {
    let (dir, key) = two_lines();
    let head = std::fs::read_to_string(head_path(dir.path())).unwrap();
    let digit = head.find(&key.id().to_string()).unwrap();
    let mut bytes = head.into_bytes();
    bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
    std::fs::write(head_path(dir.path()), &bytes).unwrap();
    let mut registry = open(dir.path(), &key);
    assert_eq!(registry.verify().first().map(|finding| finding.flaw), Some(Flaw::HeadDamaged));
    assert_eq!(
        registry.deny(USAGE, By::AGENT, NOW),
        Err(ConsentError::Untrusted),
        "only a withdrawal begins anew"
    );
}

#[test]
fn a_ledger_that_can_be_read_again_is_what_it_was() {
    let (dir, key) = two_lines();
    let path = ledger_path(dir.path());
    let whole = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
    let mut registry = open(dir.path(), &key);
    registry.look_again();
    assert_eq!(registry.standing(USAGE, NOW, true), Standing::Kept(Kept::Registry));
    let refused = registry.begin_withdrawal(USAGE, By::AGENT, NOW).unwrap_err();
    assert!(
        matches!(refused, ConsentError::Unreadable(_)) && refused.to_string().contains("nothing was changed")
    );
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, whole).unwrap();
    registry.look_again();
    assert_eq!((registry.state(USAGE, NOW), registry.problems(NOW)), (State::Denied, vec![]));
}

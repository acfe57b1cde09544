//! Every edit, cut and reorder of the ledger is found. `EDITS=all` puts every other value into every byte.

use super::*;
use crate::consent::policy::Policy;
use crate::consent::{By, Channel, Flag, Registry};
use crate::vault::{Protector, Vault};
use protocol::Purpose;
use protocol::ledger::Role;

const NOW: i64 = 1_780_000_000;

/// A ledger of three lines, its head, and the key that wrote them.
fn written() -> (Vec<u8>, Vec<u8>, DeviceKey) {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::open(dir.path(), &Protector::File, NOW).unwrap();
    let policy = Policy::load("copenhagen-imaging").unwrap();
    let digest = policy.digest(Purpose::UsageStatistics).unwrap().to_string();
    let mut registry = Registry::open(dir.path(), policy, false, vault.device_key());
    let usage = &Flag::UsageStatistics;
    let by = By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None };
    registry.deny(usage, by, NOW).unwrap();
    registry.grant(usage, &digest, None, by, NOW + 60).unwrap();
    registry.begin_withdrawal(usage, by, NOW + 120).unwrap().unwrap();
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    (read("ledger.ndjson"), read("ledger.head"), vault.device_key().clone())
}

fn judge(ledger: &[u8], head: &[u8], key: &DeviceKey) -> Examined {
    let head = Head::from_text(head, key.id(), key.public_key());
    examine(ledger, head, key.id(), key.public_key())
}

#[test]
fn every_edit_of_one_byte_is_found_and_its_line_is_named() {
    let (ledger, head, key) = written();
    assert_eq!(judge(&ledger, &head, &key).finding, None, "untouched");
    let place = Head::from_text(&head, key.id(), key.public_key()).unwrap();
    let all = std::env::var("EDITS").is_ok_and(|edits| edits == "all");
    let edit = |at: usize| {
        let line = 1 + ledger[..at].iter().filter(|byte| **byte == b'\n').count();
        let mut edited = ledger.clone();
        for change in 1..=u8::MAX {
            // One bit, and another value, by turns.
            if all || change == 1 << (at % 8) || usize::from(change) == 1 + at % 255 {
                edited[at] = ledger[at] ^ change;
                let finding = examine(&edited, Ok(place), key.id(), key.public_key()).finding;
                assert_eq!(finding.and_then(|finding| finding.line), Some(line), "byte {at} ^ {change:#x}");
            }
        }
    };
    let (first, second) = (0..ledger.len()).partition::<Vec<usize>, _>(|at| at % 2 == 0);
    std::thread::scope(|threads| {
        threads.spawn(|| second.into_iter().for_each(edit));
        first.into_iter().for_each(edit);
    });
}

#[test]
fn every_edit_of_the_head_is_found() {
    let (ledger, head, key) = written();
    for at in 0..head.len() {
        let mut edited = head.clone();
        edited[at] ^= 0x01;
        let finding = judge(&ledger, &edited, &key).finding.unwrap_or_else(|| panic!("byte {at}"));
        assert!(matches!(finding.flaw, Flaw::HeadDamaged | Flaw::OtherDevice), "byte {at}: {finding}");
    }
}

#[test]
fn bytes_put_in_or_taken_out_are_found() {
    let (ledger, head, key) = written();
    for at in (0..ledger.len()).step_by(13) {
        let mut longer = ledger.clone();
        longer.insert(at, b' ');
        assert!(judge(&longer, &head, &key).finding.is_some(), "space before byte {at}");
        assert!(judge(&ledger[..at], &head, &key).finding.is_some(), "cut to {at}");
        assert!(judge(&ledger[at + 1..], &head, &key).finding.is_some(), "beginning lost up to {at}");
    }
}

#[test]
fn a_cut_at_a_line_a_reorder_and_a_repetition_are_found() {
    let (ledger, head, key) = written();
    let lines: Vec<&[u8]> = ledger.split_inclusive(|byte| *byte == b'\n').collect();
    let cases: [(&[usize], Finding); 6] = [
        (&[], Finding { line: Some(1), flaw: Flaw::Cut }),
        (&[0], Finding { line: Some(2), flaw: Flaw::Cut }),
        (&[0, 1], Finding { line: Some(3), flaw: Flaw::Cut }),
        (&[1, 2], Finding { line: Some(1), flaw: Flaw::Order }),
        (&[0, 2, 1], Finding { line: Some(2), flaw: Flaw::Order }),
        (&[0, 0, 1, 2], Finding { line: Some(2), flaw: Flaw::Order }),
    ];
    for (order, finding) in cases {
        let moved: Vec<u8> = order.iter().flat_map(|at| lines[*at]).copied().collect();
        assert_eq!(judge(&moved, &head, &key).finding, Some(finding), "{order:?}");
    }
}

#[test]
fn another_devices_ledger_differs_from_a_damaged_one() {
    let (ledger, head, _) = written();
    let (_, _, other) = written();
    let finding = judge(&ledger, &head, &other).finding.unwrap();
    assert_eq!(finding.flaw, Flaw::Signature, "line by line it is not signed by this device");
    assert_eq!(Head::from_text(&head, other.id(), other.public_key()), Err(Flaw::OtherDevice));
}

#[test]
fn a_line_about_another_device_is_found_though_this_one_signed_it() {
    let (ledger, head, key) = written();
    let (_, _, other) = written();
    let first = ledger.split(|byte| *byte == b'\n').next().unwrap();
    let mut entry =
        protocol::ledger::read_line(str::from_utf8(first).unwrap(), key.public_key().as_slice()).unwrap();
    entry.header.device = other.id();
    let line = protocol::ledger::write_line(&entry, |text| key.sign(text)).unwrap();
    let finding = judge(format!("{line}\n").as_bytes(), &head, &key).finding.unwrap();
    assert_eq!(finding, Finding { line: Some(1), flaw: Flaw::Order });
}

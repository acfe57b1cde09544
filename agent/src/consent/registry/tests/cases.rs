//! What is asked for each support case: its own yes, its own end, and nobody else's.

use super::*;
use crate::consent::permit::{SupportCase, SupportScanData};

/// A yes to a flag of a case after its manifest was shown.
fn yes_to(registry: &mut Registry, flag: &Flag, now: i64) -> Result<Digest, ConsentError> {
    let manifest = Digest::of(b"manifest");
    registry.grant(flag, &manifest.to_string()[..16], Some(manifest), PERSON, now)
}

#[test]
fn scan_data_needs_its_case_and_its_manifest_and_ends_with_it() {
    let site = Site::new();
    let mut registry = site.registry();
    let (support, scans) = (Flag::SupportCase(case("A-1")), Flag::SupportScanData(case("A-1")));
    assert_eq!(yes_to(&mut registry, &scans, NOW), Err(ConsentError::NeedsCase));
    let notice = registry.policy().digest(Purpose::SupportScanData).unwrap().to_string();
    yes_to(&mut registry, &support, NOW).unwrap();
    assert_eq!(registry.grant(&scans, &notice, None, PERSON, NOW), Err(ConsentError::NotShown));
    let entry = yes_to(&mut registry, &scans, NOW + 5 * DAY).unwrap();
    assert!(registry.line(entry).unwrap().contains(&Digest::of(b"manifest").to_string()));
    assert_eq!(registry.granted_until(&scans), registry.granted_until(&support), "no longer than the case");

    let until = registry.granted_until(&support).unwrap();
    assert!(until <= NOW + 31 * DAY);
    assert!(registry.permit_case::<SupportScanData>(&case("A-1"), until - 1).is_some());
    assert!(registry.permit_case::<SupportScanData>(&case("A-1"), until).is_none());
    assert!(registry.permit_case::<SupportCase>(&case("A-2"), NOW).is_none(), "another case");
    assert!(!is_open(&registry, NOW), "another purpose");

    let lease = registry.permit_case::<SupportScanData>(&case("A-1"), NOW + 5 * DAY).unwrap().lease();
    registry.end_case(&case("A-1"), PERSON, NOW + 6 * DAY).unwrap();
    assert!(!lease.stands());
    let states = [&support, &scans].map(|flag| site.registry().state(flag, NOW + 6 * DAY));
    assert_eq!(states, [State::Expired; 2]);
    registry.end_case(&case("A-1"), PERSON, NOW + 7 * DAY).unwrap();
    assert_eq!(registry.head().map(|(index, _)| index), Some(3), "it ends once");
}

#[test]
fn a_case_that_is_withdrawn_takes_its_scan_data_along_and_leaves_every_other_alone() {
    let site = Site::granted();
    let mut registry = site.registry();
    let cases = ["A-1", "B-2"].map(case);
    for case in &cases {
        yes_to(&mut registry, &Flag::SupportCase(case.clone()), NOW).unwrap();
        yes_to(&mut registry, &Flag::SupportScanData(case.clone()), NOW).unwrap();
    }
    let lease =
        |registry: &Registry, case| registry.permit_case::<SupportScanData>(case, NOW).unwrap().lease();
    let leases = [lease(&registry, &cases[0]), lease(&registry, &cases[1])];
    registry.begin_withdrawal(&Flag::SupportCase(cases[0].clone()), PERSON, NOW).unwrap().unwrap();
    assert_eq!(leases.each_ref().map(|lease| lease.stands()), [false, true]);

    let mut registry = site.registry();
    let pending: Vec<Flag> = registry.pending_withdrawals().into_iter().map(|pending| pending.flag).collect();
    let both = [Flag::SupportCase(cases[0].clone()), Flag::SupportScanData(cases[0].clone())];
    assert_eq!(pending, both);
    for flag in &both {
        registry.close_withdrawal(flag, NOW).unwrap();
        assert_eq!(registry.state(flag, NOW), State::Withdrawn);
    }
    assert!(registry.permit_case::<SupportScanData>(&cases[1], NOW).is_some() && is_open(&registry, NOW));

    yes_to(&mut registry, &Flag::SupportCase(cases[1].clone()), NOW).unwrap();
    registry.begin_withdrawal(&Flag::SupportScanData(cases[1].clone()), PERSON, NOW).unwrap().unwrap();
    assert!(registry.permit_case::<SupportCase>(&cases[1], NOW).is_some(), "its scan data may go alone");
}

#[test]
fn a_new_ledger_begins_with_the_withdrawal_of_everything() {
    let site = Site::granted();
    let support = Flag::SupportCase(case("A-1"));
    yes_to(&mut site.registry(), &support, NOW).unwrap();
    std::fs::remove_file(site.path("ledger.head")).unwrap();
    let mut registry = site.registry();
    assert_eq!(registry.state(&support, NOW), State::Unset);
    registry.begin_withdrawal(&support, PERSON, NOW).unwrap().unwrap();
    let flags: Vec<Flag> =
        site.registry().pending_withdrawals().into_iter().map(|pending| pending.flag).collect();
    assert!(flags.contains(USAGE) && flags.contains(&support), "{flags:?}");
}

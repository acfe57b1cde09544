//! The oldest answers end, and the chain goes on behind them.

use super::*;

fn novo() -> Policy {
    Policy::load("novo-imaging").unwrap()
}

fn answers(site: &Site) -> usize {
    std::fs::read_to_string(site.path("ledger.ndjson")).unwrap().lines().count()
}

/// Yes at `NOW`, no ten days later, under the policy that keeps answers for a year.
fn withdrawn() -> (Site, Registry) {
    let site = Site::new();
    let mut registry = site.registry_under(novo());
    let digest = novo().digest(Purpose::UsageStatistics).unwrap().to_string();
    registry.grant(USAGE, &digest, None, PERSON, NOW).unwrap();
    registry.begin_withdrawal(USAGE, PERSON, NOW + 10 * DAY).unwrap().unwrap();
    registry.close_withdrawal(USAGE, NOW + 10 * DAY).unwrap();
    (site, registry)
}

#[test]
fn answers_end_when_the_policy_says_and_the_vendor_can_hold_nothing_any_more() {
    let (site, mut registry) = withdrawn();
    let head = registry.head();
    // 14 months at the vendor, from 7 June 2026 to 7 August 2027, behind 45 days here, are longer than the year of the
    // answers.
    let end = NOW + (10 + 45 + 426) * DAY;
    assert_eq!(registry.end_answers(end - 1, 0).unwrap(), 0);
    assert_eq!(answers(&site), 3);
    assert_eq!(registry.end_answers(end, 0).unwrap(), 3);
    assert_eq!((answers(&site), registry.head()), (0, head), "its end stands for it");
    assert_eq!(registry.verify(), []);

    let mut again = site.registry_under(novo());
    assert_eq!((again.head(), again.verify(), again.is_trusted()), (head, vec![], true));
    let (index, hash) = head.unwrap();
    assert!(again.compare_head(index, hash), "the vendor knows the same end");
    let digest = novo().digest(Purpose::UsageStatistics).unwrap().to_string();
    again.grant(USAGE, &digest, None, PERSON, end + DAY).unwrap();
    let entry = again.entries().next().unwrap().1;
    assert_eq!((entry.header.index, entry.header.previous), (3, Some(hash)));
    assert_eq!(site.registry_under(novo()).verify(), []);
}

#[test]
fn what_decides_something_stays() {
    let (site, mut registry) = withdrawn();
    let digest = novo().digest(Purpose::UsageStatistics).unwrap().to_string();
    let later = NOW + 400 * DAY;
    registry.grant(USAGE, &digest, None, PERSON, later).unwrap();
    // The old yes and its end go; the yes that stands does not.
    assert_eq!(registry.end_answers(later + 360 * DAY, 0).unwrap(), 3);
    assert_eq!((answers(&site), registry.state(USAGE, later + 360 * DAY)), (1, State::Granted));
    assert_eq!(registry.end_answers(later + 360 * DAY, 0).unwrap(), 0);

    let site = Site::new();
    let mut registry = site.registry_under(novo());
    registry.grant(USAGE, &digest, None, PERSON, NOW).unwrap();
    registry.begin_withdrawal(USAGE, PERSON, NOW + DAY).unwrap().unwrap();
    assert_eq!(registry.end_answers(NOW + 9000 * DAY, 0).unwrap(), 0, "its last step is still to come");
    assert_eq!(registry.pending_withdrawals().len(), 1);
}

#[test]
fn a_no_lasts_until_it_is_worth_asking_again() {
    let site = Site::new();
    let mut registry = site.registry();
    registry.deny(USAGE, PERSON, NOW).unwrap();
    assert_eq!(registry.end_answers(NOW + limits::ASK_AGAIN - 1, 0).unwrap(), 0);
    assert_eq!(registry.state(USAGE, NOW + limits::ASK_AGAIN), State::Denied);
    assert_eq!(registry.end_answers(NOW + limits::ASK_AGAIN, 0).unwrap(), 1);
    assert!(registry.wants_answer(USAGE, NOW + limits::ASK_AGAIN));
}

#[test]
fn a_case_of_ten_years_after_the_end_of_the_device_stays_as_long_as_the_device() {
    let site = Site::new();
    let mut registry = site.registry();
    let flag = Flag::SupportCase(case("CASE-1"));
    let manifest = Digest::of(b"manifest");
    registry.grant(&flag, &manifest.to_string()[..16], Some(manifest), PERSON, NOW).unwrap();
    registry.end_case(&case("CASE-1"), PERSON, NOW + DAY).unwrap();
    assert_eq!(registry.end_answers(NOW + 9000 * DAY, 0).unwrap(), 0);
}

#[test]
fn a_removal_that_was_cut_is_finished_by_the_next_start() {
    let (site, mut registry) = withdrawn();
    let read = |name: &str| std::fs::read(site.path(name)).unwrap();
    let before = read("ledger.ndjson");
    let digest = novo().digest(Purpose::UsageStatistics).unwrap().to_string();
    let later = NOW + 600 * DAY;
    registry.grant(USAGE, &digest, None, PERSON, later).unwrap();
    let whole = read("ledger.ndjson");
    assert_eq!(registry.end_answers(later, 0).unwrap(), 3);
    let rest = read("ledger.ndjson");
    assert_eq!([before.as_slice(), &rest].concat(), whole);

    // The power went behind the head: all lines are still there.
    std::fs::write(site.path("ledger.ndjson"), &whole).unwrap();
    let again = site.registry_under(novo());
    assert_eq!((again.verify(), again.state(USAGE, later)), (vec![], State::Granted));
    assert_eq!(read("ledger.ndjson"), rest);

    // Lines that do not lead to the head's beginning are no removal.
    let third = 1 + whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0;
    let mut edited = whole.clone();
    edited[40] ^= 1;
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let without_the_third = [&whole[..third], &rest].concat();
    for damaged in [edited, without_the_third, [&whole[..second], &rest].concat()] {
        std::fs::write(site.path("ledger.ndjson"), &damaged).unwrap();
        let registry = site.registry_under(novo());
        assert_eq!((registry.is_trusted(), registry.state(USAGE, later)), (false, State::Unset));
    }
}

#[test]
fn a_clock_that_leapt_ends_nothing_before_the_period_went_by_on_it() {
    // Found by the simulation, seed 48: six years ahead for a fortnight, and the yes that stood was gone when it was set
    // right.
    let site = Site::new();
    let mut registry = site.registry_under(novo());
    let digest = novo().digest(Purpose::UsageStatistics).unwrap().to_string();
    registry.grant(USAGE, &digest, None, PERSON, NOW).unwrap();
    let leapt = NOW + 6 * 365 * DAY;
    for days in [0, 14, 300, 426] {
        assert_eq!(registry.end_answers(leapt + days * DAY, leapt).unwrap(), 0, "{days} days after the leap");
    }
    assert_eq!(registry.state(USAGE, NOW + DAY), State::Granted);
    assert_eq!(registry.end_answers(leapt + (45 + 427) * DAY, leapt).unwrap(), 1);
}

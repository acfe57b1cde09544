//! What the model lets pass, and what it does not.

use super::*;

/// A file with its event in the agent, seen so long after it under a yes of an hour before: what is violated when the file
/// goes and so many events are counted as refused.
fn taken_before(is_covered: bool, is_erased: bool, later: i64, refused: u64) -> Vec<String> {
    let mut model = Model::default();
    let said = model.say(DAY, DAY, 1, Vec::new(), is_covered);
    model.taken.waits(said.errors[0], || said.at);
    if is_erased {
        model.erased();
    }
    let wall = DAY + later;
    let dropped = [(Reason::BeforeGrant, refused)].into();
    let (outbox, granted) = (BTreeSet::new(), Some(wall - 3600));
    let (now, clock_since, on_device) = (wall, 0, (45, 45));
    model.observe(&Seen {
        outbox: &outbox,
        waiting: None,
        dropped: &dropped,
        may_refuse: false,
        granted,
        ended: None,
        wall,
        now,
        clock_since,
        over_since: None,
        on_device,
    });
    model.violations
}

/// Found by seed 10 of `--years 1 --faults 1000`: taken in under one yes, restricted, and removed under the next one.
#[test]
fn what_precedes_a_yes_may_have_been_taken_in_under_the_one_before_and_not_without_one() {
    assert_eq!(taken_before(true, false, 7200, 0), Vec::<String>::new());
    for (is_covered, is_erased) in [(false, false), (true, true)] {
        let violations = taken_before(is_covered, is_erased, 7200, 0);
        assert!(violations.iter().any(|what| what.starts_with("permit")), "{violations:?}");
    }
}

/// Found by seed 26113016330018 of `--years 1 --faults 3000`: the disk failed between the two queues while the clock was ahead,
/// and when it was set right the file was read again, with events of the future.
#[test]
fn what_one_queue_has_may_be_refused_when_its_file_is_read_again() {
    for later in [7200, -3 * DAY] {
        assert_eq!(taken_before(true, false, later, 1), Vec::<String>::new());
        for (is_covered, refused) in [(true, 2), (false, 1)] {
            let violations = taken_before(is_covered, false, later, refused);
            assert!(violations.iter().any(|what| what.starts_with("counts")), "{violations:?}");
        }
    }
}

/// What is violated by a device without a yes on which these files lie and so much was dropped, a minute after [`DAY`].
fn violations(mut model: Model, outbox: &BTreeSet<String>, dropped: &BTreeMap<Reason, u64>) -> Vec<String> {
    model.observe(&Seen {
        outbox,
        waiting: None,
        dropped,
        may_refuse: true,
        granted: None,
        ended: None,
        wall: DAY + 60,
        now: DAY + 60,
        clock_since: 0,
        over_since: None,
        on_device: (45, 45),
    });
    model.violations
}

/// A file with an error that Kathea wrote under a yes; then a withdrawal, with which the file goes: what is violated where
/// these are counted.
fn withdrawn_with_its_file(is_covered: bool, dropped: &[(Reason, u64)]) -> Vec<String> {
    let mut model = Model::default();
    model.say(DAY, DAY, 2, vec![1], is_covered);
    model.erased();
    let (outbox, dropped) = (BTreeSet::new(), dropped.iter().copied().collect());
    violations(model, &outbox, &dropped)
}

/// Found by seed 20261201005 of `--days 365 --faults 3000`: the disk failed between the queues and the removal of the file,
/// and the clinic withdrew before the next look into the outbox.
#[test]
fn what_was_taken_in_and_withdrawn_with_its_file_is_counted_once() {
    let counted = [(Reason::Withdrawn, 3)];
    assert_eq!(withdrawn_with_its_file(true, &counted), Vec::<String>::new());
    assert_eq!(withdrawn_with_its_file(true, &[(Reason::NoConsent, 3)]), Vec::<String>::new());
    for (is_covered, dropped) in [(false, &counted[..]), (true, &[]), (true, &[(Reason::Withdrawn, 1)])] {
        let violations = withdrawn_with_its_file(is_covered, dropped);
        assert!(violations.iter().any(|what| what.starts_with("counts")), "{violations:?}");
    }
}

/// Found by seed 26113016330004 of `--years 1 --faults 3000`: said while the clinic restricted, taken in after it released, and
/// withdrawn before the disk let the file go.
#[test]
fn what_was_said_while_restricted_may_be_withdrawn_after_the_release() {
    let released = |since: Option<i64>| {
        let mut model = Model::default();
        model.say(DAY, DAY, 2, vec![1], false);
        since.into_iter().for_each(|since| model.released(since));
        model.erased();
        violations(model, &BTreeSet::new(), &[(Reason::Withdrawn, 3)].into())
    };
    assert_eq!(released(Some(DAY - 60)), Vec::<String>::new());
    for since in [None, Some(DAY + 60)] {
        let violations = released(since);
        assert!(violations.iter().any(|what| what.starts_with("counts")), "{violations:?}");
    }
}

/// A file that goes after a withdrawal, and whose event is at that place by then: what is violated.
fn gone_after_a_no(is_covered: bool, place: Place) -> Vec<String> {
    let mut model = Model::default();
    let said = model.say(DAY, DAY, 1, Vec::new(), is_covered);
    model.taken.waits(said.errors[0], || said.at);
    model.taken.moved(said.errors[0], place);
    model.erased();
    let (outbox, dropped) = (BTreeSet::new(), BTreeMap::new());
    violations(model, &outbox, &dropped)
}

/// Found by seed 5165 of `--days 16 --faults 3000`: taken in and sent under a yes; the disk kept the file from going before
/// the clinic restricted and withdrew.
#[test]
fn a_file_that_goes_after_a_withdrawal_may_have_been_sent_before_it() {
    assert_eq!(gone_after_a_no(true, Place::Vendor), Vec::<String>::new());
    for (is_covered, place) in [(false, Place::Vendor), (true, Place::Waiting)] {
        let violations = gone_after_a_no(is_covered, place);
        assert!(violations.iter().any(|what| what.starts_with("permit")), "{violations:?}");
    }
}

/// An event of [`DAY`] that waits, seen so many days later, one look after another: what is violated.
fn still_waits(days: &[i64]) -> Vec<String> {
    let mut model = Model::default();
    let said = model.say(DAY, DAY, 1, Vec::new(), true);
    model.taken.waits(said.errors[0], || said.at);
    let epoch = Epoch { counter: 1, random: [0; 8] };
    let waiting =
        [test_support::batch(protocol::Digest::of(b"consent"), epoch, said.errors[0], said.errors[0])];
    let (outbox, dropped) = ([said.name].into(), BTreeMap::new());
    for at in days.iter().map(|day| DAY + day * DAY) {
        model.observe(&Seen {
            outbox: &outbox,
            waiting: Some(&waiting),
            dropped: &dropped,
            may_refuse: false,
            granted: Some(DAY),
            ended: None,
            wall: at,
            now: at,
            clock_since: 0,
            over_since: None,
            on_device: (45, 45),
        });
    }
    model.violations
}

/// Found by seed 26113016585003 of `--years 12 --works 6 --faults 20`: the line was cut before and after three months without a
/// working day, and the agent lets its clock decide nothing for a week then.
#[test]
fn a_workstation_that_was_off_for_months_has_a_week_to_drop_what_is_over() {
    assert_eq!(still_waits(&[1, 40, 46]), Vec::<String>::new());
    assert_eq!(still_waits(&[1, 93, 99]), Vec::<String>::new());
    for days in [&[1, 40, 60][..], &[1, 93, 103]] {
        let violations = still_waits(days);
        assert!(
            violations.iter().all(|what| what.starts_with("retention")) && violations.len() == 1,
            "{violations:?}"
        );
    }
}

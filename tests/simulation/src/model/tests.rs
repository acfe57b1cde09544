//! What the model lets pass, and what it does not.

use super::*;

/// A file of an hour before the yes that stands, with its event in the agent: what is violated when the file goes.
fn taken_before(is_covered: bool, is_erased: bool) -> Vec<String> {
    let mut model = Model::default();
    let said = model.say(DAY, DAY, 1, Vec::new(), is_covered);
    model.taken.waits(said.errors[0], || said.at);
    if is_erased {
        model.erased();
    }
    let (outbox, dropped, granted) = (BTreeSet::new(), BTreeMap::new(), Some(DAY + 3600));
    let (wall, now, clock_since, on_device) = (DAY + 7200, DAY + 7200, 0, (45, 45));
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
    assert_eq!(taken_before(true, false), Vec::<String>::new());
    for (is_covered, is_erased) in [(false, false), (true, true)] {
        let violations = taken_before(is_covered, is_erased);
        assert!(violations.iter().any(|what| what.starts_with("permit")), "{violations:?}");
    }
}

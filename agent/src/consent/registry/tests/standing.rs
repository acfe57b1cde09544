//! Whether what is reported is removed unread or stays, for each answer, clock and flaw.

use super::*;
use crate::consent::{Kept, Standing};

const YEAR: i64 = 365 * DAY;

#[test]
fn only_a_no_or_the_certain_end_of_a_yes_removes_anything() {
    let edited = || Policy::parse(&TEXT.replace("version = \"2024-05-16\"", "version = \"2\"")).unwrap();
    let says_nothing = |_: &mut Registry| {};
    let says_yes = |registry: &mut Registry| assert!(yes(registry, NOW).is_ok());
    let says_no = |registry: &mut Registry| assert!(registry.deny(USAGE, PERSON, NOW).is_ok());
    let withdraws =
        |registry: &mut Registry| assert!(yes(registry, NOW).is_ok() && withdraw(registry, NOW).is_some());
    let restricts = |registry: &mut Registry| {
        assert!(yes(registry, NOW).is_ok() && registry.restrict(USAGE, PERSON, NOW).is_ok())
    };
    let new_owner = |registry: &mut Registry| {
        assert!(yes(registry, NOW).is_ok() && registry.end_everything(PERSON, NOW).is_ok())
    };
    type Act = fn(&mut Registry);
    let cases: [(Act, Policy, i64, bool, Standing); 16] = [
        (says_nothing, policy(), NOW, true, Standing::Refused),
        (says_nothing, policy(), NOW - 20 * YEAR, false, Standing::Refused),
        (says_yes, policy(), NOW, false, Standing::Granted),
        (says_yes, policy(), NOW - 2 * DAY, true, Standing::Kept(Kept::Clock)),
        (says_yes, policy(), NOW - YEAR, true, Standing::Kept(Kept::Clock)),
        (says_yes, policy(), NOW - 20 * YEAR, true, Standing::Kept(Kept::Clock)),
        (says_yes, policy(), 0, false, Standing::Kept(Kept::Clock)),
        (says_yes, policy(), NOW + 731 * DAY, false, Standing::Kept(Kept::Clock)),
        (says_yes, policy(), NOW + 731 * DAY, true, Standing::Refused),
        (says_yes, edited(), NOW, true, Standing::Kept(Kept::StalePolicy)),
        (says_no, policy(), NOW, false, Standing::Refused),
        (says_no, policy(), NOW - 20 * YEAR, false, Standing::Refused),
        (withdraws, policy(), NOW, false, Standing::Refused),
        (withdraws, policy(), NOW - YEAR, false, Standing::Refused),
        (restricts, policy(), NOW, true, Standing::Kept(Kept::Restricted)),
        (new_owner, policy(), NOW, false, Standing::Refused),
    ];
    for (at, (act, policy, now, is_steady, expected)) in cases.into_iter().enumerate() {
        let site = Site::new();
        act(&mut site.registry());
        let registry = site.registry_under(policy);
        assert_eq!(registry.standing(USAGE, now, is_steady), expected, "case {at}");
        let permits = is_open(&registry, now);
        assert_eq!(permits, expected == Standing::Granted, "case {at}");
    }
}

#[test]
fn whatever_is_wrong_with_the_registry_is_no_denial() {
    for name in ["ledger.head", "ledger.ndjson"] {
        let site = Site::granted();
        let whole = std::fs::read(site.path(name)).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(site.path(name), &bytes).unwrap();
            let registry = site.registry();
            assert_eq!(
                registry.standing(USAGE, NOW, true),
                Standing::Kept(Kept::Registry),
                "{name}, byte {at}"
            );
        }
        let forbidden = Registry::open(site.dir.path(), policy(), true, &site.key);
        assert_eq!(forbidden.standing(USAGE, NOW, true), Standing::Refused, "the administrator's no");
        std::fs::write(site.path(name), whole).unwrap();
        assert_eq!(site.registry().standing(USAGE, NOW, true), Standing::Granted);
    }
    let site = Site::granted();
    let mut registry = site.registry();
    registry.compare_head(7, Digest::of(b"a line that this copy does not have"));
    assert_eq!(registry.standing(USAGE, NOW, true), Standing::Kept(Kept::Registry));
}

//! What is restricted (GDPR art. 18): kept, and hidden from every reader until it is released.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ledger::EventKind;
use protocol::{CaseId, Digest, Purpose};

use super::consent::Line;

/// A request to restrict or to release, in the order they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Restrict, or release.
    pub(crate) restricts: bool,
    pub(crate) purposes: Vec<Purpose>,
    /// Of this support case only.
    pub(crate) case: Option<CaseId>,
    /// The ledger line that it rests on.
    pub(crate) entry: Digest,
}

/// Position in the ledger before which a yes has to be for its records to be hidden: those of a later yes were never
/// restricted.
type Before = u64;

/// What of a device is hidden from readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    restricted: BTreeMap<(Purpose, Option<CaseId>), Before>,
    /// Positions of the yeses by their hashes, where something is restricted.
    grants: BTreeMap<Digest, u64>,
}

impl Hidden {
    /// By the device's ledger and by its requests: what either restricts is hidden until it is released. A request that
    /// rests on a line of the ledger ends with that line's release too, because the request to release it may be lost
    /// with a backup, and a device repeats its lines alone.
    pub(crate) fn of(lines: &[Line], steps: &[Step]) -> Self {
        let mut newest = BTreeMap::<(Purpose, Option<&CaseId>), (u64, EventKind)>::new();
        for line in lines {
            if matches!(line.kind, EventKind::Restricted | EventKind::Released) {
                let said =
                    newest.entry((line.purpose, line.case.as_ref())).or_insert((line.index, line.kind));
                if said.0 < line.index {
                    *said = (line.index, line.kind);
                }
            }
        }
        let by_ledger = newest.into_iter().filter(|(_, (_, kind))| *kind == EventKind::Restricted);
        let mut restricted: BTreeMap<_, Before> =
            by_ledger.map(|((purpose, case), (index, _))| ((purpose, case.cloned()), index)).collect();
        let mut by_request = BTreeMap::<(Purpose, Option<CaseId>), Before>::new();
        for Step { restricts, purposes, case, entry } in steps {
            let asked = lines.iter().find(|line| line.hash == *entry);
            let asked = asked.filter(|line| line.kind == EventKind::Restricted);
            for &purpose in purposes {
                let is_its = |line: &&Line| line.purpose == purpose && line.case == *case;
                let is_over = asked.is_some_and(|asked| {
                    let released = |line: &Line| line.kind == EventKind::Released && line.index > asked.index;
                    lines.iter().filter(is_its).any(released)
                });
                match (restricts, case) {
                    (true, _) if is_over => {}
                    (true, _) => {
                        // One that rests on no line says nothing of an order: everything is hidden.
                        let before = asked.map_or(Before::MAX, |asked| asked.index);
                        let known = by_request.entry((purpose, case.clone())).or_insert(before);
                        *known = before.max(*known);
                    }
                    // The release of one case ends no restriction of all of them.
                    (false, Some(_)) => drop(by_request.remove(&(purpose, case.clone()))),
                    (false, None) => by_request.retain(|(of, _), _| *of != purpose),
                }
            }
        }
        for (about, before) in by_request {
            let known = restricted.entry(about).or_insert(before);
            *known = before.max(*known);
        }
        let grants = lines.iter().filter(|line| line.kind == EventKind::Granted && !restricted.is_empty());
        let grants = grants.map(|line| (line.hash, line.index)).collect();
        Self { restricted, grants }
    }

    /// Whether the records that rest on this consent are hidden: those of a yes that was given after the restriction are
    /// not. One that is not known is taken for older.
    pub(crate) fn hides_under(&self, purpose: Purpose, consent: Digest) -> bool {
        let given = self.grants.get(&consent).copied().unwrap_or(0);
        self.restricted.iter().any(|((of, _), before)| *of == purpose && given < *before)
    }

    /// Whether the records of a purpose are hidden. A record does not say its case, so the restriction of one case
    /// hides those of all.
    pub(crate) fn hides(&self, purpose: Purpose) -> bool {
        self.restricted.keys().any(|(of, _)| *of == purpose)
    }

    /// Whether a bundle is hidden: what is in it belongs to both purposes of its case. A bundle whose case is not
    /// known belongs to any.
    pub(crate) fn hides_bundle(&self, case: Option<&CaseId>) -> bool {
        self.restricted.keys().any(|(purpose, of)| {
            *purpose != Purpose::UsageStatistics && (of.is_none() || case.is_none() || of.as_ref() == case)
        })
    }

    /// The purposes of which something is hidden.
    pub(crate) fn purposes(&self) -> Vec<Purpose> {
        self.restricted.keys().map(|(purpose, _)| *purpose).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::Digest;

    use super::*;

    const USAGE: Purpose = Purpose::UsageStatistics;
    const CASE: Purpose = Purpose::SupportCase;

    fn line(index: u64, purpose: Purpose, case: Option<&str>, kind: EventKind) -> Line {
        let case = case.map(|case| case.parse().unwrap());
        Line { hash: Digest::of(&index.to_le_bytes()), index, purpose, case, kind, is_ended: false }
    }

    fn step(restricts: bool, purpose: Purpose, case: Option<&str>) -> Step {
        let case = case.map(|case| case.parse().unwrap());
        Step { restricts, purposes: vec![purpose], case, entry: Digest::of(&7_u64.to_le_bytes()) }
    }

    #[test]
    fn the_ledgers_order_counts_and_a_later_answer_releases_nothing() {
        use EventKind::{Granted, Released, Restricted, Withdrawn};
        let restricted = [line(2, USAGE, None, Restricted), line(1, USAGE, None, Released)];
        assert!(Hidden::of(&restricted, &[]).hides(USAGE));
        let over = [line(3, USAGE, None, Released), line(2, USAGE, None, Restricted)];
        assert_eq!(Hidden::of(&over, &[]), Hidden::default());
        let later = [
            line(2, USAGE, None, Restricted),
            line(3, USAGE, None, Withdrawn),
            line(4, USAGE, None, Granted),
        ];
        assert!(Hidden::of(&later, &[]).hides(USAGE), "what was collected before stays restricted");
        assert!(!Hidden::of(&later, &[]).hides(CASE));
    }

    #[test]
    fn a_yes_after_the_restriction_has_records_of_its_own() {
        use EventKind::{Granted, Restricted, Withdrawn};
        let lines = [
            line(1, USAGE, None, Granted),
            line(7, USAGE, None, Restricted),
            line(8, USAGE, None, Withdrawn),
            line(9, USAGE, None, Granted),
        ];
        let consent = |at: usize| lines[at].hash;
        for steps in [vec![], vec![step(true, USAGE, None)]] {
            let hidden = Hidden::of(&lines, &steps);
            assert!(hidden.hides_under(USAGE, consent(0)), "what was restricted");
            assert!(!hidden.hides_under(USAGE, consent(3)), "what was allowed after it");
            assert!(hidden.hides_under(USAGE, Digest::of(b"unknown")));
            assert!(!hidden.hides_under(CASE, consent(0)));
        }
        // A request that rests on no line, as of a claim code, hides everything.
        let by_claim = Step { entry: Digest::of(b"no line"), ..step(true, USAGE, None) };
        assert!(Hidden::of(&lines, &[by_claim]).hides_under(USAGE, consent(3)));
    }

    #[test]
    fn a_request_hides_until_it_is_released_by_a_request() {
        let steps = [step(true, USAGE, None), step(true, CASE, Some("A-1"))];
        let hidden = Hidden::of(&[], &steps);
        assert!(hidden.hides(USAGE) && hidden.hides(CASE));
        let case = |case: &str| case.parse::<CaseId>().unwrap();
        assert!(hidden.hides_bundle(Some(&case("A-1"))) && !hidden.hides_bundle(Some(&case("B-2"))));
        assert!(hidden.hides_bundle(None), "a bundle whose case is not known");
        assert_eq!(hidden.purposes(), [USAGE, CASE]);
        let released = [&steps[..], &[step(false, USAGE, None), step(false, CASE, Some("A-1"))]].concat();
        assert_eq!(Hidden::of(&[], &released), Hidden::default());
        let all = [step(true, CASE, None), step(false, CASE, Some("A-1"))];
        assert!(Hidden::of(&[], &all).hides_bundle(Some(&case("A-1"))), "one case releases not all");
        // The ledger's release ends no request that rests on no restriction of the ledger, nor on a later one.
        let by_both = Hidden::of(&[line(1, USAGE, None, EventKind::Released)], &steps);
        assert!(by_both.hides(USAGE));
        let later = [line(6, USAGE, None, EventKind::Released), line(7, USAGE, None, EventKind::Restricted)];
        assert!(Hidden::of(&later, &steps).hides(USAGE));
    }

    #[test]
    fn a_release_in_the_ledger_ends_the_request_whose_own_release_was_lost_with_a_backup() {
        let lines = [line(7, USAGE, None, EventKind::Restricted), line(8, USAGE, None, EventKind::Released)];
        assert_eq!(Hidden::of(&lines, &[step(true, USAGE, None)]), Hidden::default());
        assert!(Hidden::of(&lines[..1], &[step(true, USAGE, None)]).hides(USAGE), "before it came");
        let of_a_case = [line(7, CASE, Some("A-1"), EventKind::Restricted)];
        let released = [&of_a_case[..], &[line(8, CASE, Some("B-2"), EventKind::Released)]].concat();
        assert!(Hidden::of(&released, &[step(true, CASE, Some("A-1"))]).hides(CASE), "another case's");
    }
}

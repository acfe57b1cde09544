//! Each judgement passes, warns and fails where it should, and says so in both languages.

use std::collections::BTreeMap;

use super::facts::{Calibration, Constancy, EncoderScan, Versions};
use super::*;

const NOW: i64 = 1_795_341_600;

fn well() -> Facts {
    let calibration = Calibration { kind: "geometry".to_owned(), days: 12, last: Outcome::Pass };
    let test = Constancy { test: "noise".to_owned(), verdict: Outcome::Pass, days_overdue: 0 };
    Facts {
        now: NOW,
        volumes: vec![(Volume::System, 200 << 30), (Volume::Scans, 900 << 30)],
        newest_file: Some(NOW - 60),
        calibrations: vec![calibration],
        constancy: vec![test],
        errors: BTreeMap::from([(1042, 1)]),
        versions: Some(Versions { firmware: "3.10.2".to_owned(), firmware_needed: "3.9".to_owned() }),
        graphics_resets: Some(0),
        encoders: vec![EncoderScan { motion: Motion::Still, errors: 0 }],
    }
}

fn verdict(facts: &Facts, name: &str) -> Verdict {
    let named: Vec<Finding> = judge(facts).into_iter().filter(|finding| finding.check == name).collect();
    assert_eq!(named.len(), 1, "{name}");
    named[0].result
}

#[test]
fn a_workstation_that_is_well_passes_all_and_one_that_says_nothing_is_judged_by_its_clock_alone() {
    let findings = judge(&well());
    assert_eq!(findings.len(), 9);
    assert!(findings.iter().all(|finding| finding.result == Verdict::Pass), "{findings:?}");
    let silent = judge(&Facts { now: NOW, ..Facts::default() });
    assert_eq!(silent.iter().map(|finding| finding.check).collect::<Vec<_>>(), ["clock"]);
}

type Change = fn(&mut Facts);

/// What is not well: the check, its verdict, and what brings it about.
const CASES: &[(&str, Verdict, Change)] = &[
    ("storage scans", Verdict::Warn, |facts| facts.volumes[1].1 = limits::SCANS_LOW - 1),
    ("storage scans", Verdict::Fail, |facts| facts.volumes[1].1 = limits::SCANS_FULL - 1),
    ("storage system", Verdict::Fail, |facts| facts.volumes[0].1 = 0),
    ("clock", Verdict::Fail, |facts| facts.now = 0),
    ("clock", Verdict::Fail, |facts| facts.newest_file = Some(NOW + 86_400)),
    ("calibration", Verdict::Warn, |facts| facts.calibrations[0].days = limits::CALIBRATION_DAYS + 1),
    ("calibration", Verdict::Fail, |facts| facts.calibrations[0].last = Outcome::Fail),
    ("constancy", Verdict::Warn, |facts| facts.constancy[0].days_overdue = 3),
    ("constancy", Verdict::Fail, |facts| facts.constancy[0].verdict = Outcome::Fail),
    ("errors", Verdict::Warn, |facts| facts.errors = BTreeMap::from([(1042, limits::ERROR_REPEATED)])),
    ("errors", Verdict::Fail, |facts| facts.errors = BTreeMap::from([(7, 1), (1042, limits::ERROR_OFTEN)])),
    ("versions", Verdict::Fail, |facts| {
        facts.versions = Some(Versions { firmware: "3.9".to_owned(), firmware_needed: "3.10".to_owned() });
    }),
    ("graphics", Verdict::Warn, |facts| facts.graphics_resets = Some(1)),
    ("graphics", Verdict::Fail, |facts| facts.graphics_resets = Some(limits::RESETS_OFTEN)),
    ("encoders", Verdict::Warn, |facts| facts.encoders[0] = EncoderScan { motion: Motion::Moved, errors: 4 }),
    ("encoders", Verdict::Fail, |facts| facts.encoders[0].errors = 4),
];

#[test]
fn what_is_not_well_is_said_with_what_to_do_in_both_languages() {
    for (name, wanted, change) in CASES {
        let mut facts = well();
        change(&mut facts);
        assert_eq!(verdict(&facts, name), *wanted, "{name}");
        let findings = judge(&facts);
        assert_eq!(findings.iter().filter(|finding| finding.result != Verdict::Pass).count(), 1, "{name}");
        for language in [Language::En, Language::Da] {
            let checks = findings.iter().map(|finding| finding.in_language(language));
            for check in checks {
                assert_eq!(check.result == Verdict::Pass, check.remedy.is_empty(), "{check:?}");
            }
        }
    }
}

#[test]
fn versions_are_compared_as_numbers() {
    assert_eq!(facts::is_older("3.9", "3.10"), Some(true));
    assert_eq!(facts::is_older("3.10.0", "3.10"), Some(false));
    assert_eq!(facts::is_older("3.x", "3.10"), None);
}

/// Every finding there is, kept as a bundle keeps it and said in Danish by its key and arguments.
#[test]
fn a_kept_check_is_said_in_danish_with_its_own_arguments() {
    let mut keys = std::collections::BTreeSet::new();
    let mut look = |facts: &Facts| {
        let findings = judge(facts);
        let in_language = |language| findings.iter().map(move |finding| finding.in_language(language));
        let kept: Vec<Check> = in_language(Language::En).collect();
        let stored = serde_json::to_string(&kept).unwrap();
        let kept: Vec<Check> = serde_json::from_str(&stored).unwrap();
        assert_eq!(in_danish(&kept), in_language(Language::Da).collect::<Vec<_>>());
        keys.extend(kept.into_iter().map(|check| check.key));
    };
    look(&well());
    for (_, _, change) in CASES {
        let mut facts = well();
        change(&mut facts);
        look(&facts);
    }
    let mut facts = well();
    facts.volumes[1].1 = 1_500_000_000;
    facts.calibrations = ["geometry", "gain", "offset", "dose", "face_camera", "tracker", "other"]
        .map(|kind| Calibration { kind: kind.to_owned(), days: 400, last: Outcome::Warn })
        .into();
    look(&facts);
    // As many as the table has rows.
    assert_eq!(keys.len(), 18, "{keys:?}");

    // What has no key, or one that nobody knows, stays as it is.
    for key in ["", "unknown"] {
        let mut old = judge(&well())[0].in_language(Language::En);
        (old.key, old.arguments) = (key.to_owned(), BTreeMap::new());
        assert_eq!(in_danish(std::slice::from_ref(&old)), [old]);
    }
}

//! `README.txt` and `summary.json`: what the vendor reads first of a bundle. Both are files of the manifest, so the clinic
//! sees them in the preview, and the digest that it agrees to covers them.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{CaseId, CaseReason, DeviceId};
use serde::Serialize;

use super::manifest::{Manifest, Outcome, PolicyName, Reach, Window};
use crate::checks::Verdict;
use crate::limits;

/// The name of the text for people.
pub const README: &str = "README.txt";
/// The name of the summary for programs.
pub const FILE: &str = "summary.json";

const HEAD: &str = "\
SUPPORT BUNDLE OF A KATHEA WORKSTATION

What is in it
  manifest.json     every file with its SHA-256, what was looked for and what became of it; the clinic agreed to the
                    SHA-256 of this file
  summary.json      the same in short, with the error codes of the newest logs, whatever the time of the case, and the
                    checks that did not pass
  device.json       memory, free space and versions
  status.json       state of kathea-agent, as counts
  configuration.json  its settings, without addresses
  logs/             logs of Kathea and of the X1's controller
  calibration*, constancy*, encoders*
                    results and counts of the X1
  system.json, disks.json
                    what the operating system counted
  scans/            headers of chosen scans in the DICOM JSON model, without images
  motion/           motion traces of chosen scans, as numbers
  What was not there, or not needed for the reason of the case, is missing: manifest.json says which and why.

How to open it
  kathea-case open FILE.age --identity KEY -o FOLDER
                    checks every digest and writes summary.html
  age -d -i KEY FILE.age | tar -xz
                    the standard tools, without the checks

Names, numbers and places of persons were removed before the clinic saw the bundle. P-xxxxxxxx stands for a person of
this case, and for nobody in another case.

Dates
  All dates of this case were moved by one number of whole weeks: in the logs, the documents, the scans, the manifest
  and the times of these files. Weekday, time of day and the time between two lines are as they were.
";

const PRESENT: &str = "  The logs reach the time of collecting. Whoever knows when the bundle came can therefore tell the number of weeks.
";

const PAST: &str = "  The time that the bundle is about ended a week or more before it was collected. The end of that time stands for the
  time of collecting, and later dates were removed. Another bundle of this case that reaches the time of its own
  collecting gives the number of weeks for this one too.
";

/// The text of `README.txt`.
pub fn readme(reach: Option<Reach>) -> String {
    let note = match reach {
        Some(Reach::EndedBefore) => PAST,
        Some(Reach::ReachesPresent) | None => PRESENT,
    };
    format!("{HEAD}{note}")
}

/// The first things that the vendor asks of a case.
#[derive(Serialize)]
struct Summary<'a> {
    schema: &'static str,
    case: &'a CaseId,
    reason: CaseReason,
    device: DeviceId,
    agent: &'a str,
    policy: &'a PolicyName,
    made: &'a str,
    window: &'a Option<Window>,
    /// How the dates of the case left; by how many weeks is said nowhere.
    dates: &'static str,
    /// Files by folder, or by name where there is no folder.
    files: BTreeMap<&'a str, u64>,
    bytes: u64,
    /// What was looked for and is not whole.
    missing: Vec<Missing<'a>>,
    /// The error codes of the last logs, most frequent first.
    errors: Vec<ErrorCount>,
    /// The checks that did not pass.
    checks: Vec<Failed<'a>>,
    persons_learned: u64,
    removed: u64,
}

#[derive(Serialize)]
struct Missing<'a> {
    name: &'a str,
    outcome: Outcome,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorCount {
    code: u32,
    count: u64,
}

#[derive(Serialize)]
struct Failed<'a> {
    check: &'a str,
    result: Verdict,
    what: &'a str,
}

/// The bytes of `summary.json`, of a manifest that is otherwise complete.
pub fn to_bytes(manifest: &Manifest, errors: &BTreeMap<u32, u64>) -> Vec<u8> {
    let mut files = BTreeMap::new();
    for file in &manifest.files {
        let folder = file.name.split('/').next().unwrap_or_default();
        *files.entry(folder).or_default() += 1;
    }
    let often: BTreeSet<(std::cmp::Reverse<u64>, u32)> =
        errors.iter().map(|(code, count)| (std::cmp::Reverse(*count), *code)).collect();
    let whole = |outcome| matches!(outcome, Outcome::Done);
    let summary = Summary {
        schema: "kathea-support-summary/1",
        case: &manifest.case,
        reason: manifest.reason,
        device: manifest.device,
        agent: &manifest.agent,
        policy: &manifest.policy,
        made: &manifest.made,
        window: &manifest.window,
        dates: "moved by one number of whole weeks",
        files,
        bytes: manifest.total_bytes(),
        missing: manifest
            .operations
            .iter()
            .filter(|operation| !whole(operation.outcome))
            .map(|operation| Missing {
                name: &operation.name,
                outcome: operation.outcome,
                why: operation.why.as_deref(),
            })
            .collect(),
        errors: often
            .into_iter()
            .take(limits::SUMMARY_ERRORS)
            .map(|(count, code)| ErrorCount { code, count: count.0 })
            .collect(),
        checks: manifest
            .checks
            .iter()
            .filter(|check| check.result != Verdict::Pass)
            .map(|check| Failed { check: &check.check, result: check.result, what: &check.what })
            .collect(),
        persons_learned: manifest.persons_learned,
        removed: manifest.removed.values().fold(0, |sum, count| sum.saturating_add(*count)),
    };
    // Texts, numbers and a map with keys of text always serialize.
    let mut bytes = serde_json::to_vec_pretty(&summary).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::support::manifest;

    #[test]
    fn the_summary_says_what_failed_and_the_most_frequent_codes() {
        let errors: BTreeMap<u32, u64> = (1..=60).map(|code| (code, u64::from(code % 7))).collect();
        let summary = to_bytes(&manifest::tests::sample(), &errors);
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!(summary["errors"].as_array().unwrap().len(), limits::SUMMARY_ERRORS);
        assert_eq!((&summary["errors"][0]["code"], &summary["errors"][0]["count"]), (&6.into(), &6.into()));
        assert_eq!(summary["missing"][1]["name"], "motion");
        assert_eq!((summary["checks"].as_array().unwrap().len(), &summary["files"]["scans"]), (1, &1.into()));
    }

    #[test]
    fn the_text_says_that_dates_were_moved_and_whether_the_upload_tells_by_how_much() {
        let (present, past) = (readme(Some(Reach::ReachesPresent)), readme(Some(Reach::EndedBefore)));
        for text in [&present, &past] {
            assert!(text.contains("All dates of this case were moved by one number of whole weeks"));
            assert!(text.lines().all(|line| line.len() <= 120 && line.is_ascii()), "{text}");
        }
        assert!(present.contains("can therefore tell the number") && !past.contains("can therefore tell"));
    }
}

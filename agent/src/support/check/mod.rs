//! On-site checks: what the sources of this workstation say, judged in seconds, with what to do about it.
//!
//! ```text
//! look     reads the facts: files and the system
//! codes    error codes in lines of a log
//! facts    what was read, as numbers
//! drift    what the clinic's own history says of drifts
//! mod      the judgement: pure, in Danish and in English
//! ```
//!
//! Nothing leaves, so nobody is asked. Many cases end here.

mod codes;
mod drift;
pub mod facts;
pub mod look;

use std::borrow::Cow;

use crate::checks::{Check, Verdict};
use crate::config::Language;
use crate::html::{Both, both, size};
use crate::limits;
pub use drift::judge_history;
use facts::{Facts, Motion, Outcome, Volume};

/// What one check found, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    check: &'static str,
    result: Verdict,
    what: Both<String>,
    remedy: Both<String>,
}

impl Finding {
    /// The finding as it is printed and kept.
    pub fn in_language(&self, language: Language) -> Check {
        Check {
            check: Cow::Borrowed(self.check),
            result: self.result,
            what: self.what.of(language).clone(),
            remedy: self.remedy.of(language).clone(),
        }
    }

    /// The Danish of `check` with its numbers, if this finding says the same but for the numbers.
    fn as_danish(&self, check: &Check) -> Option<Check> {
        let (english, danish) = (self.in_language(Language::En), self.in_language(Language::Da));
        let is_same = (&english.check, english.result) == (&check.check, check.result);
        let what = renumbered(&check.what, &english.what, &danish.what).filter(|_| is_same)?;
        let remedy = renumbered(&check.remedy, &english.remedy, &danish.remedy)?;
        Some(Check { what, remedy, ..danish })
    }
}

fn pass(check: &'static str, what: Both<impl Into<String>>) -> Finding {
    found(check, Verdict::Pass, what, both("", ""))
}

fn found(
    check: &'static str,
    result: Verdict,
    what: Both<impl Into<String>>,
    remedy: Both<impl Into<String>>,
) -> Finding {
    Finding { check, result, what: what.map(Into::into), remedy: remedy.map(Into::into) }
}

/// `checks`, kept in English, in Danish where they were found again, be it with other numbers; the others as they are.
pub fn in_danish(checks: &[Check], findings: &[Finding]) -> Vec<Check> {
    let danish = |check: &Check| findings.iter().find_map(|finding| finding.as_danish(check));
    checks.iter().map(|check| danish(check).unwrap_or_else(|| check.clone())).collect()
}

/// `danish` with the numbers of `said`, where `said` is `english` but for the numbers.
fn renumbered(said: &str, english: &str, danish: &str) -> Option<String> {
    let (said, english, danish) = (parts(said), parts(english), parts(danish));
    let words = |parts: &[(String, String)]| parts.iter().map(|(word, _)| word.clone()).collect::<Vec<_>>();
    let numbers = |parts: &[(String, String)]| parts.iter().filter(|(_, number)| !number.is_empty()).count();
    if words(&said) != words(&english) || numbers(&danish) != numbers(&said) {
        return None;
    }
    let mut new = said.into_iter().map(|(_, number)| number).filter(|number| !number.is_empty());
    let part = |(word, old): (String, String)| {
        let number = if old.is_empty() { String::new() } else { new.next().unwrap_or_default() };
        // Danish has a comma where English has a point; a version has points in both.
        word + &(if old.contains(',') { number.replace('.', ",") } else { number })
    };
    Some(danish.into_iter().map(part).collect())
}

/// A text as pairs of words and the number behind them.
fn parts(text: &str) -> Vec<(String, String)> {
    let mut parts = vec![(String::new(), String::new())];
    for letter in text.chars() {
        let Some((word, number)) = parts.last_mut() else { break };
        match (letter.is_ascii_digit(), number.is_empty()) {
            (true, _) => number.push(letter),
            (false, true) => word.push(letter),
            (false, false) if matches!(letter, '.' | ',') => number.push(letter),
            (false, false) => parts.push((letter.to_string(), String::new())),
        }
    }
    parts
}

/// Judges what was read. What a source does not say is not judged.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        facts.volumes.iter().map(|(volume, free)| storage(*volume, *free)).collect();
    findings.push(clock(facts));
    findings.extend(calibration(facts));
    findings.extend(constancy(facts));
    findings.extend(errors(facts));
    findings.extend(versions(facts));
    findings.extend(facts.graphics_resets.map(graphics));
    findings.extend(encoders(facts));
    findings
}

fn storage(volume: Volume, free: u64) -> Finding {
    let (check, name, fail, warn) = match volume {
        Volume::System => {
            ("storage system", both("the system", "systemet"), limits::SYSTEM_FULL, limits::SYSTEM_LOW)
        }
        Volume::Scans => {
            ("storage scans", both("scans", "optagelser"), limits::SCANS_FULL, limits::SCANS_LOW)
        }
    };
    let free_text = size(free);
    let what = both(
        format!("{} are free for {}", free_text.en, name.en),
        format!("{} er ledige til {}", free_text.da, name.da),
    );
    let remedy = both(
        "archive scans or remove what is not needed; a full disk ends reconstructions",
        "arkivér optagelser, eller fjern det unødvendige; en fuld disk afbryder rekonstruktioner",
    );
    match free {
        free if free < fail => found(check, Verdict::Fail, what, remedy),
        free if free < warn => found(check, Verdict::Warn, what, remedy),
        _ => pass(check, what),
    }
}

/// Files are written by the same computer's clock: one from the future says that the clock was turned back.
fn clock(facts: &Facts) -> Finding {
    let remedy = both(
        "set the clock, and let the system keep it right",
        "stil uret, og lad systemet holde det rigtigt",
    );
    let is_ahead = |newest: &i64| newest.saturating_sub(facts.now) > limits::CLOCK_TURNED;
    match facts.newest_file.filter(is_ahead) {
        _ if facts.now < limits::FIRST_RELEASE => found(
            "clock",
            Verdict::Fail,
            both("this computer's clock shows a time before 2026", "computerens ur viser en tid før 2026"),
            remedy,
        ),
        Some(newest) => {
            let hours = newest.saturating_sub(facts.now) / 3600;
            found(
                "clock",
                Verdict::Fail,
                both(
                    format!("a log was written {hours} hours in the future: the clock was turned back"),
                    format!("en logfil er skrevet {hours} timer ude i fremtiden: uret er stillet tilbage"),
                ),
                remedy,
            )
        }
        None => pass("clock", both("the clock is plausible", "uret er troværdigt")),
    }
}

fn calibration(facts: &Facts) -> Vec<Finding> {
    let judged = facts.calibrations.iter().map(|calibration| {
        let name = facts::calibration_name(&calibration.kind);
        let days = calibration.days;
        let age = both(
            format!("the calibration of {} is {days} days old", name.en),
            format!("kalibreringen af {} er {days} dage gammel", name.da),
        );
        let remedy = both(
            "calibrate as the manual of the X1 says; ask support if it fails again",
            "kalibrér som beskrevet i X1'erens manual; spørg support, hvis det mislykkes igen",
        );
        match calibration.last {
            Outcome::Fail | Outcome::Never => {
                let what = both(
                    format!("the last calibration of {} did not succeed", name.en),
                    format!("den seneste kalibrering af {} lykkedes ikke", name.da),
                );
                found("calibration", Verdict::Fail, what, remedy)
            }
            Outcome::Pass | Outcome::Warn if days > limits::CALIBRATION_DAYS => {
                found("calibration", Verdict::Warn, age, remedy)
            }
            Outcome::Warn => found("calibration", Verdict::Warn, age, remedy),
            Outcome::Pass => pass("calibration", age),
        }
    });
    judged.collect()
}

fn constancy(facts: &Facts) -> Option<Finding> {
    let failed: Vec<&str> = facts
        .constancy
        .iter()
        .filter(|test| test.verdict == Outcome::Fail)
        .map(|test| test.test.as_str())
        .collect();
    let overdue = facts.constancy.iter().map(|test| test.days_overdue).max()?;
    Some(if !failed.is_empty() {
        found(
            "constancy",
            Verdict::Fail,
            both(
                format!("the constancy test failed: {}", failed.join(", ")),
                format!("konstanstesten er ikke bestået: {}", failed.join(", ")),
            ),
            both(
                "repeat it with the phantom as the manual says; do not scan patients before it passes",
                "gentag den med fantomet som beskrevet i manualen; skan ingen patienter, før den er bestået",
            ),
        )
    } else if overdue > 0 {
        found(
            "constancy",
            Verdict::Warn,
            both(
                format!("a constancy test is {overdue} days overdue"),
                format!("en konstanstest er {overdue} dage over tiden"),
            ),
            both("do it with the phantom", "udfør den med fantomet"),
        )
    } else {
        pass(
            "constancy",
            both("the constancy tests are done and passed", "konstanstestene er udført og bestået"),
        )
    })
}

fn errors(facts: &Facts) -> Option<Finding> {
    let (code, count) = facts.errors.iter().max_by_key(|(_, count)| **count)?;
    let what = both(
        format!("error {code} came {count} times in the last logs"),
        format!("fejl {code} er kommet {count} gange i de seneste logfiler"),
    );
    let remedy = both(
        format!("look error {code} up in the service manual, and name it to support"),
        format!("slå fejl {code} op i servicemanualen, og oplys den til support"),
    );
    Some(match *count {
        count if count >= limits::ERROR_OFTEN => found("errors", Verdict::Fail, what, remedy),
        count if count >= limits::ERROR_REPEATED => found("errors", Verdict::Warn, what, remedy),
        _ => pass("errors", both("no error was repeated", "ingen fejl er gentaget")),
    })
}

fn versions(facts: &Facts) -> Option<Finding> {
    let versions = facts.versions.as_ref()?;
    let is_older = facts::is_older(&versions.firmware, &versions.firmware_needed)?;
    let (have, need) = (&versions.firmware, &versions.firmware_needed);
    Some(if is_older {
        found(
            "versions",
            Verdict::Fail,
            both(
                format!("the X1 has version {have}, this Kathea needs {need}"),
                format!("X1'eren har version {have}, denne Kathea kræver {need}"),
            ),
            both("update the X1 with Kathea's service tool", "opdatér X1'eren med Katheas serviceværktøj"),
        )
    } else {
        pass(
            "versions",
            both(
                format!("Kathea and the X1 ({have}) fit each other"),
                format!("Kathea og X1'eren ({have}) passer sammen"),
            ),
        )
    })
}

fn graphics(resets: u64) -> Finding {
    let remedy = both(
        "update the graphics driver, and look for heat and a loose card",
        "opdatér grafikdriveren, og se efter varme og et løst kort",
    );
    match resets {
        0 => pass(
            "graphics",
            both("the graphics card was not reset this week", "grafikkortet er ikke nulstillet i denne uge"),
        ),
        _ => found(
            "graphics",
            if resets < limits::RESETS_OFTEN { Verdict::Warn } else { Verdict::Fail },
            both(
                format!("the graphics card was reset {resets} times this week"),
                format!("grafikkortet er nulstillet {resets} gange i denne uge"),
            ),
            remedy,
        ),
    }
}

/// Errors of the encoders in scans whose patient kept still: then it is the gantry that moves.
fn encoders(facts: &Facts) -> Option<Finding> {
    let errors = |motion| {
        let scans = facts.encoders.iter().filter(move |scan| scan.motion == motion);
        scans.fold(0_u64, |sum, scan| sum.saturating_add(scan.errors))
    };
    if facts.encoders.is_empty() {
        return None;
    }
    let (still, moved) = (errors(Motion::Still), errors(Motion::Moved));
    Some(match (still, moved) {
        (0, 0) => pass("encoders", both("the encoders count no errors", "encoderne tæller ingen fejl")),
        (0, moved) => found(
            "encoders",
            Verdict::Warn,
            both(
                format!("{moved} encoder errors, all in scans in which the patient moved"),
                format!("{moved} encoderfejl, alle i optagelser, hvor patienten bevægede sig"),
            ),
            both(
                "use the head support, and explain to keep still; the scanner itself is likely well",
                "brug hovedstøtten, og forklar, at man skal stå stille; selve scanneren er sandsynligvis i orden",
            ),
        ),
        (still, _) => found(
            "encoders",
            Verdict::Fail,
            both(
                format!(
                    "{still} encoder errors in scans in which the patient kept still: the gantry moves unevenly"
                ),
                format!("{still} encoderfejl i optagelser, hvor patienten stod stille: armen kører ujævnt"),
            ),
            both("call service: belt, bearing or encoder", "tilkald service: rem, leje eller encoder"),
        ),
    })
}

#[cfg(test)]
mod tests;

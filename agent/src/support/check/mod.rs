//! On-site checks: what the sources of this workstation say, judged in seconds, with what to do about it.
//!
//! ```text
//! look     reads the facts: files and the system
//! codes    error codes in lines of a log
//! facts    what was read, as numbers
//! drift    what the clinic's own history says of drifts
//! texts    what is said, in Danish and in English
//! mod      the judgement: pure
//! ```
//!
//! Nothing leaves, so nobody is asked. Many cases end here.

mod codes;
mod drift;
pub mod facts;
pub mod look;
mod texts;

pub use crate::checks::Finding;
use crate::checks::{Check, Verdict};
use crate::config::Language;
use crate::limits;
use crate::texts::Text;
pub use drift::judge_history;
use facts::{Facts, Motion, Outcome, Volume};
use texts::{Is, Named, Size};

fn pass(check: &'static str, what: impl Text) -> Finding {
    Finding::pass(check, what)
}

fn found(check: &'static str, result: Verdict, what: Is) -> Finding {
    let remedy = what.remedy().map(|remedy| remedy.said());
    Finding { check, result, what: what.said(), remedy }
}

/// `checks`, kept in English with key and arguments, in Danish. One without a key, of a draft of the first version, stays.
pub fn in_danish(checks: &[Check]) -> Vec<Check> {
    let danish = |check: &Check| {
        let what = Is::read(&check.key, &check.arguments)?;
        let remedy = what.remedy().filter(|_| !check.remedy.is_empty());
        let remedy = remedy.map(|remedy| remedy.text(Language::Da)).unwrap_or_default();
        Some(Check { what: what.text(Language::Da), remedy, ..check.clone() })
    };
    checks.iter().map(|check| danish(check).unwrap_or_else(|| check.clone())).collect()
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
    let (check, fail, warn) = match volume {
        Volume::System => ("storage system", limits::SYSTEM_FULL, limits::SYSTEM_LOW),
        Volume::Scans => ("storage scans", limits::SCANS_FULL, limits::SCANS_LOW),
    };
    let what = Is::Free { free: Size::of(free), volume };
    match free {
        free if free < fail => found(check, Verdict::Fail, what),
        free if free < warn => found(check, Verdict::Warn, what),
        _ => pass(check, what),
    }
}

/// Files are written by the same computer's clock: one from the future says that the clock was turned back.
fn clock(facts: &Facts) -> Finding {
    let is_ahead = |newest: &i64| newest.saturating_sub(facts.now) > limits::CLOCK_TURNED;
    let wrong = |what| found("clock", Verdict::Fail, what);
    match facts.newest_file.filter(is_ahead) {
        _ if facts.now < limits::FIRST_RELEASE => wrong(Is::ClockBefore),
        Some(newest) => wrong(Is::ClockTurned { hours: newest.saturating_sub(facts.now) / 3600 }),
        None => pass("clock", Is::ClockFine),
    }
}

fn calibration(facts: &Facts) -> Vec<Finding> {
    let judged = facts.calibrations.iter().map(|calibration| {
        let name = Named(facts::calibration_name(&calibration.kind));
        let days = calibration.days;
        let age = Is::CalibrationAge { name, days };
        match calibration.last {
            Outcome::Fail | Outcome::Never => {
                found("calibration", Verdict::Fail, Is::CalibrationFailed { name })
            }
            Outcome::Pass | Outcome::Warn if days > limits::CALIBRATION_DAYS => {
                found("calibration", Verdict::Warn, age)
            }
            Outcome::Warn => found("calibration", Verdict::Warn, age),
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
        let what = Is::ConstancyFailed { tests: failed.join(", ") };
        found("constancy", Verdict::Fail, what)
    } else if overdue > 0 {
        found("constancy", Verdict::Warn, Is::ConstancyOverdue { days: overdue })
    } else {
        pass("constancy", Is::ConstancyFine)
    })
}

fn errors(facts: &Facts) -> Option<Finding> {
    let (&code, &count) = facts.errors.iter().max_by_key(|(_, count)| **count)?;
    let what = Is::ErrorRepeated { code, count };
    Some(match count {
        count if count >= limits::ERROR_OFTEN => found("errors", Verdict::Fail, what),
        count if count >= limits::ERROR_REPEATED => found("errors", Verdict::Warn, what),
        _ => pass("errors", Is::NoErrorRepeated),
    })
}

fn versions(facts: &Facts) -> Option<Finding> {
    let versions = facts.versions.as_ref()?;
    let is_older = facts::is_older(&versions.firmware, &versions.firmware_needed)?;
    let have = versions.firmware.clone();
    Some(if is_older {
        let what = Is::FirmwareOld { have, need: versions.firmware_needed.clone() };
        found("versions", Verdict::Fail, what)
    } else {
        pass("versions", Is::VersionsFit { have })
    })
}

fn graphics(resets: u64) -> Finding {
    let verdict = if resets < limits::RESETS_OFTEN { Verdict::Warn } else { Verdict::Fail };
    match resets {
        0 => pass("graphics", Is::NoReset),
        count => found("graphics", verdict, Is::Resets { count }),
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
    Some(match (errors(Motion::Still), errors(Motion::Moved)) {
        (0, 0) => pass("encoders", Is::NoEncoderErrors),
        (0, count) => found("encoders", Verdict::Warn, Is::EncodersMoved { count }),
        (count, _) => found("encoders", Verdict::Fail, Is::EncodersStill { count }),
    })
}

#[cfg(test)]
mod tests;

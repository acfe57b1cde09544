//! Logs, documents and checks by time. Dates are those of the bundle: moved by the weeks of the case.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use crate::bundle;
use crate::failure::Failure;
use crate::manifest::{Check, Manifest, Summary};

/// Bytes of a line that are looked at.
const LINE: u64 = 4096;
/// Bytes of a document.
const DOCUMENT: u64 = 1 << 20;
/// Lines that are kept: the last ones.
const KEPT: usize = 20_000;
/// Lines that are read of all logs.
const READ: usize = 20_000_000;
/// Words that make a line one of errors or warnings.
const LEVELS: &[(&str, Level)] = &[
    ("FATAL", Level::Error),
    ("ERROR", Level::Error),
    ("STOP", Level::Error),
    ("CRITICAL", Level::Error),
    ("SEVERE", Level::Error),
    ("FEJL", Level::Error),
    ("\"error\"", Level::Error),
    ("WARN", Level::Warning),
    ("\"warning\"", Level::Warning),
];

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing is wrong; kept because a rule looks for it.
    Information,
    /// A warning.
    Warning,
    /// An error.
    Error,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// As the line has it, in one form: `2024-11-17 10:32:11`; empty where the line has none.
    pub(crate) at: String,
    pub(crate) source: String,
    pub(crate) level: Level,
    pub(crate) text: String,
    /// How often the same text stands in a row.
    pub(crate) times: u64,
}

/// All that the rules look at.
pub(crate) struct Case {
    pub(crate) moments: Vec<Moment>,
    pub(crate) errors: BTreeMap<u32, u64>,
    pub(crate) checks: Vec<Check>,
    /// Counts of `system.json` and the like, by `document/key`.
    pub(crate) counts: BTreeMap<String, f64>,
    /// Lines of errors and warnings beyond those that are kept.
    pub(crate) left_out: u64,
}

impl Case {
    /// Keeps the last moments, and counts the lines of the others.
    fn keep_last(&mut self) {
        self.moments.sort_by(|a, b| a.at.cmp(&b.at));
        let over = self.moments.len().saturating_sub(KEPT);
        self.left_out += self.moments.drain(..over).map(|moment| moment.times).sum::<u64>();
    }
}

/// Reads an opened bundle. `is_wanted` says of a line without a level whether a rule looks for it.
pub(crate) fn read(
    folder: &Path,
    manifest: &Manifest,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Case, Failure> {
    let mut case = Case {
        moments: Vec::new(),
        errors: errors(folder, manifest)?,
        checks: manifest.checks.clone(),
        counts: BTreeMap::new(),
        left_out: 0,
    };
    let mut lines = 0;
    for file in &manifest.files {
        if file.name.starts_with("logs/") {
            log(folder, &file.name, &is_wanted, &mut lines, &mut case)?;
        } else if !file.name.contains('/') && file.name.ends_with(".json") {
            let bytes = bundle::read(folder, &file.name, DOCUMENT)?;
            if let Ok(document) = serde_json::from_slice::<Value>(&bytes) {
                let name = file.name.trim_end_matches(".json");
                let name =
                    name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches('-');
                numbers(name, &document, &mut case);
            }
        }
    }
    case.keep_last();
    let checks = manifest.checks.iter().filter(|check| check.result != "pass");
    case.moments.extend(checks.map(|check| Moment {
        at: moment(&manifest.made).unwrap_or_default(),
        source: "check".to_owned(),
        level: if check.result == "fail" { Level::Error } else { Level::Warning },
        text: format!("{}: {}", check.check, check.what),
        times: 1,
    }));
    case.moments.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(case)
}

fn errors(folder: &Path, manifest: &Manifest) -> Result<BTreeMap<u32, u64>, Failure> {
    if !manifest.files.iter().any(|file| file.name == "summary.json") {
        return Ok(BTreeMap::new());
    }
    let bytes = bundle::read(folder, "summary.json", DOCUMENT)?;
    Ok(serde_json::from_slice::<Summary>(&bytes).unwrap_or_default().errors())
}

fn log(
    folder: &Path,
    name: &str,
    is_wanted: &impl Fn(&str) -> bool,
    lines: &mut usize,
    case: &mut Case,
) -> Result<(), Failure> {
    let path = folder.join(name);
    let mut reader = BufReader::new(File::open(&path).map_err(Failure::at(&path))?);
    let mut at = String::new();
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line).map_err(Failure::at(&path))?;
        *lines += 1;
        if read == 0 || *lines > READ {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if let Some(found) = moment(line) {
            at = found;
        }
        let level = LEVELS.iter().find(|(word, _)| line.contains(word)).map(|(_, level)| *level);
        let level = match level {
            Some(level) => level,
            None if is_wanted(line) => Level::Information,
            None => continue,
        };
        let text = without_moment(line).to_owned();
        if let Some(last) = case.moments.last_mut().filter(|last| last.text == text && last.source == name) {
            last.times += 1;
        } else {
            case.moments.push(Moment { at: at.clone(), source: name.to_owned(), level, text, times: 1 });
            if case.moments.len() >= 2 * KEPT {
                case.keep_last();
            }
        }
    }
}

/// The first date and time of a line, in one form.
fn moment(line: &str) -> Option<String> {
    let head = line.get(..line.len().min(80)).unwrap_or(line);
    let is_date = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            10 => matches!(byte, b' ' | b'T'),
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
    };
    let found = (0..head.len()).filter_map(|at| head.get(at..at + 19)).find(|text| is_date(text))?;
    Some(found.replace('T', " "))
}

fn without_moment(line: &str) -> &str {
    let has_moment = line.get(..19).is_some_and(|head| moment(head).is_some());
    let rest = if has_moment { line.get(19..).unwrap_or_default() } else { line };
    rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | ' ' | 'Z'))
}

/// The numbers of a document: `encoders/encoder_errors`, added up where there are several; words as
/// `calibration/gain=warn`.
fn numbers(name: &str, document: &Value, case: &mut Case) {
    match document {
        Value::Array(all) => all.iter().for_each(|one| numbers(name, one, case)),
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::Object(_) | Value::Array(_) => numbers(&format!("{name}/{key}"), value, case),
                    Value::Number(number) => {
                        *case.counts.entry(format!("{name}/{key}")).or_default() +=
                            number.as_f64().unwrap_or(0.0);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moments_are_kept_in_whatever_order_the_files_come() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        let line = |minute: usize| format!("2024-11-17 {:02}:{:02}:00", minute / 60 % 24, minute % 60);
        let noise: String = (0..2 * KEPT + 7).map(|n| format!("{} [WARN] {n}\n", line(n % 600))).collect();
        std::fs::write(dir.path().join("logs/kathea-0001.log"), noise).unwrap();
        std::fs::write(dir.path().join("logs/x1-0001.log"), format!("{} [ERROR] axis\n", line(700))).unwrap();
        let mut case = Case {
            moments: Vec::new(),
            errors: BTreeMap::new(),
            checks: Vec::new(),
            counts: BTreeMap::new(),
            left_out: 0,
        };
        let mut lines = 0;
        for name in ["logs/kathea-0001.log", "logs/x1-0001.log"] {
            log(dir.path(), name, &|_| false, &mut lines, &mut case).unwrap();
        }
        case.keep_last();
        assert!(case.moments.last().is_some_and(|last| last.text.contains("axis")));
        assert_eq!((case.moments.len(), case.left_out), (KEPT, KEPT as u64 + 8), "nothing goes uncounted");
    }
}

//! Reads the facts: from the files beside Kathea's logs, and from the system. Within seconds, whatever lies there.
//!
//! Nothing public says what these files hold, so these are assumptions: JSON, one object or a list or a line each,
//! with the words of the catalog.
//!
//! - `calibration*.json`: `{"type":"geometry","days":12,"last":"pass"}`, days as of when the file was written;
//! - `constancy*.json`: `{"test":"noise","verdict":"pass","days_overdue":0}`;
//! - `encoders*.json`: `{"motion_mm":0.4,"encoder_errors":3}`, an object for each scan;
//! - `versions*.json`: `{"x1_firmware":"3.10.2","x1_firmware_needed":"3.9"}`;
//! - every other file is a log; an error is a line of that level with a number in one of the forms of `codes`.
//!
//! It reads in the agent's own process, unlike everything that goes into a bundle: the checks answer also where no
//! process can be confined, and no text comes out of here. Of each kind the newest few files are read, of each a bounded
//! part, by a JSON reader of bounded depth, and nothing stays but numbers and words of the lists above.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::codes;
use super::facts::{
    CALIBRATIONS, Calibration, Constancy, EncoderScan, Facts, Motion, Outcome, TESTS, Versions, Volume,
};
use crate::config::Config;
use crate::limits;
use crate::support::gather::kathea::{self, Kind, Source};
use crate::support::gather::system;
use crate::workstation as device;

const DAY: i64 = 86_400;

/// What this workstation says now; `now` is seconds since 1970.
pub fn look(config: &Config, now: i64) -> Facts {
    look_until(config, now, now)
}

/// Likewise, with the ages of calibrations as they were at `moment`: in a bundle an age of today would tell, beside the
/// moved date of the calibration, by how much the dates of the case were moved.
pub fn look_until(config: &Config, now: i64, moment: i64) -> Facts {
    let mut facts = Facts { now, ..Facts::default() };
    let free = |path: &Path| path.ancestors().find_map(device::free_space);
    facts.volumes.extend(free(&config.data_dir).map(|free| (Volume::System, free)));
    let scans = config.kathea.scans.first().and_then(|path| device::free_space(path));
    facts.volumes.extend(scans.map(|free| (Volume::Scans, free)));

    facts.graphics_resets = system::graphics_resets(now - 7 * DAY, now);
    let beside = kathea::sources(&config.kathea.logs, false).unwrap_or_default();
    facts.newest_file = beside.first().map(|newest| newest.modified);
    let mut logs = Vec::new();
    let mut documents = 0;
    for source in &beside {
        let Source { path, kind, modified, .. } = source;
        let is_log = matches!(kind, Kind::KatheaLog | Kind::ControllerLog) && !is_versions(path);
        documents += usize::from(!is_log);
        if !is_log && documents > limits::CHECK_DOCUMENTS {
            continue;
        }
        let age = u64::try_from((moment - modified) / DAY).unwrap_or(0);
        match kind {
            Kind::Calibration => {
                facts.calibrations.extend(objects(source).filter_map(|row| calibration(&row, age)))
            }
            Kind::Constancy => facts.constancy.extend(objects(source).filter_map(|row| constancy(&row))),
            Kind::Encoders => facts.encoders.extend(objects(source).map(|row| encoders(&row))),
            Kind::KatheaLog if is_versions(path) => {
                facts.versions = facts.versions.or_else(|| objects(source).find_map(versions));
            }
            Kind::KatheaLog | Kind::ControllerLog => logs.push(source),
        }
    }
    for log in logs.iter().take(limits::CHECK_LOGS) {
        count_errors(&tail(log), &mut facts.errors);
    }
    facts
}

fn is_versions(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.starts_with("versions") && name.ends_with(".json")
}

/// The objects of a small JSON file that are rows of the wanted kind: itself, its list, or its lines.
fn objects<Row: DeserializeOwned>(source: &Source) -> impl Iterator<Item = Row> {
    values(source).into_iter().filter_map(|value| serde_json::from_value(value).ok())
}

fn values(Source { path, listed, .. }: &Source) -> Vec<Value> {
    let mut text = String::new();
    let read = regular::open(path, *listed)
        .map(|file| file.take(deidentify::limits::DOCUMENT).read_to_string(&mut text));
    if !matches!(read, Ok(Ok(_))) {
        return Vec::new();
    }
    match serde_json::from_str(&text) {
        Ok(Value::Array(list)) => list,
        Ok(value) => vec![value],
        Err(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
    }
}

/// Of `calibration*.json`.
#[derive(Deserialize)]
struct CalibrationRow {
    #[serde(rename = "type")]
    kind: String,
    days: u64,
    last: String,
}

fn calibration(row: &CalibrationRow, age: u64) -> Option<Calibration> {
    let (known, _) = CALIBRATIONS.iter().find(|(known, _)| *known == row.kind)?;
    let days = row.days.saturating_add(age);
    Some(Calibration { kind: (*known).to_owned(), days, last: Outcome::of(&row.last)? })
}

/// Of `constancy*.json`.
#[derive(Deserialize)]
struct ConstancyRow {
    test: String,
    verdict: String,
    /// Nothing, or no number, is as good as 0.
    #[serde(default)]
    days_overdue: Value,
}

fn constancy(row: &ConstancyRow) -> Option<Constancy> {
    let known = TESTS.iter().find(|known| **known == row.test)?;
    let days_overdue = row.days_overdue.as_u64().unwrap_or(0);
    Some(Constancy { test: (*known).to_owned(), verdict: Outcome::of(&row.verdict)?, days_overdue })
}

/// Of `encoders*.json`.
#[derive(Deserialize)]
struct EncoderRow {
    motion_mm: f64,
    encoder_errors: u64,
}

fn encoders(row: &EncoderRow) -> EncoderScan {
    let motion = if row.motion_mm < 1.0 { Motion::Still } else { Motion::Moved };
    EncoderScan { motion, errors: row.encoder_errors }
}

/// Of `versions*.json`.
#[derive(Deserialize)]
struct VersionsRow {
    x1_firmware: String,
    x1_firmware_needed: String,
}

/// Numbers with dots only: what is printed of them is nothing else.
fn versions(row: VersionsRow) -> Option<Versions> {
    let is_number =
        |text: &String| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let all = is_number(&row.x1_firmware) && is_number(&row.x1_firmware_needed);
    all.then_some(Versions { firmware: row.x1_firmware, firmware_needed: row.x1_firmware_needed })
}

/// The end of a log; nothing if it can't be read.
fn tail(Source { path, listed, .. }: &Source) -> String {
    let read = || {
        let mut file = regular::open(path, *listed)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(limits::CHECK_LOG)))?;
        let mut bytes = Vec::new();
        file.take(limits::CHECK_LOG).read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// Adds each error of `log` to its code.
fn count_errors(log: &str, errors: &mut BTreeMap<u32, u64>) {
    for code in log.lines().filter_map(codes::of) {
        *errors.entry(code).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn facts_are_read_from_files_of_any_form_and_damage() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write(
            "calibration.json",
            r#"[{"type":"geometry","days":12,"last":"pass"},{"type":"Hansen","days":1,"last":"pass"}]"#,
        );
        write(
            "constancy-2026-47.json",
            "{\"test\":\"noise\",\"verdict\":\"fail\"}\n{\"test\":\"cnr\",\"verdict\":\"pass\"}\nx",
        );
        write("encoders.json", r#"{"motion_mm":2.5,"encoder_errors":3}"#);
        write("versions.json", r#"{"x1_firmware":"3.10.2","x1_firmware_needed":"3.9"}"#);
        write(
            "x1.log",
            "ERROR link code=1042 x\nINFO code=7\nERROR code=1042\nSTOP code=9\nERROR code=Hansen\n",
        );
        write("damaged.json", "\u{0}");
        fs::write(dir.path().join("calibration-2.json"), b"\xff\xfe").unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        config.kathea.logs = vec![dir.path().to_owned(), dir.path().join("missing")];
        config.kathea.scans = vec![];
        let newest = look(&config, 0).newest_file.unwrap();
        let facts = look(&config, newest + 3 * DAY);
        let geometry = Calibration { kind: "geometry".to_owned(), days: 15, last: Outcome::Pass };
        assert_eq!(facts.calibrations, [geometry]);
        assert_eq!(
            facts.constancy.iter().map(|test| test.verdict).collect::<Vec<_>>(),
            [Outcome::Fail, Outcome::Pass]
        );
        assert_eq!(facts.encoders, [EncoderScan { motion: Motion::Moved, errors: 3 }]);
        assert_eq!(facts.versions.unwrap().firmware, "3.10.2");
        assert_eq!(facts.errors, BTreeMap::from([(9, 1), (1042, 2)]));
    }

    #[test]
    fn a_workstation_without_any_of_it_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        let facts = look(&config, 1_795_341_600);
        assert!(facts.errors.is_empty() && facts.calibrations.is_empty());
    }
}

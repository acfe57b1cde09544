//! Which scans: found by their time, shown by mode and field of view, never by name.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::case_request::{CaseRequest, Selection};
use super::failure::GatherError;
use super::headers;
use super::kathea::MOTION;
use super::listing::{self, File, Listing, is_motion};
use super::looking::Looking;
use super::missing::Missing;
use super::plan::Plan;
use crate::consent::state::to_text;
use crate::limits;
use crate::support::watch::Watch;
use deidentify::dicom::DataSet;
use deidentify::files::{Found, Take};

/// The files that `case_request` is about, newest first.
pub(super) fn choose(
    listing: &Listing,
    case_request: &CaseRequest,
    now: i64,
    watch: &Watch<'_>,
) -> Result<Vec<File>, GatherError> {
    let chosen = match &case_request.scans {
        Selection::None => return Ok(Vec::new()),
        Selection::Last => next_scan(listing, 0).map(|(_, newest)| slices(newest)).unwrap_or_default(),
        Selection::Since => {
            let since =
                case_request.since.and_then(|since| i64::try_from(since).ok()).unwrap_or(limits::LOGS_AROUND);
            let recent = listing.since(now - since);
            recent.into_iter().filter(is_dicom).collect()
        }
        Selection::Picked(keys) => {
            let newest = listing.runs.iter().map(|run| &run.newest);
            newest.filter(|newest| keys.contains(&newest.key())).flat_map(slices).collect()
        }
        Selection::Paths(paths) => named(paths, watch)?,
    };
    if chosen.is_empty() { Err(GatherError::NoScans) } else { Ok(chosen) }
}

fn named(paths: &[PathBuf], watch: &Watch<'_>) -> Result<Vec<File>, GatherError> {
    for path in paths {
        path.metadata().map_err(|e| GatherError::Unreadable(path.clone(), e.kind()))?;
    }
    Ok(listing::walk(paths, watch)?.since(i64::MIN))
}

/// The newest scan from the run `from` on.
fn next_scan(listing: &Listing, from: usize) -> Option<(usize, &File)> {
    let newest = listing.runs.iter().map(|run| &run.newest).enumerate();
    newest.skip(from).find(|(_, newest)| is_dicom(newest))
}

/// All slices of the scan that `first` is the newest of.
fn slices(first: &File) -> Vec<File> {
    if first.is_alone {
        return vec![first.clone()];
    }
    let mut slices: Vec<File> = Vec::new();
    let beside = first.path.parent().map(|folder| listing::files_in(folder, false)).unwrap_or_default();
    for found in beside.into_iter().filter(|file| !is_motion(&file.path) && file.modified <= first.modified) {
        let last = slices.last().map_or(first.modified, |last| last.modified);
        if last - found.modified > limits::SLICES_APART || slices.len() == limits::SCAN_FILES {
            break;
        }
        slices.push(found);
    }
    slices
}

/// A scan in a list to pick from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// What the choice repeats.
    pub key: String,
    /// When it was written, RFC 3339, UTC.
    pub at: String,
    /// DICOM modality: `CT`, `PX`, ...
    pub mode: String,
    /// Field of view in millimetres as far as the header tells: `80 x 80`.
    pub field: String,
    /// Files.
    pub files: u64,
}

/// The newest scans below `roots`; `program` reads their headers in a process of its own.
///
/// # Errors
/// [`GatherError`].
pub fn list(
    roots: &[PathBuf],
    program: &Path,
    random: &SystemRandom,
    watch: &Watch<'_>,
) -> Result<Vec<Scan>, GatherError> {
    watch.begin("looking", 0);
    let listing = listing::walk(roots, watch)?;
    let mut shown: Vec<(&File, u64)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = 0;
    while let Some((position, newest)) = next_scan(&listing, at).filter(|_| shown.len() < limits::SCANS_SHOWN)
    {
        watch.go_on(0)?;
        at = position + 1;
        if !seen.contains(&newest.path) {
            let slices = slices(newest);
            shown.push((newest, slices.len() as u64));
            seen.extend(slices.into_iter().map(|slice| slice.path));
        }
    }
    let files = shown.iter().map(|(newest, _)| newest.found()).collect();
    let headers = headers::read(files, described, program, random)?;
    let scan = |((newest, files), (mode, field)): ((&File, u64), (String, String))| Scan {
        key: newest.key(),
        at: to_text(newest.modified),
        mode,
        field,
        files,
    };
    Ok(shown.into_iter().zip(headers).map(scan).collect())
}

/// Mode and field of view of a header in the DICOM JSON model.
fn described(header: &DataSet) -> (String, String) {
    let value = |tag: &str, at: usize| header.0.get(tag)?.values.get(at);
    let number = |tag, at| value(tag, at)?.as_f64();
    let mode = value("00080060", 0).and_then(Value::as_str).unwrap_or("?").to_owned();
    let side = |count, spacing| Some(number(count, 0)? * number("00280030", spacing)?);
    let field = match side("00280011", 1).zip(side("00280010", 0)) {
        Some((width, height)) => format!("{width:.0} x {height:.0}"),
        None => number("00181100", 0).map_or_else(|| "?".to_owned(), |diameter| format!("{diameter:.0}")),
    };
    (mode, field)
}

/// The headers of the chosen scans.
pub(super) fn metadata(looking: &Looking<'_>) -> Plan {
    if looking.chosen.is_empty() {
        return Plan::absent(Missing::NoScan);
    }
    Plan::files("scans/scan", looking.chosen.iter().map(File::found).collect(), limits::SCAN_FILES)
}

/// The motion traces beside the chosen scans.
pub(super) fn motion(looking: &Looking<'_>) -> Plan {
    if looking.traces.is_empty() {
        return Plan::absent(Missing::NoTrace);
    }
    let numbers = |trace: &File| Found { take: Take::Numbers, ..trace.found() };
    Plan::files("motion/trace", looking.traces.iter().map(numbers).collect(), limits::SCAN_FILES)
}

/// The motion traces that belong to the chosen scans, where they lie or where a person pointed.
pub(super) fn traces(
    listing: &Listing,
    chosen: &[File],
    case_request: &CaseRequest,
    watch: &Watch<'_>,
) -> io::Result<Vec<File>> {
    let named = match &case_request.scans {
        Selection::Paths(paths) => {
            let folder = |path: &PathBuf| match path.is_dir() {
                true => Some(path.clone()),
                false => path.parent().map(Path::to_owned),
            };
            listing::walk(
                &paths.iter().filter_map(folder).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(),
                watch,
            )?
        }
        _ => Listing::default(),
    };
    let is_of = |trace: &&File| {
        chosen.iter().any(|scan| {
            let apart = scan.modified.abs_diff(trace.modified) <= limits::SLICES_APART.unsigned_abs();
            match scan.is_alone {
                true => stem(&trace.path) == scan.path.with_extension("").to_string_lossy(),
                false => trace.path.parent() == scan.path.parent() && apart,
            }
        })
    };
    let traces = listing.traces.iter().chain(&named.traces).filter(is_of);
    let mut traces: Vec<File> = traces.cloned().collect();
    traces.dedup_by(|a, b| a.path == b.path);
    Ok(traces)
}

/// Whether a file says of itself that it is DICOM (PS3.10, section 7.1).
fn is_dicom(found: &File) -> bool {
    if found.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("dcm")) {
        return true;
    }
    let mut head = [0; 132];
    let file = regular::open(&found.path, found.listed);
    file.is_ok_and(|mut file| file.read_exact(&mut head).is_ok()) && head.ends_with(b"DICM")
}

fn stem(path: &Path) -> String {
    path.to_string_lossy().trim_end_matches(MOTION).to_owned()
}

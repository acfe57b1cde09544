//! Which scans: found by their time, shown by mode and field of view, never by name.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use protocol::Digest;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use walkdir::WalkDir;

use super::basket::Plan;
use super::case_request::{CaseRequest, Selection};
use super::kathea::{self, MOTION};
use super::{GatherError, Looking, Watch};
use crate::consent::state::to_text;
use crate::limits;
use crate::support::cause::Cause;
use crate::support::record::Pseudonyms;
use deidentify::dicom::DataSet;
use deidentify::files::{Found, Known, Order, Outlet, Said, Take};
use regular::{self, Identity};

/// A file below the roots of scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    path: PathBuf,
    /// When it was last written, in seconds since 1970.
    pub(super) modified: i64,
    /// Whether it lies directly below a root: then no other file is of the same scan.
    is_alone: bool,
    /// The file that was listed.
    listed: Identity,
}

impl File {
    /// The file as it is read.
    pub(super) fn found(&self) -> Found {
        let path = self.path.clone().into_os_string();
        Found { path, listed: self.listed, refused: None, take: Take::Whole }
    }

    /// What stands for the file in a list that a person picks from.
    fn key(&self) -> String {
        let seen = format!("{}\0{}", self.path.display(), self.modified);
        HEXLOWER.encode(&Digest::of(seen.as_bytes()).to_bytes()[..8])
    }
}

/// The files below the roots, the newest first.
#[derive(Debug, Default)]
pub(super) struct Listing {
    files: Vec<File>,
    /// There are more than are listed.
    pub(super) is_cut: bool,
}

impl Listing {
    /// Those written at or after `start`, without motion traces.
    pub(super) fn since(&self, start: i64) -> Vec<File> {
        let until = self.files.partition_point(|found| found.modified >= start);
        self.files.iter().take(until).filter(|found| !is_motion(&found.path)).cloned().collect()
    }

    /// The newest scan and what is of it, from position `from` on.
    fn next_scan(&self, from: usize) -> Option<(usize, &File)> {
        let is_scan = |found: &File| !is_motion(&found.path) && is_dicom(found);
        self.files.iter().enumerate().skip(from).find(|(_, found)| is_scan(found))
    }

    /// All slices of the scan that `first` is the newest of.
    fn slices(&self, first: &File) -> Vec<File> {
        if first.is_alone {
            return vec![first.clone()];
        }
        let mut slices: Vec<File> = Vec::new();
        let beside = |found: &&File| found.path.parent() == first.path.parent() && !is_motion(&found.path);
        for found in self.files.iter().filter(beside).filter(|found| found.modified <= first.modified) {
            let last = slices.last().map_or(first.modified, |last| last.modified);
            if last - found.modified > limits::SLICES_APART || slices.len() == limits::SCAN_FILES {
                break;
            }
            slices.push(found.clone());
        }
        slices
    }
}

/// Looks below `roots` without opening a file.
///
/// # Errors
/// Somebody stopped it.
pub(super) fn walk(roots: &[PathBuf], watch: &Watch<'_>) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in roots.iter().flat_map(|root| WalkDir::new(root).follow_links(false)) {
        watch.go_on(1)?;
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_file() {
            continue;
        }
        if listing.files.len() == limits::SCAN_ENTRIES {
            listing.is_cut = true;
            break;
        }
        let metadata = entry.metadata().ok();
        let modified = metadata.as_ref().map_or(0, kathea::modified);
        let listed = metadata.as_ref().map_or(Identity::ANY, Identity::of);
        let is_alone = entry.depth() <= 1;
        listing.files.push(File { path: entry.into_path(), modified, is_alone, listed });
    }
    listing.files.sort_unstable_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
    Ok(listing)
}

/// The files that `case_request` is about, newest first.
pub(super) fn choose(
    listing: &Listing,
    case_request: &CaseRequest,
    now: i64,
    watch: &Watch<'_>,
) -> Result<Vec<File>, GatherError> {
    let chosen = match &case_request.scans {
        Selection::None => return Ok(Vec::new()),
        Selection::Last => {
            let newest = listing.next_scan(0).map(|(_, found)| found.clone());
            newest.map(|newest| listing.slices(&newest)).unwrap_or_default()
        }
        Selection::Since => {
            let since =
                case_request.since.and_then(|since| i64::try_from(since).ok()).unwrap_or(limits::LOGS_AROUND);
            let recent = listing.since(now - since);
            recent.into_iter().filter(is_dicom).collect()
        }
        Selection::Picked(keys) => {
            let keys: BTreeSet<&String> = keys.iter().collect();
            let picked = listing.files.iter().filter(|found| keys.contains(&found.key()));
            picked.flat_map(|found| listing.slices(found)).collect()
        }
        Selection::Paths(paths) => named(paths, watch)?,
    };
    if chosen.is_empty() { Err(GatherError::NoScans) } else { Ok(chosen) }
}

fn named(paths: &[PathBuf], watch: &Watch<'_>) -> Result<Vec<File>, GatherError> {
    for path in paths {
        path.metadata().map_err(|e| GatherError::Unreadable(path.clone(), e.kind()))?;
    }
    let found = walk(paths, watch)?.files;
    Ok(found.into_iter().filter(|found| !is_motion(&found.path)).collect())
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
    let listing = walk(roots, watch)?;
    let mut shown: Vec<(&File, u64)> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = 0;
    while let Some((position, newest)) = listing.next_scan(at).filter(|_| shown.len() < limits::SCANS_SHOWN) {
        watch.go_on(0)?;
        at = position + 1;
        if !seen.contains(&newest.path) {
            let slices = listing.slices(newest);
            shown.push((newest, slices.len() as u64));
            seen.extend(slices.into_iter().map(|slice| slice.path));
        }
    }
    let files = shown.iter().map(|(newest, _)| newest.found()).collect();
    let key = *Pseudonyms::draw(random)?.0;
    let mut order = Order {
        key,
        files,
        contexts: Vec::new(),
        typed: Vec::new(),
        own: Vec::new(),
        known: Known::default(),
        done: 0,
    };
    let mut headers = Headers::default();
    super::carry_out(program, &mut order, &mut headers)?;
    let scan = |((newest, files), (mode, field)): ((&File, u64), (String, String))| Scan {
        key: newest.key(),
        at: to_text(newest.modified),
        mode,
        field,
        files,
    };
    Ok(shown.into_iter().zip(headers.all).map(scan).collect())
}

/// What the headers say, each as it would leave, so that no name can be in it.
#[derive(Default)]
struct Headers {
    now: Vec<u8>,
    all: Vec<(String, String)>,
}

impl Write for Headers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A file may have taken over the process that reads it.
        if self.now.len() + bytes.len() > deidentify::limits::DICOM_KEPT {
            return Err(Cause::Damaged.into());
        }
        self.now.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Headers {
    fn say(&mut self, said: Said) -> io::Result<()> {
        match said {
            Said::Finished(_) if self.all.len() < limits::SCANS_SHOWN => {
                self.all.push(described(&serde_json::from_slice(&self.now).unwrap_or_default()));
                self.now.clear();
            }
            _ => {}
        }
        Ok(())
    }
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
        return Plan::absent("no scan was chosen");
    }
    Plan::files("scans/scan", looking.chosen.iter().map(File::found).collect(), limits::SCAN_FILES)
}

/// The motion traces beside the chosen scans.
pub(super) fn motion(looking: &Looking<'_>) -> Plan {
    if looking.traces.is_empty() {
        return Plan::absent("there is no motion trace of these scans");
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
            walk(
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
    let traces = listing.files.iter().chain(&named.files).filter(|file| is_motion(&file.path)).filter(is_of);
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

fn is_motion(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(MOTION)
}

fn stem(path: &Path) -> String {
    path.to_string_lossy().trim_end_matches(MOTION).to_owned()
}

//! What lies below the roots of scans, without a file being opened: runs of files that were written one after the other.
//!
//! A year of scans in slices is three million files. Of a run only its ends are held, so that memory is that of the
//! scans; a folder is listed again when each file of it is wanted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use protocol::Digest;
use walkdir::WalkDir;

use super::kathea::{self, MOTION};
use crate::limits;
use crate::support::watch::Watch;
use deidentify::files::{Found, Take};
use regular::Identity;

/// A file below the roots of scans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// When it was last written, in seconds since 1970.
    pub(super) modified: i64,
    /// Whether it lies directly below a root: then no other file is of the same scan.
    pub(super) is_alone: bool,
    /// The file that was listed.
    pub(super) listed: Identity,
}

impl File {
    /// The file as it is read.
    pub(super) fn found(&self) -> Found {
        let path = self.path.clone().into_os_string();
        Found { path, listed: self.listed, refused: None, take: Take::Whole }
    }

    /// What stands for the file in a list that a person picks from.
    pub(super) fn key(&self) -> String {
        let seen = format!("{}\0{}", self.path.display(), self.modified);
        HEXLOWER.encode(&Digest::of(seen.as_bytes()).to_bytes()[..8])
    }
}

/// Files of one folder and one ending that were written one after the other: the slices of a scan, or a file alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) newest: File,
    /// When the first of them was written.
    since: i64,
    /// Of more than one, the first and the last by their names.
    pub(super) ends: Option<Box<[File; 2]>>,
    pub(super) count: usize,
}

impl Run {
    /// Of `files`, the newest first.
    fn of(files: &[File]) -> Option<Self> {
        let (newest, oldest) = (files.first()?, files.last()?);
        let ends = files.iter().min_by(|a, b| by_name(a, b)).zip(files.iter().max_by(|a, b| by_name(a, b)));
        let ends =
            ends.filter(|_| files.len() > 1).map(|(first, last)| Box::new([first.clone(), last.clone()]));
        Some(Self { newest: newest.clone(), since: oldest.modified, ends, count: files.len() })
    }

    /// Every file of it, the newest first.
    pub(super) fn files(&self) -> Vec<File> {
        if self.ends.is_none() {
            return vec![self.newest.clone()];
        }
        let folder = self.newest.path.parent().unwrap_or(Path::new(""));
        let mut files = files_in(folder, self.newest.is_alone);
        files.retain(|file| {
            (self.since..=self.newest.modified).contains(&file.modified)
                && file.path.extension() == self.newest.path.extension()
                && !is_motion(&file.path)
        });
        files
    }
}

/// The runs below the roots, the newest first, and the motion traces.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) runs: Vec<Run>,
    pub(super) traces: Vec<File>,
    /// There are more than are listed.
    pub(super) is_cut: bool,
}

impl Listing {
    /// The runs of which something was written at or after `start`.
    pub(super) fn runs_since(&self, start: i64) -> &[Run] {
        let until = self.runs.partition_point(|run| run.newest.modified >= start);
        self.runs.get(..until).unwrap_or_default()
    }

    /// The files written at or after `start`, the newest first.
    pub(super) fn since(&self, start: i64) -> Vec<File> {
        let mut files: Vec<File> = self.runs_since(start).iter().flat_map(Run::files).collect();
        files.retain(|file| file.modified >= start);
        files.sort_unstable_by(newest_first);
        files
    }

    fn add(&mut self, files: Vec<File>) {
        let (traces, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_motion(&file.path));
        self.traces.extend(traces);
        // Beside each slice may lie a file of another kind: they are runs of their own.
        files.sort_unstable_by(|a, b| {
            a.path.extension().cmp(&b.path.extension()).then_with(|| newest_first(a, b))
        });
        let is_next = |a: &File, b: &File| {
            !a.is_alone
                && a.path.extension() == b.path.extension()
                && a.modified - b.modified <= limits::SLICES_WRITTEN
        };
        self.runs.extend(files.chunk_by(is_next).filter_map(Run::of));
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
        if entry.file_type().is_dir() {
            listing.add(files_in(entry.path(), entry.depth() == 0));
        } else if entry.depth() == 0 && entry.file_type().is_file() {
            listing.add(vec![file(entry.path().to_owned(), entry.metadata().ok().as_ref(), true)]);
        }
        if listing.runs.len() + listing.traces.len() > limits::SCAN_ENTRIES {
            listing.runs.truncate(limits::SCAN_ENTRIES);
            listing.is_cut = true;
            break;
        }
    }
    listing.runs.sort_unstable_by(|a, b| newest_first(&a.newest, &b.newest));
    listing.traces.sort_unstable_by(newest_first);
    Ok(listing)
}

/// The files of a folder, the newest first; of one that cannot be listed none.
pub(super) fn files_in(folder: &Path, is_alone: bool) -> Vec<File> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let regular = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut files: Vec<File> =
        regular.map(|entry| file(entry.path(), entry.metadata().ok().as_ref(), is_alone)).collect();
    files.sort_unstable_by(newest_first);
    files
}

fn file(path: PathBuf, metadata: Option<&fs::Metadata>, is_alone: bool) -> File {
    let modified = metadata.map_or(0, kathea::modified);
    File { path, modified, is_alone, listed: metadata.map_or(Identity::ANY, Identity::of) }
}

/// `2.dcm` before `10.dcm`, and `0002.dcm` before `0010.dcm`.
fn by_name(a: &File, b: &File) -> std::cmp::Ordering {
    a.path.as_os_str().len().cmp(&b.path.as_os_str().len()).then_with(|| a.path.cmp(&b.path))
}

fn newest_first(a: &File, b: &File) -> std::cmp::Ordering {
    b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path))
}

pub(super) fn is_motion(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(MOTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(files: &[(&str, i64)]) -> Listing {
        let file = |(name, modified): &(&str, i64)| File {
            path: Path::new("/scans/1").join(name),
            modified: *modified,
            is_alone: false,
            listed: Identity::ANY,
        };
        let mut listing = Listing::default();
        listing.add(files.iter().map(file).collect());
        listing
    }

    #[test]
    fn files_written_one_after_the_other_are_a_run_and_its_ends_are_those_by_name() {
        let later = 30 + limits::SLICES_WRITTEN;
        let found = listing(&[
            ("2.dcm", 10),
            ("10.dcm", 11),
            ("1.dcm", 10),
            ("9.dcm", 30),
            ("0.dcm", later + 1),
            ("scan.json", 30),
            ("scan.motion.csv", 30),
        ]);
        let name = |file: &File| file.path.file_name().unwrap().to_str().unwrap().to_owned();
        let runs: Vec<_> = found
            .runs
            .iter()
            .map(|run| {
                (name(&run.newest), run.count, run.ends.as_ref().map(|ends| ends.each_ref().map(name)))
            })
            .collect();
        let ends = Some(["1.dcm".to_owned(), "10.dcm".to_owned()]);
        let expected =
            [("0.dcm".to_owned(), 1, None), ("9.dcm".to_owned(), 4, ends), ("scan.json".to_owned(), 1, None)];
        assert_eq!(runs, expected);
        assert_eq!(found.traces.len(), 1);
    }

    #[test]
    fn a_file_directly_below_a_root_is_a_run_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.dcm", "b.dcm", "scan/1.dcm", "scan/2.dcm"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let progress = crate::support::watch::Progress::default();
        let watch = Watch { clock: &std::time::Duration::default, wait: &|| {}, progress: &progress };
        let listing = walk(&[dir.path().to_owned()], &watch).unwrap();
        let mut counts: Vec<usize> = listing.runs.iter().map(|run| run.count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 1, 2]);
        assert_eq!(listing.since(0).len(), 4);
        assert_eq!(walk(&[dir.path().join("a.dcm")], &watch).unwrap().since(0).len(), 1);
    }
}

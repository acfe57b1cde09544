//! What Kathea's and the X1's files are called. Nothing public says it, so these are assumptions, and the only ones:
//!
//! - below the folders of `[kathea] logs`, files whose name begins with `x1` are the controller's, `calibration*`,
//!   `constancy*` and `encoders*` in JSON are results and counts, and every other text is a log of Kathea;
//! - below the folders of `[kathea] scans` lie DICOM files; a folder holds the slices of a scan that were written
//!   within an hour of each other, and a file directly below a root is a scan of its own;
//! - `*.motion.csv` in a scan's folder is its motion trace: numbers, a line for each point in time.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use super::failure::GatherError;
use crate::limits;
use regular::Identity;

/// The ending of a motion trace.
pub(super) const MOTION: &str = ".motion.csv";

/// What a file beside the logs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::support) enum Kind {
    /// A log of Kathea's.
    KatheaLog,
    /// A log of the X1's controller.
    ControllerLog,
    /// Results of calibrations.
    Calibration,
    /// Results of constancy tests.
    Constancy,
    /// Counts of encoder errors and lost frames.
    Encoders,
}

/// A file beside the logs.
#[derive(Clone, Debug)]
pub(in crate::support) struct Source {
    pub(in crate::support) path: PathBuf,
    pub(in crate::support) kind: Kind,
    /// When it was last written, in seconds since 1970.
    pub(in crate::support) modified: i64,
    /// The file that was listed.
    pub(in crate::support) listed: Identity,
}

/// Everything below `roots`. A root that a person named must be readable; one of the configuration may be missing.
pub(in crate::support) fn sources(roots: &[PathBuf], named: bool) -> Result<Vec<Source>, GatherError> {
    let mut sources = Vec::new();
    for root in roots {
        let under = WalkDir::new(root).follow_links(false).max_depth(limits::LOG_DEPTH).sort_by_file_name();
        for entry in under.into_iter().take(limits::LOG_ENTRIES) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    // A file that vanished meanwhile is missing when it is opened.
                    let metadata = entry.metadata().ok();
                    sources.push(Source {
                        kind: kind(entry.path()),
                        modified: metadata.as_ref().map_or(0, modified),
                        listed: metadata.as_ref().map_or(Identity::ANY, Identity::of),
                        path: entry.into_path(),
                    });
                }
                Err(e) if named && e.depth() == 0 => {
                    let kind = e.io_error().map_or(io::ErrorKind::Other, io::Error::kind);
                    return Err(GatherError::Unreadable(root.clone(), kind));
                }
                _ => {}
            }
        }
    }
    sources.sort_unstable_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.path.cmp(&b.path)));
    Ok(sources)
}

/// When a file was last written, in seconds since 1970.
pub(super) fn modified(metadata: &std::fs::Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

fn kind(path: &Path) -> Kind {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let is_json = name.ends_with(".json");
    match () {
        () if is_json && name.starts_with("calibration") => Kind::Calibration,
        () if is_json && name.starts_with("constancy") => Kind::Constancy,
        () if is_json && name.starts_with("encoders") => Kind::Encoders,
        () if name.starts_with("x1") => Kind::ControllerLog,
        () => Kind::KatheaLog,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_names() {
        for (name, wanted) in [
            ("kathea.log", Kind::KatheaLog),
            ("viewer-2026-11-21.txt", Kind::KatheaLog),
            ("X1-controller.log", Kind::ControllerLog),
            ("calibration.json", Kind::Calibration),
            ("constancy-2026-47.json", Kind::Constancy),
            ("encoders.json", Kind::Encoders),
            ("calibration.log", Kind::KatheaLog),
        ] {
            assert_eq!(kind(Path::new(name)), wanted, "{name}");
        }
    }

    #[test]
    fn a_root_of_the_configuration_may_be_missing_and_a_named_one_may_not() {
        let missing = [PathBuf::from("/nowhere/at/all")];
        assert!(sources(&missing, false).unwrap().is_empty());
        assert!(matches!(sources(&missing, true), Err(GatherError::Unreadable(..))));
    }
}

//! Who took, brought or erased data here, and when: lines of JSON that are only ever added, each naming the hash of
//! the one before.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::disk;
use crate::failure::Failure;
use crate::store::device::rfc3339;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deed {
    /// Records were printed: a copy that nothing here knows of.
    Export,
    /// A bundle came on a stick.
    Import,
    /// Data of a device was erased for its owner.
    Erase,
    /// Data was erased because its period was over.
    Retention,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// When, RFC 3339.
    pub(crate) at: String,
    /// The account of the operating system.
    pub(crate) who: String,
    /// What.
    pub(crate) deed: Deed,
    /// Of one device only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceId>,
    /// Of one purpose only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<Purpose>,
    /// Of one support case only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) case: Option<CaseId>,
    /// Records and bundles.
    pub(crate) count: u64,
    /// SHA-256 of the line before, without its line feed.
    pub(crate) previous: Option<Digest>,
}

/// What is noted; who and when are added.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) deed: Deed,
    pub(crate) device: Option<DeviceId>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) case: Option<CaseId>,
    pub(crate) count: u64,
}

impl Note {
    /// About everything.
    pub(crate) fn new(deed: Deed, count: u64) -> Self {
        Self { deed, device: None, purpose: None, case: None, count }
    }
}

/// Adds a line. It is on the disk when this returns.
pub(crate) fn note(data: &Path, note: Note, now: OffsetDateTime) -> Result<(), Failure> {
    let path = path(data);
    let mut file = open(&path)?;
    file.lock().map_err(Failure::at(&path))?;
    let previous = lines(data)?.last().map(|(_, hash)| *hash);
    let Note { deed, device, purpose, case, count } = note;
    let line = Line { at: rfc3339(now), who: account(), deed, device, purpose, case, count, previous };
    let text = serde_json::to_string(&line).map_err(|_| Failure::new("the audit line has no JSON form"))?;
    file.seek(SeekFrom::End(0))
        .and_then(|_| file.write_all(format!("{text}\n").as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| disk::sync_parent(&path))
        .map_err(Failure::at(&path))
}

/// Every line and its hash; an error names the first that does not follow the one before.
pub(crate) fn lines(data: &Path) -> Result<Vec<(Line, Digest)>, Failure> {
    let path = path(data);
    let text = disk::read(&path)?.unwrap_or_default();
    let text = String::from_utf8(text).map_err(|_| Failure::unreadable(&path))?;
    let mut out: Vec<(Line, Digest)> = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let line: Option<Line> = serde_json::from_str(text).ok();
        match line.filter(|line| line.previous == out.last().map(|(_, hash)| *hash)) {
            Some(line) => out.push((line, Digest::of(text.as_bytes()))),
            None => {
                let at = index + 1;
                let what = format!("{}, line {at}: changed, or lines before it are missing", path.display());
                return Err(Failure::new(what));
            }
        }
    }
    Ok(out)
}

fn path(data: &Path) -> PathBuf {
    data.join("audit.ndjson")
}

fn open(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(Failure::at(path))
}

/// The account of the operating system that runs this.
fn account() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_changed_or_taken_out_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for count in 0..3 {
            note(dir.path(), Note::new(Deed::Export, count), OffsetDateTime::UNIX_EPOCH).unwrap();
        }
        let counts = |data: &Path| {
            lines(data).map(|lines| lines.iter().map(|(line, _)| line.count).collect::<Vec<_>>())
        };
        assert_eq!(counts(dir.path()).unwrap(), [0, 1, 2]);
        let written = std::fs::read_to_string(path(dir.path())).unwrap();
        let changed = written.replacen("\"count\":1", "\"count\":7", 1);
        let without: Vec<&str> = written.lines().filter(|line| !line.contains("\"count\":1")).collect();
        for (text, at) in [(changed, "line 3"), (without.join("\n"), "line 2")] {
            std::fs::write(path(dir.path()), text).unwrap();
            assert!(counts(dir.path()).unwrap_err().to_string().contains(at));
        }
    }
}

//! Files of an export, each appended to many times and none held open: there are as many as entries and months.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::backup::make_empty;
use crate::failure::Failure;

/// Bytes that wait in memory for all files.
const WAITING: usize = 8 << 20;

/// The files of a directory.
pub(crate) struct Tables {
    dir: PathBuf,
    waiting: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl Tables {
    /// In a directory that must not be there or be empty.
    pub(crate) fn new(dir: &Path) -> Result<Self, Failure> {
        make_empty(dir)?;
        Ok(Self { dir: dir.to_owned(), waiting: BTreeMap::new(), bytes: 0 })
    }

    /// Adds a line of JSON to a file.
    pub(crate) fn put(&mut self, name: &str, line: &impl Serialize) -> Result<(), Failure> {
        let bytes = match self.waiting.get_mut(name) {
            Some(bytes) => bytes,
            None => self.waiting.entry(name.to_owned()).or_default(),
        };
        let before = bytes.len();
        serde_json::to_writer(&mut *bytes, line).map_err(|_| Failure::new("a record has no JSON form"))?;
        bytes.push(b'\n');
        self.bytes += bytes.len() - before;
        if self.bytes > WAITING { self.flush() } else { Ok(()) }
    }

    /// Writes what waits; how many files there are.
    pub(crate) fn end(mut self) -> Result<u64, Failure> {
        self.flush()?;
        Ok(self.waiting.len() as u64)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        for (name, bytes) in self.waiting.iter_mut().filter(|(_, bytes)| !bytes.is_empty()) {
            let path = self.dir.join(name);
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&path).and_then(|mut file| file.write_all(bytes)).map_err(Failure::at(&path))?;
            // The name stays, and counts as a file.
            *bytes = Vec::new();
        }
        self.bytes = 0;
        Ok(())
    }
}

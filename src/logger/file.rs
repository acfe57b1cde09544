//! A log file that never grows beyond its size: full, it becomes the old one and the older one goes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use agent::durable;

/// The file, and the one before it with the ending `old`.
pub(super) struct RotatingFile {
    path: PathBuf,
    size: u64,
    file: File,
}

impl RotatingFile {
    /// Goes on with the file at `path`; each of the two has at most `size` bytes.
    pub(super) fn open(path: &Path, size: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            durable::create_directory(folder)?;
        }
        Ok(Self { path: path.to_owned(), size, file: append(path)? })
    }
}

fn append(path: &Path) -> io::Result<File> {
    durable::private(File::options().append(true).create(true)).open(path)
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.file.metadata()?.len() + line.len() as u64 > self.size {
            let old = self.path.with_extension("old");
            let _ = fs::remove_file(&old);
            // Renamed while it is open: std opens files so that Windows allows it.
            fs::rename(&self.path, &old)?;
            self.file = append(&self.path)?;
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_are_all_there_ever_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log").join("agent.log");
        for line in 0..100 {
            let mut file = RotatingFile::open(&path, 100).unwrap();
            writeln!(file, "line {line}").unwrap();
        }
        let mut names = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.by_ref().count(), 2);
        let text = fs::read_to_string(&path).unwrap();
        let old = fs::read_to_string(path.with_extension("old")).unwrap();
        assert!(text.ends_with("line 99\n") && text.len() <= 100 && (50..=100).contains(&old.len()));
    }
}

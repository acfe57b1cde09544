//! The only way to write plain text to disk: to a path that a person gave, readable by its owner only, under a
//! temporary name until it is complete.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::durable::{self, Partial};

/// A file that is not whole yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    /// While it is being written: a case of many files must not hold them all open.
    file: Option<BufWriter<File>>,
    partial: Partial,
}

impl Part {
    /// An empty one that will lie at `path`.
    ///
    /// # Errors
    /// Whatever keeps it from being opened.
    pub fn new(path: &Path) -> io::Result<Self> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
        let (partial, file) = Partial::create(path.with_file_name(format!(".{name}.{}", durable::PARTIAL)))?;
        let file = Some(BufWriter::with_capacity(64 << 10, file));
        Ok(Self { path: path.to_owned(), file, partial })
    }

    /// Ends writing; it will be kept under `name`.
    ///
    /// # Errors
    /// Whatever keeps the rest from being written.
    pub(crate) fn close_as(&mut self, name: &str) -> io::Result<()> {
        self.flush()?;
        self.file = None;
        self.path.set_file_name(name);
        Ok(())
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Whatever keeps it from being written to its end or renamed.
    pub fn keep(mut self) -> io::Result<()> {
        self.flush()?;
        self.partial.keep_as(&self.path)
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

/// Writes `text` to `path`.
///
/// # Errors
/// Whatever keeps it from being written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut part = Part::new(path)?;
    part.write_all(text.as_bytes())?;
    part.keep()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_private_and_gone_unless_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        let mut part = Part::new(&path).unwrap();
        part.write_all(b"kV").unwrap();
        drop(part);
        assert!(Part::new(&dir.path().join("..")).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut part = Part::new(&path).unwrap();
        part.write_all(b"second").unwrap();
        part.keep().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
        write(&path, "{}").unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

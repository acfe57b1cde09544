//! The one way in which plain text reaches the disk: under a path that a person named, readable by its owner
//! only, under another name until it is whole.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::durable;

/// A file that is not whole yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    partial: PathBuf,
    name: String,
    is_kept: bool,
}

impl Part {
    /// The file `name` in `directory`, filled by `write`.
    ///
    /// # Errors
    /// Whatever kept it from being written; nothing is left of it then.
    pub fn write<T>(
        directory: &Path,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        let partial = directory.join(format!(".{name}.{}", durable::PARTIAL));
        let file =
            durable::private(OpenOptions::new().write(true).create(true).truncate(true)).open(&partial)?;
        let part = Self { path: directory.join(name), partial, name: name.to_owned(), is_kept: false };
        let mut writer = BufWriter::with_capacity(64 << 10, file);
        let value = write(&mut writer)?;
        writer.flush()?;
        Ok((part, value))
    }

    /// The same, to be kept under another name.
    pub(super) fn named(mut self, directory: &Path, name: String) -> Self {
        self.path = directory.join(&name);
        self.name = name;
        self
    }

    /// Its bytes, to be checked.
    ///
    /// # Errors
    /// Whatever keeps it from being opened.
    pub fn read(&self) -> io::Result<File> {
        File::open(&self.partial)
    }

    /// Its name once it is kept.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Whatever keeps it from being renamed.
    pub fn keep(mut self) -> io::Result<()> {
        std::fs::rename(&self.partial, &self.path)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

/// Writes `text` to `path`.
///
/// # Errors
/// Whatever keeps it from being written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
    Part::write(directory, name, |out| out.write_all(text.as_bytes()))?.0.keep()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_private_and_gone_unless_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (part, ()) = Part::write(dir.path(), "0001.log", |out| out.write_all(b"kV")).unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut part.read().unwrap(), &mut text).unwrap();
        assert_eq!(text, "kV");
        drop(part);
        assert!(Part::write(dir.path(), "0002.log", |_| Err::<(), _>(io::ErrorKind::Other.into())).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        write(&dir.path().join("r.json"), "{}").unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = dir.path().join("r.json").metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

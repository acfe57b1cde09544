//! The one place that writes plain text: a new folder that a person named, for that person alone (0700, files 0600).
//!
//! It is filled under another name and gets its own once all is checked; what fails leaves nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A folder that is being filled. Dropped before it is kept, it is gone.
pub(crate) struct Folder {
    path: PathBuf,
    partial: PathBuf,
    is_kept: bool,
}

impl Folder {
    /// Begins the folder `path`, which must not exist.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(Failure::usage(format!(
                "{} exists already: name a new folder with -o",
                path.display()
            )));
        }
        let Some(name) = path.file_name() else {
            return Err(Failure::usage("name a new folder with -o"));
        };
        let mut partial = name.to_owned();
        partial.push(".partial");
        let partial = path.with_file_name(partial);
        make(&partial).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::new(format!(
                "{} is left from an attempt that was cut: remove it, then try again",
                partial.display()
            )),
            _ => Failure::at(&partial)(error),
        })?;
        Ok(Self { path: path.to_owned(), partial, is_kept: false })
    }

    /// Where its files lie until it is kept.
    pub(crate) fn inside(&self) -> &Path {
        &self.partial
    }

    /// A new file of a plain name.
    pub(crate) fn file(&self, name: &str) -> Result<File, Failure> {
        let path = self.partial.join(name);
        if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
            make(parent).map_err(Failure::at(parent))?;
        }
        private(OpenOptions::new().write(true).create_new(true)).open(&path).map_err(Failure::at(&path))
    }

    /// Writes a whole file.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.partial.join(name);
        self.file(name)?.write_all(bytes).map_err(Failure::at(&path))
    }

    /// Gives it its name.
    pub(crate) fn keep(mut self) -> Result<(), Failure> {
        fs::rename(&self.partial, &self.path).map_err(Failure::at(&self.path))?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

#[cfg(unix)]
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().create(path)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

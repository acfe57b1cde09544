//! Files that are there whole or not at all, also after a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::failure::Failure;

/// Who may read a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The collector's own account.
    Private,
    /// Anybody: a certificate, a sample configuration.
    Public,
}

/// Writes `bytes` under a temporary name, syncs and renames, so that `path` holds either what it did
/// or all of `bytes`. Writers of one path must not overlap.
pub(crate) fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), Failure> {
    let temporary = path.with_extension("tmp");
    let put = || {
        let mut file = create(&temporary, access)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    };
    put().map_err(Failure::at(path))
}

/// Adds a line to a file that only the collector's own account may open, and syncs it. Writers may overlap.
pub(crate) fn append(path: &Path, line: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(Failure::at(path))?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(Failure::at(path))
}

/// Makes a directory that only the collector's own account may enter, unless it is there.
pub(crate) fn make_dir(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Failure::at(path)(error)),
        _ => sync_parent(path).map_err(Failure::at(path)),
    }
}

/// The bytes of a file, or `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::at(path)(error)),
    }
}

/// At most so many bytes of a file, or `None` if there is no such file.
pub(crate) fn read_up_to(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Failure> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(most as u64).read_to_end(&mut bytes).map(|_| bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::at(path)(error)),
    }
}

/// The bytes of a file that holds a secret, or `None` if there is no such file; an error if others can read it too.
pub(crate) fn read_secret(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = read(path)?;
    #[cfg(unix)]
    if bytes.is_some() {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(Failure::at(path))?.permissions().mode();
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(Failure::new(format!(
                "{path} holds a secret, and others can read it: chmod 600 {path}"
            )));
        }
    }
    Ok(bytes)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::at(path)(error)),
        _ => Ok(()),
    }
}

/// The names in a directory, sorted; none if there is no such directory.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, Failure> {
    let list = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(Failure::at(path)),
    }
}

/// Makes the entry of `path` in its directory outlive a power cut.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    // Other systems neither need this nor can open a directory as a file.
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// A new file that only the collector's own account may open, for reading and writing.
pub(crate) fn create_new(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(Failure::at(path))
}

fn create(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if access == Access::Private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)
}

//! Opens a regular file in a folder that others write to: no link is followed, no pipe is waited for, and the file
//! is the one that was listed.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file that a name stood for when its folder was listed: device and inode. Windows tells neither to safe Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity(Option<(u64, u64)>);

impl Identity {
    /// An identity that every file has: nobody listed it.
    pub const ANY: Self = Self(None);

    /// The identity of the file with this metadata.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(Some((metadata.dev(), metadata.ino())))
    }

    /// The identity of the file with this metadata.
    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> Self {
        Self::ANY
    }

    fn is_of(self, metadata: &Metadata) -> bool {
        self.0.is_none() || self == Self::of(metadata)
    }
}

/// Why a file was not opened.
#[derive(Debug)]
pub enum Refused {
    /// A symbolic link.
    Link,
    /// A folder, a pipe, a socket, a device.
    Kind,
    /// Another file than the one that was listed.
    Replaced,
    /// The system's answer.
    System(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        #[cfg(unix)]
        if error.raw_os_error() == Some(nix::libc::ELOOP) {
            return Self::Link;
        }
        Self::System(error)
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Link | Refused::Kind | Refused::Replaced => io::ErrorKind::InvalidInput.into(),
            Refused::System(error) => error,
        }
    }
}

/// Opens the file at `path` for reading, if it is a regular file and the one that was `listed`.
///
/// # Errors
/// [`Refused`].
pub fn open(path: &Path, listed: Identity) -> Result<File, Refused> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Without O_NONBLOCK the open of a pipe waits until somebody writes to it.
        options.custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    match () {
        () if !metadata.is_file() => Err(Refused::Kind),
        () if !listed.is_of(&metadata) => Err(Refused::Replaced),
        () => Ok(file),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_the_listed_regular_file_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let [path, other, pipe, link] = ["a", "b", "pipe", "link"].map(|name| dir.path().join(name));
        fs::write(&path, "a").unwrap();
        fs::write(&other, "b").unwrap();
        symlink(&path, &link).unwrap();
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let listed = Identity::of(&fs::symlink_metadata(&path).unwrap());
        assert!(open(&path, listed).is_ok() && open(&path, Identity::ANY).is_ok());
        assert!(matches!(open(&link, Identity::ANY), Err(Refused::Link)));
        assert!(matches!(open(&pipe, Identity::ANY), Err(Refused::Kind)));
        assert!(matches!(open(dir.path(), Identity::ANY), Err(Refused::Kind)));
        fs::rename(&other, &path).unwrap();
        assert!(matches!(open(&path, listed), Err(Refused::Replaced)));
    }
}

//! Looking at the disk: found, absent, or not readable now.
//!
//! Only `NotFound` is absence. Every other error, a broken sector's too, means that the disk does not tell *now*: it is
//! neither absence nor damage. The operation stops with a message, changes nothing, and is tried again.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::texts::{Language, Text};
use crate::{killpoint, limits};

/// Result of looking at the disk. "Cannot be determined" is the error beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence<T> {
    /// It is there.
    Found(T),
    /// There is nothing of this name.
    Absent,
}

impl<T> Presence<T> {
    /// Reads the outcome of a call of the file system.
    ///
    /// # Errors
    /// Every error but `NotFound`.
    pub fn of(outcome: io::Result<T>) -> io::Result<Self> {
        match outcome {
            Ok(found) => Ok(Self::Found(found)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Self::Absent),
            Err(e) => Err(e),
        }
    }

    /// What was found.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Absent => None,
        }
    }

    /// What was found, as something else.
    pub fn map<U>(self, as_other: impl FnOnce(T) -> U) -> Presence<U> {
        match self {
            Self::Found(found) => Presence::Found(as_other(found)),
            Self::Absent => Presence::Absent,
        }
    }
}

/// Reads a small file of the agent's. Of one that is longer than [`limits::SMALL_FILE`] only so much and a byte: nothing
/// that was written here is so long, so it is found damaged.
///
/// # Errors
/// It cannot be read now.
pub fn read(path: &Path) -> io::Result<Presence<Vec<u8>>> {
    killpoint::read(path)?;
    Presence::of(begun(path))
}

/// Reads a small file that people write or name.
///
/// # Errors
/// Every error, absence too; `FileTooLarge` for one that is longer than [`limits::SMALL_FILE`].
pub fn given(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = begun(path)?;
    if bytes.len() as u64 > limits::SMALL_FILE { Err(ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// Likewise, of text; what is no UTF-8 is `InvalidData`.
///
/// # Errors
/// As of [`given`].
pub fn given_text(path: &Path) -> io::Result<String> {
    String::from_utf8(given(path)?).map_err(|_| ErrorKind::InvalidData.into())
}

fn begun(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // At once, for a vector that grows holds up to three times as much.
    let length = file.metadata()?.len().min(limits::SMALL_FILE) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(limits::SMALL_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a small file of text. What is no UTF-8 is damage, and `None`.
///
/// # Errors
/// It cannot be read now.
pub fn read_text(path: &Path) -> io::Result<Presence<Option<String>>> {
    Ok(read(path)?.map(|bytes| String::from_utf8(bytes).ok()))
}

/// Opens a file for reading.
///
/// # Errors
/// It cannot be opened now.
pub fn open(path: &Path) -> io::Result<Presence<File>> {
    killpoint::read(path)?;
    Presence::of(File::open(path))
}

/// What the file system knows of a file, or of what a link leads to.
///
/// # Errors
/// The file system cannot answer now.
pub fn stat(path: &Path) -> io::Result<Presence<Metadata>> {
    killpoint::read(path)?;
    Presence::of(fs::metadata(path))
}

/// Whether something of this name is there.
///
/// # Errors
/// The file system cannot answer now.
pub fn is_there(path: &Path) -> io::Result<bool> {
    Ok(stat(path)?.found().is_some())
}

/// Everything in a directory, in the order of the file system; nothing if it is absent.
///
/// # Errors
/// It cannot be read, or not to its end, now.
pub fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    killpoint::read(directory)?;
    let Some(listed) = Presence::of(fs::read_dir(directory))?.found() else { return Ok(Vec::new()) };
    listed.map(|entry| Ok(entry?.path())).collect()
}

/// Calls `each` with every entry of a directory, none of which is kept: there may be a hundred thousand. One that is not
/// there has none.
///
/// # Errors
/// It cannot be read, or not to its end, now; those of `each`.
pub fn each_entry(directory: &Path, mut each: impl FnMut(&fs::DirEntry) -> io::Result<()>) -> io::Result<()> {
    killpoint::read(directory)?;
    let Some(mut listed) = Presence::of(fs::read_dir(directory))?.found() else { return Ok(()) };
    listed.try_for_each(|entry| each(&entry?))
}

/// The regular files in a directory; links are not followed.
///
/// # Errors
/// It cannot be read, or not to its end, now.
pub fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    killpoint::read(directory)?;
    let Some(listed) = Presence::of(fs::read_dir(directory))?.found() else { return Ok(Vec::new()) };
    let mut paths = Vec::new();
    for entry in listed {
        let entry = entry?;
        if Presence::of(entry.file_type())?.found().is_some_and(|kind| kind.is_file()) {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// Why the disk refused, in words: the system's own, where Rust has no name for the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why(pub ErrorKind);

impl Text for ErrorKind {
    fn text(&self, language: Language) -> String {
        let words = match self {
            Self::NotFound => language.pick("it does not exist", "den findes ikke"),
            Self::PermissionDenied => {
                language.pick("this account has no right to it", "kontoen har ikke ret til den")
            }
            Self::StorageFull => {
                language.pick("no space is left on the disk", "der er ikke mere plads på disken")
            }
            Self::QuotaExceeded => {
                language.pick("the quota of the disk is used up", "diskkvoten er brugt op")
            }
            Self::ReadOnlyFilesystem => language.pick("the disk can only be read", "disken kan kun læses"),
            Self::NotADirectory => {
                language.pick("a part of its path is no folder", "en del af stien er ikke en mappe")
            }
            Self::IsADirectory => language.pick("it is a folder", "det er en mappe"),
            Self::FileTooLarge => language.pick("it is too large", "den er for stor"),
            Self::AlreadyExists => {
                language.pick("something of this name is there", "navnet er allerede i brug")
            }
            Self::InvalidData => language
                .pick("it is damaged, or not text in UTF-8", "den er beskadiget eller ikke tekst i UTF-8"),
            kind => match (kind.to_string().as_str(), language) {
                ("uncategorized error" | "other error", _) | (_, Language::Da) => {
                    language.pick("the disk reports an error", "disken melder en fejl")
                }
                (words, Language::En) => return words.to_owned(),
            },
        };
        words.to_owned()
    }
}

impl Text for Why {
    fn text(&self, language: Language) -> String {
        self.0.text(language)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_missing_name_is_absence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!((read(&path).unwrap(), is_there(&path).unwrap()), (Presence::Absent, false));
        assert_eq!(entries(&path).unwrap(), Vec::<PathBuf>::new());
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read(&path).unwrap().found(), Some(vec![0xff]));
        assert_eq!(read_text(&path).unwrap(), Presence::Found(None), "no text");
        assert!(read(dir.path()).is_err(), "a directory is no absent file");
        File::create(&path).unwrap().set_len(3 * limits::SMALL_FILE).unwrap();
        let grown = read(&path).unwrap().found().unwrap();
        assert_eq!(grown.len() as u64, limits::SMALL_FILE + 1, "of a file that grew, no more than that");
        assert_eq!(given(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert!(entries(&path).is_err(), "and a file no empty directory");
        #[cfg(unix)]
        assert!(is_there(&path.join("below")).is_err(), "below a file there is no telling");
        for kind in [ErrorKind::PermissionDenied, ErrorKind::Interrupted, ErrorKind::InvalidData] {
            assert_eq!(Presence::<()>::of(Err(kind.into())).unwrap_err().kind(), kind);
        }
        const EIO: i32 = 5;
        let broken = io::Error::from_raw_os_error(EIO);
        assert!(!Why(broken.kind()).to_string().contains("uncategorized"));
        assert!(Presence::<()>::of(Err(broken)).is_err());
    }
}

//! One server at a time for a data directory, and none for a copy of it: devices that come to two copies of a store leave
//! each of them with a part of what they sent, and with consents that the other one knows to be withdrawn.
//!
//! The file `lock` holds the number that its file system gave it. A copy has another number, wherever it was made; what
//! was renamed has the same one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::failure::Failure;

const NAME: &str = "lock";
/// More than the digits of the largest number.
const MAX: u64 = 64;

/// Takes the lock of a data directory, for as long as the file is open.
pub(super) fn take(data: &Path) -> Result<File, Failure> {
    let path = data.join(NAME);
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(&path);
    let mut lock = opened.map_err(Failure::at(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Failure::new(format!("{} is being served already; stop that first", data.display())));
        }
        Err(TryLockError::Error(error)) => return Err(Failure::at(&path)(error)),
    }
    let (mut said, number) = (String::new(), number(&lock).map_err(Failure::at(&path))?);
    (&lock).take(MAX).read_to_string(&mut said).map_err(Failure::at(&path))?;
    // One that a power cut left in part says nothing.
    match judge(
        said.strip_suffix('\n')
            .filter(|said| said.bytes().all(|byte| byte.is_ascii_digit()))
            .unwrap_or_default(),
        number.as_deref(),
    ) {
        Judged::Known => return Ok(lock),
        Judged::New(text) => {
            let kept = lock.rewind().and_then(|()| lock.write_all(format!("{text}\n").as_bytes()));
            kept.and_then(|()| lock.sync_all()).map_err(Failure::at(&path))?;
        }
        Judged::Copy => {
            return Err(Failure::new(format!(
                "{0} is a copy of a data directory that was served before, or was moved to another file system. Two copies \
                 that are served lose data: each lacks what came to the other. If the other one will never be served \
                 again, remove {1} and start; a backup is brought back by `restore`",
                data.display(),
                path.display()
            )));
        }
    }
    Ok(lock)
}

/// What a lock says of itself.
#[derive(Debug, PartialEq, Eq)]
enum Judged<'a> {
    /// It is the file that was served before, or the system numbers no files.
    Known,
    /// It says nothing yet; this is what it has to say.
    New(&'a str),
    /// It is a copy of that file.
    Copy,
}

fn judge<'a>(said: &str, number: Option<&'a str>) -> Judged<'a> {
    match number {
        None => Judged::Known,
        Some(number) if said.is_empty() => Judged::New(number),
        Some(number) if said == number => Judged::Known,
        Some(_) => Judged::Copy,
    }
}

/// The number of a file; `None` where the system does not say it.
#[cfg(unix)]
fn number(file: &File) -> std::io::Result<Option<String>> {
    use std::os::unix::fs::MetadataExt;
    Ok(Some(file.metadata()?.ino().to_string()))
}

/// The number of a file; `None` where the system does not say it.
#[cfg(not(unix))]
fn number(_: &File) -> std::io::Result<Option<String>> {
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_directory_is_served_and_a_copied_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (data, moved, copy) =
            (dir.path().join("data"), dir.path().join("moved"), dir.path().join("copy"));
        std::fs::create_dir(&data).unwrap();
        std::fs::create_dir(&copy).unwrap();
        // Of an older collector, which wrote nothing.
        std::fs::write(data.join(NAME), "").unwrap();
        let held = take(&data).unwrap();
        assert!(take(&data).unwrap_err().to_string().contains("being served already"));
        drop(held);
        take(&data).unwrap();
        std::fs::rename(&data, &moved).unwrap();
        take(&moved).unwrap();
        std::fs::copy(moved.join(NAME), copy.join(NAME)).unwrap();
        let said = take(&copy).unwrap_err().to_string();
        assert!(
            said.contains("is a copy of a data directory") && said.contains("copy/lock and start"),
            "{said}"
        );
        take(&moved).unwrap();
        std::fs::remove_file(copy.join(NAME)).unwrap();
        take(&copy).unwrap();
    }

    #[test]
    fn what_is_not_a_number_is_a_copy() {
        assert_eq!(judge("", Some("7")), Judged::New("7"));
        assert_eq!(judge("7", Some("7")), Judged::Known);
        assert_eq!(judge("8", Some("7")), Judged::Copy);
        assert_eq!(judge("words", None), Judged::Known);
    }
}

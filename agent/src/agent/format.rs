//! The format number of the data directory: a version does not touch what a later one wrote.
//!
//! `data_dir/format` is one line, the number and the first 16 hexadecimal digits of its SHA-256. A line that is damaged
//! is written anew: a flipped bit must not look like a later version.

use std::path::Path;

use protocol::Digest;

use super::OpenError;
use crate::{durable, presence};

/// What this version reads and writes: all that lies in `data_dir`.
const FORMAT: u32 = 1;

/// Notes the format at the first start.
///
/// # Errors
/// [`OpenError::Newer`] if the store is of a later version, [`OpenError::Unreadable`] if the disk does not tell now:
/// nothing was changed. Of the disk.
pub(super) fn check(data_dir: &Path) -> Result<(), OpenError> {
    let path = data_dir.join("format");
    let read = presence::read_text(&path).map_err(|e| OpenError::unreadable(&path, &e))?;
    match read.found().flatten().and_then(|text| number(&text)) {
        Some(found) if found > FORMAT => Err(OpenError::Newer { found, known: FORMAT }),
        Some(_) => Ok(()),
        None => {
            durable::replace(&path, line(FORMAT).as_bytes()).map_err(|e| OpenError::data_dir(data_dir, &e))
        }
    }
}

fn line(number: u32) -> String {
    format!("{number} {:.16}\n", Digest::of(number.to_string().as_bytes()).to_string())
}

fn number(text: &str) -> Option<u32> {
    let number = text.split(' ').next()?.parse().ok()?;
    (text == line(number)).then_some(number)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_number_that_cannot_be_read_now_is_not_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("format");
        fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
        let refused = check(dir.path()).unwrap_err();
        assert!(matches!(&refused, OpenError::Unreadable { path: named, .. } if *named == path), "{refused}");
        assert!(path.is_dir());
    }

    #[test]
    fn a_later_store_is_refused_and_a_damaged_number_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("format");
        check(dir.path()).unwrap();
        let good = fs::read(&path).unwrap();
        check(dir.path()).unwrap();
        for bit in 0..8 * good.len() {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &flipped).unwrap();
            check(dir.path()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), good, "bit {bit}");
        }
        for later in [FORMAT + 1, u32::MAX] {
            fs::write(&path, line(later)).unwrap();
            let refused = check(dir.path()).unwrap_err();
            assert!(matches!(refused, OpenError::Newer { found, known: FORMAT } if found == later));
            assert_eq!(fs::read_to_string(&path).unwrap(), line(later));
        }
    }
}

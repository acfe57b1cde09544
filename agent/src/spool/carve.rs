//! Carving: finding sealed records again in the raw files of a damaged generation.
//!
//! sled keeps each value in one piece, so a record whose tag verifies is whole wherever it lies. The files
//! are read through a window, whatever their size.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::SpoolError;
use crate::deidentify::clean::Payload;
use crate::limits;
use crate::vault::sealed::{MAGIC, Sealed};

const WINDOW: usize = 128 << 10;
const PAGE: usize = 4096;

/// Shows everything in `generation` that has the shape of a record of this tray, in the order of the files'
/// bytes; the same record may come more than once.
pub(super) fn carve<P: Payload>(
    generation: &Path,
    found: &mut dyn FnMut(Sealed<P>) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let blobs = generation.join("blobs");
    let mut files = vec![generation.join("db")];
    if blobs.exists() {
        files.extend(fs::read_dir(blobs)?.flatten().map(|entry| entry.path()));
    }
    for path in files {
        match File::open(&path) {
            Ok(file) => carve_file(file, found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn carve_file<P: Payload>(
    mut file: File,
    found: &mut dyn FnMut(Sealed<P>) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let mut window = vec![0; WINDOW];
    let mut filled = 0;
    loop {
        let read = fill(&mut file, &mut window[filled..])?;
        filled += read;
        let last = read == 0;
        // Behind the last start a record might still lack its end.
        let starts = if last { filled } else { filled.saturating_sub(limits::SEALED) };
        let mut at = 0;
        while let Some(offset) = window[at..filled].windows(MAGIC.len()).position(|bytes| bytes == MAGIC) {
            at += offset;
            if at >= starts {
                break;
            }
            let bytes = &window[at..filled.min(at + limits::SEALED)];
            if let Some(record) =
                Sealed::<P>::measure(bytes).and_then(|length| Sealed::from_bytes(&bytes[..length]))
            {
                found(record)?;
            }
            at += 1;
        }
        if last {
            return Ok(());
        }
        window.copy_within(starts..filled, 0);
        filled -= starts;
    }
}

/// Reads into `window`; a page that the disk cannot read counts as zeros.
fn fill(file: &mut File, window: &mut [u8]) -> Result<usize, SpoolError> {
    const EIO: i32 = 5;
    match file.read(window) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => fill(file, window),
        Err(error) if cfg!(unix) && error.raw_os_error() == Some(EIO) => {
            let skipped = window.len().min(PAGE);
            window[..skipped].fill(0);
            file.seek(SeekFrom::Current(skipped as i64))?;
            Ok(skipped)
        }
        outcome => Ok(outcome?),
    }
}

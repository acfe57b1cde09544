//! Carving: finding sealed records again in the raw files of a damaged generation.
//!
//! sled keeps each value in one piece, so a record whose tag verifies is whole wherever it lies. The files
//! are read through a window, whatever their size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::SpoolError;
use crate::limits;
use crate::presence::{self, Presence};
use crate::seal::payload::Payload;
use crate::seal::record::{MAGIC, Sealed};

const WINDOW: usize = 128 << 10;

/// Shows everything in `generation` that has the shape of a record of this queue, in the order of the files'
/// bytes; the same record may come more than once.
pub(super) fn carve<P: Payload>(
    generation: &Path,
    found: &mut dyn FnMut(Sealed<P>) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let mut show = |bytes: &[u8]| {
        let record = Sealed::<P>::measure(bytes).and_then(|length| Sealed::from_bytes(&bytes[..length]));
        record.map_or(Ok(()), &mut *found)
    };
    let mut files = vec![generation.join("db")];
    files.extend(presence::entries(&generation.join("blobs"))?);
    files.iter().try_for_each(|path| match presence::open(path)? {
        Presence::Found(file) => carve_file(file, &mut show),
        Presence::Absent => Ok(()),
    })
}

/// Shows the bytes from each start of a record on, as many as one has at most.
fn carve_file(
    mut file: File,
    show: &mut dyn FnMut(&[u8]) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let mut window = vec![0; WINDOW];
    let mut filled = 0;
    loop {
        let read = fill(&mut file, &mut window[filled..])?;
        filled += read;
        let last = read == 0;
        // Behind the last start a record might still lack its end.
        let starts = if last { filled } else { filled.saturating_sub(limits::SEALED) };
        for at in memchr::memchr_iter(MAGIC[0], &window[..starts]) {
            let bytes = &window[at..filled.min(at + limits::SEALED)];
            if bytes.starts_with(MAGIC) {
                show(bytes)?;
            }
        }
        if last {
            return Ok(());
        }
        window.copy_within(starts..filled, 0);
        filled -= starts;
    }
}

/// Reads into `window`. A page that can't be read now is not lost: the carving stops, and is done again.
fn fill(file: &mut File, window: &mut [u8]) -> Result<usize, SpoolError> {
    loop {
        match file.read(window) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return Ok(outcome?),
        }
    }
}

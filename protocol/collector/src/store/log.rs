//! An append-only file of frames, each of which is there whole or not at all.
//!
//! ```text
//! frame   4  "KCF1"
//!        32  SHA-256 of all that follows
//!         4  length of the payload, little-endian
//!         8  when it was received, seconds since 1970, little-endian
//!         n  payload
//! ```
//!
//! An append is synced before it is reported, so only bytes that nobody was told about can be torn;
//! opening cuts them off. A frame that was damaged later is stepped over: the next sound one is found
//! by its first four bytes and its checksum.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use protocol::{Digest, envelope};
use time::OffsetDateTime;

use crate::disk;
use crate::failure::Failure;

const MAGIC: [u8; 4] = *b"KCF1";
const HEAD: usize = 48;
/// Where the checksummed part begins.
const SUMMED: usize = 36;
/// Longest payload; a length beyond it is damage.
const MAX_PAYLOAD: usize = envelope::MAX_WIRE;

/// One thing that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// When, to the second.
    pub(crate) received_at: OffsetDateTime,
    /// What, as it came.
    pub(crate) payload: Vec<u8>,
}

/// A log that can be appended to. One at a time for a file.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    /// Opened at the first append, so that a device that only asks leaves no file.
    file: Option<File>,
    end: u64,
    /// A failed append could not be undone: what is in the file is not what is on the disk.
    broken: bool,
}

impl Log {
    /// Opens a log for appending: hands `each` every frame, cuts off what a kill or a power cut left
    /// half-written, and syncs, because a frame that was never acknowledged may lie unsynced.
    pub(crate) fn open(path: &Path, each: impl FnMut(Frame) -> Result<(), Failure>) -> Result<Self, Failure> {
        let end = read(path, each)?;
        let mut log = Self { path: path.to_owned(), file: None, end, broken: false };
        if path.exists() {
            let settle = |file: File| {
                file.set_len(end)?;
                file.sync_all()?;
                Ok(file)
            };
            log.file = Some(append_to(path).and_then(settle).map_err(Failure::at(path))?);
        }
        Ok(log)
    }

    /// Appends and syncs. After an error nothing was appended.
    pub(crate) fn append(&mut self, received_at: OffsetDateTime, payload: &[u8]) -> Result<(), Failure> {
        if self.broken {
            let name = self.path.display();
            return Err(Failure::new(format!("{name}: a write failed; restart when the disk is well")));
        }
        let frame = frame(received_at, payload);
        self.put(&frame).map_err(|error| {
            // After a failed sync the system may believe that the bytes are on the disk: they go.
            let undone = self.file.as_ref().map(|file| file.set_len(self.end).and_then(|()| file.sync_all()));
            self.broken = matches!(undone, Some(Err(_)));
            Failure::at(&self.path)(error)
        })?;
        self.end += frame.len() as u64;
        Ok(())
    }

    fn put(&mut self, frame: &[u8]) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(frame)?;
            return file.sync_data();
        }
        let file = self.file.insert(append_to(&self.path)?);
        file.write_all(frame)?;
        file.sync_all()?;
        disk::sync_parent(&self.path)
    }
}

/// Hands `each` every sound frame and returns where the last of them ends. No file is no frame.
pub(crate) fn read(path: &Path, mut each: impl FnMut(Frame) -> Result<(), Failure>) -> Result<u64, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Failure::at(path)(error)),
    };
    // A frame that is being appended meanwhile is cut off here, not damaged.
    let length = file.metadata().map_err(Failure::at(path))?.len();
    let (mut file, mut at, mut end) = (BufReader::new(file), 0, 0);
    loop {
        if let Some(frame) = next(&mut file).map_err(Failure::at(path))? {
            if at > end {
                log::error!("{}: {} bytes before {at} are damaged", path.display(), at - end);
            }
            at += (HEAD + frame.payload.len()) as u64;
            end = at;
            each(frame)?;
        } else {
            match find(&mut file, at + 1).map_err(Failure::at(path))? {
                Some(found) if found < length => at = found,
                _ => return Ok(end),
            }
        }
    }
}

/// The frame that begins here, if a sound one does.
fn next(file: &mut impl BufRead) -> io::Result<Option<Frame>> {
    let (mut magic, mut sum, mut length, mut seconds) = ([0; 4], [0; 32], [0; 4], [0; 8]);
    for field in [&mut magic[..], &mut sum, &mut length, &mut seconds] {
        match file.read_exact(field) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
    }
    let payload = u32::from_le_bytes(length) as usize;
    if magic != MAGIC || payload > MAX_PAYLOAD {
        return Ok(None);
    }
    let mut summed = [&length[..], &seconds].concat();
    file.take(payload as u64).read_to_end(&mut summed)?;
    if Digest::of(&summed).to_bytes() != sum {
        return Ok(None);
    }
    let received_at = OffsetDateTime::from_unix_timestamp(i64::from_le_bytes(seconds));
    Ok(received_at.ok().map(|received_at| Frame { received_at, payload: summed.split_off(HEAD - SUMMED) }))
}

/// Where, from `at` on, the first four bytes of a frame stand; the file is left there.
fn find(file: &mut (impl BufRead + Seek), at: u64) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(at))?;
    let mut window = [0; 4];
    for (read, byte) in (1..).zip(file.by_ref().bytes()) {
        window = [window[1], window[2], window[3], byte?];
        if read >= 4 && window == MAGIC {
            let found = at + read - 4;
            file.seek(SeekFrom::Start(found))?;
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The bytes of a frame.
pub(crate) fn frame(received_at: OffsetDateTime, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; SUMMED];
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frame.extend_from_slice(&received_at.unix_timestamp().to_le_bytes());
    frame.extend_from_slice(payload);
    let sum = Digest::of(&frame[SUMMED..]).to_bytes();
    frame[..MAGIC.len()].copy_from_slice(&MAGIC);
    frame[MAGIC.len()..SUMMED].copy_from_slice(&sum);
    frame
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;

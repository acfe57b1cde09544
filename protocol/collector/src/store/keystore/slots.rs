//! The file of a device in the key store: slots of one length, each a wrapped key. A slot is overwritten where it
//! stands when its key is destroyed, and stays as the word that it was.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use protocol::{CaseId, DeviceId, Digest, Purpose};

use crate::disk;
use crate::failure::Failure;
use crate::store::sqlite::rows::Word;

/// A key, without what it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// Its number.
    pub(crate) id: i64,
    pub(crate) purpose: Purpose,
    /// When it was made, microseconds.
    pub(crate) made: i64,
    /// It was destroyed.
    pub(crate) is_destroyed: bool,
}

/// Bytes of a key: one half seals, the other one makes digests.
pub(super) const SECRET: usize = 64;
/// Bytes of a wrapped key.
pub(super) const WRAPPED: usize = SECRET + 28;
/// Bytes before it: number, purpose, state, time, case.
const BEFORE: usize = 8 + 1 + 1 + 8 + 32;
/// Bytes of a slot.
const SLOT: usize = BEFORE + WRAPPED;
/// Where the state stands in a slot.
const STATE: u64 = 9;

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It seals.
    Open = 1,
    /// It only opens what was sealed.
    Ended = 2,
    /// It is gone.
    Destroyed = 3,
    /// It seals, and may not be on the disk yet: what is sealed under it waits until it is.
    New = 4,
}

impl State {
    /// Whether new envelopes are sealed under it.
    pub(super) fn seals(self) -> bool {
        matches!(self, Self::Open | Self::New)
    }
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    at: u64,
    pub(super) id: i64,
    pub(super) purpose: Purpose,
    pub(super) state: State,
    pub(super) made: i64,
    pub(super) case: [u8; 32],
    pub(super) wrapped: [u8; WRAPPED],
}

/// How a case stands in a slot: never by its name.
pub(super) fn case(case: Option<&CaseId>) -> [u8; 32] {
    case.map_or([0; 32], |case| Digest::of(case.as_str().as_bytes()).to_bytes())
}

impl Slot {
    /// One that has no key yet.
    pub(super) fn new(id: i64, purpose: Purpose, made: i64, case: [u8; 32]) -> Self {
        Self { at: 0, id, purpose, state: State::New, made, case, wrapped: [0; WRAPPED] }
    }

    /// What its wrapped key is bound to.
    pub(super) fn name(&self, device: DeviceId) -> Vec<u8> {
        let mut name = b"kathea key".to_vec();
        name.extend_from_slice(&device.to_bytes());
        name.extend_from_slice(&self.id.to_be_bytes());
        name.extend_from_slice(self.purpose.as_str().as_bytes());
        name.extend_from_slice(&self.made.to_be_bytes());
        name.extend_from_slice(&self.case);
        name
    }

    /// What is said of it.
    pub(super) fn about(&self) -> About {
        let is_destroyed = self.state == State::Destroyed;
        About { id: self.id, purpose: self.purpose, made: self.made, is_destroyed }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SLOT);
        out.extend_from_slice(&self.id.to_be_bytes());
        out.push(self.purpose.place() as u8);
        out.push(self.state as u8);
        out.extend_from_slice(&self.made.to_be_bytes());
        out.extend_from_slice(&self.case);
        out.extend_from_slice(&self.wrapped);
        out
    }

    fn read(at: u64, bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<8>()?;
        let (&[purpose, state], rest) = rest.split_first_chunk::<2>()?;
        let (made, rest) = rest.split_first_chunk::<8>()?;
        let (case, rest) = rest.split_first_chunk::<32>()?;
        let wrapped: [u8; WRAPPED] = rest.try_into().ok()?;
        let is_overwritten = wrapped == [0; WRAPPED];
        let state = match state {
            // A word alone destroys nothing: one that is said to be gone has nothing left.
            3 if is_overwritten => State::Destroyed,
            1 if !is_overwritten => State::Open,
            2 if !is_overwritten => State::Ended,
            4 if !is_overwritten => State::New,
            // A cut between the two halves of an overwriting.
            1 | 2 | 4 => State::Destroyed,
            _ => return None,
        };
        let purpose = Purpose::at(i64::from(purpose)).ok()?;
        let (id, made) = (i64::from_be_bytes(*id), i64::from_be_bytes(*made));
        Some(Self { at, id, purpose, state, made, case: *case, wrapped })
    }
}

/// The slots of a file, none if there is none. What a cut left of the last one was never used.
pub(super) fn read(path: &Path) -> Result<Vec<Slot>, Failure> {
    let Some(bytes) = disk::read(path)? else { return Ok(Vec::new()) };
    let slots = bytes.chunks_exact(SLOT).zip(0_u64..);
    let slots = slots.map(|(bytes, at)| Slot::read(at * SLOT as u64, bytes));
    slots.collect::<Option<_>>().ok_or_else(|| Failure::unreadable(path))
}

/// Adds a slot behind those that are whole. It is not on the disk before [`sync`].
pub(super) fn append(path: &Path, slot: &Slot) -> Result<(), Failure> {
    let add = |mut file: File| {
        let whole = file.metadata()?.len() / SLOT as u64;
        file.seek(SeekFrom::Start(whole * SLOT as u64))?;
        file.write_all(&slot.bytes())
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(add).map_err(Failure::at(path))
}

/// Makes the bytes of a file durable; not its name.
pub(super) fn sync(path: &Path) -> Result<(), Failure> {
    OpenOptions::new().write(true).open(path).and_then(|file| file.sync_all()).map_err(Failure::at(path))
}

/// Says of each new slot of a synced file that it is on the disk. Need not be durable: a slot that is still said to be
/// new is synced once more.
pub(super) fn settle(path: &Path) -> Result<(), Failure> {
    let known = read(path)?;
    let new = known.iter().filter(|slot| slot.state == State::New);
    new.into_iter().try_for_each(|slot| {
        write(path, slot.at + STATE, &[State::Open as u8]).map(drop).map_err(Failure::at(path))
    })
}

/// Ends a slot: nothing is sealed under it any more.
pub(super) fn end(path: &Path, slot: &Slot) -> Result<(), Failure> {
    overwrite(path, slot.at + STATE, &[State::Ended as u8])
}

/// Destroys the key of a slot.
pub(super) fn destroy(path: &Path, slot: &Slot) -> Result<(), Failure> {
    overwrite(path, slot.at + BEFORE as u64, &[0; WRAPPED])?;
    overwrite(path, slot.at + STATE, &[State::Destroyed as u8])
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) -> Result<(), Failure> {
    write(path, at, bytes).and_then(|file| file.sync_all()).map_err(Failure::at(path))
}

fn write(path: &Path, at: u64, bytes: &[u8]) -> std::io::Result<File> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes).map(|()| file)
}

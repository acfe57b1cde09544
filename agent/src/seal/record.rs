//! The seal: the only path to the disk and the network.
//!
//! ```text
//! magic "KSL1" | queue u8 | cursors u8 | records u32 | length u32 | number u64 | epoch [16] | seq u64
//! | key id [8] | nonce [12] | cursors x (source [16] | taken u64) | ciphertext [length] | tag [16]
//! ```
//!
//! Integers are little-endian, the epoch as on the wire. Everything before the nonce, the cursors and
//! the device are authenticated: a record moved, swapped or replayed elsewhere does not open. The
//! magic, the lengths and the number let a record be found again in the raw bytes of a damaged store.

use std::fmt;
use std::marker::PhantomData;

use protocol::{DeviceId, Epoch};

use crate::consent::permit::Permit;
use crate::seal::payload::{Clean, Payload};
use crate::vault::data_key::{DataKey, KeyId, TAG_LEN};
use crate::vault::{SealError, Vault};

/// What every sealed record begins with.
pub const MAGIC: &[u8; 4] = b"KSL1";
const NONCE_AT: usize = 54;
const CURSORS_AT: usize = NONCE_AT + 12;
const CURSOR_LEN: usize = 24;

/// Where a record stands: its number in the queue, and its name on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Counts the queue's records across epochs and restarts; never decreases.
    pub number: u64,
    /// The run of the store.
    pub epoch: Epoch,
    /// Counts the records of the epoch, from 0.
    pub seq: u64,
}

/// How far a source was taken in when a record was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Hash of the source's name, size and modification time; no name.
    pub source: [u8; 16],
    /// Lines (or journal numbers) taken.
    pub taken: u64,
}

/// A payload that may be kept and, with a fresh permit, sent.
///
/// Holding one proves that its content was clean and that the site had said yes when it was made. It
/// does not prove that the site still says yes: opening asks again.
///
/// ```
/// use agent::consent::Registry;
/// use agent::consent::permit::UsageStatistics;
/// use agent::seal::payload::{Clean, Payload};
/// use agent::vault::{SealError, Vault};
/// use agent::seal::record::{Position, Sealed};
///
/// fn keep<P: Payload<Purpose = UsageStatistics>>(
///     clean: &Clean<P>,
///     at: Position,
///     registry: &Registry,
///     vault: &mut Vault,
///     now: i64,
/// ) -> Option<Result<Sealed<P>, SealError>> {
///     let permit = registry.permit::<UsageStatistics>(now)?;
///     Some(Sealed::new(clean, at, &[], &permit, vault, now))
/// }
/// ```
///
/// The permit of another purpose does not seal it, though it is always to be had:
///
/// ```compile_fail,E0308
/// # use agent::consent::Registry;
/// # use agent::consent::permit::UsageStatistics;
/// # use agent::seal::payload::{Clean, Payload};
/// # use agent::vault::{SealError, Vault};
/// # use agent::seal::record::{Position, Sealed};
/// fn keep<P: Payload<Purpose = UsageStatistics>>(
///     clean: &Clean<P>,
///     at: Position,
///     registry: &Registry,
///     vault: &mut Vault,
///     now: i64,
/// ) -> Option<Result<Sealed<P>, SealError>> {
///     let permit = registry.rights();
///     Some(Sealed::new(clean, at, &[], &permit, vault, now))
/// }
/// ```
///
/// Nor does a permit that may not be there:
///
/// ```compile_fail,E0308
/// # use agent::consent::Registry;
/// # use agent::consent::permit::UsageStatistics;
/// # use agent::seal::payload::{Clean, Payload};
/// # use agent::vault::{SealError, Vault};
/// # use agent::seal::record::{Position, Sealed};
/// fn keep<P: Payload<Purpose = UsageStatistics>>(
///     clean: &Clean<P>,
///     at: Position,
///     registry: &Registry,
///     vault: &mut Vault,
///     now: i64,
/// ) -> Option<Result<Sealed<P>, SealError>> {
///     let permit = registry.permit::<UsageStatistics>(now);
///     Some(Sealed::new(clean, at, &[], &permit, vault, now))
/// }
/// ```
///
/// What is not clean is not sealed either:
///
/// ```compile_fail,E0308
/// # use agent::consent::Registry;
/// # use agent::consent::permit::UsageStatistics;
/// # use agent::seal::payload::{Clean, Payload};
/// # use agent::vault::{SealError, Vault};
/// # use agent::seal::record::{Position, Sealed};
/// fn keep<P: Payload<Purpose = UsageStatistics>>(
///     clean: &P,
///     at: Position,
///     registry: &Registry,
///     vault: &mut Vault,
///     now: i64,
/// ) -> Option<Result<Sealed<P>, SealError>> {
///     let permit = registry.permit::<UsageStatistics>(now)?;
///     Some(Sealed::new(clean, at, &[], &permit, vault, now))
/// }
/// ```
#[must_use = "a sealed record outside a queue is lost"]
pub struct Sealed<P> {
    bytes: Vec<u8>,
    payload: PhantomData<P>,
}

impl<P: Payload> Sealed<P> {
    /// Seals `clean` at `position`. The permit is shown, not spent. `now` is seconds since 1970, for
    /// the data key's age.
    pub fn new(
        clean: &Clean<P>,
        position: Position,
        cursors: &[Cursor],
        permit: &Permit<'_, P::Purpose>,
        vault: &mut Vault,
        now: i64,
    ) -> Result<Self, SealError> {
        let mut text = clean.get().to_bytes();
        let device = vault.device();
        let (key, random) = vault.sealing_key(permit.compartment(), now)?;

        let mut bytes = Vec::with_capacity(CURSORS_AT + cursors.len() * CURSOR_LEN + text.len() + TAG_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.push(P::QUEUE as u8);
        bytes.push(u8::try_from(cursors.len()).map_err(|_| SealError::TooLarge)?);
        bytes.extend_from_slice(&clean.get().records().to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(text.len()).map_err(|_| SealError::TooLarge)?.to_le_bytes());
        bytes.extend_from_slice(&position.number.to_le_bytes());
        bytes.extend_from_slice(&position.epoch.to_bytes());
        bytes.extend_from_slice(&position.seq.to_le_bytes());
        bytes.extend_from_slice(&key.id().0);
        bytes.extend_from_slice(&[0; 12]);
        for cursor in cursors {
            bytes.extend_from_slice(&cursor.source);
            bytes.extend_from_slice(&cursor.taken.to_le_bytes());
        }
        let nonce = key.seal(&aad(&bytes, device), &mut text, random).map_err(|_| SealError::Crypto)?;
        bytes[NONCE_AT..CURSORS_AT].copy_from_slice(&nonce);
        bytes.extend_from_slice(&text);
        Ok(Self { bytes, payload: PhantomData })
    }

    /// Opens it again: for sending, merging or folding, so the permit is asked for anew.
    pub fn open(&self, permit: &Permit<'_, P::Purpose>, vault: &Vault) -> Result<Clean<P>, SealError> {
        let key = vault.opening_key(permit.compartment(), self.key());
        P::from_bytes(&self.text(key, vault.device())?).map(Clean::new).ok_or(SealError::Version)
    }

    /// Whether its tag verifies under a key that is still there. Its content is not looked at.
    pub fn verifies(&self, vault: &Vault) -> bool {
        self.text(vault.any_key(self.key()), vault.device()).is_ok()
    }

    fn text(
        &self,
        key: Option<&DataKey>,
        device: DeviceId,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, SealError> {
        let body = CURSORS_AT + usize::from(self.bytes[5]) * CURSOR_LEN;
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&self.bytes[NONCE_AT..CURSORS_AT]);
        let mut head = self.bytes[..body].to_vec();
        head[NONCE_AT..CURSORS_AT].fill(0);
        key.ok_or(SealError::NoKey)?
            .open(nonce, &aad(&head, device), &self.bytes[body..])
            .map_err(|_| SealError::Refused)
    }
}

impl<P: Payload> Sealed<P> {
    /// A record from stored bytes, if `bytes` are one whole record of this queue by their lengths. Its tag is
    /// checked when it is opened.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (Self::measure(bytes)? == bytes.len()).then(|| Self { bytes: bytes.to_vec(), payload: PhantomData })
    }

    /// How long the record that begins at the start of `bytes` says it is, if it lies within them.
    pub fn measure(bytes: &[u8]) -> Option<usize> {
        let head = bytes.get(..CURSORS_AT)?;
        if &head[..4] != MAGIC || head[4] != P::QUEUE as u8 {
            return None;
        }
        let length = u32::from_le_bytes(head[10..14].try_into().ok()?) as usize;
        let total = CURSORS_AT + usize::from(head[5]) * CURSOR_LEN + length + TAG_LEN;
        (total <= bytes.len()).then_some(total)
    }

    /// The bytes to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        let mut epoch = [0; 16];
        epoch.copy_from_slice(&self.bytes[22..38]);
        Position { number: self.u64_at(14), epoch: Epoch::from_bytes(epoch), seq: self.u64_at(38) }
    }

    /// How many numbers it takes.
    pub fn records(&self) -> u32 {
        let mut raw = [0; 4];
        raw.copy_from_slice(&self.bytes[6..10]);
        u32::from_le_bytes(raw)
    }

    /// The numbers it takes.
    pub fn numbers(&self) -> std::ops::Range<u64> {
        let first = self.u64_at(14);
        first..first.saturating_add(u64::from(self.records()))
    }

    /// The data key it is under.
    pub fn key(&self) -> KeyId {
        KeyId(self.u64_at(46).to_le_bytes())
    }

    /// How far its sources were taken in.
    pub fn cursors(&self) -> impl Iterator<Item = Cursor> + '_ {
        let end = CURSORS_AT + usize::from(self.bytes[5]) * CURSOR_LEN;
        self.bytes[CURSORS_AT..end].chunks_exact(CURSOR_LEN).map(|raw| {
            let (mut source, mut taken) = ([0; 16], [0; 8]);
            source.copy_from_slice(&raw[..16]);
            taken.copy_from_slice(&raw[16..]);
            Cursor { source, taken: u64::from_le_bytes(taken) }
        })
    }

    fn u64_at(&self, at: usize) -> u64 {
        let mut raw = [0; 8];
        raw.copy_from_slice(&self.bytes[at..at + 8]);
        u64::from_le_bytes(raw)
    }
}

impl<P: Payload> fmt::Debug for Sealed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} records, {} bytes)", P::QUEUE.as_str(), self.records(), self.bytes.len())
    }
}

/// The header with an empty nonce, and the device.
fn aad(head: &[u8], device: DeviceId) -> Vec<u8> {
    let mut aad = head.to_vec();
    aad.extend_from_slice(&device.to_bytes());
    aad
}

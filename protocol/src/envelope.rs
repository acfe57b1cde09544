//! The bytes of a batch: a versioned envelope around one frozen body, bounded on the way in.
//!
//! ```text
//! +-------+-------+---------+-------+---------------------------------------------+
//! | 'K'   | 'T'   | version | flags | body: bincode of the version's frozen struct|
//! +-------+-------+---------+-------+---------------------------------------------+
//!                             bit 0: the body is a raw deflate stream (RFC 1951)
//! ```
//!
//! `WIRE.md` describes every byte. A change to a body is a new version byte and a new module
//! beside `v1`; the decoders of the last two versions stay.

mod v1;

use std::io::{Read, Write};

use bincode::config::{Configuration, Limit};
use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::batch::Batch;

/// Records of one batch: what one answer acknowledges, and small enough to repeat.
pub const MAX_RECORDS: usize = 1000;
/// Bytes of one envelope.
pub const MAX_WIRE: usize = 1 << 20;
/// Bytes of a body after inflating.
pub const MAX_UNPACKED: usize = 8 << 20;
/// Attributes of one record; the catalog's widest entry has a third of it.
pub const MAX_ATTRIBUTES: usize = 16;
/// Buckets of one distribution: one more than its upper bounds.
pub const MAX_BUCKETS: usize = 32;
/// Gaps that one batch reports; the rest waits for the next.
pub const MAX_GAPS: usize = 256;
/// Bytes of the agent's version.
pub const MAX_AGENT: usize = 32;

/// Bytes of a body below which it is not deflated: one event has 123, of which 64 are digests, and would save 2 of them
/// for tables of a third of a mebibyte, cleared each time.
const LEAST_DEFLATED: usize = 160;

const MAGIC: [u8; 2] = *b"KT";
const HEAD: usize = 4;
const DEFLATE: u8 = 1;
const WIRE: Configuration<bincode::config::LittleEndian, bincode::config::Varint, Limit<MAX_UNPACKED>> =
    bincode::config::standard().with_limit::<MAX_UNPACKED>();

/// Why bytes are not a batch. Carries no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More than [`MAX_WIRE`] bytes.
    #[error("batch longer than {MAX_WIRE} bytes; send fewer records")]
    TooLong,
    /// Does not begin as an envelope does.
    #[error("not a batch envelope")]
    NotAnEnvelope,
    /// An envelope of a version that is not read here.
    #[error("batch of envelope version {0}; this end reads version 1")]
    Version(u8),
    /// A flag that version 1 does not have.
    #[error("batch with flags that envelope version 1 does not have")]
    Flags,
    /// Not a deflate stream, bytes after its end, or more than [`MAX_UNPACKED`] bytes inside.
    #[error("batch body is not one deflate stream within the size limit")]
    Deflate,
    /// A body that is not its version's struct, that goes over a limit, or with bytes after it.
    #[error("batch body is not the struct of envelope version 1 within its limits")]
    Body,
    /// Columns that contradict each other; says how.
    #[error("batch columns contradict each other: {0}")]
    Columns(&'static str),
}

impl Batch {
    /// The batch as it is sealed and sent; the same batch always gives the same bytes. Keeping the
    /// limits of this module is the caller's part: [`Batch::decode`] refuses what goes over them.
    pub fn encode(&self) -> Vec<u8> {
        let plain = v1::encode(self);
        let deflated = (plain.len() >= LEAST_DEFLATED).then(|| deflate(&plain));
        let (flags, body) = match deflated.filter(|deflated| deflated.len() < plain.len()) {
            Some(deflated) => (DEFLATE, deflated),
            None => (0, plain),
        };
        let mut out = Vec::with_capacity(HEAD + body.len());
        out.extend_from_slice(&[MAGIC[0], MAGIC[1], v1::VERSION, flags]);
        out.extend_from_slice(&body);
        out
    }

    /// Reads an envelope. Entries that no catalog knows survive. Hostile bytes cost at most
    /// [`MAX_UNPACKED`] of inflated body and one batch at its limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_WIRE {
            return Err(DecodeError::TooLong);
        }
        let Some((&[k, t, version, flags], body)) = bytes.split_first_chunk::<HEAD>() else {
            return Err(DecodeError::NotAnEnvelope);
        };
        if [k, t] != MAGIC {
            return Err(DecodeError::NotAnEnvelope);
        }
        if version != v1::VERSION {
            return Err(DecodeError::Version(version));
        }
        match flags {
            0 => v1::decode(body),
            DEFLATE => v1::decode(&inflate(body)?),
            _ => Err(DecodeError::Flags),
        }
    }
}

/// `plain` as a raw deflate stream.
fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::default());
    // Writing to memory does not fail; if it ever did, the plain body is sent instead.
    match encoder.write_all(plain).and_then(|()| encoder.finish()) {
        Ok(deflated) => deflated,
        Err(_) => plain.to_vec(),
    }
}

/// The content of a raw deflate stream that ends where `packed` ends.
fn inflate(packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = DeflateDecoder::new(packed);
    let mut plain = Vec::new();
    let limit = MAX_UNPACKED as u64;
    (&mut decoder).take(limit + 1).read_to_end(&mut plain).map_err(|_| DecodeError::Deflate)?;
    if plain.len() > MAX_UNPACKED || decoder.total_in() != packed.len() as u64 {
        return Err(DecodeError::Deflate);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests;

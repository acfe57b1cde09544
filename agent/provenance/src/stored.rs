//! The table as a file: one entry a line, deflated, with its digest in front.
//!
//! `KATHEA LITERALS 1\n`, 64 hexadecimal digits of the SHA-256 of what follows, `\n`, then a deflate stream of lines:
//! `L` and a literal, `W` and a word, `F` and the folder of the program, `S` and the shape of a value. A literal has no line feed: it is part of one
//! line of a log.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use ring::digest::{SHA256, digest};

use crate::builder::{Builder, Entry};
use crate::table::Table;

const HEAD: &[u8] = b"KATHEA LITERALS 1\n";
/// Bytes of the file, at most.
const FILE: u64 = 16 << 20;
/// Bytes of the entries, at most: a little more than a builder takes.
const TEXT: u64 = 16 << 20;

/// Why a table cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// It cannot be read now.
    #[error("the table of literals cannot be read now ({0})")]
    Unreadable(io::ErrorKind),
    /// It is no table, or it was changed.
    #[error("the table of literals is damaged")]
    Damaged,
}

impl Builder {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        for entry in self.entries() {
            // Writing to memory cannot fail.
            let _ = encoder.write_all(entry.to_line().as_bytes());
        }
        let packed = encoder.finish().unwrap_or_default();
        let mut out = HEAD.to_vec();
        out.extend(hex(&packed).as_bytes());
        out.push(b'\n');
        out.extend(packed);
        out
    }
}

impl Table {
    /// Reads the file again.
    ///
    /// # Errors
    /// [`StoredError`]: damage is never read as an empty table.
    pub fn from_file(file: impl Read) -> Result<Self, StoredError> {
        let mut bytes = Vec::new();
        file.take(FILE + 1).read_to_end(&mut bytes).map_err(|e| StoredError::Unreadable(e.kind()))?;
        let packed = bytes.strip_prefix(HEAD).and_then(|rest| {
            let (digits, rest) = rest.split_at_checked(64)?;
            let packed = rest.strip_prefix(b"\n")?;
            (hex(packed).as_bytes() == digits).then_some(packed)
        });
        let packed = packed.ok_or(StoredError::Damaged)?;
        let mut text = String::new();
        DeflateDecoder::new(packed).take(TEXT).read_to_string(&mut text).map_err(|_| StoredError::Damaged)?;
        drop(bytes);
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(StoredError::Damaged);
        }
        let entries = text.lines().map(Entry::parse);
        if entries.clone().any(|entry| entry.is_none()) {
            return Err(StoredError::Damaged);
        }
        Ok(Self::new(entries.flatten()))
    }
}

fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_survives_its_file_and_damage_is_reported() {
        let mut builder = Builder::default();
        builder.add(Entry::Literal("Mapped {0} bytes"));
        builder.add(Entry::Literal("Måling færdig"));
        builder.add(Entry::Word("SetCollimator"));
        builder.add(Entry::Folder("C:\\Program Files\\Kathea"));
        builder.add(Entry::Shape("X1-######"));
        let bytes = builder.to_bytes();
        let again = Table::from_file(bytes.as_slice()).unwrap();
        assert_eq!(again.len(), 2);
        assert!(again.has_word("SetCollimator") && again.has_word("Mapped") && !again.has_word("Hansen"));
        assert!(again.has_shape("X1-000123") && !again.has_shape("X1-hansen"));
        assert_eq!(again.folders().collect::<Vec<_>>(), ["C:\\Program Files\\Kathea"]);
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(Table::from_file(changed.as_slice()).err(), Some(StoredError::Damaged), "{place}");
            assert!(Table::from_file(&bytes[..place]).is_err(), "cut at {place}");
        }
    }
}

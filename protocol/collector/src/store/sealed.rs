//! What is known of a sealed file from outside: its digest, its length, and its header, in which an age file has the key
//! that opens it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use protocol::Digest;
use ring::digest::{Context, SHA256};

use super::keystore::{KeyStore, headers};
use crate::failure::Failure;

/// How every age file begins (age-encryption.org/v1).
pub(super) const MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// How the last line of its header begins.
const LAST: &[u8] = b"\n--- ";
/// Bytes that a header may have: those of six hundred recipients.
const MAX_HEADER: usize = 64 << 10;

/// What a file was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) sha256: Digest,
    pub(super) size: u64,
    /// It begins with the header of an age file.
    pub(super) is_sealed: bool,
}

impl Found {
    /// A sealed file of this digest and length.
    pub(super) fn sealed(sha256: Digest, size: u64) -> Self {
        Self { sha256, size, is_sealed: true }
    }

    /// A file of this digest and length whose header is elsewhere.
    pub(super) fn blank(sha256: Digest, size: u64) -> Self {
        Self { sha256, size, is_sealed: false }
    }
}

/// The header of a sealed file.
pub(crate) struct Header {
    /// Up to the end of the line with its MAC.
    pub(crate) bytes: Vec<u8>,
    /// Digest of the file with zeros in the place of its header.
    pub(crate) blank: Digest,
}

/// Takes the bytes of a file as they go by.
pub(super) struct Looking {
    context: Context,
    size: u64,
    begin: Begin,
}

/// What is known of how a file begins.
enum Begin {
    /// All of it that came: as far as it goes, it is a header.
    Coming(Vec<u8>),
    /// It has a header; the digest is the one of the file without it.
    Header(Vec<u8>, Box<Context>),
    /// It has none.
    Other,
}

impl Looking {
    /// Before the first byte.
    pub(super) fn new() -> Self {
        Self { context: Context::new(&SHA256), size: 0, begin: Begin::Coming(Vec::new()) }
    }

    /// Takes the next bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.size += bytes.len() as u64;
        match &mut self.begin {
            Begin::Coming(begin) => {
                let before = begin.len();
                begin.extend_from_slice(&bytes[..bytes.len().min(MAX_HEADER - before)]);
                let mark = MAGIC.len().min(begin.len());
                if let Some(end) = end(begin) {
                    begin.truncate(end);
                    let mut blank = Context::new(&SHA256);
                    blank.update(&vec![0; end]);
                    blank.update(&bytes[end - before..]);
                    self.begin = Begin::Header(std::mem::take(begin), Box::new(blank));
                } else if begin.len() == MAX_HEADER || begin[..mark] != MAGIC[..mark] {
                    self.begin = Begin::Other;
                }
            }
            Begin::Header(_, blank) => blank.update(bytes),
            Begin::Other => {}
        }
    }

    /// What went by so far.
    pub(super) fn found(&self) -> Found {
        let is_sealed = matches!(self.begin, Begin::Header(..));
        Found { sha256: digest(&self.context), size: self.size, is_sealed }
    }

    /// Its header, if it has one.
    pub(super) fn header(&self) -> Option<Header> {
        match &self.begin {
            Begin::Header(bytes, blank) => Some(Header { bytes: bytes.clone(), blank: digest(blank) }),
            Begin::Coming(_) | Begin::Other => None,
        }
    }
}

/// Where the header ends that a file begins with, as far as the file came.
fn end(begin: &[u8]) -> Option<usize> {
    let lines = begin.strip_prefix(&MAGIC[..MAGIC.len() - 1])?;
    let last = lines.windows(LAST.len()).position(|at| at == LAST)? + LAST.len();
    let line = lines[last..].iter().position(|byte| *byte == b'\n')?;
    Some(MAGIC.len() + last + line)
}

fn digest(context: &Context) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(context.clone().finish().as_ref());
    Digest::from_bytes(digest)
}

/// The bytes of a file, the first of them replaced: its header by zeros, or zeros by its header.
pub(super) struct Begun<R> {
    inner: R,
    begin: io::Cursor<Vec<u8>>,
}

impl<R: Read> Begun<R> {
    /// `inner`, beginning with `begin`.
    pub(super) fn new(inner: R, begin: Vec<u8>) -> Self {
        Self { inner, begin: io::Cursor::new(begin) }
    }
}

impl<R: Read> Read for Begun<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        // As many of its own as are left, over those that were read.
        self.begin.read(&mut buffer[..length])?;
        Ok(length)
    }
}

/// The bytes of a file that has to be what is wanted: otherwise its last ones are not given, but an error, so that
/// who takes it never has all of another one.
pub(super) struct Checked<R> {
    inner: R,
    looking: Looking,
    wanted: Found,
    /// What came is not what is wanted.
    pub(super) is_wrong: bool,
}

impl<R: Read> Checked<R> {
    /// Of a file that has at least one byte.
    pub(super) fn new(inner: R, wanted: Found) -> Self {
        Self { inner, looking: Looking::new(), wanted, is_wrong: false }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.wanted.size - self.looking.size;
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let length = self.inner.read(&mut buffer[..most])?;
        self.looking.add(&buffer[..length]);
        let is_end = length == 0 || self.looking.size == self.wanted.size;
        if is_end && self.looking.found() != self.wanted {
            self.is_wrong = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not the bytes that were announced"));
        }
        Ok(length)
    }
}

/// Whether what was found is this bundle, with its header or without.
pub(super) fn is_it(keys: &KeyStore, found: Found, sha256: Digest, size: u64) -> Result<bool, Failure> {
    if found == Found::sealed(sha256, size) {
        return Ok(true);
    }
    Ok(match keys.header(sha256)? {
        headers::Kept::Header(header) => found == Found::blank(header.blank, size),
        headers::Kept::Destroyed | headers::Kept::Missing => false,
    })
}

/// Looks at the bytes of `from`, the file at `path`; copied to `to` on the way.
pub(super) fn looked(mut from: impl Read, path: &Path, mut to: Option<&File>) -> Result<Looking, Failure> {
    let (mut looking, mut buffer) = (Looking::new(), vec![0; 1 << 20]);
    loop {
        let length = from.read(&mut buffer).map_err(Failure::at(path))?;
        if length == 0 {
            return Ok(looking);
        }
        let bytes = &buffer[..length];
        looking.add(bytes);
        if let Some(to) = &mut to {
            to.write_all(bytes).map_err(Failure::at(path))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], wanted: Found) -> (Vec<u8>, bool, bool) {
        let mut checked = Checked::new(bytes, wanted);
        let (mut out, mut buffer) = (Vec::new(), [0; 7]);
        loop {
            match checked.read(&mut buffer) {
                Ok(0) => return (out, true, checked.is_wrong),
                Ok(length) => out.extend_from_slice(&buffer[..length]),
                Err(_) => return (out, false, checked.is_wrong),
            }
        }
    }

    /// A file whose header has two stanzas, and where that ends.
    fn sealed() -> (Vec<u8>, usize) {
        let header = [MAGIC, b"-> X25519 abc\nAAAA\n-> X25519 def\nBBBB\n--- mac\n"].concat();
        let end = header.len();
        ([&header, &b"\x00body \n--- not a header\n"[..]].concat(), end)
    }

    #[test]
    fn the_header_is_found_however_the_bytes_come_and_put_back() {
        let (file, end) = sealed();
        let blank = [&vec![0; end], &file[end..]].concat();
        for step in 1..=file.len() {
            let mut looking = Looking::new();
            file.chunks(step).for_each(|bytes| looking.add(bytes));
            assert_eq!(looking.found(), Found::sealed(Digest::of(&file), file.len() as u64));
            let header = looking.header().unwrap();
            assert_eq!((&header.bytes[..], header.blank), (&file[..end], Digest::of(&blank)), "step {step}");
        }
        let mut out = Vec::new();
        Begun::new(&blank[..], file[..end].to_vec()).read_to_end(&mut out).unwrap();
        assert_eq!(out, file);
        out.clear();
        Begun::new(&file[..], vec![0; end]).read_to_end(&mut out).unwrap();
        assert_eq!(out, blank);
    }

    #[test]
    fn without_the_end_of_a_header_nothing_is_sealed() {
        let (file, end) = sealed();
        let endless = [MAGIC, &vec![b'A'; MAX_HEADER], b"\n--- mac\n"].concat();
        for other in [&file[1..], &file[..end - 1], &MAGIC[..5], b"", &endless] {
            let mut looking = Looking::new();
            looking.add(other);
            assert!(!looking.found().is_sealed && looking.header().is_none());
        }
    }

    #[test]
    fn the_last_bytes_of_another_file_are_never_given() {
        let (file, _) = sealed();
        let wanted = Found::sealed(Digest::of(&file), file.len() as u64);
        assert_eq!(read(&file, wanted), (file.clone(), true, false));
        let mut other = file.clone();
        other[3] ^= 1;
        for wrong in [&other[..], &file[..30], b""] {
            let (given, is_good, is_wrong) = read(wrong, wanted);
            assert!(!is_good && is_wrong && given.len() < file.len());
        }
        let open = b"not sealed at all";
        let (given, is_good, _) = read(open, Found::sealed(Digest::of(open), open.len() as u64));
        assert!(!is_good && given.len() < open.len());
    }
}

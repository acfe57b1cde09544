//! What is known of a sealed file from outside: its digest, its length, and how it begins.

use std::io::{self, Read};

use protocol::Digest;
use ring::digest::{Context, SHA256};

/// How every age file begins (age-encryption.org/v1).
const MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// What a file was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) sha256: Digest,
    pub(super) size: u64,
    /// It begins as an age file does.
    pub(super) is_sealed: bool,
}

impl Found {
    /// A sealed file of this digest and length.
    pub(super) fn sealed(sha256: Digest, size: u64) -> Self {
        Self { sha256, size, is_sealed: true }
    }
}

/// Takes the bytes of a file as they go by.
pub(super) struct Looking {
    context: Context,
    size: u64,
    begin: Vec<u8>,
}

impl Looking {
    /// Before the first byte.
    pub(super) fn new() -> Self {
        Self { context: Context::new(&SHA256), size: 0, begin: Vec::new() }
    }

    /// Takes the next bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.size += bytes.len() as u64;
        let wanted = MAGIC.len() - self.begin.len();
        self.begin.extend_from_slice(&bytes[..wanted.min(bytes.len())]);
    }

    /// What went by so far.
    pub(super) fn found(&self) -> Found {
        let mut digest = [0; 32];
        digest.copy_from_slice(self.context.clone().finish().as_ref());
        Found { sha256: Digest::from_bytes(digest), size: self.size, is_sealed: self.begin == MAGIC }
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

    #[test]
    fn the_last_bytes_of_another_file_are_never_given() {
        let file = [MAGIC, b"what is sealed"].concat();
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

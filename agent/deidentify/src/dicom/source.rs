//! Source of bytes for the reader: a file, or its inflated content. Counts the bytes read.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

use super::Refused;
use crate::limits;

/// Bytes of a file and the position in them.
pub(super) struct Source<R> {
    bytes: Bytes<R>,
    /// Bytes that were read too early, nearest last.
    ahead: Vec<u8>,
    position: u64,
    end: u64,
}

enum Bytes<R> {
    Plain(BufReader<Counted<R>>),
    /// PS3.5 A.5: the data set is a bare deflate stream (RFC 1951).
    Inflated(Box<DeflateDecoder<BufReader<Counted<R>>>>),
}

struct Counted<R> {
    inner: R,
    read: u64,
}

impl<R: Read + Seek> Source<R> {
    /// The source at the begin of `inner`.
    pub(super) fn new(mut inner: R) -> Result<Self, Refused> {
        let end = inner.seek(SeekFrom::End(0))?;
        inner.rewind()?;
        let file = BufReader::with_capacity(limits::DICOM_CHUNK, Counted { inner, read: 0 });
        Ok(Self { bytes: Bytes::Plain(file), ahead: Vec::new(), position: 0, end })
    }

    /// From here on, what the rest inflates to.
    pub(super) fn inflate(self) -> Result<Self, Refused> {
        let Bytes::Plain(mut file) = self.bytes else { return Ok(self) };
        file.seek_relative(-(self.ahead.len() as i64))?;
        Ok(Self {
            bytes: Bytes::Inflated(Box::new(DeflateDecoder::new(file))),
            ahead: Vec::new(),
            position: 0,
            end: limits::DICOM_INFLATED,
        })
    }

    /// Where the next byte lies.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Beyond the last byte; of an inflated source the most that is inflated.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes that were read from the file so far.
    pub(super) fn bytes_read(&self) -> u64 {
        match &self.bytes {
            Bytes::Plain(file) => file.get_ref().read,
            Bytes::Inflated(stream) => stream.get_ref().get_ref().read,
        }
    }

    /// Fills `buffer` as far as the bytes go; returns how far.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Refused> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            if let (Some(first), Some(byte)) = (rest.first_mut(), self.ahead.pop()) {
                *first = byte;
                filled += 1;
                continue;
            }
            match self.bytes.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// Exactly the next `N` bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let mut bytes = [0; N];
        if self.fill(&mut bytes)? == N { Ok(bytes) } else { Err(self.cut()) }
    }

    /// Puts `bytes`, the last that were read, back.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.ahead.extend(bytes.iter().rev());
        self.position = self.position.saturating_sub(bytes.len() as u64);
    }

    /// Passes over `count` bytes: over those of a file without reading them.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Refused> {
        let target = self.position.checked_add(count).filter(|target| *target <= self.end);
        let target = target.ok_or_else(|| self.cut())?;
        let ahead = self.ahead.len();
        self.ahead.truncate(ahead.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)));
        let count = count - (ahead - self.ahead.len()) as u64;
        match &mut self.bytes {
            Bytes::Plain(file) => file.seek_relative(i64::try_from(count).map_err(|_| Refused::Cut)?)?,
            Bytes::Inflated(stream) => {
                if io::copy(&mut stream.take(count), &mut io::sink())? < count {
                    return Err(Refused::Cut);
                }
            }
        }
        self.position = target;
        Ok(())
    }

    /// What it is when the bytes do not suffice.
    pub(super) fn cut(&self) -> Refused {
        match self.bytes {
            Bytes::Inflated(_) if self.position >= limits::DICOM_INFLATED => Refused::TooLarge,
            _ => Refused::Cut,
        }
    }
}

impl<R: Read> Read for Bytes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Inflated(stream) => stream.read(buffer),
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

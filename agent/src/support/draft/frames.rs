//! The frames of one file of a draft, opened one after the other.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::{INDEX, MAGIC, NONCE, Span, damaged};
use crate::limits;
use crate::vault::data_key::{DataKey, TAG_LEN};

/// The text of one file, frame by frame.
pub(super) struct Frames {
    input: BufReader<File>,
    id: String,
    key: DataKey,
    number: u32,
    frame: u32,
    text: io::Cursor<zeroize::Zeroizing<Vec<u8>>>,
    /// Sealed bytes that are left.
    left: u64,
}

impl Frames {
    /// Those of `span` in the draft at `path`.
    pub(super) fn open(path: &Path, id: &str, key: &DataKey, span: Span) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(span.start))?;
        let overhead = (NONCE + TAG_LEN) as u64;
        let left = match span.number {
            INDEX => span.bytes,
            _ => span.bytes + overhead * span.bytes.div_ceil(limits::DRAFT_FRAME as u64).max(1),
        };
        let input = BufReader::with_capacity(limits::DRAFT_FRAME, file);
        Ok(Self {
            input,
            id: id.to_owned(),
            key: key.copy(),
            number: span.number,
            frame: 0,
            text: io::Cursor::default(),
            left,
        })
    }

    /// Passes over whole frames at the start.
    pub(super) fn skip(&mut self, frames: u64) -> io::Result<()> {
        let sealed = (limits::DRAFT_FRAME + NONCE + TAG_LEN) as u64;
        let bytes = frames.saturating_mul(sealed).min(self.left);
        self.input.seek_relative(i64::try_from(bytes).map_err(|_| damaged())?)?;
        self.left -= bytes;
        self.frame = u32::try_from(frames).map_err(|_| damaged())?;
        Ok(())
    }

    fn next(&mut self) -> io::Result<()> {
        let length = self.left.min((limits::DRAFT_FRAME + NONCE + TAG_LEN) as u64);
        self.left -= length;
        let mut sealed = vec![0; length as usize];
        self.input.read_exact(&mut sealed)?;
        let (nonce, text) = sealed.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        let aad = aad(&self.id, self.number, self.frame, self.left == 0);
        self.text = io::Cursor::new(self.key.open(*nonce, &aad, text).map_err(|_| damaged())?);
        self.frame += 1;
        Ok(())
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let at = usize::try_from(self.text.position()).unwrap_or(usize::MAX);
            let mut rest = self.text.get_ref().get(at..).unwrap_or_default();
            if !rest.is_empty() {
                // As a slice it is copied at once, and not byte by byte.
                let length = rest.read(buffer)?;
                self.text.set_position((at + length) as u64);
                return Ok(length);
            }
            if self.left == 0 {
                return Ok(0);
            }
            self.next()?;
        }
    }
}

/// What a frame is authenticated with beside its text.
pub(super) fn aad(id: &str, number: u32, frame: u32, is_last: bool) -> Vec<u8> {
    let (number, frame) = (number.to_le_bytes(), frame.to_le_bytes());
    [MAGIC.as_slice(), id.as_bytes(), &number, &frame, &[u8::from(is_last)]].concat()
}

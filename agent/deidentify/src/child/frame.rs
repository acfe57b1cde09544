//! What goes through the pipes: `length u32 LE | kind u8 | body`, where the body is bytes of an output or the
//! bincode of something said.

use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::{Outlet, Said};
use crate::limits;

const BYTES: u8 = 0;
const SAID: u8 = 1;
const FORMAT: bincode::config::Configuration = bincode::config::standard();

/// What came through.
pub(super) enum Frame<'a> {
    /// Bytes of an output.
    Bytes(&'a [u8]),
    /// Something that happened.
    Said(Said),
}

/// Frames that come in.
pub(super) struct Frames<R> {
    input: BufReader<R>,
    body: Vec<u8>,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(limits::CHILD_CHUNK, input), body: Vec::new() }
    }

    /// The next one. Whoever sends may have been taken over: nothing is believed.
    pub(super) fn next(&mut self) -> io::Result<Frame<'_>> {
        let mut head = [0; 5];
        self.input.read_exact(&mut head)?;
        let [length @ .., kind] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > limits::CHILD_FRAME {
            return Err(ErrorKind::InvalidData.into());
        }
        self.body.resize(length, 0);
        self.input.read_exact(&mut self.body)?;
        match kind {
            BYTES => Ok(Frame::Bytes(&self.body)),
            SAID => decoded(&self.body).map(Frame::Said),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }
}

/// The child's way out.
pub(super) struct Pipe<W: Write>(BufWriter<W>);

impl<W: Write> Pipe<W> {
    pub(super) fn new(output: W) -> Self {
        Self(BufWriter::with_capacity(limits::CHILD_CHUNK, output))
    }

    fn frame(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(|_| ErrorKind::InvalidData)?;
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(&[kind])?;
        self.0.write_all(body)
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.chunks(limits::CHILD_CHUNK) {
            self.frame(BYTES, piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Outlet for Pipe<W> {
    fn say(&mut self, said: Said) -> io::Result<()> {
        let body = encoded(&said)?;
        self.frame(SAID, &body)?;
        // What is being read has to be known when it brings the child down.
        self.flush()
    }
}

pub(super) fn encoded(value: &impl Serialize) -> io::Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, FORMAT).map_err(|_| ErrorKind::InvalidInput.into())
}

/// What exactly fills `bytes`; a length inside is not believed beyond them.
pub(super) fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    let config = FORMAT.with_limit::<{ limits::CHILD_ORDER }>();
    match bincode::serde::decode_from_slice(bytes, config) {
        Ok((value, used)) if used == bytes.len() => Ok(value),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

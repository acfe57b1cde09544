//! The front door: what comes in, as it came.

pub mod caller;
pub mod device;
pub mod outbox;
pub mod socket;

use std::fmt;
use std::io::{self, BufRead};

use protocol::Reason;

use crate::limits;

/// A line as it came: nothing is known about it. Not `Serialize`, and its `Debug` prints no content.
#[derive(Clone, Copy)]
pub struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// The line `bytes`, without its line feed.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether there is nothing on it.
    pub fn is_blank(self) -> bool {
        self.0.iter().all(u8::is_ascii_whitespace)
    }

    /// For the wash room alone.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

/// Reads one line into `line`, without its line feed; of one that is longer than [`limits::LINE`] the rest is
/// passed over. `None` at the end of the input.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<Result<(), Reason>>> {
    line.clear();
    let (mut any, mut too_long) = (false, false);
    loop {
        let buffer = match input.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        if buffer.is_empty() {
            break;
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        too_long |= line.len() + piece.len() > limits::LINE;
        if !too_long {
            line.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(any.then_some(if too_long { Err(Reason::TooLong) } else { Ok(()) }))
}

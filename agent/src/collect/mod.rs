//! Reading events: lines from the outbox and the local socket, unparsed.

pub mod caller;
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

    /// Visible to validation only.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

/// The line of an input that is being read. It may take several goes: a line without end keeps nobody else waiting.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    is_begun: bool,
    is_too_long: bool,
}

/// How far a line was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// To its end; refused if it is longer than [`limits::LINE`], whose rest was passed over.
    Whole(Result<(), Reason>),
    /// The input ended, and no line with it.
    End,
    /// As many bytes as were allowed. The next go takes it up again.
    Paused,
}

impl Line {
    /// Reads on to the end of the line, and `budget` bytes at most, which are taken off.
    fn read(&mut self, input: &mut impl BufRead, budget: &mut u64) -> io::Result<Progress> {
        while *budget > 0 {
            let buffer = match input.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            if buffer.is_empty() {
                return Ok(if self.is_begun { self.end() } else { Progress::End });
            }
            if !self.is_begun {
                *self = Self { bytes: std::mem::take(&mut self.bytes), is_begun: true, is_too_long: false };
                self.bytes.clear();
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let piece = &buffer[..end.unwrap_or(buffer.len())];
            self.is_too_long |= self.bytes.len() + piece.len() > limits::LINE;
            if !self.is_too_long {
                self.bytes.extend_from_slice(piece);
            }
            let used = piece.len() + usize::from(end.is_some());
            input.consume(used);
            *budget = budget.saturating_sub(used as u64);
            if end.is_some() {
                return Ok(self.end());
            }
        }
        Ok(Progress::Paused)
    }

    fn end(&mut self) -> Progress {
        self.is_begun = false;
        Progress::Whole(if self.is_too_long { Err(Reason::TooLong) } else { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_read_in_many_goes_is_the_line_read_in_one() {
        let long = vec![b'x'; 3 * limits::LINE];
        let text = [b"one\n\n".as_slice(), &long, b"\ntwo\nlast"].concat();
        let read = |budget: u64, buffer: usize| {
            let mut input = io::BufReader::with_capacity(buffer, text.as_slice());
            let (mut line, mut lines, mut pauses) = (Line::default(), Vec::new(), 0);
            loop {
                match line.read(&mut input, &mut budget.clone()).unwrap() {
                    Progress::Whole(whole) => lines.push(whole.map(|()| line.bytes.clone())),
                    Progress::Paused => pauses += 1,
                    Progress::End => return (lines, pauses),
                }
            }
        };
        let words = [&b"one"[..], b""].map(|word| Ok(word.to_vec()));
        let rest = [Err(Reason::TooLong), Ok(b"two".to_vec()), Ok(b"last".to_vec())];
        let expected: Vec<_> = words.into_iter().chain(rest).collect();
        assert_eq!(read(u64::MAX, 1 << 16), (expected.clone(), 0));
        for buffer in [1, 7, 1 << 10] {
            let (lines, pauses) = read(buffer as u64, buffer);
            assert!(lines == expected && pauses > 10, "{pauses} pauses");
        }
    }
}

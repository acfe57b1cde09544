//! Reading and writing a connection with one deadline for the whole line, however small the pieces.

use std::io::{self, Read, Write};
use std::time::Instant;

use interprocess::local_socket::Stream;
use interprocess::local_socket::prelude::*;

/// The agent's end of a connection. Beyond `until` reading and writing fail as timed out; without it they wait.
pub(super) struct Patient<'a> {
    pub(super) stream: &'a Stream,
    pub(super) clock: fn() -> Instant,
    pub(super) until: Option<Instant>,
    /// Whether the system waits for bytes without end already.
    waits: bool,
}

impl<'a> Patient<'a> {
    pub(super) fn new(stream: &'a Stream, clock: fn() -> Instant) -> Self {
        Self { stream, clock, until: None, waits: false }
    }
}

#[cfg(unix)]
impl Patient<'_> {
    fn left(&self) -> io::Result<Option<std::time::Duration>> {
        let Some(until) = self.until else { return Ok(None) };
        let left = until.saturating_duration_since((self.clock)());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

#[cfg(unix)]
impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left()?;
        if left.is_some() || !self.waits {
            self.stream.set_recv_timeout(left)?;
            self.waits = left.is_none();
        }
        (&mut &*self.stream).read(buffer)
    }
}

#[cfg(unix)]
impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_send_timeout(self.left()?)?;
        (&mut &*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Named pipes know no timeouts: until a point in time, a pipe is looked at again and again. Its end and its
/// silence look alike then, so this is for the first bytes only.
#[cfg(windows)]
impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_nonblocking(self.until.is_some())?;
        loop {
            match ((&mut &*self.stream).read(buffer), self.until) {
                (Ok(0), Some(until)) if (self.clock)() < until => {
                    std::thread::sleep(crate::limits::PIPE_POLL);
                }
                (Ok(0), Some(_)) => return Err(io::ErrorKind::TimedOut.into()),
                (outcome, _) => return outcome,
            }
        }
    }
}

/// Whoever does not read keeps a thread, and one of the few connections that his account has.
#[cfg(windows)]
impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_nonblocking(false)?;
        (&mut &*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

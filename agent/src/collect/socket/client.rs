//! Client of the local socket: one request, one reply.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::limits;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// Nobody listens there.
    Nobody,
    /// Somebody listens, and does not answer.
    NoAnswer,
    /// The system does not let this account connect.
    NotAllowed,
}

/// Asks the agent that listens at `path`. `line` has no line feed, nor has the answer; `patience` is for each
/// of connecting, sending and waiting.
pub fn ask(path: &Path, line: &str, patience: Duration) -> Result<String, AskError> {
    let end = system::connect(path, patience).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::Nobody,
        io::ErrorKind::PermissionDenied => AskError::NotAllowed,
        _ => AskError::NoAnswer,
    })?;
    let answer = system::patiently(end, line, patience).map_err(|_| AskError::NoAnswer)?;
    answer.strip_suffix('\n').map(str::to_owned).ok_or(AskError::NoAnswer)
}

fn exchange(mut end: impl Read + Write, line: &str) -> io::Result<String> {
    end.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(end.take(limits::ANSWER)).read_line(&mut answer)?;
    Ok(answer)
}

#[cfg(unix)]
pub(super) mod system {
    use std::io;
    use std::path::Path;
    use std::time::Duration;

    use interprocess::ConnectWaitMode;
    use interprocess::local_socket::prelude::*;
    use interprocess::local_socket::{ConnectOptions, Stream};

    pub(in super::super) fn connect(path: &Path, patience: Duration) -> io::Result<Stream> {
        let name = super::super::name(path)?;
        let stream =
            ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(patience)).connect_sync()?;
        stream.set_recv_timeout(Some(patience))?;
        stream.set_send_timeout(Some(patience))?;
        Ok(stream)
    }

    pub(super) fn patiently(stream: Stream, line: &str, _: Duration) -> io::Result<String> {
        super::exchange(&stream, line)
    }
}

/// A named pipe is opened as a file. The agent's pipe lets nobody else serve its name, so a client asks for the
/// rights to read and write data and no more (`GENERIC_WRITE` would include serving); and it lets the server
/// see who it is, not act in its name.
#[cfg(windows)]
pub(super) mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use crate::limits;

    /// `FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES` (winnt.h).
    const READ_AND_WRITE: u32 = 0x0012_019b;
    /// `SECURITY_IDENTIFICATION` (winbase.h).
    const IDENTIFICATION: u32 = 0x0001_0000;
    /// Every instance of the pipe is taken for the moment (winerror.h).
    const ERROR_PIPE_BUSY: i32 = 231;

    pub(in super::super) fn connect(path: &Path, patience: Duration) -> io::Result<File> {
        let mut left = patience;
        loop {
            let opened =
                OpenOptions::new().access_mode(READ_AND_WRITE).security_qos_flags(IDENTIFICATION).open(path);
            match opened {
                Err(e) if e.raw_os_error() == Some(ERROR_PIPE_BUSY) && !left.is_zero() => {
                    thread::sleep(limits::PIPE_POLL);
                    left = left.saturating_sub(limits::PIPE_POLL);
                }
                other => return other,
            }
        }
    }

    /// Pipes know no timeouts: a thread waits, and is left behind where nobody answers.
    pub(super) fn patiently(pipe: File, line: &str, patience: Duration) -> io::Result<String> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let line = line.to_owned();
        thread::Builder::new().name("ask".into()).spawn(move || {
            let _ = sender.send(super::exchange(pipe, &line));
        })?;
        receiver.recv_timeout(patience).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

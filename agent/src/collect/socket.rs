//! The local socket: a Unix socket or a named pipe, never TCP. One line in, one line back.
//!
//! A thread accepts, one thread serves each connection, both sleep until something comes. Whoever hangs, floods
//! or never reads costs one thread for a few seconds; who it is comes from the system, not from what it says.

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use interprocess::ConnectWaitMode;
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{ConnectOptions, GenericFilePath, Listener, ListenerOptions, Name, Stream};
use protocol::Reason;

use super::caller::Accounts;
use crate::limits;
use crate::request::{Caller, Refused, Reply};

/// One line that somebody wants answered.
pub struct Asked {
    /// The line, or why it was not read.
    pub line: Result<Vec<u8>, Reason>,
    /// Who asks.
    pub caller: Caller,
    answer: SyncSender<Reply>,
}

impl Asked {
    /// Answers. Whether anybody still listens does not matter.
    pub fn answer(self, reply: Reply) {
        let _ = self.answer.send(reply);
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({:?})", self.line.as_ref().map(Vec::len))
    }
}

/// An open socket. Dropping it closes it to new connections.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    closed: Arc<AtomicBool>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // The thread that accepts wakes up by a connection only.
        let _ = connect(&self.path, limits::SOCKET_SLOW);
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens the socket at `path`. Every line goes to `sink`, which says whether anybody will answer it.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] if somebody listens there, or if what is there is no socket.
pub fn listen(
    path: &Path,
    accounts: Accounts,
    clock: fn() -> Instant,
    sink: impl Fn(Asked) -> bool + Send + Sync + 'static,
) -> io::Result<Listening> {
    let listener = bind(path)?;
    let closed = Arc::new(AtomicBool::new(false));
    let listening = Listening { path: path.to_owned(), closed: closed.clone() };
    let door = Arc::new(Door { accounts, clock, sink, inside: Mutex::default() });
    thread::Builder::new().name("socket".into()).spawn(move || accept(&listener, &closed, &door))?;
    Ok(listening)
}

fn bind(path: &Path) -> io::Result<Listener> {
    let listener = match create(path) {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            fs::remove_file(path)?;
            create(path)
        }
        other => other,
    }?;
    // Everybody may connect: saying no needs nothing, and what else is allowed is decided by account.
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666))?;
    Ok(listener)
}

fn create(path: &Path) -> io::Result<Listener> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    ListenerOptions::new().name(name(path)?).reclaim_name(false).create_sync()
}

/// A socket on which nobody listens: its process was killed.
fn is_stale(path: &Path) -> bool {
    #[cfg(unix)]
    let is_socket = fs::symlink_metadata(path)
        .is_ok_and(|found| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()));
    #[cfg(not(unix))]
    let is_socket = false;
    is_socket
        && connect(path, limits::SOCKET_SLOW).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
}

fn name(path: &Path) -> io::Result<Name<'_>> {
    path.to_fs_name::<GenericFilePath>()
}

fn connect(path: &Path, timeout: Duration) -> io::Result<Stream> {
    ConnectOptions::new().name(name(path)?).wait_mode(ConnectWaitMode::Timeout(timeout)).connect_sync()
}

/// What every connection needs.
struct Door<S> {
    accounts: Accounts,
    clock: fn() -> Instant,
    sink: S,
    /// The account of each connection that is open.
    inside: Mutex<Vec<Option<u32>>>,
}

fn accept<S: Fn(Asked) -> bool + Send + Sync + 'static>(
    listener: &Listener,
    closed: &AtomicBool,
    door: &Arc<Door<S>>,
) {
    loop {
        let stream = listener.accept();
        if closed.load(Ordering::Relaxed) {
            return;
        }
        match stream {
            Ok(stream) => admit(door, stream),
            Err(e) => {
                log::warn!("the local socket does not accept connections: {}", e.kind());
                thread::sleep(limits::ACCEPT_PAUSE);
            }
        }
    }
}

/// Gives a connection its thread, if there is room; otherwise it is closed.
fn admit<S: Fn(Asked) -> bool + Send + Sync + 'static>(door: &Arc<Door<S>>, stream: Stream) {
    let account = account_of(&stream);
    {
        let mut inside = door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = inside.iter().filter(|other| **other == account).count();
        if inside.len() >= limits::CONNECTIONS || of_one >= limits::CONNECTIONS_OF_ONE {
            return;
        }
        inside.push(account);
    }
    let seat = Seat { door: door.clone(), account };
    // A thread that can't be started drops the seat and the connection.
    let _ = thread::Builder::new().name("connection".into()).stack_size(256 << 10).spawn(move || {
        let _ = seat.door.converse(&stream, seat.door.accounts.caller(account));
    });
}

fn account_of(stream: &Stream) -> Option<u32> {
    #[cfg(unix)]
    return stream.peer_creds().ok()?.euid();
    #[cfg(not(unix))]
    None
}

/// One connection's place among those that are open.
struct Seat<S> {
    door: Arc<Door<S>>,
    account: Option<u32>,
}

impl<S> Drop for Seat<S> {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = inside.iter().position(|account| *account == self.account) {
            inside.swap_remove(at);
        }
    }
}

impl<S: Fn(Asked) -> bool> Door<S> {
    fn converse(&self, mut stream: &Stream, caller: Caller) -> io::Result<()> {
        let idle = (!caller.may_report()).then_some(limits::SOCKET_IDLE);
        let patient = Patient { stream, clock: self.clock, until: None };
        let mut input = BufReader::with_capacity(limits::LINE, patient);
        let mut line = Vec::new();
        loop {
            input.get_mut().until = None;
            timeout(stream, idle, limits::SOCKET_SLOW)?;
            input.fill_buf()?;
            input.get_mut().until = Some((self.clock)() + limits::SOCKET_SLOW);
            let Some(read) = super::read_line(&mut input, &mut line)? else { return Ok(()) };

            let (answer, answered) = mpsc::sync_channel(1);
            let taken = (self.sink)(Asked { line: read.map(|()| std::mem::take(&mut line)), caller, answer });
            let reply = answered.recv_timeout(limits::SOCKET_ANSWER).unwrap_or_else(|_| {
                Reply::refused(Refused::Busy, "the agent did not answer: try again in a minute")
            });
            stream.write_all((reply.line() + "\n").as_bytes())?;
            if !taken {
                return Ok(());
            }
        }
    }
}

/// Named pipes know no timeouts; who may connect to them is the pipe's access list.
fn timeout(stream: &Stream, receive: Option<Duration>, send: Duration) -> io::Result<()> {
    if cfg!(unix) {
        stream.set_recv_timeout(receive)?;
        stream.set_send_timeout(Some(send))?;
    }
    Ok(())
}

/// Reads until a point in time, however small the pieces come.
struct Patient<'a> {
    stream: &'a Stream,
    clock: fn() -> Instant,
    until: Option<Instant>,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(until) = self.until {
            let left = until.saturating_duration_since((self.clock)());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            timeout(self.stream, Some(left), limits::SOCKET_SLOW)?;
        }
        self.stream.read(buffer)
    }
}

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
    let mut stream = connect(path, patience).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::Nobody,
        io::ErrorKind::PermissionDenied => AskError::NotAllowed,
        _ => AskError::NoAnswer,
    })?;
    let mut answer = String::new();
    timeout(&stream, Some(patience), patience)
        .and_then(|()| stream.write_all(format!("{line}\n").as_bytes()))
        .and_then(|()| BufReader::new(stream.take(limits::ANSWER)).read_line(&mut answer))
        .map_err(|_| AskError::NoAnswer)?;
    answer.strip_suffix('\n').map(str::to_owned).ok_or(AskError::NoAnswer)
}

#[cfg(test)]
mod tests;

//! The local socket: a Unix socket or a named pipe, never TCP. One line per request, one line per reply.
//!
//! A thread accepts, one thread serves each connection, both sleep until something comes. Whoever hangs, floods
//! or never reads costs one thread for a few seconds; who it is comes from the system, not from what it says.

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use client::system::connect;
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, Listener, ListenerOptions, Name, Stream};
use protocol::Reason;

use super::Progress;
use super::caller::Accounts;
use crate::account::Account;
use crate::limits;
use crate::request::{Caller, Refused, Reply};
pub use client::{AskError, ask};
use patient::Patient;
use seats::Seats;

mod client;
mod patient;
mod seats;

/// One line that somebody wants answered.
pub struct Asked {
    /// The line, or why it was not read.
    pub line: Result<Vec<u8>, Reason>,
    /// Who asks.
    pub caller: Caller,
    answer: SyncSender<Answer>,
    unwritten: Weak<()>,
}

/// A reply, and what counts it until it is written.
type Answer = (Reply, Option<Arc<()>>);

impl Asked {
    /// Answers. Whether anybody still listens does not matter.
    pub fn answer(self, reply: Reply) {
        let _ = self.answer.send((reply, self.unwritten.upgrade()));
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asked({:?})", self.line.as_ref().map(Vec::len))
    }
}

/// An open socket. Dropping it closes it to new connections, and waits until the replies that were given are written:
/// the process may end right after the request that ends it.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    closed: Arc<AtomicBool>,
    unwritten: Arc<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // The thread that accepts wakes up by a connection only.
        let _ = connect(&self.path, limits::SOCKET_SLOW);
        if cfg!(unix) {
            let _ = fs::remove_file(&self.path);
        }
        let mut looks = limits::SOCKET_SLOW.as_millis() / limits::PIPE_POLL.as_millis();
        while Arc::strong_count(&self.unwritten) > 1 && looks > 0 {
            thread::sleep(limits::PIPE_POLL);
            looks -= 1;
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
    let unwritten = Arc::new(());
    let door = Arc::new(Door {
        accounts,
        clock,
        sink,
        inside: Mutex::default(),
        said: Mutex::default(),
        unwritten: Arc::downgrade(&unwritten),
    });
    let listening = Listening { path: path.to_owned(), closed: closed.clone(), unwritten };
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

#[cfg(unix)]
fn create(path: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    if let Some(directory) = path.parent()
        && !directory.is_dir()
    {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
        // Whatever the umask is, everybody may come to the socket.
        fs::set_permissions(directory, PermissionsExt::from_mode(0o755))?;
    }
    ListenerOptions::new().name(name(path)?).reclaim_name(false).create_sync()
}

/// A pipe of this machine only, whose name nobody has yet. Everybody who is signed in may read and write; serving
/// the name (0x4, `FILE_CREATE_PIPE_INSTANCE`) stays with the system, administrators and this account.
#[cfg(windows)]
fn create(path: &Path) -> io::Result<Listener> {
    use interprocess::os::windows::local_socket::ListenerOptionsExt;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;

    const ACCESS: &str = "D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;OW)(A;;0x12019b;;;AU)";
    let access = widestring::U16CString::from_str(ACCESS).map_err(|_| io::ErrorKind::InvalidInput)?;
    let access = SecurityDescriptor::deserialize(&access)?;
    ListenerOptions::new().name(name(path)?).security_descriptor(access).create_sync()
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

/// What every connection needs.
struct Door<S> {
    accounts: Accounts,
    clock: fn() -> Instant,
    sink: S,
    /// The connections that are open.
    inside: Mutex<Seats>,
    /// What the accounts said within the last second.
    said: Mutex<Vec<Said>>,
    /// Counts the replies that were given and not written yet.
    unwritten: Weak<()>,
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

/// Gives a connection its thread; closes it when too many are open.
fn admit<S: Fn(Asked) -> bool + Send + Sync + 'static>(door: &Arc<Door<S>>, stream: Stream) {
    let account = Account::of(&stream);
    let Some((seat, caller)) = Seat::take(door, account) else { return };
    // A thread that can't be started drops the seat and the connection.
    let _ = thread::Builder::new().name("connection".into()).stack_size(256 << 10).spawn(move || {
        let _ = seat.converse(&stream, caller);
    });
}

/// One connection's place among those that are open.
struct Seat<S> {
    door: Arc<Door<S>>,
    account: Option<Account>,
}

impl<S> Seat<S> {
    /// A seat, and what its account may do. None if there are too many, of its part or of this account.
    fn take(door: &Arc<Door<S>>, account: Option<Account>) -> Option<(Self, Caller)> {
        let inside = || door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        // What an account may do is asked of the system, which can take a while.
        if inside().is_full(account.as_ref()) {
            return None;
        }
        let caller = door.accounts.caller(account.as_ref());
        let has_seat = inside().take(account.as_ref(), caller);
        has_seat.then(|| (Self { door: door.clone(), account }, caller))
    }
}

impl<S> Drop for Seat<S> {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.leave(self.account.as_ref());
    }
}

impl<S: Fn(Asked) -> bool> Seat<S> {
    fn converse(mut self, stream: &Stream, mut caller: Caller) -> io::Result<()> {
        let mut input = BufReader::with_capacity(limits::LINE, Patient::new(stream, self.door.clock));
        let mut line = super::Line::default();
        loop {
            let idle = if self.account.is_none() { limits::SOCKET_SLOW } else { limits::SOCKET_IDLE };
            input.get_mut().until = if caller.may_report() { None } else { self.until(idle) };
            input.fill_buf()?;
            if self.account.is_none() {
                // Windows may tell who it is after the first bytes only.
                if let account @ Some(_) = Account::of(stream) {
                    let Some(seated) = Self::take(&self.door, account) else { return Ok(()) };
                    (self, caller) = seated;
                }
            }
            input.get_mut().until = self.until(limits::SOCKET_SLOW);
            let Progress::Whole(read) = line.read(&mut input, &mut u64::MAX.clone())? else { return Ok(()) };

            let ((reply, _unwritten), goes_on) = if self.may_ask(caller) {
                self.ask(read.map(|()| std::mem::take(&mut line.bytes)), caller)
            } else {
                let what = "too many lines in a second: say it again in the next one";
                ((Reply::refused(Refused::Busy, what), None), true)
            };
            let output = input.get_mut();
            output.until = self.until(limits::SOCKET_SLOW);
            output.write_all((reply.line() + "\n").as_bytes())?;
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn may_ask(&self, caller: Caller) -> bool {
        let trusted = caller.may_report() || caller.may_grant;
        let most = if trusted { limits::SOCKET_LINES } else { limits::SOCKET_LINES_STRANGER };
        let mut said = self.door.said.lock().unwrap_or_else(PoisonError::into_inner);
        may_ask(&mut said, self.account.as_ref(), (self.door.clock)(), most)
    }

    /// The answer to a line, and whether anybody will answer another.
    fn ask(&self, line: Result<Vec<u8>, Reason>, caller: Caller) -> (Answer, bool) {
        let (answer, answered) = mpsc::sync_channel(1);
        let unwritten = self.door.unwritten.clone();
        let taken = (self.door.sink)(Asked { line, caller, answer, unwritten });
        let answer = answered.recv_timeout(limits::SOCKET_ANSWER).unwrap_or_else(|_| {
            (Reply::refused(Refused::Busy, "the agent did not answer: try again in a minute"), None)
        });
        (answer, taken)
    }

    /// Named pipes know no timeouts: there a known account may keep the few connections that it has.
    fn until(&self, after: Duration) -> Option<Instant> {
        (cfg!(unix) || self.account.is_none()).then(|| (self.door.clock)() + after)
    }
}

/// The lines of one account within a second.
struct Said {
    account: Option<Account>,
    since: Instant,
    lines: u32,
}

/// Counts a line; false if it is beyond the `most` of a second. Who was silent for a second is forgotten.
fn may_ask(said: &mut Vec<Said>, account: Option<&Account>, now: Instant, most: u32) -> bool {
    said.retain(|said| now.saturating_duration_since(said.since) < Duration::from_secs(1));
    if let Some(said) = said.iter_mut().find(|said| said.account.as_ref() == account) {
        said.lines = said.lines.saturating_add(1);
        return said.lines <= most;
    }
    said.push(Said { account: account.cloned(), since: now, lines: 1 });
    true
}

#[cfg(test)]
mod tests;

//! The child as its parent sees it: started, given its order and the files that it reads, and ended when it takes too
//! long or nobody listens any more.

use std::io::{self, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::frame::{self, Frame, Frames};
use super::{Parser, ROLE};
use crate::files::{Found, Order};

/// The order's way in, and that of the files.
#[cfg(unix)]
type Input = std::os::unix::net::UnixStream;
/// The order's way in.
#[cfg(not(unix))]
type Input = std::process::ChildStdin;

/// Looks at a waiting parent within the time that a child has for one file.
const LOOKS: u32 = 60;

/// A child that runs.
pub(super) struct Running {
    watched: Arc<Watched>,
    frames: Frames<ChildStdout>,
    #[cfg_attr(not(unix), expect(dead_code, reason = "it keeps the pipe open"))]
    input: Input,
    /// Dropped, it ends the thread that watches.
    _alive: Sender<()>,
}

/// What parent and watching thread share.
struct Watched {
    child: Mutex<Child>,
    #[cfg(windows)]
    #[expect(dead_code, reason = "it ends the child when this process is gone")]
    job: super::job::Job,
    /// The parent waits for the child: what the parent itself takes long for is not the child's.
    is_waiting: AtomicBool,
    /// Looks that the child has left for its file.
    left: AtomicU32,
}

impl Running {
    pub(super) fn start(parser: Parser<'_>, order: &Order) -> io::Result<Self> {
        let mut command = Command::new(parser.program);
        command.arg(ROLE).arg(parser.memory.to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        let (mut child, mut input) = {
            let (input, theirs) = Input::pair()?;
            // Who does not take what is passed must not hold the parent for ever.
            input.set_write_timeout(Some(parser.patience))?;
            command.env_clear().stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
            (command.spawn()?, input)
        };
        #[cfg(not(unix))]
        let (mut child, mut input) = {
            let mut child = command.stdin(Stdio::piped()).spawn()?;
            let input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
            (child, input)
        };
        // On Unix it holds the child's end of the socket.
        drop(command);
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (alive, ended) = mpsc::channel();
        let watched = Arc::new(Watched {
            #[cfg(windows)]
            job: super::job::Job::of(&child, parser.memory)?,
            child: Mutex::new(child),
            is_waiting: AtomicBool::new(false),
            left: AtomicU32::new(LOOKS),
        });
        let look = parser.patience / LOOKS;
        let theirs = Arc::clone(&watched);
        thread::Builder::new().spawn(move || theirs.watch(look, &ended))?;
        let order = Zeroizing::new(frame::encoded(order)?);
        let length = u32::try_from(order.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // A child that is gone already is noticed when nothing comes from it.
        let _ = input.write_all(&length.to_le_bytes()).and_then(|()| input.write_all(&order));
        Ok(Self { watched, frames: Frames::new(stdout), input, _alive: alive })
    }

    /// What comes next from the child.
    pub(super) fn next(&mut self) -> io::Result<Frame<'_>> {
        self.watched.is_waiting.store(true, Ordering::Relaxed);
        let next = self.frames.next();
        self.watched.is_waiting.store(false, Ordering::Relaxed);
        next
    }

    /// The child reads `found` next: passes it where files are passed, and gives the child its time for it.
    pub(super) fn reads(&self, found: &Found) -> io::Result<()> {
        self.watched.left.store(LOOKS, Ordering::Relaxed);
        #[cfg(unix)]
        if found.is_opened() {
            return super::passed::pass(&self.input, &found.open());
        }
        #[cfg(not(unix))]
        let _ = found;
        Ok(())
    }
}

impl Watched {
    /// Ends the child when its time for a file is over. Looking now and then, a child that sends a byte now and then
    /// gains nothing.
    fn watch(&self, look: Duration, ended: &mpsc::Receiver<()>) {
        while ended.recv_timeout(look) == Err(RecvTimeoutError::Timeout) {
            if self.is_waiting.load(Ordering::Relaxed) {
                let left = self.left.load(Ordering::Relaxed).saturating_sub(1);
                self.left.store(left, Ordering::Relaxed);
                if left == 0 {
                    self.end();
                    return;
                }
            }
        }
    }

    fn end(&self) {
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watched.end();
        let _ = self.watched.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

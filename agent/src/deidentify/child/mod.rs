//! Files from outside are read in a process of its own: this program again, without keys, open files or network,
//! bounded in memory and time. Here is its parent, which parses nothing.
//!
//! ```text
//! parent --standard input---> child   the order: what to read, under which key of the case
//! parent <--standard output-- child   what happens, and the bytes of the outputs
//! ```
//!
//! A file that brings the child down is refused, and a new child goes on without it.

mod confine;
mod frame;
pub mod inside;

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use frame::Frame;
use zeroize::Zeroizing;

use super::files::{Failed, Format, Order, Outlet, Reason, Said};
use crate::limits;

/// The argument by which this program is started as the child; the next one is its memory in bytes.
pub const ROLE: &str = "parse";

/// Why a case could not be read.
#[derive(Debug)]
pub enum Failure {
    /// It was read, and nothing of it may be used.
    Case(Failed),
    /// The child can't be started or understood.
    Child(io::ErrorKind),
    /// What the child says can't be put down.
    Outlet(io::Error),
}

/// What may be read by whom.
#[derive(Clone, Copy, Debug)]
pub struct Parser<'a> {
    /// This program.
    pub program: &'a Path,
    /// Bytes of memory that one child may map.
    pub memory: u64,
}

impl<'a> Parser<'a> {
    /// The usual one.
    pub fn new(program: &'a Path) -> Self {
        Self { program, memory: limits::CHILD_MEMORY }
    }

    /// Carries out `order`; what happens goes to `out`. Where it ended early, `order` says how far it came.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn run(self, order: &mut Order, out: &mut dyn Outlet) -> Result<(), Failure> {
        for _ in 0..limits::CHILDREN {
            let mut child = Running::start(self, order).map_err(|e| Failure::Child(e.kind()))?;
            let mut now = Now::Start;
            loop {
                match child.next() {
                    Ok(Frame::Bytes(bytes)) => out.write_all(bytes).map_err(Failure::Outlet)?,
                    Ok(Frame::Said(Said::Done)) => return out.say(Said::Done).map_err(Failure::Outlet),
                    Ok(Frame::Said(Said::Failed(failed))) => return Err(Failure::Case(failed)),
                    Ok(Frame::Said(said)) => {
                        now = now.after(&said, order);
                        out.say(said).map_err(Failure::Outlet)?;
                    }
                    Err(error) => {
                        drop(child);
                        now.survived(error.kind(), order, out)?;
                        break;
                    }
                }
            }
        }
        Err(Failure::Child(io::ErrorKind::Interrupted))
    }
}

/// What the child is at, to know what brought it down.
#[derive(Clone, Copy)]
enum Now {
    Start,
    Learning(usize),
    Building,
    Learned,
    Cleaning(usize),
}

impl Now {
    fn after(self, said: &Said, order: &mut Order) -> Self {
        match (said, self) {
            (Said::Reading(at), Self::Start | Self::Learning(_)) => Self::Learning(*at),
            (Said::Reading(at), _) => Self::Cleaning(*at),
            (Said::Building, _) => Self::Building,
            (Said::Learned(..), _) => Self::Learned,
            (Said::Finished(_), Self::Cleaning(at)) => {
                order.done = at + 1;
                Self::Learned
            }
            _ => self,
        }
    }

    /// Changes the order so that the next child gets further than the one that ended here.
    fn survived(self, kind: io::ErrorKind, order: &mut Order, out: &mut dyn Outlet) -> Result<(), Failure> {
        match self {
            Self::Learning(at) => {
                let found = match at.checked_sub(order.files.len()) {
                    None => order.files.get_mut(at),
                    Some(at) => order.contexts.get_mut(at),
                };
                found.ok_or(Failure::Child(kind))?.refused = Some(Reason::Fatal);
                Ok(())
            }
            // It is still learned from: its patients are in the logs too.
            Self::Cleaning(at) if at < order.files.len() => {
                order.done = at + 1;
                let refusal = (Format::Other, Reason::Fatal);
                out.say(Said::Finished(Err(refusal))).map_err(Failure::Outlet)
            }
            Self::Building => Err(Failure::Case(Failed::TooMany)),
            Self::Start | Self::Learned | Self::Cleaning(_) => Err(Failure::Child(kind)),
        }
    }
}

/// A child that ends when nobody listens any more.
struct Running {
    child: Child,
    frames: frame::Frames<std::process::ChildStdout>,
}

impl Running {
    fn start(parser: Parser<'_>, order: &Order) -> io::Result<Self> {
        let mut command = Command::new(parser.program);
        command.arg(ROLE).arg(parser.memory.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        command.env_clear();
        let mut child = command.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = stdout.ok_or(io::ErrorKind::BrokenPipe)?;
        let running = Self { child, frames: frame::Frames::new(stdout) };
        let order = Zeroizing::new(frame::encoded(order)?);
        // A child that is gone already is noticed when nothing comes from it.
        let _ = stdin.ok_or(io::ErrorKind::BrokenPipe)?.write_all(&order);
        Ok(running)
    }

    fn next(&mut self) -> io::Result<Frame<'_>> {
        self.frames.next()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;

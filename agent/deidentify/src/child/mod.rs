//! Files from outside are read in a process of its own: this program again, without keys, open files or network,
//! bounded in memory and time. Here is its parent, which parses nothing.
//!
//! ```text
//! parent --standard input---> child   the order: what to read, under which key of the case; then, on Unix, each file
//!                                     that is read, opened
//! parent <--standard output-- child   what happens, and the bytes of the outputs
//! ```
//!
//! A file that brings the child down is refused, and a new child goes on without it.

mod confine;
mod frame;
pub mod inside;
#[cfg(windows)]
mod job;
#[cfg(unix)]
mod passed;
mod running;

use std::io;
use std::path::Path;
use std::time::Duration;

use frame::Frame;
use running::Running;

use super::files::{Failed, Format, Found, Order, Outlet, Reason, Said};
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
    /// How long the parent waits for one file.
    pub patience: Duration,
}

impl<'a> Parser<'a> {
    /// The usual one.
    pub fn new(program: &'a Path) -> Self {
        Self { program, memory: limits::CHILD_MEMORY, patience: limits::CHILD_PATIENCE }
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
                        let is_read = matches!(said, Said::Reading(_));
                        out.say(said).map_err(Failure::Outlet)?;
                        let passed = match now.reads(order).filter(|_| is_read) {
                            Some(found) => child.reads(found),
                            None => Ok(()),
                        };
                        if let Err(error) = passed {
                            drop(child);
                            now.survived(error.kind(), order, out)?;
                            break;
                        }
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

    /// The file that is being read.
    fn reads(self, order: &Order) -> Option<&Found> {
        match self {
            Self::Learning(at) => order.files.iter().chain(&order.contexts).nth(at),
            Self::Cleaning(at) => order.files.get(at),
            Self::Start | Self::Building | Self::Learned => None,
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

#[cfg(test)]
mod tests;

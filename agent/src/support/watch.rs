//! Who waits for a gathering sees how far it is, and can stop it; while a scan runs it waits.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::cause::Cause;

/// How far a job is, shared between who does it and who waits for it.
#[derive(Debug, Default)]
pub struct Progress {
    stage: Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
    instruction: Mutex<Instruction>,
}

/// What the caller tells the job to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instruction {
    /// Work.
    #[default]
    GoOn,
    /// Wait, because a scan runs.
    Wait,
    /// End. No later instruction changes it.
    End,
}

impl Progress {
    /// The stage, and how much of how much of it is done; a total of 0 is not known.
    pub fn now(&self) -> (&'static str, u64, u64) {
        let stage = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        (stage, self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// The last instruction.
    pub fn instruction(&self) -> Instruction {
        *self.instruction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the job what to do.
    pub fn tell(&self, what: Instruction) {
        let mut instruction = self.instruction.lock().unwrap_or_else(PoisonError::into_inner);
        if *instruction != Instruction::End {
            *instruction = what;
        }
    }

    /// The next stage begins.
    pub fn begin(&self, stage: &'static str, total: u64) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// So much more is done.
    pub fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }
}

/// What a job asks between two pieces of its work.
pub struct Watch<'a> {
    /// Time since any moment, without the time that it was held: a scan costs a gathering nothing of its share.
    pub clock: &'a dyn Fn() -> Duration,
    /// Returns when the job may go on.
    pub wait: &'a dyn Fn(),
    /// How far it is.
    pub progress: &'a Progress,
}

impl Watch<'_> {
    /// The next stage begins.
    pub fn begin(&self, stage: &'static str, total: u64) {
        self.progress.begin(stage, total);
    }

    /// So much more is done; waits while a scan runs.
    ///
    /// # Errors
    /// [`Cause::Stopped`].
    pub fn go_on(&self, by: u64) -> io::Result<()> {
        self.progress.advance(by);
        (self.wait)();
        if self.progress.instruction() == Instruction::End {
            return Err(Cause::Stopped.into());
        }
        Ok(())
    }
}

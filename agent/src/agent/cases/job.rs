//! The single background job of support cases. It runs on a thread of its own at the lowest priority, so that the
//! run loop never waits for it.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::refusal::Refusal;
use crate::agent::Trouble;
use crate::agent::cx::Cx;
use crate::api::Done;
use crate::api::support::{Begun, Progress as Shown};
use crate::limits;
use crate::request::{Refused, Reply};
use crate::support::bundle::{BundleError, SealedFile, Sealing};
use crate::support::draft::Draft;
use crate::support::gather::{GatherError, Scan};
use crate::support::watch::{Instruction, Progress, Watch};
use crate::vault::data_key::DataKey;

/// What came of it.
pub(super) enum Work {
    Listed(Result<Vec<Scan>, GatherError>),
    Gathered(Result<Box<(Draft, DataKey)>, GatherError>),
    Sealed(Box<Sealing>, Result<SealedFile, BundleError>),
}

/// What runs, or what came of the last that did.
pub(in crate::agent) struct Jobs {
    job: Option<Job>,
    last: Option<Reply>,
    /// Called when a job is over.
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// What runs.
struct Job {
    progress: Arc<Progress>,
    during_scan: DuringScan,
    done: Arc<Mutex<Option<Work>>>,
    thread: JoinHandle<()>,
}

/// What a job does while a scan runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DuringScan {
    Waits,
    /// It is short, or somebody said so.
    GoesOn,
}

impl DuringScan {
    fn instruction(self, cx: &Cx<'_>) -> Instruction {
        if self == Self::Waits && cx.busy().is_some() { Instruction::Wait } else { Instruction::GoOn }
    }
}

impl Job {
    fn result(&self) -> MutexGuard<'_, Option<Work>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    /// Nothing runs yet. Each job calls `wake` when it is over.
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { job: None, last: None, wake }
    }

    /// Whether something runs.
    pub(super) fn is_working(&self) -> bool {
        self.job.is_some()
    }

    /// Starts `work`, unless something runs.
    pub(super) fn start(
        &mut self,
        cx: &Cx<'_>,
        during_scan: DuringScan,
        work: impl FnOnce(&Watch<'_>) -> Work + Send + 'static,
    ) -> Reply {
        if self.job.is_some() {
            return busy();
        }
        let (progress, done) = (Arc::new(Progress::default()), Arc::new(Mutex::new(None)));
        progress.tell(during_scan.instruction(cx));
        let (seen, result, wake) = (progress.clone(), done.clone(), self.wake.clone());
        let thread = std::thread::Builder::new().name("support".into()).spawn(move || {
            lowest_priority();
            let started = Instant::now();
            let held = Cell::new(Duration::ZERO);
            let wait = || {
                while seen.instruction() == Instruction::Wait {
                    let since = Instant::now();
                    std::thread::park_timeout(limits::HELD_LOOK);
                    held.set(held.get() + since.elapsed());
                }
            };
            let clock = || started.elapsed().saturating_sub(held.get());
            let watch = Watch { clock: &clock, wait: &wait, progress: &seen };
            let work = work(&watch);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
            wake();
        });
        match thread {
            Ok(thread) => {
                self.last = None;
                self.job = Some(Job { progress, during_scan, done, thread });
                Reply::done(Begun { working: true })
            }
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    /// How far the job is, or what came of the last one.
    pub(in crate::agent) fn progress(&self) -> Reply {
        match (&self.job, &self.last) {
            (Some(job), _) => {
                let (stage, done, total) = job.progress.now();
                let held = job.progress.instruction() == Instruction::Wait;
                Reply::done(Shown { working: true, stage: stage.to_owned(), done, total, held })
            }
            (None, Some(last)) => last.clone(),
            (None, None) => Reply::refused(Refused::Usage, Refusal::NothingRuns),
        }
    }

    /// Ends the job, if one runs.
    pub(in crate::agent) fn stop(&mut self) -> Reply {
        if let Some(job) = &self.job {
            job.progress.tell(Instruction::End);
            job.thread.thread().unpark();
        }
        Reply::done(Done {})
    }

    /// While a scan runs the job waits, unless somebody said otherwise.
    pub(super) fn hold(&self, cx: &Cx<'_>) {
        if let Some(job) = &self.job {
            job.progress.tell(job.during_scan.instruction(cx));
            job.thread.thread().unpark();
        }
    }

    /// What the job left, if it is over; `None` in it if it ended without a word.
    pub(super) fn take_over(&mut self) -> Option<Option<Work>> {
        // The thread tells of its end a moment before it is over.
        let is_over = |job: &mut Job| job.thread.is_finished() || job.result().is_some();
        let job = self.job.take_if(is_over)?;
        let work = job.result().take();
        Some(work)
    }

    /// What [`Self::progress`] says of it from now on.
    pub(super) fn conclude(&mut self, reply: Reply) {
        self.last = Some(reply);
    }
}

/// Something runs already.
pub(super) fn busy() -> Reply {
    Reply::refused(Refused::Busy, Refusal::WorkRuns)
}

/// The lowest priority for the processor; where the disk's scheduler knows priorities, Linux derives the lowest from
/// it (ioprio_set(2)).
fn lowest_priority() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 19);
}

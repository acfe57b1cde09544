//! What one request does to the store, and its answer after the commit. An engine owns the connection and the
//! transaction; a request that is dropped leaves neither open.

use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use protocol::DeviceId;
use tokio::sync::oneshot;

use super::sqlite::Tx;
use crate::failure::Failure;

/// What a job may change, so that those of two devices need not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Rows of this device alone, and nothing that is counted for the whole store.
    Device(DeviceId),
    /// Anything; what ends or erases something is vital, and done on a full disk too.
    Whole { is_vital: bool },
}

/// A job. It may run several times: only what its last run did is kept.
pub(crate) trait Job: Send {
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), Failure>;
    fn scope(&self) -> Scope;
    fn answer(self: Box<Self>, committed: Result<(), Failure>);
}

struct Work<T, F> {
    work: F,
    done: Option<T>,
    scope: Scope,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<T: Send, F: FnMut(&Tx<'_>) -> Result<T, Failure> + Send> Job for Work<T, F> {
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), Failure> {
        self.done = Some((self.work)(tx)?);
        Ok(())
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn answer(self: Box<Self>, committed: Result<(), Failure>) {
        let Self { done, reply, .. } = *self;
        let done = committed.and_then(|()| done.ok_or_else(ended));
        // Whoever asked may be gone; what was done stays done.
        let _ = reply.send(done);
    }
}

/// A job, and where its answer comes.
pub(crate) fn job<T: Send + 'static>(
    scope: Scope,
    work: impl FnMut(&Tx<'_>) -> Result<T, Failure> + Send + 'static,
) -> (Box<dyn Job>, Reply<T>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Work { work, done: None, scope, reply }), Reply(answer))
}

/// Answers every job of a group.
pub(crate) fn answer(group: Vec<Box<dyn Job>>, done: &Result<(), Failure>) {
    for job in group {
        job.answer(done.clone());
    }
}

/// Threads of an engine that write; they end with it.
pub(crate) struct Threads {
    jobs: Option<Sender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Starts a thread for each of `works`, which take what comes by `jobs` until it is closed.
    pub(crate) fn start(
        jobs: Sender<Box<dyn Job>>,
        works: impl IntoIterator<Item: FnOnce() + Send + 'static>,
    ) -> Result<Self, Failure> {
        let start = |work| {
            let started = std::thread::Builder::new().name("store".to_owned()).spawn(work);
            started.map_err(|error| Failure::new(format!("no thread for the store: {error}")))
        };
        let threads = works.into_iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), threads })
    }

    /// Hands a job over. If the threads ended, the job and with it the sender of the answer are dropped.
    pub(crate) fn submit(&self, job: Box<dyn Job>) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// An answer that comes after the commit.
pub(crate) struct Reply<T>(oneshot::Receiver<Result<T, Failure>>);

impl<T> Reply<T> {
    /// Waits without holding a thread.
    pub(crate) async fn wait(self) -> Result<T, Failure> {
        self.0.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Waits on this thread.
    pub(crate) fn block(self) -> Result<T, Failure> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> Failure {
    Failure::new("the store's writer ended; restart the collector")
}

//! The threads of a process that write to PostgreSQL. Each owns a connection, takes whatever batches wait into one
//! transaction, and answers them after its commit; what needs the whole store does so while no batch is written.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use protocol::DeviceId;

use super::cluster::Cluster;
use super::lane::{Lane, Lock};
use crate::failure::Failure;
use crate::metrics::StoreTimes;
use crate::store::engine::Connection;
use crate::store::jobs::{Job, Scope, Threads, answer};
use crate::store::keystore::KeyStore;
use crate::store::sqlite::{Counts, Tx};

/// Jobs of one transaction.
const GROUP: usize = 256;
/// How often a transaction that gave way to another is tried.
const TRIES: u32 = 4;

/// What waits, in the order in which it came.
struct Queue {
    waiting: Receiver<Box<dyn Job>>,
    /// Taken, and of another kind than the group before it.
    next: Option<Box<dyn Job>>,
}

/// Why a group was not committed.
enum Failed {
    /// Nothing of it was, and one job of it may be the cause.
    Some(Failure),
    /// None of it can be now, or nobody knows whether it was.
    All(Failure),
}

/// Starts so many threads; each connects when it has something to write.
pub(crate) fn start(
    cluster: &Cluster,
    threads: usize,
    times: &StoreTimes,
    keys: &Arc<KeyStore>,
) -> Result<Threads, Failure> {
    let (jobs, waiting) = mpsc::channel();
    let queue = Arc::new(Mutex::new(Queue { waiting, next: None }));
    let works = (0..threads).map(|_| {
        let mut thread =
            Thread { cluster: cluster.clone(), sql: None, times: times.clone(), keys: keys.clone() };
        let queue = queue.clone();
        move || {
            while let Some(group) = take(&queue) {
                thread.commit(group);
            }
        }
    });
    Threads::start(jobs, works)
}

/// The next group: all of one kind. `None` at the end.
fn take(queue: &Mutex<Queue>) -> Option<Vec<Box<dyn Job>>> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let first = match queue.next.take() {
        Some(job) => job,
        None => queue.waiting.recv().ok()?,
    };
    let is_batch = device(first.as_ref()).is_some();
    let mut group = vec![first];
    while group.len() < GROUP
        && let Ok(job) = queue.waiting.try_recv()
    {
        if device(job.as_ref()).is_some() != is_batch {
            queue.next = Some(job);
            break;
        }
        group.push(job);
    }
    Some(group)
}

fn device(job: &dyn Job) -> Option<DeviceId> {
    match job.scope() {
        Scope::Device(device) => Some(device),
        Scope::Whole { .. } => None,
    }
}

struct Thread {
    cluster: Cluster,
    sql: Option<Connection>,
    times: StoreTimes,
    keys: Arc<KeyStore>,
}

impl Thread {
    fn commit(&mut self, mut group: Vec<Box<dyn Job>>) {
        match self.attempts(&mut group) {
            Ok(()) => answer(group, &Ok(())),
            Err(Failed::Some(_)) if group.len() > 1 => {
                for job in group {
                    self.commit(vec![job]);
                }
            }
            Err(Failed::Some(failure) | Failed::All(failure)) => answer(group, &Err(failure)),
        }
    }

    fn attempts(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failed> {
        let mut tries = 1;
        loop {
            let had_connection = self.sql.is_some();
            let begun = Instant::now();
            let done = self.attempt(group);
            self.times.committed(begun.elapsed());
            let lane = self.sql.as_ref().and_then(|sql| sql.postgres().ok());
            let has_ended = lane.is_none_or(Lane::has_ended);
            let gave_way = lane.is_some_and(Lane::gave_way);
            if has_ended {
                self.sql = None;
            }
            let is_open = matches!(done, Err(Failed::Some(_)));
            // An idle connection may have been ended by the server meanwhile; nothing was committed on it.
            if is_open && ((has_ended && had_connection && tries == 1) || (gave_way && tries < TRIES)) {
                tries += 1;
                continue;
            }
            return done;
        }
    }

    /// One transaction of these jobs: all of them or none.
    fn attempt(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failed> {
        if self.sql.is_none() {
            let lane = Lane::open(&self.cluster).map_err(Failed::All)?;
            self.sql = Some(Connection::Postgres(Box::new(lane)));
        }
        let ended = || Failed::All(Failure::new("the connection to PostgreSQL was closed"));
        let sql = self.sql.as_ref().ok_or_else(ended)?;
        let lane = sql.postgres().map_err(Failed::All)?;
        let devices: Vec<DeviceId> = group.iter().filter_map(|job| device(job.as_ref())).collect();
        let (lock, counts) = if devices.is_empty() {
            (Lock::Store, Counts::Changed)
        } else {
            (Lock::Devices(&devices), Counts::Untouched)
        };
        // A cluster that does not keep what it acknowledges fails everybody, a connection that idled nobody.
        lane.begin(lock).map_err(|failure| {
            if lane.has_ended() || lane.gave_way() { Failed::Some(failure) } else { Failed::All(failure) }
        })?;
        let ran = Tx::new(sql, counts, &self.keys).and_then(|tx| {
            group.iter_mut().try_for_each(|job| job.run(&tx))?;
            tx.end()?;
            // A write that failed is not a commit of which nobody knows.
            lane.flush()
        });
        match ran {
            // Whether a commit that was not answered is there, nobody knows: it is not tried again.
            Ok(()) => lane.commit().map_err(Failed::All),
            Err(failure) => {
                // What cannot be undone ends with the connection.
                if !lane.has_ended() {
                    let _ = lane.undo();
                }
                Err(Failed::Some(failure))
            }
        }
    }
}

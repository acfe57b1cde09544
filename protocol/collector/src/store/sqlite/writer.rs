//! The one thread of a process that writes. It takes whatever requests wait into one transaction and answers them
//! after its commit, so that many devices share one sync.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::connect;
use super::reserve::Reserve;
use super::tx::{Counts, Tx};
use super::witness::{Seen, Witness};
use crate::failure::{Cause, Failure};
use crate::metrics::StoreTimes;
use crate::store::engine::Connection;
use crate::store::jobs::{Job, Scope, Threads, answer};
use crate::store::keystore::KeyStore;

/// Jobs of one transaction.
const GROUP: usize = 256;
/// How long emptying the log waits for readers before it is put off.
const READERS: Duration = Duration::from_millis(50);
/// When it is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// When a reserve that was used up is looked after again.
const REFILL: Duration = Duration::from_secs(60);

/// Starts the thread on a connection whose last commit is `seen`.
/// A server `keeps_reserve`; a command only uses it.
pub(crate) fn start(
    data: &Path,
    sql: Connection,
    store: &str,
    seen: Seen,
    keeps_reserve: bool,
    (times, keys): (StoreTimes, Arc<KeyStore>),
) -> Result<Threads, Failure> {
    let witness = Witness::open(data, store, seen)?;
    let path = data.join("collector.turn");
    let turn = File::create(&path).map_err(Failure::at(&path))?;
    let (jobs, waiting) = mpsc::channel();
    let reserve = Reserve::of(data);
    let (is_put_off, refilled) = (false, None);
    let mut thread = Thread {
        sql,
        witness,
        turn,
        turn_path: path,
        reserve,
        keeps_reserve,
        is_put_off,
        refilled,
        times,
        keys,
    };
    Threads::start(jobs, [move || thread.run(&waiting)])
}

fn is_vital(job: &dyn Job) -> bool {
    job.scope() == Scope::Whole { is_vital: true }
}

struct Thread {
    sql: Connection,
    witness: Witness,
    /// Held from before a transaction waits for the database until it has it: a process that comes rarely gets
    /// its turn although another writes all the time.
    turn: File,
    turn_path: PathBuf,
    reserve: Reserve,
    keeps_reserve: bool,
    /// A reader was in the way of emptying the log.
    is_put_off: bool,
    refilled: Option<Instant>,
    times: StoreTimes,
    keys: Arc<KeyStore>,
}

impl Thread {
    fn run(&mut self, waiting: &Receiver<Box<dyn Job>>) {
        loop {
            let first = if self.is_put_off {
                waiting.recv_timeout(AGAIN)
            } else {
                waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(first) => {
                    let mut group = vec![first];
                    group.extend(waiting.try_iter().take(GROUP - 1));
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => self.empty_log(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn commit(&mut self, mut group: Vec<Box<dyn Job>>) {
        let is_alone = group.len() == 1;
        match self.attempt(&mut group) {
            Err(_) if !is_alone => {
                for job in group {
                    self.commit(vec![job]);
                }
            }
            Err(failure)
                if failure.cause() == Cause::Full && group.iter().all(|job| is_vital(job.as_ref())) =>
            {
                self.reserve.release();
                let again = self.attempt(&mut group);
                answer(group, &again);
            }
            done => answer(group, &done),
        }
        if self.keeps_reserve && self.refilled.is_none_or(|last| last.elapsed() > REFILL) {
            self.refilled = Some(Instant::now());
            self.reserve.refill();
        }
    }

    /// One transaction of these jobs: all of them or none.
    fn attempt(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let begun = Instant::now();
        let done = self.transaction(group);
        self.times.committed(begun.elapsed());
        done
    }

    fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        self.turn.lock().map_err(Failure::at(&self.turn_path))?;
        let raw = self.sql.sqlite()?;
        let begun = raw.execute_batch("BEGIN IMMEDIATE");
        if let Err(error) = self.turn.unlock() {
            // The transaction is begun all the same; the lock ends with the next one's, or the process.
            log::error!("{}", Failure::at(&self.turn_path)(error));
        }
        begun?;
        let ran = Tx::new(&self.sql, Counts::Changed, &self.keys).and_then(|tx| {
            group.iter_mut().try_for_each(|job| job.run(&tx))?;
            let end = tx.end()?;
            raw.execute_batch("COMMIT")?;
            Ok(end)
        });
        match ran {
            Ok((seen, truncate)) => {
                if let Some(seen) = seen
                    && let Err(error) = self.witness.write(seen)
                {
                    log::error!("the witness file cannot be written: {}", error.kind());
                }
                if truncate {
                    self.empty_log();
                }
                Ok(())
            }
            Err(failure) => {
                // A failed COMMIT may have ended the transaction itself.
                if !raw.is_autocommit()
                    && let Err(error) = raw.execute_batch("ROLLBACK")
                {
                    log::error!("a transaction cannot be undone: {}", Failure::from(error));
                }
                Err(failure)
            }
        }
    }

    /// `wal_checkpoint` says by its row, not by an error, that a reader was in the way.
    fn empty_log(&mut self) {
        let Ok(sql) = self.sql.sqlite() else { return };
        let emptied = sql
            .busy_timeout(READERS)
            .and_then(|()| sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)));
        if let Err(error) = sql.busy_timeout(connect::BUSY) {
            log::error!("the store's patience cannot be set: {}", Failure::from(error));
        }
        self.is_put_off = match emptied {
            Ok(busy) => busy != 0,
            Err(error) => {
                let failure = Failure::from(error);
                log::warn!("the write-ahead log cannot be emptied now: {failure}");
                true
            }
        };
    }
}

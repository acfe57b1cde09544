//! A connection that one thread of the store owns, and its transactions. What is lost on the way, or no longer takes
//! writes, is closed and never used again.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use protocol::DeviceId;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, SimpleQueryMessage, SimpleQueryRow, Statement};

use super::cluster::Cluster;
use super::dialect;
use super::durability::{self, FACTS, Facts, SCHEMA};
use super::session::{self, FLIGHT, Session};
use crate::failure::Failure;
use crate::store::engine::{Error, Fetched, Owned, Value};

/// Writes that may be on their way at once; a batch has four.
const SENT: usize = 8;

/// A write that was sent.
type Sent = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send>>;

/// A connection, its own thread's.
pub(crate) struct Lane {
    session: Session,
    prepared: RefCell<HashMap<String, Statement>>,
    /// The writes whose answers come with that of the next flight: the way there and back is most of what a small one takes.
    sent: RefCell<Vec<Sent>>,
    cluster: Cluster,
    state: Cell<State>,
    /// Only a thread that waits for an answer drives the connection.
    runtime: Option<Runtime>,
}

/// What a lane is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Statements.
    Good,
    /// A statement failed: the transaction can only be undone. PostgreSQL answers its COMMIT with a success.
    Failed,
    /// A statement had to give way to another transaction; the same one may succeed later.
    GaveWay,
    /// Nothing any more.
    Ended,
}

/// What a transaction keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock<'a> {
    /// Writing to these devices; who needs the whole store waits.
    Devices(&'a [DeviceId]),
    /// Writing.
    Store,
    /// The same, while the tables are made.
    Tables,
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Waits for nothing: a thread that serves requests may drop it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Lane {
    /// Connects to the host of the cluster that takes writes.
    pub(crate) fn open(cluster: &Cluster) -> Result<Self, Failure> {
        let runtime = super::runtime()?;
        let session = runtime.block_on(Session::open(cluster))?;
        Ok(Self {
            session,
            prepared: RefCell::default(),
            sent: RefCell::default(),
            cluster: cluster.clone(),
            state: Cell::new(State::Good),
            runtime: Some(runtime),
        })
    }

    /// Where it goes.
    pub(super) fn host(&self) -> &str {
        self.session.host()
    }

    /// Whether it can't be used any more.
    pub(super) fn has_ended(&self) -> bool {
        self.state.get() == State::Ended
    }

    /// Whether the transaction had to give way to another one.
    pub(super) fn gave_way(&self) -> bool {
        self.state.get() == State::GaveWay
    }

    /// Waits for an answer, and for those of the writes before it, no longer than one may take. The first that failed is why.
    fn flight<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
        let sent = self.sent.take();
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.has_ended()) else {
            return Err(Failure::new("the connection to PostgreSQL was closed"));
        };
        let before = async {
            for write in sent {
                write.await?;
            }
            Ok(())
        };
        let answered = async { tokio::join!(work, before) };
        match runtime.block_on(async { timeout(FLIGHT, answered).await }) {
            Ok((Ok(done), Ok(()))) => Ok(done),
            Ok((_, Err(error)) | (Err(error), Ok(()))) => {
                self.state.set(match error.code().map(|code| code.code()) {
                    Some("40P01" | "40001" | "55P03") => State::GaveWay,
                    Some(code) if !session::ends(code) => State::Failed,
                    _ => State::Ended,
                });
                Err(session::failure("a statement failed", &error))
            }
            Err(_) => {
                self.state.set(State::Ended);
                Err(self.session.silent())
            }
        }
    }

    /// Waits for the writes that were sent.
    pub(super) fn flush(&self) -> Result<(), Failure> {
        if self.sent.borrow().is_empty() { Ok(()) } else { self.flight(async { Ok(()) }) }
    }

    /// Prepares a statement of the store, once.
    pub(crate) fn prepare(&self, statement: &str) -> Fetched<Statement> {
        if let Some(prepared) = self.prepared.borrow().get(statement) {
            return Ok(prepared.clone());
        }
        let text = dialect::translate(statement);
        let prepared = self.flight(self.session.client().prepare(&text)).map_err(Error::Postgres)?;
        self.prepared.borrow_mut().insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Every row of a statement.
    pub(crate) fn query(&self, statement: &Statement, values: &[Value<'_>]) -> Fetched<Vec<Row>> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.flight(self.session.client().query(statement, &values)).map_err(Error::Postgres)
    }

    /// How many rows a statement was about.
    pub(crate) fn execute(&self, statement: &Statement, values: &[Value<'_>]) -> Fetched<usize> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let count = self.flight(self.session.client().execute(statement, &values));
        count.map(|count| count as usize).map_err(Error::Postgres)
    }

    /// Sends a statement that writes. That it failed is said by the next flight.
    pub(crate) fn send(&self, statement: &Statement, values: &[Value<'_>]) -> Fetched<()> {
        if self.sent.borrow().len() == SENT {
            self.flush().map_err(Error::Postgres)?;
        }
        let (client, statement) = (self.session.client().clone(), statement.clone());
        let values: Vec<Owned> = values.iter().map(Owned::of).collect();
        let mut write: Sent = Box::pin(async move {
            let values: Vec<Value<'_>> = values.iter().map(Owned::value).collect();
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            client.execute(&statement, &values).await
        });
        // Polled once, it is with the connection, before whatever comes next.
        match write.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.sent.borrow_mut().push(write),
            Poll::Ready(done) => {
                self.flight(async { done }).map_err(Error::Postgres)?;
            }
        }
        Ok(())
    }

    /// Runs statements that take no values.
    pub(super) fn batch(&self, statements: &str) -> Result<(), Failure> {
        self.flight(self.session.client().batch_execute(statements))
    }

    /// Begins a transaction that writes, in one flight: the locks, alone, then whether the cluster keeps what it acknowledges.
    /// What is read after that is what the transactions before left.
    pub(super) fn begin(&self, lock: Lock<'_>) -> Result<(), Failure> {
        let key = self.session.key();
        let locks = match lock {
            Lock::Store | Lock::Tables => format!("SELECT pg_advisory_xact_lock({key})"),
            Lock::Devices(devices) => {
                // In one order, so that no two transactions wait for each other.
                let ids: Vec<String> = devices.iter().map(|id| format!("'\\x{id}'::bytea")).collect();
                format!(
                    "SELECT pg_advisory_xact_lock_shared({key}); \
                     SELECT no FROM device WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE",
                    ids.join(", ")
                )
            }
        };
        self.state.set(if self.has_ended() { State::Ended } else { State::Good });
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'";
        let schema = if lock == Lock::Tables { "" } else { SCHEMA };
        // Behind the locks: whoever changes the schema holds them.
        let facts = self.last(&format!("{begin}; {locks}; {FACTS}{schema}"), Facts::read);
        let judged = facts.and_then(|facts| durability::judge(&facts, self.cluster.demand));
        // A statement that fails behind BEGIN leaves its transaction open: every later BEGIN would be refused.
        if judged.is_err() && !self.has_ended() {
            self.undo()?;
        }
        judged
    }

    /// Begins a transaction that reads one moment of the host that takes writes.
    pub(crate) fn begin_reading(&self) -> Result<(), Failure> {
        self.state.set(if self.has_ended() { State::Ended } else { State::Good });
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_is_in_recovery()";
        if self.last(begin, |row| Some(row.try_get(0).ok()?? != "f"))? {
            self.state.set(State::Ended);
            return Err(Failure::new("the host is a replica now"));
        }
        Ok(())
    }

    /// What the cluster is now.
    pub(super) fn facts(&self) -> Result<Facts, Failure> {
        self.last(FACTS, Facts::read)
    }

    /// The same, and what its tables are.
    pub(super) fn facts_with_schema(&self) -> Result<Facts, Failure> {
        self.last(&format!("{FACTS}{SCHEMA}"), Facts::read)
    }

    /// Takes the turn of the upkeep for this connection; whether it was free.
    pub(crate) fn take_upkeep(&self) -> Result<bool, Failure> {
        let key = self.session.key().wrapping_add(1);
        self.last(&format!("SELECT pg_try_advisory_lock({key})"), |row| Some(row.try_get(0).ok()?? == "t"))
    }

    /// What `read` makes of the last row that several statements give.
    fn last<T>(
        &self,
        statements: &str,
        read: impl FnOnce(&SimpleQueryRow) -> Option<T>,
    ) -> Result<T, Failure> {
        let answers = self.flight(self.session.client().simple_query(statements))?;
        let row = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        row.and_then(read).ok_or_else(|| Failure::new("PostgreSQL does not say what it was asked"))
    }

    /// Undoes the transaction.
    pub(crate) fn undo(&self) -> Result<(), Failure> {
        // What became of the last writes no longer matters.
        let _ = self.flush();
        let before = self.state.get();
        let undone = self.flight(self.session.client().batch_execute("ROLLBACK"));
        if undone.is_ok() {
            self.state.set(before);
        } else {
            self.state.set(State::Ended);
        }
        undone
    }

    /// Commits. Unless this succeeds nothing may be acknowledged, although all of it may be there.
    pub(super) fn commit(&self) -> Result<(), Failure> {
        self.flush()?;
        if self.state.get() != State::Good {
            // PostgreSQL would answer with a success and undo it.
            return Err(Failure::new("a statement of the transaction failed: nothing is acknowledged"));
        }
        let before = self.session.warnings();
        let done = self.flight(self.session.client().batch_execute("COMMIT"));
        let done = done.and_then(|()| self.session.unwarned(before));
        if done.is_err() {
            self.state.set(State::Ended);
        }
        done
    }
}

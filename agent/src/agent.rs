//! The corridor: one closed enum of wake-ups, one loop. The only file, with those below it, that knows every
//! room, and the only one that looks at a clock.

mod answers;
mod bundles;
mod clock;
mod connection;
mod consents;
mod decommission;
mod dispatch;
mod due;
mod expiry;
mod format;
mod heard;
mod intake;
mod next;
mod open;
mod pause;
mod periods;
mod privacy;
mod renewal;
mod report;
mod sent;
mod shown;
mod support;
mod trouble;
mod unread;
mod upkeep;
mod watch;
mod wishes;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{info, warn};
use protocol::catalog::Catalog;
use protocol::{Header, Purpose, Retention, Wish};
use ring::rand::SystemRandom;

pub use renewal::certificate_life;
pub use trouble::{OpenError, Trouble};

use crate::collect::caller::Accounts;
use crate::collect::socket::{self, Asked};
use crate::config::Config;
use crate::consent::permit::{Permit, UsageStatistics};
use crate::consent::tickets::Tickets;
use crate::consent::vendor_request::VendorRequest;
use crate::consent::{Book, Kept, Policy};
use crate::deidentify::journal::Journal;
use crate::deidentify::usage::{Usage, Wash};
use crate::limits;
use crate::spool::{Spool, SpoolError};
use crate::tally::Tally;
use crate::vault::{Protector, Vault};
use dispatch::Dispatch;
use intake::Taking;
use periods::Periods;
use support::Support;

/// Everything the agent is. One thread owns it.
pub struct Agent {
    config: Config,
    protector: Protector,
    vault: Vault,
    book: Book,
    tally: Tally,
    open: Spool<Journal>,
    usage: Spool<Usage>,
    sent: sent::LastSent,
    requests: Spool<VendorRequest>,
    tickets: Tickets,
    support: Support,
    wash: Wash,
    taking: Taking,
    periods: Periods,
    dispatch: Dispatch,
    problems: Problems,
    /// What the vendor asks for.
    wishes: Vec<Wish>,
    busy_until: Option<Duration>,
    /// Why what Kathea reports is kept in the outbox, when that was last looked at.
    kept: Option<Kept>,
    running: bool,
    /// When the workstation is looked at again, since the start.
    device_due: Duration,
    /// Something failed: what is due of itself waits until then, since the start.
    quiet_until: Duration,
    /// Of this process's seconds of processor time, what `agent.health` was told.
    seconds_told: u64,
    /// The store can't go on in this process: it ends, and the service manager starts it again.
    poisoned: bool,
    started: Instant,
    random: SystemRandom,
    wakes: (Sender<Wake>, Receiver<Wake>),
    /// A [`Wake::Outbox`] waits in `wakes`: a thousand files are one.
    outbox_told: Arc<AtomicBool>,
    /// Held for the life of the process: one agent a directory.
    _lock: File,
}

/// What wakes the loop.
pub(crate) enum Wake {
    /// Something changed in the outbox.
    Outbox,
    /// A line over the local socket.
    Asked(Asked),
    /// What ran for a support case ended.
    Support,
    /// An enrolment ended.
    Enrolled(Box<connection::Enrolled>),
    /// A transfer ended.
    Answered(Box<dispatch::Answered>),
    /// The service manager, or a person, wants it to end.
    Stop,
}

/// Ends a running agent from another thread.
#[derive(Clone, Debug)]
pub struct Stop(Sender<Wake>);

impl Stop {
    /// Asks the agent to end after what it is doing now.
    pub fn stop(&self) {
        let _ = self.0.send(Wake::Stop);
    }
}

/// What a service manager wants to hear while the loop goes round: that it still does.
pub struct Beat {
    /// At least so often.
    pub every: Duration,
    /// Says it.
    pub tell: Box<dyn Fn()>,
}

/// How `run --once` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Nothing is left to send.
    Nothing,
    /// Something remains, and `status` says why.
    Remains,
}

/// What `status` shows as problems, one sentence for each subject.
#[derive(Debug, Default)]
pub(crate) struct Problems(BTreeMap<&'static str, String>);

impl Problems {
    fn note(&mut self, subject: &'static str, what: impl Into<String>) {
        self.0.insert(subject, what.into());
    }

    fn solved(&mut self, subject: &str) {
        self.0.remove(subject);
    }
}

impl Agent {
    /// What ends it from outside.
    pub fn stopper(&self) -> Stop {
        Stop(self.wakes.0.clone())
    }

    /// The service in the foreground, until it is stopped. `beat` is told once it serves, and then again and again.
    pub fn run(mut self, beat: Option<&Beat>) -> Result<(), OpenError> {
        self.running = true;
        let wakes = self.wakes.0.clone();
        let _watching = watch::outbox(&self.config.kathea.outbox, self.outbox_told.clone(), wakes.clone());
        let _listening = socket::listen(
            &self.config.kathea.socket,
            Accounts::new(&self.config),
            Instant::now,
            move |asked| wakes.send(Wake::Asked(asked)).is_ok(),
        )
        .inspect_err(|e| warn!("the local socket cannot be opened ({}): check [kathea] socket", e.kind()))
        .ok();
        info!("running");
        self.write_flags_for_kathea();
        let mut outbox_due = Some(self.since_start());
        let mut sweep = Duration::ZERO;
        loop {
            if sweep <= self.since_start() {
                sweep = self.since_start() + self.sweep_every();
                outbox_due = outbox_due.or(Some(self.since_start()));
            }
            if outbox_due.is_some_and(|due| due <= self.since_start()) {
                outbox_due = self.take_some().then(|| self.since_start());
            }
            self.work();
            if self.poisoned {
                return Err(OpenError::Spool(SpoolError::Poisoned));
            }
            if let Some(beat) = beat {
                (beat.tell)();
            }
            let beat_due = beat.map(|beat| self.since_start() + beat.every);
            let first = match self.next_deadline(outbox_due, sweep).into_iter().chain(beat_due).min() {
                Some(deadline) => {
                    match self.wakes.1.recv_timeout(deadline.saturating_sub(self.since_start())) {
                        Ok(wake) => Some(wake),
                        Err(RecvTimeoutError::Timeout) => None,
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
                None => match self.wakes.1.recv() {
                    Ok(wake) => Some(wake),
                    Err(mpsc::RecvError) => break,
                },
            };
            if self.handle_wakes(first, &mut outbox_due).is_break() {
                break;
            }
        }
        info!("stopped");
        Ok(())
    }

    /// Handles what woke the loop and what came meanwhile: none of it waits for another turn of the intake. Those who go
    /// on asking keep the intake waiting for [`limits::TURN_TIME`].
    fn handle_wakes(&mut self, first: Option<Wake>, outbox_due: &mut Option<Duration>) -> ControlFlow<()> {
        let until = self.since_start() + limits::TURN_TIME;
        let mut next = first;
        while let Some(wake) = next {
            match wake {
                Wake::Outbox => {
                    self.outbox_told.store(false, Ordering::Release);
                    outbox_due.get_or_insert(self.since_start() + limits::OUTBOX_DELAY);
                }
                Wake::Asked(asked) => self.answer_lines(asked),
                Wake::Support => self.finish_job(unix_now()),
                Wake::Enrolled(enrolled) => self.finish_enrolment(*enrolled),
                Wake::Answered(answered) => self.heard(*answered),
                Wake::Stop => return ControlFlow::Break(()),
            }
            next = if self.since_start() < until { self.wakes.1.try_recv().ok() } else { None };
        }
        ControlFlow::Continue(())
    }

    /// Takes in every complete file, closes periods, ships everything under a live grant, and ends.
    pub fn run_once(&mut self, close: bool) -> Result<Finished, Trouble> {
        while self.expire_usage(unix_now())? {}
        let taken = self.take_all(close);
        if taken.is_err() {
            // A full disk takes nothing in and is drained all the same.
            self.mend(unix_now())?;
        }
        self.drain();
        self.resume_decommissioning(unix_now())?;
        taken?;
        let waiting = self.usage.waiting().records + self.requests.waiting().records;
        let bundle = self.support.queue.next(|_| true);
        let is_read = !self.problems.0.contains_key("outbox_file");
        Ok(if waiting == 0 && bundle.is_none() && is_read { Finished::Nothing } else { Finished::Remains })
    }

    fn take_all(&mut self, close: bool) -> Result<(), Trouble> {
        while self.take_outbox(unix_now())? {}
        self.close_periods(close, unix_now())
    }

    /// One group of the outbox; true if there is more.
    fn take_some(&mut self) -> bool {
        match self.take_outbox(unix_now()) {
            Ok(more) => {
                self.problems.solved("intake");
                more
            }
            Err(trouble) => {
                self.trouble("intake", &trouble);
                false
            }
        }
    }

    fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    fn is_busy(&self) -> bool {
        self.busy_until.is_some_and(|until| until > self.since_start())
    }

    fn trouble(&mut self, subject: &'static str, trouble: &Trouble) {
        warn!("{trouble}");
        self.quiet_until = self.since_start() + limits::TROUBLE_PAUSE;
        self.poisoned |= matches!(trouble, Trouble::Spool(SpoolError::Poisoned));
        self.problems.note(subject, trouble.to_string());
    }
}

/// What every batch of usage says of itself.
fn header(permit: &Permit<'_, UsageStatistics>, policy: &Policy, catalog: &Catalog) -> Header {
    let terms = policy.terms(Purpose::UsageStatistics);
    Header {
        purpose: Purpose::UsageStatistics,
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        catalog: catalog.hash(),
        consent: permit.entry(),
        // There is no permit for what the policy does not ask for.
        retention: terms.map_or(Retention::Usage24Months, |terms| terms.vendor_retention),
    }
}

/// Seconds since 1970 on the wall's clock: for periods, grants and shown times, never for an order.
fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

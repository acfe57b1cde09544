//! The agent: what it owns, what it lends to its subsystems, and the closed enum of what wakes it. `turn.rs` is its loop, on
//! one thread. Only this module and its children know every subsystem and read a clock.

mod answered;
mod answers;
mod cases;
mod clock;
mod consents;
mod cx;
mod decisions;
mod decommission;
mod due;
mod edges;
mod folders;
mod format;
mod health;
mod intake;
mod next;
mod open;
mod privacy;
mod refusal;
mod report;
mod requests;
mod trouble;
mod turn;
mod uplink;
mod usage;
mod vendor_answer;
mod watch;
mod withdrawal;

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use ring::rand::SystemRandom;

pub use edges::{Clock, Connect, Edges, Transfers};
pub use trouble::{OpenError, Trouble};
pub use uplink::certificate_life;

use crate::api::status::Service;
use crate::collect::socket::Asked;
use crate::config::Config;
use crate::consent::Registry;
use crate::counters::Counters;
use crate::vault::{Protector, Vault};
use cases::Cases;
use consents::Consents;
use cx::{Cx, Deciding};
use folders::Folders;
use health::{Health, Subject};
use requests::Requests;
use uplink::Uplink;
use usage::Statistics;
use watch::{Arrival, Signalled};

/// Everything the agent is. One thread owns it.
pub struct Agent {
    config: Config,
    protector: Protector,
    vault: Vault,
    registry: Registry,
    counters: Counters,
    usage: Statistics,
    consents: Consents,
    cases: Cases,
    uplink: Uplink,
    health: Health,
    folders: Folders,
    /// Until when a scan may run, since the start.
    busy_until: Option<Duration>,
    service: Service,
    /// When the workstation is looked at again, since the start.
    device_due: Duration,
    /// When what waited or was kept for too long is looked for again, since the start.
    expiry_due: Duration,
    edges: Edges,
    looks: intake::Looks,
    random: SystemRandom,
    wakes: (Sender<Wake>, Receiver<Wake>),
    /// A [`Wake::Outbox`] waits in `wakes`: a thousand files are one.
    outbox_signalled: Arc<Signalled>,
    /// Held for the life of the process: one agent a directory.
    _lock: File,
}

/// The subsystems, and what each call lends them: none sees another.
struct Parts<'a> {
    usage: &'a mut Statistics,
    requests: &'a mut Requests,
    cases: &'a mut Cases,
    uplink: &'a mut Uplink,
    cx: Cx<'a>,
}

/// What wakes the loop.
pub(crate) enum Wake {
    /// Something arrived in the outbox.
    Outbox(Arrival),
    /// A line over the local socket.
    Asked(Asked),
    /// What ran for a support case ended.
    Support,
    /// An enrolment ended.
    Enrolled(Box<uplink::connection::Enrolled>),
    /// A transfer ended.
    Answered(Box<uplink::Answered>),
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

impl Agent {
    /// Lends every subsystem, and everything that they share, at this moment.
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            usage: &mut self.usage,
            requests: &mut self.consents.requests,
            cases: &mut self.cases,
            uplink: &mut self.uplink,
            cx: Cx {
                now: self.edges.clock.wall(),
                elapsed: self.edges.clock.elapsed(),
                edges: &self.edges,
                busy_until: self.busy_until,
                config: &self.config,
                vault: &mut self.vault,
                registry: &self.registry,
                counters: &mut self.counters,
                health: &mut self.health,
                random: &self.random,
            },
        }
    }

    /// Lets the consents subsystem change what is allowed.
    fn with_consents<T>(&mut self, act: impl FnOnce(&mut Consents, &mut Deciding<'_>) -> T) -> T {
        let mut cx = Cx {
            now: self.edges.clock.wall(),
            elapsed: self.edges.clock.elapsed(),
            edges: &self.edges,
            busy_until: self.busy_until,
            config: &self.config,
            vault: &mut self.vault,
            registry: &mut self.registry,
            counters: &mut self.counters,
            health: &mut self.health,
            random: &self.random,
        };
        act(&mut self.consents, &mut cx)
    }

    /// Lets the cases subsystem work.
    fn with_cases<T>(&mut self, act: impl FnOnce(&mut Cases, &mut Cx<'_>) -> T) -> T {
        let Parts { cases, mut cx, .. } = self.parts();
        act(cases, &mut cx)
    }

    /// What ends it from outside.
    pub fn stopper(&self) -> Stop {
        Stop(self.wakes.0.clone())
    }

    /// Takes in every complete file, closes periods, ships everything under a live grant, and ends.
    pub fn run_once(&mut self, close: bool) -> Result<Finished, Trouble> {
        self.expire_all()?;
        let taken = self.take_all(close);
        if taken.is_err() {
            // A full disk takes nothing in and is drained all the same.
            self.mend()?;
        }
        self.drain();
        self.resume_decommissioning(self.now())?;
        taken?;
        let waiting = self.usage.waiting_usage().records + self.consents.requests.waiting().records;
        let bundle = self.cases.queue.next(|_| true);
        let is_read = !self.health.is_raised(Subject::OutboxUnread);
        Ok(if waiting == 0 && bundle.is_none() && is_read { Finished::Nothing } else { Finished::Remains })
    }

    fn since_start(&self) -> Duration {
        self.edges.clock.elapsed()
    }

    /// Seconds since 1970 on the wall's clock: for periods, grants and shown times, never for an order.
    fn now(&self) -> i64 {
        self.edges.clock.wall()
    }

    fn is_busy(&self) -> bool {
        self.busy_until.is_some_and(|until| until > self.since_start())
    }

    fn trouble(&mut self, subject: Subject, trouble: &Trouble) {
        self.parts().cx.trouble(subject, trouble);
    }
}

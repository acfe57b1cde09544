//! From the trays to the window: one connection, and one transfer at a time, by a thread that ends with its answer.

use std::io;
use std::ops::Range;
use std::time::Duration;

use log::{error, warn};
use protocol::Digest;
use ring::rand::SecureRandom;

use super::bundles::{Sending, Stepping};
use super::renewal::Life;
use super::{Agent, Wake, connection, pause};
use crate::config::Config;
use crate::consent::Policy;
use crate::consent::vendor_request::VendorRequest;
use crate::presence;
use crate::ship::exchange::{Exchange, Outcome};
use crate::ship::https::{Https, Settings};
use crate::ship::pace::{Pace, Problem, Waiting};
use crate::ship::parcel::{Parcel, Progress};
use crate::spool::Missing;
use crate::vault::Vault;

/// What is known about sending.
pub(super) struct Dispatch {
    pub(super) usage: Pace,
    pub(super) requests: Pace,
    pub(super) bundles: Pace,
    pub(super) sending: Option<Sending>,
    pub(super) progress: Progress,
    pub(super) line: Line,
    /// A ledger entry that the collector asked for before it takes the batch again.
    pub(super) consent_first: Option<Digest>,
    /// The collector said which of the ledger's lines is its newest, since the start.
    pub(super) head_known: bool,
    /// How long the certificate holds, where it is known.
    pub(super) life: Option<Life>,
    /// The certificate has ended: nothing goes before its renewal.
    pub(super) ended: bool,
    /// When a renewal that failed is tried again, since the start.
    pub(super) renew_again: Option<Duration>,
    /// When the next transfer is due, since the start.
    pub(super) due: Option<Duration>,
}

/// The one connection outwards.
pub(super) enum Line {
    /// Nobody enrolled this device.
    NotEnrolled,
    /// The settings can't be used; why.
    Unusable(String),
    /// Free.
    Free(Box<Https>),
    /// A thread has it.
    InUse,
}

/// Something on its way.
pub(super) struct Transfer {
    pub(super) exchange: Exchange,
    pub(super) about: About,
}

/// What it is.
pub(super) enum About {
    Batch(Parcel, Vec<Missing>),
    Request(Range<u64>, VendorRequest),
    ConsentFirst(Digest),
    Renewal,
    /// How far the request of this ticket is.
    Ticket(String),
    /// What the collector's newest ledger line is, before anything is sent for the first time since the start.
    Head,
    Bundle(Stepping),
    Probe(Stream),
}

#[derive(Clone, Copy)]
pub(super) enum Stream {
    Usage,
    Requests,
    Bundles,
}

/// What came of it, with the connection back.
pub(crate) struct Answered {
    pub(super) https: Box<Https>,
    pub(super) about: About,
    pub(super) outcome: Outcome,
}

impl Dispatch {
    /// Nothing sent yet.
    ///
    /// # Errors
    /// What the collector asked to wait for cannot be read now.
    pub(super) fn new(config: &Config, random: u64, now: i64) -> io::Result<Self> {
        let pace = |stream: Stream, interval| -> io::Result<Pace> {
            let mut pace = Pace::new(interval, random);
            pace.not_before(pause::left(&stream.pause(config), now)?);
            Ok(pace)
        };
        Ok(Self {
            usage: pace(Stream::Usage, config.ship.interval)?,
            requests: pace(Stream::Requests, Duration::ZERO)?,
            bundles: pace(Stream::Bundles, Duration::ZERO)?,
            sending: None,
            progress: Progress::default(),
            line: Line::NotEnrolled,
            consent_first: None,
            head_known: false,
            life: None,
            ended: false,
            renew_again: None,
            due: None,
        })
    }

    /// Uses the certificate, if there is one. One that has ended is not shown: TLS would refuse it.
    ///
    /// # Errors
    /// The certificate, or what is kept beside it, cannot be read now: nothing was changed.
    pub(super) fn connect(
        &mut self,
        config: &Config,
        policy: &Policy,
        vault: &Vault,
        now: i64,
    ) -> io::Result<()> {
        let life = Life::read(config)?;
        let is_retired = presence::is_there(&connection::retired(config))?;
        let identity = connection::identity(config, vault)?;
        self.life = life;
        self.ended = life.is_some_and(|life| life.has_ended(now));
        self.line = match connection::settings(config, policy, identity) {
            _ if is_retired => Line::Unusable(Problem::Retired.to_string()),
            Ok(settings) if settings.identity.is_none() => Line::NotEnrolled,
            Ok(settings) => {
                match Https::new(Settings { identity: settings.identity.filter(|_| !self.ended), ..settings })
                {
                    Ok(https) => Line::Free(Box::new(https)),
                    Err(e) => Line::Unusable(e.to_string()),
                }
            }
            Err(what) => Line::Unusable(what),
        };
        if let Line::Unusable(what) = &self.line {
            error!("nothing can be sent: {what}");
        }
        self.usage.resume();
        self.requests.resume();
        self.bundles.resume();
        Ok(())
    }

    /// Whether there is a certificate that can be used.
    pub(super) fn is_enrolled(&self) -> bool {
        matches!(self.line, Line::Free(_) | Line::InUse)
    }

    /// Whether something is on its way.
    pub(super) fn in_flight(&self) -> bool {
        matches!(self.line, Line::InUse)
    }

    /// Another entry may be asked for now.
    pub(super) fn consent_changed(&mut self) {
        self.consent_first = None;
        self.usage.resume();
        self.bundles.resume();
    }

    /// For `status`.
    pub(super) fn problems(&self) -> Vec<String> {
        let line = match &self.line {
            Line::Unusable(what) => Some(what.clone()),
            _ => None,
        };
        let paces = [self.usage.problem(), self.requests.problem(), self.bundles.problem()];
        let mut problems: Vec<String> =
            paces.into_iter().flatten().map(|problem| problem.to_string()).collect();
        problems.dedup();
        line.into_iter().chain(problems).collect()
    }
}

impl Agent {
    /// Starts the transfer that is due, if there is one.
    pub(super) fn start_transfer(&mut self, now: i64) {
        if !matches!(self.dispatch.line, Line::Free(_)) {
            self.dispatch.due = None;
            return;
        }
        let transfer = match self.next_transfer(Waiting::Usual, now) {
            Ok(transfer) => transfer,
            Err(trouble) => return self.trouble("ship", &trouble),
        };
        match (transfer, std::mem::replace(&mut self.dispatch.line, Line::InUse)) {
            (Some(Transfer { exchange, about }), Line::Free(mut https)) => {
                let wakes = self.wakes.0.clone();
                std::thread::spawn(move || {
                    let outcome = https.exchange(&exchange);
                    let _ = wakes.send(Wake::Answered(Box::new(Answered { https, about, outcome })));
                });
            }
            (_, line) => {
                self.dispatch.line = line;
                self.rest();
            }
        }
    }

    /// Sends everything that waits, here and now, until nothing is left or something asks to wait.
    pub(super) fn drain(&mut self) {
        loop {
            let transfer = match self.next_transfer(Waiting::Urgent, super::unix_now()) {
                Ok(Some(transfer)) => transfer,
                Ok(None) => break,
                Err(trouble) => return self.trouble("ship", &trouble),
            };
            let Line::Free(mut https) = std::mem::replace(&mut self.dispatch.line, Line::InUse) else {
                break;
            };
            let outcome = https.exchange(&transfer.exchange);
            self.heard(Answered { https, about: transfer.about, outcome });
        }
        self.rest();
    }

    /// When a transfer is due of itself, since the start.
    pub(super) fn transfer_deadline(&self) -> Option<Duration> {
        self.dispatch.due
    }

    /// Nothing half-closed stays open between two drains.
    fn rest(&mut self) {
        if let Line::Free(https) = &mut self.dispatch.line {
            https.rest();
        }
        self.usage.rest();
        self.open.rest();
        self.requests.rest();
        if let Err(e) = self.sent.save(&self.vault) {
            warn!("what was sent cannot be kept to be read ({}): check the space of data_dir", e.kind());
        }
        if let Err(e) = self.retire_keys() {
            warn!("an old key file cannot be erased ({}): check the rights of data_dir", e.kind());
        }
    }

    /// For jitter.
    pub(super) fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        // Jitter only: without randomness a fleet is less spread, nothing else.
        let _ = self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

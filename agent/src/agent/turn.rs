//! The turns of the run loop: what one turn does, what wakes it, and how long it sleeps.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use log::{info, warn};

use super::health::{Store, Subject};
use super::watch::Arrival;
use super::{Agent, Beat, OpenError, Parts, Wake, watch};
use crate::api::status::Service;
use crate::collect::caller::Accounts;
use crate::collect::socket;
use crate::limits;
use crate::spool::SpoolError;

impl Agent {
    /// Runs the service in the foreground until it is stopped. Calls `beat` once it serves, and regularly from then on.
    pub fn run(mut self, beat: Option<&Beat>) -> Result<(), OpenError> {
        self.service = Service::Running;
        let wakes = self.wakes.0.clone();
        let watching = watch::outbox(&self.config.kathea.outbox, self.outbox_signalled.clone(), {
            let wakes = wakes.clone();
            move |arrival| drop(wakes.send(Wake::Outbox(arrival)))
        });
        let _watching =
            watching.map_err(|why| self.health.raise(Subject::OutboxUnwatched, &why, Duration::ZERO));
        let _listening = socket::listen(
            &self.config.kathea.socket,
            Accounts::new(&self.config),
            Instant::now,
            move |asked| wakes.send(Wake::Asked(asked)).is_ok(),
        )
        .inspect_err(|e| warn!("the local socket cannot be opened ({}): check [kathea] socket", e.kind()))
        .ok();
        info!("running");
        self.begin();
        loop {
            let due = self.turn()?;
            if let Some(beat) = beat {
                (beat.tell)();
            }
            let beat_due = beat.map(|beat| self.since_start() + beat.every);
            let first = match due.into_iter().chain(beat_due).min() {
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
            if self.handle_wakes(first).is_break() {
                break;
            }
        }
        info!("stopped");
        Ok(())
    }

    /// Serves without a socket, a watch on the outbox and a sleep: whoever calls [`Agent::step`] wakes the loop.
    pub fn begin(&mut self) {
        self.service = Service::Running;
        self.write_flags_for_kathea();
        self.looks.look_at(self.since_start());
    }

    /// Handles what came and takes one turn. Says when the next is due, since the start.
    ///
    /// # Errors
    /// The process has to end, as [`Agent::run`] does.
    pub fn step(&mut self) -> Result<Option<Duration>, OpenError> {
        let first = self.wakes.1.try_recv().ok();
        let _ = self.handle_wakes(first);
        self.turn()
    }

    /// Another turn of the loop looks into the outbox: the system reported a file there, or files are left.
    pub fn notice_outbox(&self) {
        let _ = self.wakes.0.send(Wake::Outbox(Arrival::Any));
    }

    /// One turn: a look into the outbox, and what is due. Says when the next one is.
    fn turn(&mut self) -> Result<Option<Duration>, OpenError> {
        self.look_into_outbox();
        self.work();
        if self.health.store() == Store::Poisoned {
            return Err(OpenError::Spool(SpoolError::Poisoned));
        }
        Ok(self.next_deadline(self.looks.next(), self.looks.sweep))
    }

    /// Handles what woke the loop and what came meanwhile: none of it waits for another turn of the intake. Those who go
    /// on asking keep the intake waiting for [`limits::TURN_TIME`].
    fn handle_wakes(&mut self, first: Option<Wake>) -> ControlFlow<()> {
        let until = self.since_start() + limits::TURN_TIME;
        let mut next = first;
        while let Some(wake) = next {
            match wake {
                Wake::Outbox(arrival) => {
                    self.outbox_signalled.is_seen(arrival);
                    self.looks.note(arrival, self.since_start());
                }
                Wake::Asked(asked) => self.answer_lines(asked),
                Wake::Support => self.with_cases(|cases, cx| cases.finish_job(cx)),
                Wake::Enrolled(enrolled) => {
                    let Parts { uplink, mut cx, .. } = self.parts();
                    uplink.finish_enrolment(&mut cx, *enrolled);
                }
                Wake::Answered(answered) => self.take_answer(*answered),
                Wake::Stop => return ControlFlow::Break(()),
            }
            next = if self.since_start() < until { self.wakes.1.try_recv().ok() } else { None };
        }
        ControlFlow::Continue(())
    }
}

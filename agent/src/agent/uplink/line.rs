//! The one connection outwards, and the thread that a transfer has it for.

use std::sync::mpsc;

use super::super::Transfers;
use super::transfer::{About, Answered, Transfer};
use crate::ship::exchange::{Exchange, Transport};
use crate::ship::failure::Failure;
use crate::texts::Said;

/// The one connection outwards.
pub(in crate::agent) enum Line {
    /// Nobody enrolled this device.
    NotEnrolled,
    /// The settings can't be used; why.
    Unusable(Said),
    /// Free.
    Free(Box<dyn Transport>),
    /// A thread has it.
    InUse,
}

impl Line {
    /// Starts `transfer` on a thread of its own, which calls `wake` with its answer. Where there is no thread to be had
    /// the exchange has failed, and its schedule waits.
    pub(in crate::agent) fn start(
        &mut self,
        transfer: Transfer,
        transfers: Transfers,
        wake: impl Fn(Answered) + Clone + Send + 'static,
    ) {
        if transfers == Transfers::Here {
            if let Some(answered) = self.carry_out(transfer) {
                *self = Self::InUse; // until its response is handled
                wake(answered);
            }
            return;
        }
        let (hand, handed) = mpsc::sync_channel::<(Box<dyn Transport>, Transfer)>(1);
        let tell = wake.clone();
        let thread = std::thread::Builder::new().name("transfer".into()).spawn(move || {
            if let Ok((https, Transfer { exchange, about })) = handed.recv() {
                tell(exchanged(https, &exchange, about));
            }
        });
        let Some((https, transfer)) = self.take(transfer) else { return };
        match thread {
            Ok(_) => drop(hand.send((https, transfer))),
            Err(_) => {
                let answered = Answered { https, about: transfer.about, outcome: Err(Failure::NoThread) };
                wake(answered);
            }
        }
    }

    /// Carries out `transfer` here and now.
    pub(in crate::agent) fn carry_out(&mut self, transfer: Transfer) -> Option<Answered> {
        let (https, Transfer { exchange, about }) = self.take(transfer)?;
        Some(exchanged(https, &exchange, about))
    }

    fn take(&mut self, transfer: Transfer) -> Option<(Box<dyn Transport>, Transfer)> {
        match std::mem::replace(self, Self::InUse) {
            Self::Free(https) => Some((https, transfer)),
            line => {
                *self = line;
                None
            }
        }
    }

    /// Takes the connection back, unless it was made anew meanwhile.
    pub(in crate::agent) fn give_back(&mut self, https: Box<dyn Transport>) {
        if matches!(self, Self::InUse) {
            *self = Self::Free(https);
        }
    }

    /// Between two drains the connection is closed.
    pub(in crate::agent) fn rest(&mut self) {
        if let Self::Free(https) = self {
            https.rest();
        }
    }
}

/// Carries out an exchange.
fn exchanged(mut https: Box<dyn Transport>, exchange: &Exchange, about: About) -> Answered {
    let outcome = https.exchange(exchange);
    Answered { https, about, outcome }
}

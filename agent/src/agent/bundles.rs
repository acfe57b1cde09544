//! A bundle on its way: announced, sent in chunks with a fresh permit for each, settled by its receipt. What the
//! collector has of it is noted after each chunk, so that a restart goes on there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use log::{info, warn};
use protocol::bundle::Announcement;
use protocol::{Digest, Purpose};
use ring::digest::{Context, SHA256};

use super::dispatch::{About, Stream, Transfer};
use super::heard::utc_text;
use super::next::probe;
use super::{Agent, Trouble, unix_now};
use crate::consent::Book;
use crate::consent::permit::{Lease, SupportCase, SupportScanData};
use crate::limits;
use crate::ship::exchange::{Exchange, Outcome};
use crate::ship::pace::{self, Reply, Waiting};
use crate::ship::routes;
use crate::ship::tus::{Heard, Step, Upload};
use crate::support::record::Bundle;

/// The bundle that is being sent.
pub(super) struct Sending {
    id: String,
    upload: Upload,
}

/// One step of it on its way.
pub(super) struct Stepping {
    id: String,
    step: Step,
    begun: Duration,
}

impl Agent {
    /// What goes now of the oldest bundle that may leave: at once, but not while a scan runs.
    pub(super) fn next_bundle(&mut self, now: i64) -> Result<Option<Transfer>, Trouble> {
        let elapsed = self.since_start();
        let book = &self.book;
        let due = self.support.queue.next(|bundle| lease(book, bundle, now).is_some());
        let due = due.map(|bundle| (bundle.id.clone(), bundle.case.clone()));
        if let (Some(_), true, Some(until)) = (&due, self.is_busy(), self.busy_until) {
            self.due_at(until);
            return Ok(None);
        }
        let waiting = if due.is_some() { Waiting::Urgent } else { Waiting::Nothing };
        match (self.dispatch.bundles.next(elapsed, waiting), due) {
            (pace::Step::Send { .. }, Some((id, _))) => self.step_of(&id, now),
            (pace::Step::Probe, _) => Ok(Some(probe(Stream::Bundles))),
            (pace::Step::Wait(until), _) => {
                self.due_at(until);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn step_of(&mut self, id: &str, now: i64) -> Result<Option<Transfer>, Trouble> {
        let (Some(bundle), rate) = (self.support.queue.find(id), self.config.ship.rate) else {
            self.dispatch.bundles.goes_on();
            return Ok(None);
        };
        if self.dispatch.sending.as_ref().is_none_or(|sending| sending.id != id) {
            let upload = Upload::new(announcement(bundle), bundle.url.as_deref(), rate);
            self.dispatch.sending = Some(Sending { id: id.to_owned(), upload });
        }
        let exchange = match (&self.dispatch.sending, lease(&self.book, bundle, now)) {
            (Some(sending), Some(lease)) => {
                let step = sending.upload.next();
                self.exchange_of(&sending.upload, step, bundle, lease).map(|exchange| (step, exchange))
            }
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        match exchange {
            Ok((step, exchange)) => {
                let about = About::Bundle(Stepping { id: id.to_owned(), step, begun: self.since_start() });
                Ok(Some(Transfer { exchange, about }))
            }
            Err(e) => {
                self.give_up(id, unreadable(id, e.kind()), now)?;
                Ok(None)
            }
        }
    }

    fn exchange_of(
        &self,
        upload: &Upload,
        step: Step,
        bundle: &Bundle,
        lease: Lease,
    ) -> io::Result<Exchange> {
        if let Step::Consent(entry) = step {
            let line = self.book.line(entry).ok_or(io::ErrorKind::NotFound)?;
            return Ok(Exchange { lease: Some(lease), ..routes::consent(line) });
        }
        let Step::Send { offset, length } = step else { return Ok(upload.exchange(step, None, lease)) };
        let mut file = File::open(self.support.queue.path(&bundle.id))?;
        if file.metadata()?.len() != bundle.size {
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.seek(SeekFrom::Start(offset))?;
        let digest = if upload.checks() { Some(digest(&mut file, length)?) } else { None };
        file.seek(SeekFrom::Start(offset))?;
        Ok(upload.exchange(step, Some((file, digest)), lease))
    }

    /// Takes the answer to a step.
    pub(super) fn heard_of_bundle(&mut self, stepping: &Stepping, outcome: &Outcome) -> Result<(), Trouble> {
        let (elapsed, now) = (self.since_start(), unix_now());
        let Stepping { id, step, begun } = stepping;
        let sending = self.dispatch.sending.as_mut().filter(|sending| sending.id == *id);
        let (Some(sending), Some(bundle)) = (sending, self.support.queue.find(id)) else {
            // Withdrawn or discarded meanwhile.
            self.dispatch.sending = None;
            self.dispatch.bundles.goes_on();
            return Ok(());
        };
        let heard = sending.upload.heard(*step, outcome, elapsed.saturating_sub(*begun));
        let place =
            (sending.upload.offset().unwrap_or(bundle.offset), sending.upload.path().map(str::to_owned));
        if place != (bundle.offset, bundle.url.clone()) {
            self.support.queue.note(id, place.0, place.1.as_deref(), &mut self.vault, now)?;
        }
        match heard {
            Heard::GoesOn => self.dispatch.bundles.goes_on(),
            Heard::Further => {
                self.tell(Stream::Bundles, taken(), 1)?;
            }
            Heard::Settled(receipt) => {
                self.tell(Stream::Bundles, taken(), 1)?;
                self.settle_bundle(id, &receipt, now)?;
            }
            Heard::Refused => {
                self.tell(Stream::Bundles, taken(), 1)?;
                let what = format!(
                    "the collector refuses bundle {id}, for its size or because it knows of a later no: ask the \
                     vendor; `support send {id}` tries again, `support export {id}` writes it to a stick"
                );
                self.give_up(id, what, now)?;
            }
            Heard::Setback(reply) => {
                self.tell(Stream::Bundles, reply, 1)?;
                let differs = outcome.as_ref().is_ok_and(|answer| answer.status == 409);
                // Else a file that the disk damaged would be sent again and again.
                if *step == Step::Complete && differs && !self.is_whole(id) {
                    self.give_up(id, unreadable(id, io::ErrorKind::InvalidData), now)?;
                }
            }
        }
        Ok(())
    }

    fn is_whole(&self, id: &str) -> bool {
        self.support.queue.find(id).is_some_and(|bundle| {
            let held =
                File::open(self.support.queue.path(id)).and_then(|mut file| digest(&mut file, bundle.size));
            held.is_ok_and(|held| held == bundle.sha256)
        })
    }

    fn settle_bundle(&mut self, id: &str, receipt: &str, now: i64) -> Result<(), Trouble> {
        let size = self.support.queue.find(id).map_or(0, |bundle| bundle.size);
        self.support.queue.settle(id, receipt, &mut self.vault, now)?;
        self.dispatch.sending = None;
        self.tally.sent(Purpose::SupportCase.as_str(), 1, size, utc_text(now));
        self.problems.solved("bundle");
        info!("sent a bundle of {size} bytes");
        Ok(self.tally.save()?)
    }

    fn give_up(&mut self, id: &str, what: String, now: i64) -> Result<(), Trouble> {
        warn!("{what}");
        self.problems.note("bundle", what);
        self.dispatch.sending = None;
        self.dispatch.bundles.goes_on();
        Ok(self.support.queue.fail(id, &mut self.vault, now)?)
    }
}

/// What stands while a bundle may leave; none while it may not.
fn lease(book: &Book, bundle: &Bundle, now: i64) -> Option<Lease> {
    let lease = book.permit_case::<SupportCase>(&bundle.case, now)?.lease();
    if !bundle.purposes.contains(&Purpose::SupportScanData) {
        return Some(lease);
    }
    Some(lease.and(book.permit_case::<SupportScanData>(&bundle.case, now)?.lease()))
}

fn announcement(bundle: &Bundle) -> Announcement {
    Announcement {
        case: bundle.case.clone(),
        size: bundle.size,
        sha256: bundle.sha256,
        manifest_sha256: bundle.manifest,
        consents: bundle.consents.clone(),
    }
}

fn unreadable(id: &str, kind: io::ErrorKind) -> String {
    format!("a bundle cannot be read ({kind}): it is not sent; gather it again, then `support discard {id}`")
}

/// Of the next `length` bytes.
fn digest(file: &mut File, length: u64) -> io::Result<Digest> {
    let (mut context, mut rest, mut buffer) = (Context::new(&SHA256), length, [0; limits::CHUNK]);
    while rest > 0 {
        let piece = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        file.read_exact(&mut buffer[..piece])?;
        context.update(&buffer[..piece]);
        rest -= piece as u64;
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Ok(Digest::from_bytes(out))
}

fn taken() -> Reply {
    Reply::Acknowledged { records: 1, rejected: vec![] }
}

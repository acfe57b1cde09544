//! Upload of a bundle: announced, sent in chunks with a fresh permit for each, settled by its receipt. The offset is
//! stored after each chunk, so that a restart continues there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use log::{info, warn};
use protocol::bundle::Announcement;
use protocol::{Digest, Purpose};
use ring::digest::{Context, SHA256};

use super::super::Trouble;
use super::super::cx::Cx;
use super::super::health::{Cause, Subject, Unsent};
use super::{Cases, note_failed};
use crate::consent::Registry;
use crate::consent::permit::{Lease, SupportCase, SupportScanData};
use crate::consent::state::to_text;
use crate::limits;
use crate::ship::exchange::{Exchange, Outcome};
use crate::ship::pace::Reply;
use crate::ship::routes;
use crate::ship::tus::{Step, StepResult, Upload};
use crate::support::record::Bundle;
use crate::texts::Text;

/// The bundle that is being sent.
pub(super) struct Sending {
    id: String,
    upload: Upload,
}

/// One step of it on its way.
pub(in crate::agent) struct Stepping {
    id: String,
    step: Step,
    begun: Duration,
}

/// What is reported to the schedule after a step.
pub(in crate::agent) enum After {
    /// The next step may follow at once.
    GoOn,
    /// What the answer says of the collector.
    Tell(Reply),
    /// Likewise, and another bundle may follow at once.
    TellAndGoOn(Reply),
}

impl Cases {
    /// The oldest bundle that may leave, and that the disk gave when it was last asked.
    pub(in crate::agent) fn next_bundle(&self, cx: &Cx<'_>) -> Option<String> {
        let is_due = |bundle: &Bundle| self.unread.get(&bundle.id).is_none_or(|due| *due <= cx.elapsed);
        let due = self.queue.next(|bundle| is_due(bundle) && lease(cx.registry, bundle, cx.now).is_some());
        due.map(|bundle| bundle.id.clone())
    }

    /// When one that the disk did not give is tried again, since the start.
    pub(in crate::agent) fn next_try(&self, elapsed: Duration) -> Option<Duration> {
        self.unread.values().copied().filter(|due| *due > elapsed).min()
    }

    /// The next step of a bundle; none if it cannot be read. Then it is given up, or tried again later.
    pub(in crate::agent) fn next_step(
        &mut self,
        cx: &mut Cx<'_>,
        id: &str,
    ) -> Result<Option<(Stepping, Exchange)>, Trouble> {
        let Some(bundle) = self.queue.find(id) else { return Ok(None) };
        if self.sending.as_ref().is_none_or(|sending| sending.id != id) {
            let upload = Upload::new(announcement(bundle), bundle.url.as_deref(), cx.config.ship.rate);
            self.sending = Some(Sending { id: id.to_owned(), upload });
        }
        let exchange = match (&self.sending, lease(cx.registry, bundle, cx.now)) {
            (Some(sending), Some(lease)) => {
                let step = sending.upload.next();
                self.exchange_of(cx, &sending.upload, step, bundle, lease).map(|exchange| (step, exchange))
            }
            // Withdrawn between two looks.
            _ => return Ok(None),
        };
        match exchange {
            Ok((step, exchange)) => {
                Ok(Some((Stepping { id: id.to_owned(), step, begun: cx.elapsed }, exchange)))
            }
            // The file is there, and the disk does not give it now.
            Err(Unsendable::Disk(kind)) if kind != io::ErrorKind::NotFound => {
                let what = Cause::BundleUnreadNow { id: id.to_owned(), why: kind.said() };
                warn!("{what}");
                cx.raise(Subject::Bundle, &what);
                self.sending = None;
                self.unread.insert(id.to_owned(), cx.elapsed + limits::BUNDLE_AGAIN);
                Ok(None)
            }
            Err(e) => {
                self.give_up(cx, id, unreadable(id, e))?;
                Ok(None)
            }
        }
    }

    fn exchange_of(
        &self,
        cx: &Cx<'_>,
        upload: &Upload,
        step: Step,
        bundle: &Bundle,
        lease: Lease,
    ) -> Result<Exchange, Unsendable> {
        if let Step::Consent(entry) = step {
            let line = cx.registry.line(entry).ok_or(Unsendable::NoConsent)?;
            return Ok(Exchange { lease: Some(lease), ..routes::consent(line) });
        }
        let Step::Send { offset, length } = step else { return Ok(upload.exchange(step, None, lease)) };
        let mut file = File::open(self.queue.path(&bundle.id))?;
        if file.metadata()?.len() != bundle.size {
            return Err(Unsendable::Damaged);
        }
        file.seek(SeekFrom::Start(offset))?;
        let digest = if upload.checks() { Some(digest(&mut file, length)?) } else { None };
        file.seek(SeekFrom::Start(offset))?;
        Ok(upload.exchange(step, Some((file, digest)), lease))
    }

    /// Takes the answer to a step.
    pub(in crate::agent) fn stepped(
        &mut self,
        cx: &mut Cx<'_>,
        stepping: &Stepping,
        outcome: &Outcome,
    ) -> Result<After, Trouble> {
        let Stepping { id, step, begun } = stepping;
        let sending = self.sending.as_mut().filter(|sending| sending.id == *id);
        let (Some(sending), Some(bundle)) = (sending, self.queue.find(id)) else {
            // Withdrawn or discarded meanwhile.
            self.sending = None;
            return Ok(After::GoOn);
        };
        let received = sending.upload.apply(*step, outcome, cx.elapsed.saturating_sub(*begun));
        let place =
            (sending.upload.offset().unwrap_or(bundle.offset), sending.upload.path().map(str::to_owned));
        if place != (bundle.offset, bundle.url.clone()) {
            self.queue.note(id, place.0, place.1.as_deref(), cx.vault, cx.now)?;
        }
        Ok(match received {
            StepResult::GoesOn => After::GoOn,
            StepResult::Further => After::Tell(taken()),
            StepResult::Settled(receipt) => {
                self.settle_bundle(cx, id, &receipt)?;
                After::Tell(taken())
            }
            StepResult::Refused => {
                let what = Cause::BundleRefused { id: id.to_owned() };
                self.give_up(cx, id, what)?;
                After::TellAndGoOn(taken())
            }
            StepResult::Setback(reply) => {
                let differs = outcome.as_ref().is_ok_and(|answer| answer.status == 409);
                // Else a file that the disk damaged would be sent again and again.
                if *step == Step::Complete && differs && !self.is_whole(id) {
                    self.give_up(cx, id, unreadable(id, Unsendable::Damaged))?;
                    After::TellAndGoOn(reply)
                } else {
                    After::Tell(reply)
                }
            }
        })
    }

    /// Whether its file is what was sealed. What cannot be read now is not damaged.
    fn is_whole(&self, id: &str) -> bool {
        self.queue.find(id).is_some_and(|bundle| {
            let held = File::open(self.queue.path(id)).and_then(|mut file| digest(&mut file, bundle.size));
            held.map_or_else(|e| e.kind() != io::ErrorKind::UnexpectedEof, |held| held == bundle.sha256)
        })
    }

    fn settle_bundle(&mut self, cx: &mut Cx<'_>, id: &str, receipt: &str) -> Result<(), Trouble> {
        let size = self.queue.find(id).map_or(0, |bundle| bundle.size);
        self.queue.settle(id, receipt, cx.vault, cx.now)?;
        self.sending = None;
        self.unread.remove(id);
        cx.counters.sent(Purpose::SupportCase.as_str(), 1, size, to_text(cx.now));
        note_failed(&self.queue, cx.health, cx.elapsed);
        info!("sent a bundle of {size} bytes");
        Ok(cx.counters.save()?)
    }

    fn give_up(&mut self, cx: &mut Cx<'_>, id: &str, what: Cause) -> Result<(), Trouble> {
        warn!("{what}");
        cx.raise(Subject::Bundle, &what);
        self.sending = None;
        Ok(self.queue.fail(id, cx.vault, cx.now)?)
    }
}

/// What stands while a bundle may leave; none while it may not.
fn lease(registry: &Registry, bundle: &Bundle, now: i64) -> Option<Lease> {
    let lease = registry.permit_case::<SupportCase>(&bundle.case, now)?.lease();
    if !bundle.purposes.contains(&Purpose::SupportScanData) {
        return Some(lease);
    }
    Some(lease.and(registry.permit_case::<SupportScanData>(&bundle.case, now)?.lease()))
}

/// What the agent says of a bundle before its first byte.
pub(super) fn announcement(bundle: &Bundle) -> Announcement {
    Announcement {
        case: bundle.case.clone(),
        size: bundle.size,
        sha256: bundle.sha256,
        manifest_sha256: bundle.manifest,
        consents: bundle.consents.clone(),
    }
}

/// Why a bundle that waits cannot be sent.
#[derive(Clone, Copy)]
enum Unsendable {
    /// The ledger has no line of a consent that it rests on.
    NoConsent,
    /// Its file is not what was sealed.
    Damaged,
    /// The disk does not give it.
    Disk(io::ErrorKind),
}

impl From<io::Error> for Unsendable {
    fn from(e: io::Error) -> Self {
        Self::Disk(e.kind())
    }
}

fn unreadable(id: &str, why: Unsendable) -> Cause {
    let why = match why {
        Unsendable::NoConsent => Unsent::NoConsent.said(),
        Unsendable::Damaged => Unsent::Damaged.said(),
        Unsendable::Disk(kind) => kind.said(),
    };
    Cause::BundleUnreadable { id: id.to_owned(), why }
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

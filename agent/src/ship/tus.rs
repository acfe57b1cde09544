//! tus 1.0, this side of it: what to send next of one bundle, and what each response means. Pure: the run loop asks
//! [`Upload::next`], sends what [`Upload::exchange`] makes of it, and reports with [`Upload::apply`].
//!
//! ```text
//! Look -> Announce -> Ask -> Send ... Send -> Complete -> settled
//!             ^         ^      |  another offset, a cut     |
//!             |         +------+----------------------------+
//!             +-- the upload is lost
//! ```

use std::fs::File;
use std::time::Duration;

use data_encoding::BASE64;
use protocol::Digest;
use protocol::bundle::{Announcement, BundleReply, Complete, MAX_CHUNK, tus};

use super::exchange::{Answer, Body, Exchange, Method, Outcome, is_page, refusal};
use super::pace::Reply;
use super::routes;
use crate::consent::permit::Lease;
use crate::limits;

/// Where bundles are announced.
const BUNDLES: &str = "/v1/bundles";

/// One bundle on its way.
#[derive(Debug)]
pub struct Upload {
    announcement: Announcement,
    /// Whether the server checks chunks by SHA-256; not known before it was asked.
    checks: Option<bool>,
    /// Ledger entries that the server wants first.
    owed: Vec<Digest>,
    /// What the server calls it.
    path: Option<String>,
    /// Bytes that the server has; not known before it was asked, nor after a cut.
    offset: Option<u64>,
    /// The most that it ever said to have.
    reached: u64,
    /// What it was when the last setback was forgiven.
    forgiven_at: Option<u64>,
    /// Bytes of the next chunk, at most.
    chunk: u64,
}

/// What to send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The question what the server can.
    Look,
    /// This line of the ledger, which the server wants first.
    Consent(Digest),
    /// What is to come.
    Announce,
    /// The question how much is there.
    Ask,
    /// A chunk.
    Send {
        /// From where on.
        offset: u64,
        /// Bytes of it.
        length: u64,
    },
    /// That everything was sent.
    Complete,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// The next step goes at once.
    GoesOn,
    /// Likewise, and more is there than ever was.
    Further,
    /// The collector has it for good, under this number.
    Settled(String),
    /// It takes this bundle never: too large, or not under this consent.
    Refused,
    /// It did not work, with what that means to the pace.
    Setback(Reply),
}

impl Upload {
    /// Of what `announcement` says. `path` is what the server called it before a restart, `rate` the bytes a second
    /// that the site allows.
    pub fn new(announcement: Announcement, path: Option<&str>, rate: u64) -> Self {
        Self {
            announcement,
            checks: None,
            owed: Vec::new(),
            path: path.and_then(path_of),
            offset: None,
            reached: 0,
            forgiven_at: None,
            chunk: chunk(rate),
        }
    }

    /// What is being sent.
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// What the server calls it.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Bytes that the server said to have; it may know better than it did.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// What to send now.
    pub fn next(&self) -> Step {
        let size = self.announcement.size;
        match (self.owed.last(), self.checks, &self.path, self.offset) {
            (Some(entry), ..) => Step::Consent(*entry),
            (_, None, ..) => Step::Look,
            (_, _, None, _) => Step::Announce,
            (.., None) => Step::Ask,
            (.., Some(offset)) if offset < size => {
                Step::Send { offset, length: self.chunk.min(size - offset) }
            }
            _ => Step::Complete,
        }
    }

    /// Whether a chunk wants its digest.
    pub fn checks(&self) -> bool {
        self.checks == Some(true)
    }

    /// The exchange for a step other than [`Step::Consent`], whose line is sent as any other. `chunk` is what a
    /// [`Step::Send`] sends: the file, standing at its offset, and its digest if [`Upload::checks`]. The lease is
    /// that of a permit given for this step.
    pub fn exchange(&self, step: Step, chunk: Option<(File, Option<Digest>)>, lease: Lease) -> Exchange {
        let path = || self.path.clone().unwrap_or_else(|| BUNDLES.to_owned());
        let mut exchange = match (step, chunk) {
            (Step::Look, _) => routes::bare(Method::Options, BUNDLES.to_owned()),
            (Step::Announce, _) => routes::bare(Method::Post, BUNDLES.to_owned()),
            (Step::Send { offset, length }, Some((file, digest))) => {
                let mut exchange = routes::bare(Method::Patch, path());
                exchange.body = Body::Part(file, length);
                exchange.headers =
                    vec![("content-type", tus::CHUNK.to_owned()), (tus::OFFSET, offset.to_string())];
                let checksum = digest.map(|digest| format!("sha256 {}", BASE64.encode(&digest.to_bytes())));
                exchange.headers.extend(checksum.map(|checksum| (tus::CHECKSUM, checksum)));
                exchange
            }
            (Step::Complete, _) => {
                let Announcement { sha256, size, .. } = self.announcement;
                let mut exchange = routes::json(Method::Post, format!("{}/complete", path()));
                exchange.body = Body::Bytes(routes::to_json(&Complete { sha256, size }));
                exchange
            }
            (Step::Ask | Step::Consent(_) | Step::Send { .. }, _) => routes::bare(Method::Head, path()),
        };
        if step == Step::Announce {
            exchange.headers.push((tus::LENGTH, self.announcement.size.to_string()));
            exchange.headers.push((tus::METADATA, self.announcement.metadata()));
        }
        exchange.headers.push((tus::RESUMABLE, tus::VERSION.to_owned()));
        exchange.lease = Some(lease);
        exchange
    }

    /// Takes the answer to `step`, which took so long.
    pub fn apply(&mut self, step: Step, outcome: &Outcome, took: Duration) -> StepResult {
        let answer = match outcome {
            Ok(answer) if !is_page(outcome) => answer,
            Err(_) if matches!(step, Step::Send { .. }) => return self.stumbled(step),
            _ => return self.setback(step, refusal(outcome)),
        };
        match (step, answer.status) {
            (Step::Look, 200..=204) => {
                let algorithms = answer.checksum_algorithms.as_deref().unwrap_or_default();
                self.checks = Some(algorithms.split(',').any(|algorithm| algorithm.trim() == "sha256"));
                StepResult::GoesOn
            }
            // It may be a server that answers no more than it must.
            (Step::Look, 404 | 405 | 501) => {
                self.checks = Some(false);
                StepResult::GoesOn
            }
            (Step::Consent(entry), _) => match routes::consent_stored(outcome, entry) {
                Reply::Acknowledged { .. } => {
                    self.owed.retain(|owed| *owed != entry);
                    StepResult::GoesOn
                }
                reply => self.setback(step, reply),
            },
            (Step::Announce, 201) => match answer.location.as_deref().and_then(path_of) {
                Some(path) => {
                    self.path = Some(path);
                    StepResult::GoesOn
                }
                None => self.setback(step, Reply::Failed),
            },
            (Step::Ask, 200 | 204) => self.stands_at(answer),
            // An answer to HEAD has no body that would say which of them it is; the next announcement's has.
            (Step::Ask, 403 | 404 | 410) | (Step::Send { .. }, 404 | 410) => {
                self.path = None;
                self.stumbled(step)
            }
            (Step::Send { offset, length }, 200 | 204)
                if number(&answer.upload_offset) == Some(offset + length) =>
            {
                self.chunk = grown(self.chunk, length, took);
                self.moved_to(offset + length)
            }
            (Step::Send { .. }, 200 | 204 | 409 | tus::CHECKSUM_MISMATCH) => self.stumbled(step),
            (Step::Complete, 200) => match answer.json::<BundleReply>() {
                Some(reply) if self.is_ours(&reply) => StepResult::Settled(reply.receipt),
                _ => self.setback(step, Reply::Failed),
            },
            (Step::Announce, 413) => StepResult::Refused,
            (_, 428) => {
                self.owed.clone_from(&self.announcement.consents);
                self.setback(step, Reply::ConsentRequired)
            }
            _ => match refusal(outcome) {
                Reply::ConsentRefused => StepResult::Refused,
                reply @ (Reply::Unauthorised | Reply::Retired | Reply::Busy(_)) => self.setback(step, reply),
                _ => self.setback(step, Reply::Failed),
            },
        }
    }

    fn stands_at(&mut self, answer: &Answer) -> StepResult {
        let size = self.announcement.size;
        let is_ours = number(&answer.upload_length).is_none_or(|length| length == size);
        match number(&answer.upload_offset) {
            Some(offset) if is_ours && offset <= size => self.moved_to(offset),
            _ => {
                self.path = None;
                self.stumbled(Step::Ask)
            }
        }
    }

    fn moved_to(&mut self, offset: u64) -> StepResult {
        self.offset = Some(offset);
        if offset <= self.reached {
            return StepResult::GoesOn;
        }
        self.reached = offset;
        StepResult::Further
    }

    /// A cut or a loss costs a pause only if nothing more came to be there since the last one.
    fn stumbled(&mut self, step: Step) -> StepResult {
        let setback = self.setback(step, Reply::Failed);
        if self.forgiven_at.is_some_and(|at| at >= self.reached) {
            return setback;
        }
        self.forgiven_at = Some(self.reached);
        StepResult::GoesOn
    }

    /// After anything but the answer that was hoped for, only the server knows where it stands.
    fn setback(&mut self, step: Step, reply: Reply) -> StepResult {
        self.offset = None;
        if matches!(step, Step::Send { .. }) {
            self.chunk = (self.chunk / 2).max(limits::SMALLEST_PART);
        }
        StepResult::Setback(reply)
    }

    fn is_ours(&self, reply: &BundleReply) -> bool {
        reply.durable && reply.sha256 == self.announcement.sha256 && reply.size == self.announcement.size
    }
}

/// What an answer says of the way to the collector, whatever it means to the bundle.
pub fn contact(outcome: &Outcome) -> Reply {
    match outcome {
        Ok(answer) if (200..500).contains(&answer.status) && !is_page(outcome) => Reply::Welcome,
        _ => Reply::Failed,
    }
}

/// Bytes of the first chunk.
fn chunk(rate: u64) -> u64 {
    rate.saturating_mul(limits::PART_TIME.as_secs()).clamp(limits::SMALLEST_PART, MAX_CHUNK)
}

/// Bytes of the next chunk after one of `length` took so long: what lasts about [`limits::PART_TIME`], at most twice
/// what was tried before.
fn grown(before: u64, length: u64, took: Duration) -> u64 {
    let fitting = length as f64 * limits::PART_TIME.as_secs_f64() / took.as_secs_f64().max(0.001);
    (fitting as u64).clamp(limits::SMALLEST_PART, MAX_CHUNK).min(before.saturating_mul(2))
}

/// The path of a `Location`. Whose host it names does not matter: there is one door, and what is not the
/// collector's own is not found there.
fn path_of(location: &str) -> Option<String> {
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..))?,
        None => location,
    };
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (plain && path.starts_with('/') && path.len() <= limits::UPLOAD_PATH).then(|| path.to_owned())
}

fn number(header: &Option<String>) -> Option<u64> {
    header.as_deref()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;

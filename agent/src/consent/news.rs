//! What the vendor says of itself: who read this device's data there, as a chain of signed receipts, and its signed notices.
//!
//! A small file beside the ledger. An answer that the agent gets anyway says whether there is something new; then the agent
//! asks for it once, and once more to confirm that it has it. Nothing counts but what a key of `[vendor] keys` signed. A
//! receipt that is missing, was changed or is taken back is noticed by its number and by the digest that the next one names.
//! A notice starts nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use log::warn;
use protocol::notice::{MAX_NOTICE, Notice};
use protocol::reply::{NewsReply, NewsRequest, SignedText};
use protocol::rights::NotProven;
use protocol::signature::{Context, TrustedKeys};
use protocol::uses::{MAX_RECEIPT, Receipt};
use protocol::{DeviceId, Digest};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::state::to_text;
use crate::presence::{self, Presence};
use crate::texts::{Said, Text};
use crate::{durable, limits};

/// Why a receipt or a notice was not accepted, or what the chain of receipts lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Receipts that never came: a later number came first.
    Missing,
    /// A receipt that does not follow what was given before.
    Changed,
    /// Receipts that the vendor does not know any more.
    TakenBack,
    /// Not signed by a key that may sign it.
    Unsigned,
    /// Signed, and of another device.
    OtherDevice,
    /// Signed, and not of its format.
    Malformed,
    /// Longer than one may be.
    TooLong,
    /// One that came before, or an older one.
    Replayed,
    /// A notice that is over.
    Over,
}

/// What is kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The newest receipts, as they were signed, in the order in which they came.
    pub receipts: Vec<SignedText>,
    /// The newest notices, as they were signed.
    pub notices: Vec<SignedText>,
    /// Number of the newest receipt.
    pub newest: u64,
    /// SHA-256 of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Digest>,
    /// Highest number of a notice.
    pub notice: u64,
    /// What was not accepted, or is lacking.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flaws: BTreeMap<Flaw, u64>,
    /// When the vendor was last found to contradict itself, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed: Option<i64>,
    /// How many receipts the vendor knew when it was last found to know fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back_to: Option<u64>,
}

/// What the vendor says of itself, and what is to be asked.
#[derive(Debug)]
pub struct News {
    path: PathBuf,
    kept: Kept,
    /// What the newest answer said that there is.
    offered: Option<String>,
    /// What was asked about.
    asking: Option<String>,
    /// What was taken in whole.
    settled: Option<String>,
    /// Questions about what is offered now.
    asked: u32,
}

impl Kept {
    /// Whether nothing ever came.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The receipts that are kept, the newest first. They were verified before.
    pub fn uses(&self) -> impl Iterator<Item = Receipt> {
        self.receipts.iter().rev().filter_map(|signed| serde_json::from_str(&signed.text).ok())
    }

    /// The notices that are kept and not over at this time, the newest first.
    pub fn standing(&self, now: i64) -> Vec<Notice> {
        let now = to_text(now);
        let notices = self.notices.iter().rev().filter_map(|signed| Notice::read(&signed.text));
        notices.filter(|notice| notice.until > now).collect()
    }

    /// How often that happened.
    pub fn count(&self, flaw: Flaw) -> u64 {
        self.flaws.get(&flaw).copied().unwrap_or(0)
    }

    fn note(&mut self, flaw: Flaw, count: u64, now: i64) {
        let before = self.flaws.entry(flaw).or_default();
        *before = before.saturating_add(count);
        if !matches!(flaw, Flaw::Replayed | Flaw::Over) {
            self.noticed = Some(now);
        }
    }

    /// Takes a receipt. False if it brings nothing.
    fn take_receipt(&mut self, signed: SignedText, keys: &TrustedKeys, device: DeviceId, now: i64) -> bool {
        let receipt = match Receipt::verify(&signed.text, &signed.signature, keys, device) {
            Ok(receipt) => receipt,
            Err(why) => {
                self.note(flaw(why, signed.text.len() > MAX_RECEIPT), 1, now);
                return false;
            }
        };
        let next = self.newest.saturating_add(1);
        if receipt.number < next {
            let held = |kept: &Self| {
                let of =
                    kept.receipts.iter().filter_map(|held| serde_json::from_str::<Receipt>(&held.text).ok());
                of.filter(|held| held.number == receipt.number).count()
            };
            if self.receipts.iter().any(|held| held.text == signed.text) || held(self) == 0 {
                self.note(Flaw::Replayed, 1, now);
                return false;
            }
            self.note(Flaw::Changed, 1, now);
        } else if receipt.number > next {
            self.note(Flaw::Missing, receipt.number - next, now);
        } else if receipt.previous != self.head {
            self.note(Flaw::Changed, 1, now);
        }
        self.newest = receipt.number;
        self.head = Some(Digest::of(signed.text.as_bytes()));
        self.taken_back_to = None;
        self.receipts.push(signed);
        let beyond = self.receipts.len().saturating_sub(limits::RECEIPTS);
        self.receipts.drain(..beyond);
        true
    }

    /// Takes a notice. False if it brings nothing.
    fn take_notice(&mut self, signed: SignedText, keys: &TrustedKeys, now: i64) -> bool {
        let notice = match Notice::verify(&signed.text, &signed.signature, keys) {
            Ok(notice) => notice,
            Err(why) => {
                self.note(flaw(why, signed.text.len() > MAX_NOTICE), 1, now);
                return false;
            }
        };
        if notice.number <= self.notice {
            self.note(Flaw::Replayed, 1, now);
            return false;
        }
        if notice.until <= to_text(now) {
            self.note(Flaw::Over, 1, now);
            return false;
        }
        self.notice = notice.number;
        self.notices.push(signed);
        let beyond = self.notices.len().saturating_sub(limits::NOTICES);
        self.notices.drain(..beyond);
        true
    }
}

fn flaw(why: NotProven, is_too_long: bool) -> Flaw {
    match why {
        NotProven::Format if is_too_long => Flaw::TooLong,
        NotProven::Format => Flaw::Malformed,
        NotProven::Other => Flaw::OtherDevice,
        NotProven::Signature => Flaw::Unsigned,
    }
}

impl News {
    /// Reads the file at `path`. A damaged one is put aside: the vendor gives all of it again.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let kept = match presence::read(&path)? {
            Presence::Found(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                warn!("news.json is damaged and put aside: the vendor is asked for all of it again");
                // Only for looking at; it is written anew.
                let _ = std::fs::rename(&path, path.with_extension("damaged"));
                Kept::default()
            }),
            Presence::Absent => Kept::default(),
        };
        Ok(Self { path, kept, offered: None, asking: None, settled: None, asked: 0 })
    }

    /// What is kept.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Takes what an answer of success says that there is; none: nothing, or an older collector.
    pub fn offered(&mut self, said: Option<&str>, keys: &TrustedKeys, now: i64) -> io::Result<()> {
        let count = said.and_then(|said| said.split_once('-')?.0.parse::<u64>().ok());
        let offered =
            said.filter(|said| count.is_some() && said.len() <= limits::NEWS_OFFER).map(str::to_owned);
        if offered != self.offered {
            (self.offered, self.asked) = (offered, 0);
        }
        let count = count.unwrap_or(0);
        let is_fewer = count < self.kept.newest && keys.trust(Context::UseReceipt);
        if !is_fewer || self.kept.taken_back_to.is_some_and(|before| before <= count) {
            return Ok(());
        }
        let from = self.kept.taken_back_to.unwrap_or(self.kept.newest);
        self.kept.note(Flaw::TakenBack, from - count, now);
        self.kept.taken_back_to = Some(count);
        self.save()
    }

    /// What is to be asked now; nothing where no key is trusted to sign an answer.
    pub fn next(&self, keys: &TrustedKeys) -> Option<NewsRequest> {
        let is_trusted = keys.trust(Context::UseReceipt) || keys.trust(Context::Notice);
        let is_new = self.offered.is_some() && self.offered != self.settled;
        if !is_trusted || !is_new || self.asked >= limits::NEWS_QUESTIONS {
            return None;
        }
        let notices = self.kept.notices.iter().filter_map(|signed| Notice::read(&signed.text));
        let notices = notices.map(|notice| notice.number).collect();
        Some(NewsRequest { receipts: self.kept.newest, head: self.kept.head, notices })
    }

    /// It is being asked.
    pub fn asking(&mut self) {
        self.asking.clone_from(&self.offered);
    }

    /// The collector answered; nothing that is understood if `reply` is none.
    pub fn answered(
        &mut self,
        reply: Option<NewsReply>,
        keys: &TrustedKeys,
        device: DeviceId,
        now: i64,
    ) -> io::Result<()> {
        self.asked += 1;
        let NewsReply { receipts, notices } = reply.unwrap_or_default();
        let (before, mut is_more) = (self.kept.clone(), false);
        if keys.trust(Context::UseReceipt) {
            for receipt in receipts {
                is_more |= self.kept.take_receipt(receipt, keys, device, now);
            }
        }
        if keys.trust(Context::Notice) {
            for notice in notices {
                is_more |= self.kept.take_notice(notice, keys, now);
            }
        }
        // What was taken is confirmed by one more question, which brings what did not fit.
        if !is_more {
            self.settled.clone_from(&self.asking);
        }
        if self.kept == before { Ok(()) } else { self.save() }
    }

    /// What the clinic should know, at this time.
    pub fn problems(&self, now: i64) -> Vec<Said> {
        let is_recent = self.kept.noticed.is_some_and(|noticed| now - noticed < limits::FLAWS_SHOWN);
        if !is_recent {
            return Vec::new();
        }
        let count = |flaw| self.kept.count(flaw);
        let (missing, changed, gone) = (count(Flaw::Missing), count(Flaw::Changed), count(Flaw::TakenBack));
        let refused = [Flaw::Unsigned, Flaw::OtherDevice, Flaw::Malformed, Flaw::TooLong].map(count);
        let refused = refused.into_iter().fold(0, u64::saturating_add);
        let contradicts = missing > 0 || changed > 0 || gone > 0;
        let contradicts = contradicts.then(|| Problem::Contradicts { missing, changed, gone }.said());
        let refused = (refused > 0).then(|| Problem::NotAccepted { count: refused }.said());
        contradicts.into_iter().chain(refused).collect()
    }

    fn save(&self) -> io::Result<()> {
        let text = serde_json::to_vec(&self.kept).map_err(|_| io::ErrorKind::InvalidData)?;
        durable::replace(&self.path, &text)
    }
}

#[cfg(test)]
mod tests;

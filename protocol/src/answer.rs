//! What answers a request beside `done`: everything that is held of a device, sealed for it, and the reason of a refusal.
//!
//! A sealed answer is one age file for the recipient that the request named. Inside are lines of JSON; the first,
//! [`First`], says which request of which device they answer, so that an answer to another one is noticed.

use serde::{Deserialize, Serialize};

use crate::identity::{DeviceId, Digest, words};

/// The format of an answer, in its first line.
pub const FORMAT: &str = "kathea-access-1";
/// What the first line says that it is.
pub const WHAT: &str = "answer_to";
/// Bytes of each part but the last, below what a device reads of one response.
pub const PART: u64 = 48 << 10;
/// Bytes of the largest sealed answer that is kept and fetched.
pub const MAX: u64 = 64 << 20;
/// Days for which the collector keeps one.
pub const KEPT_DAYS: i64 = 30;
/// Bytes of the longest first line.
pub const FIRST: usize = 1 << 10;

words! {
    /// Why a request is refused.
    RefusalReason {
        /// It is manifestly unfounded (GDPR art. 12(5)).
        Unfounded = "unfounded",
        /// It is excessive, as one that repeats another (art. 12(5)).
        Excessive = "excessive",
        /// What is held is accurate (art. 16).
        Accurate = "accurate",
        /// There are compelling legitimate grounds that override the objection (art. 21(1)).
        CompellingGrounds = "compelling_grounds",
        /// It serves legal claims (art. 21(1)).
        LegalClaim = "legal_claim",
    }
}

/// A sealed answer that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedAnswer {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of all of them.
    pub sha256: Digest,
}

impl SealedAnswer {
    /// Whether it can be fetched at all.
    pub const fn is_bounded(self) -> bool {
        self.size > 0 && self.size <= MAX
    }

    /// Bytes of part number `part`; 0 behind the last.
    pub const fn length(self, part: u64) -> u64 {
        let left = self.size.saturating_sub(part.saturating_mul(PART));
        if left < PART { left } else { PART }
    }
}

/// The first line inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    /// [`WHAT`].
    pub what: String,
    /// [`FORMAT`].
    pub format: String,
    /// The request that is answered.
    pub ticket: String,
    /// Whose data it is.
    pub device: DeviceId,
    /// When it was made, RFC 3339.
    pub made_at: String,
}

impl First {
    /// Of an answer to `ticket` of `device`.
    pub fn new(ticket: String, device: DeviceId, made_at: String) -> Self {
        Self { what: WHAT.to_owned(), format: FORMAT.to_owned(), ticket, device, made_at }
    }

    /// Whether this line answers `ticket` of `device`.
    pub fn answers(&self, ticket: &str, device: DeviceId) -> bool {
        self.what == WHAT && self.format == FORMAT && self.ticket == ticket && self.device == device
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{PrivacyReply, PrivacyRequest};

    #[test]
    fn an_answer_is_cut_into_parts_without_a_rest() {
        for size in [1, PART - 1, PART, PART + 1, 3 * PART, MAX] {
            let sealed = SealedAnswer { size, sha256: Digest::of(b"") };
            let lengths: Vec<u64> = (0..).map(|part| sealed.length(part)).take_while(|n| *n > 0).collect();
            assert_eq!(lengths.iter().sum::<u64>(), size);
            assert!(sealed.is_bounded() && lengths.iter().rev().skip(1).all(|length| *length == PART));
        }
        for size in [0, MAX + 1, u64::MAX] {
            assert!(!SealedAnswer { size, sha256: Digest::of(b"") }.is_bounded());
        }
        assert_eq!(SealedAnswer { size: 5, sha256: Digest::of(b"") }.length(u64::MAX), 0);
    }

    #[test]
    fn the_golden_exchange_is_read_and_written_alike() {
        let golden = include_str!("../tests/golden/access-1.txt");
        let mut lines = golden.lines().filter(|line| !line.starts_with('#'));
        let mut next = || lines.next().unwrap();
        let (_identity, request, reply, first) = (next(), next(), next(), next());
        let read: PrivacyRequest = serde_json::from_str(request).unwrap();
        assert!(read.recipient.is_some());
        assert_eq!(serde_json::to_string(&read).unwrap(), request);
        let read: PrivacyReply = serde_json::from_str(reply).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), reply);
        assert!(read.sealed.is_some_and(SealedAnswer::is_bounded));
        let line: First = serde_json::from_str(first).unwrap();
        assert_eq!(serde_json::to_string(&line).unwrap(), first);
        assert!(line.answers(&read.ticket, line.device));
        assert!(!line.answers("another", line.device));
        assert!(!line.answers(&read.ticket, DeviceId::from_bytes([8; 16])));
        let refused: PrivacyReply = serde_json::from_str(next()).unwrap();
        assert_eq!(refused.refused, Some(RefusalReason::CompellingGrounds));
    }
}

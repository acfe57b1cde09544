//! One line of the log of what a restored database has to do again.

use protocol::rights::PrivacyKind;
use protocol::{DeviceId, Digest, Purpose};
use serde::{Deserialize, Serialize};

use crate::store::requests::Answer;

/// One thing to do again. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A ledger line that ends or restricts a consent, or releases it.
    Line { device: DeviceId, line: String, at: i64 },
    /// A privacy request.
    Request { ticket: String, kind: PrivacyKind, body: String, at: i64 },
    /// A request that only people can carry out was carried out.
    Done { ticket: String, at: i64 },
    /// What became of a request beside that.
    Answered { ticket: String, answer: Answer, done: Option<i64>, at: i64 },
    /// A device is refused.
    Revoked { device: DeviceId, at: i64 },
    /// A device is out of use.
    Retired { device: DeviceId, why: String, at: i64 },
    /// Envelopes that came until then went, of one retention class or of all.
    Erased { device: DeviceId, purpose: Purpose, class: Option<i64>, until: i64 },
    /// A whole bundle went.
    Bundle { sha256: Digest },
}

/// How long an entry stays, microseconds: no backup that is older than a year may be restored.
pub(crate) const KEPT: i64 = 400 * 86_400_000_000;

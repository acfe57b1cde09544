//! Privacy requests of a device, and their tickets.
//!
//! A ticket is `{device}-{request id}`, so that the same request sent twice is one request.

use protocol::DeviceId;
use protocol::answer::RefusalReason;
use protocol::reply::{PrivacyRequest, TicketState};
use protocol::rights::{ExtensionReason, Hold, Outcome, PrivacyKind};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::micros;
use super::rules::rights::Held;
use crate::failure::Failure;

pub(crate) use super::sqlite::Response;

/// Whether nothing is left to do once it is kept.
pub(crate) const fn is_carried_out_at_once(kind: PrivacyKind) -> bool {
    use PrivacyKind::{Decommission, Release, Restrict, Revoke, Withdraw};
    matches!(kind, Withdraw | Restrict | Release | Decommission | Revoke)
}

/// Whether an operator may say that it is done: what this program can't do by itself.
pub(crate) const fn is_carried_out_by_hand(kind: PrivacyKind) -> bool {
    matches!(kind, PrivacyKind::Access | PrivacyKind::Rectify | PrivacyKind::Object)
}

/// Whether it can be refused for this reason.
pub(crate) const fn is_refusable(kind: PrivacyKind, why: RefusalReason) -> bool {
    match why {
        RefusalReason::Unfounded | RefusalReason::Excessive => is_carried_out_by_hand(kind),
        RefusalReason::Accurate => matches!(kind, PrivacyKind::Rectify),
        RefusalReason::CompellingGrounds | RefusalReason::LegalClaim => matches!(kind, PrivacyKind::Object),
    }
}

/// What became of a request beside its end. One of which nothing is kept has the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Why the answer takes up to two months longer.
    pub(crate) extended: Option<ExtensionReason>,
    /// What is kept although its erasure was asked for.
    pub(crate) hold: Option<Hold>,
    /// When the clinic took the request back.
    pub(crate) revoked: Option<i64>,
    /// The text of the certificate.
    pub(crate) certificate: Option<String>,
    /// The vendor's signature of it.
    pub(crate) signature: Option<String>,
}

impl Answer {
    /// What is held, as the rules have it.
    pub(crate) fn held(&self) -> Result<Option<Held>, Failure> {
        let held = self.hold.as_ref().map(|hold| {
            let until = OffsetDateTime::parse(&hold.until, &Rfc3339)
                .map_err(|_| Failure::damaged("the end of a hold is damaged; `verify` says what is lost"))?;
            Ok(Held { until: micros(until), purposes: hold.purposes.clone() })
        });
        held.transpose()
    }

    /// What became of the request, if that is more than open or done.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self { revoked: Some(_), .. } => Some(Outcome::Revoked),
            Self { certificate: Some(_), hold: Some(_), .. } => Some(Outcome::RefusedInPart),
            Self { certificate: Some(_), .. } => Some(Outcome::Erased),
            _ => None,
        }
    }
}

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The name that it goes by.
    pub(crate) ticket: Ticket,
    /// What it asks for.
    pub(crate) kind: PrivacyKind,
    /// Its body.
    pub(crate) request: PrivacyRequest,
    /// When it came, RFC 3339.
    pub(crate) received_at: String,
    /// How far it is.
    pub(crate) state: TicketState,
    /// When it came, microseconds.
    pub(crate) received: i64,
    /// What became of it beside that.
    pub(crate) answer: Answer,
    /// What the vendor answered.
    pub(crate) response: Response,
    /// When the answer is due, if one is, microseconds.
    pub(crate) due: Option<i64>,
}

/// The name of a request for the one who asks how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Whose request it is.
    pub(crate) device: DeviceId,
    /// 16 bytes, drawn by the device.
    id: DeviceId,
}

impl Ticket {
    /// The ticket of a request; `None` if its id is not 32 hexadecimal digits.
    pub(crate) fn of(device: DeviceId, request_id: &str) -> Option<Self> {
        // The same form as a device's: 16 bytes, lower-case.
        Some(Self { device, id: request_id.parse().ok()? })
    }

    /// Reads what `Display` writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (device, id) = text.split_once('-')?;
        Self::of(device.parse().ok()?, id)
    }

    /// The 16 bytes that the device drew.
    pub(crate) fn id(&self) -> [u8; 16] {
        self.id.to_bytes()
    }

    /// The ticket of a device's request with these 16 bytes.
    pub(crate) fn from_id(device: DeviceId, id: [u8; 16]) -> Self {
        Self { device, id: DeviceId::from_bytes(id) }
    }
}

impl std::fmt::Display for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.device, self.id)
    }
}

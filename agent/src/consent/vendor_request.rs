//! What the clinic says to the vendor: its consents, and the requests of GDPR art. 7 and 15 to 22. No payload.

use protocol::Digest;
use protocol::reply::PrivacyRequest;
use serde::{Deserialize, Serialize};

use super::flag::Flag;
use super::permit::Rights;
use crate::deidentify::clean::{Clean, Payload, Tray};

/// A request that waits in its own tray, which leaves although everything else is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VendorRequest {
    /// The ledger line with this hash.
    Consent(Digest),
    /// `POST /v1/privacy/{kind}`.
    Privacy {
        /// Last part of the route.
        kind: PrivacyKind,
        /// The body.
        request: PrivacyRequest,
    },
}

/// What a clinic may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyKind {
    /// Art. 7(3): not any more.
    Withdraw,
    /// Art. 17: delete what was sent.
    Erase,
}

impl PrivacyKind {
    /// In the route.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withdraw => "withdraw",
            Self::Erase => "erase",
        }
    }
}

impl VendorRequest {
    /// A privacy request whose id follows from the ledger entry that asks, so that asking again after a crash is
    /// the same request.
    pub fn privacy(kind: PrivacyKind, flag: &Flag, entry: Digest) -> Self {
        let id = Digest::of(&[kind.as_str().as_bytes(), &entry.to_bytes()].concat()).to_string();
        let request = PrivacyRequest {
            request_id: id.chars().take(32).collect(),
            purposes: vec![flag.purpose()],
            case: flag.case().cloned(),
            ledger_sha256: entry,
        };
        Self::Privacy { kind, request }
    }
}

impl From<VendorRequest> for Clean<VendorRequest> {
    /// Hashes, closed words and a random number: clean by its type.
    fn from(request: VendorRequest) -> Self {
        Clean::new(request)
    }
}

const V1: u8 = 1;

impl Payload for VendorRequest {
    type Purpose = Rights;
    const TRAY: Tray = Tray::Requests;

    fn records(&self) -> u32 {
        1
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![V1];
        // Plain words and hashes have no way to fail.
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&V1, body) => serde_json::from_slice(body).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_again_is_the_same_request() {
        let ask = |kind| VendorRequest::privacy(kind, &Flag::UsageStatistics, Digest::of(b"entry"));
        assert_eq!(ask(PrivacyKind::Withdraw), ask(PrivacyKind::Withdraw));
        assert_ne!(ask(PrivacyKind::Withdraw), ask(PrivacyKind::Erase));
        let bytes = ask(PrivacyKind::Erase).to_bytes();
        assert_eq!(VendorRequest::from_bytes(&bytes), Some(ask(PrivacyKind::Erase)));
        assert_eq!(VendorRequest::from_bytes(&bytes[1..]), None);
    }
}

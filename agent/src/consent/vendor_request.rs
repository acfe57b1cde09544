//! Messages of the clinic to the vendor: consents, and requests of GDPR art. 7 and 15 to 22. No payload.

use protocol::reply::PrivacyRequest;
use protocol::rights::PrivacyKind;
use protocol::{CaseId, Digest, Purpose};
use serde::{Deserialize, Serialize};

use super::flag::Flag;

/// A request to the vendor. It has a queue of its own, which is sent even when every flag is off.
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

impl VendorRequest {
    /// What a new line of the ledger about one flag means to the vendor. The line goes first: by it the vendor knows an
    /// old copy of this device when it meets one.
    pub fn report(kind: PrivacyKind, flag: &Flag, entry: Digest) -> [Self; 2] {
        [Self::Consent(entry), Self::privacy(kind, flag, entry)]
    }

    /// A privacy request about one flag. Its id follows from the flag and the ledger entry that asks, so that asking
    /// again after a crash is the same request, and asking about another flag is not.
    pub fn privacy(kind: PrivacyKind, flag: &Flag, entry: Digest) -> Self {
        let case = flag.case().cloned();
        let salt = [entry.to_bytes().as_slice(), flag.compartment().as_bytes()].concat();
        Self::new(kind, vec![flag.purpose()], case, entry, &salt)
    }

    /// A privacy request about everything, or everything of a case, made at `now`.
    pub fn general(kind: PrivacyKind, case: Option<CaseId>, entry: Digest, now: i64) -> Self {
        let salt = [entry.to_bytes().as_slice(), &now.to_le_bytes()].concat();
        let purposes = match case {
            None => Purpose::ALL.to_vec(),
            Some(_) => vec![Purpose::SupportCase, Purpose::SupportScanData],
        };
        Self::new(kind, purposes, case, entry, &salt)
    }

    /// The same, with whom its answer is to be sealed for.
    #[must_use]
    pub fn sealed_for(mut self, recipient: String) -> Self {
        if let Self::Privacy { request, .. } = &mut self {
            request.recipient = Some(recipient);
        }
        self
    }

    fn new(
        kind: PrivacyKind,
        purposes: Vec<Purpose>,
        case: Option<CaseId>,
        entry: Digest,
        salt: &[u8],
    ) -> Self {
        let id = Digest::of(&[kind.as_str().as_bytes(), salt].concat()).to_string();
        let request_id = id.chars().take(32).collect();
        let request = PrivacyRequest {
            request_id,
            purposes,
            case,
            ledger_sha256: entry,
            first_received: None,
            recipient: None,
            objection: kind == PrivacyKind::Object,
        };
        Self::Privacy { kind, request }
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
    }
}

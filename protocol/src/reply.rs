//! Small exchanges as JSON: replies, enrolment, consents, capabilities, privacy requests.

use serde::{Deserialize, Serialize};

use crate::answer::{RefusalReason, SealedAnswer};
use crate::case::CaseId;
use crate::identity::{DeviceId, Digest, Purpose};
use crate::rights::{ExtensionReason, Outcome};

/// `PUT /v1/streams/{purpose}/batches/{id}`: 201 stored, 200 duplicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReply {
    /// The id of the route.
    pub batch: String,
    /// SHA-256 of the body as received.
    pub digest: Digest,
    /// True once the records outlive a power cut.
    pub durable: bool,
    /// Inclusive ranges of sequence numbers that are now held (by this or an earlier batch).
    pub accepted: Vec<(u64, u64)>,
    /// Records refused for good.
    #[serde(default)]
    pub rejected: Vec<Rejected>,
}

/// One record that the collector will never take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its sequence number.
    pub seq: u64,
    /// A word that says why, for the vendor's own use.
    pub code: String,
}

/// `POST /v1/enrol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The one-time token.
    pub token: String,
    /// PKCS#10 certificate signing request, PEM.
    pub csr: String,
}

/// `POST /v1/enrol/renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// PKCS#10 certificate signing request of the device's key, PEM.
    pub csr: String,
}

/// 201 to an [`EnrolRequest`] or a [`RenewRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolReply {
    /// The device's certificate and what leads to the root, PEM.
    pub chain: String,
    /// The device, as the collector computed it from the request's key.
    pub device_id: DeviceId,
    /// End of the certificate's life, RFC 3339.
    pub not_after: String,
}

/// `PUT /v1/consents/{hash}`: 201 stored, 200 known already. The body is the ledger line itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentReply {
    /// SHA-256 of the body as received.
    pub hash: Digest,
    /// True once the entry outlives a power cut.
    pub durable: bool,
    /// The position in the ledger that was to come next: of an entry that was stored now one behind the newest entry that was
    /// known before, of one that was known one behind the newest below it; 0 where there was none. A device sees by it what a restored collector lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// `POST /v1/privacy/{withdraw|erase|restrict|release|access|rectify|decommission|revoke}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivacyRequest {
    /// Drawn by the device; the same request sent twice is one request. 32 hexadecimal digits.
    pub request_id: String,
    /// What it is about.
    pub purposes: Vec<Purpose>,
    /// The support case, for the purposes that are asked per case; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// SHA-256 of the ledger entry that asks.
    pub ledger_sha256: Digest,
    /// When the collector first received it, RFC 3339, by the collector's own earlier answer: of an erasure that is sent
    /// again because its ticket is not known any more. It reaches as far as it did, and waits no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_received: Option<String>,
    /// Of a request to see what is held: the age recipient that the answer is sealed for, whose key only the device has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Of a restriction: the clinic objects to the processing (GDPR art. 21), and the vendor has to answer. A collector that
    /// does not know the field restricts, and answers nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub objection: bool,
}

/// 202 to a [`PrivacyRequest`], and the answer to `GET /v1/privacy/{ticket}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivacyReply {
    /// The vendor's number for it.
    pub ticket: String,
    /// How far it is.
    pub state: TicketState,
    /// When the answer is due, RFC 3339 (GDPR art. 12(3)); absent when there is nothing left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Why the answer takes longer than a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<ExtensionReason>,
    /// Until when an erasure can be taken back, RFC 3339; it is carried out after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocable_until: Option<String>,
    /// What became of it, where that is more than `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The text of the certificate of an erasure ([`crate::rights::Certificate`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The vendor's signature of that text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The answer to a request to see what is held: `GET /v1/privacy/{ticket}/answer/{part}` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedAnswer>,
    /// Why it is not carried out. `state` is `done`, so that a device that does not know the field stops asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusalReason>,
}

impl PrivacyReply {
    /// A ticket and how far it is.
    pub const fn new(ticket: String, state: TicketState) -> Self {
        Self {
            ticket,
            state,
            due: None,
            extended: None,
            revocable_until: None,
            outcome: None,
            certificate: None,
            signature: None,
            sealed: None,
            refused: None,
        }
    }
}

/// How far a privacy request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TicketState {
    /// Received and stored.
    Open,
    /// Carried out.
    Done,
}

impl TicketState {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
        }
    }
}

/// A text of the vendor's as it was signed, and the line of its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedText {
    /// The text.
    pub text: String,
    /// The signature of its bytes ([`crate::signature::Signature`]).
    pub signature: String,
}

/// `POST /v1/news`: which receipts and notices the device has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsRequest {
    /// Number of the newest receipt that it took; 0: none.
    pub receipts: u64,
    /// SHA-256 of that receipt's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Digest>,
    /// Numbers of the notices that it holds.
    #[serde(default)]
    pub notices: Vec<u64>,
}

/// 200 to a [`NewsRequest`]: what it does not have, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsReply {
    /// Use receipts ([`crate::uses::Receipt`]), 32 at most.
    #[serde(default)]
    pub receipts: Vec<SignedText>,
    /// Notices ([`crate::notice::Notice`]), 4 at most.
    #[serde(default)]
    pub notices: Vec<SignedText>,
}

/// `GET /v1/capabilities`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Envelope versions the collector reads.
    pub protocol: Vec<u8>,
    /// The collector's clock, RFC 3339.
    pub time: String,
    /// Bytes of one batch on the wire.
    pub max_batch: u64,
    /// Records of one batch.
    pub max_records: u64,
    /// Bytes of one support bundle.
    pub max_bundle: u64,
    /// Where the data is held.
    pub residency: String,
}

/// An error answer, `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A word of a closed list, as a relative URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// Records refused for good (400, 422).
    #[serde(default)]
    pub rejected: Vec<Rejected>,
}

/// Route names, header names, media types.
pub mod names {
    /// Media type of an envelope.
    pub const BATCH: &str = "application/vnd.kathea.batch";
    /// Media type of an error.
    pub const PROBLEM: &str = "application/problem+json";
    /// RFC 9530; `sha-256=:BASE64:` of the body.
    pub const CONTENT_DIGEST: &str = "content-digest";
    /// The newest ledger entry the collector knows for the device: `{index}-{sha256}`; absent if none.
    pub const LEDGER_HEAD: &str = "telemetry-ledger-head";
    /// The bundles that the vendor asks for: `CASE reason`, divided by commas; absent if none.
    pub const INVITATIONS: &str = "telemetry-wishes";
    /// How many use receipts there are of the device, and which notices are published: `{count}-{16 hexadecimal digits}`;
    /// absent where there is neither. A change says that `POST /v1/news` has something.
    pub const NEWS: &str = "telemetry-news";
    /// Problem type of 428: the batch's consent entry is not known here; upload it and come again.
    pub const CONSENT_REQUIRED: &str = "consent_required";
}

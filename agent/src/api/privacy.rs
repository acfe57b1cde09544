//! Replies about privacy requests.

use std::collections::BTreeMap;

use protocol::{CaseId, Digest, Epoch};
use serde::{Deserialize, Serialize};

use super::status::Status;
use crate::consent::news::Kept;
use crate::consent::tickets::Ticket;
use crate::consent::vendor_request::VendorRequest;

/// The answer to `access`: all that is held beside the records of the queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// When this was so, RFC 3339, UTC.
    pub held_at: String,
    /// As `status` says it.
    pub status: Status,
    /// Under which the clinic is asked.
    pub policy: HeldPolicy,
    /// Every line of the ledger.
    pub ledger: Vec<String>,
    /// What was asked of the vendor.
    pub tickets: Vec<Ticket>,
    /// What the vendor says of itself: who read this device's data, and its notices.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub news: Kept,
    /// What is held of patients, in a sentence.
    pub patients: String,
}

/// A policy by name and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPolicy {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// The answer to `records`: a page of a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The records.
    pub records: Vec<HeldRecord>,
    /// The number that the next page begins with; none behind the last.
    pub next: Option<u64>,
}

/// A sealed record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldRecord {
    /// Its number in the queue.
    pub number: u64,
    /// Statements in it.
    pub records: u32,
    /// The run of the store that numbered it.
    pub epoch: Epoch,
    /// Its number in that run.
    pub seq: u64,
    /// SHA-256 of the sealed bytes.
    pub sealed_sha256: Digest,
    /// The bytes inside, base64; none where there is no live grant.
    pub content: Option<String>,
    /// The same in words of the catalog.
    pub says: Option<Says>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Says {
    /// Usage.
    Usage(Vec<Statement>),
    /// A request to the vendor.
    Request(VendorRequest),
}

/// One statement of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// What it is about.
    pub entry: EntryName,
    /// The period, by the entry's granularity; none if this catalog does not know the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What tells it apart.
    pub attributes: Attributes,
    /// A count or the counts of a distribution; none of an event or a state.
    pub value: Option<Amount>,
}

/// An entry of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EntryName {
    /// By its name.
    Name(String),
    /// One of another catalog, by its number.
    Number(u16),
}

/// The attributes of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attributes {
    /// By their names.
    Named(BTreeMap<String, Attribute>),
    /// Of another catalog's entry, as they are kept.
    Numbers(Vec<u64>),
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// A whole number.
    Integer(u64),
    /// A number with decimals.
    Decimal(f64),
    /// A word of a closed list, a version.
    Text(String),
}

/// What a statement adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// To a counter.
    Count(u64),
    /// To the buckets of a distribution.
    Buckets(Vec<u64>),
}

/// The answer to `claim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCode {
    /// By which the owner can ask for erasure when this device is dead.
    pub claim: String,
}

/// The answer to `rectify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rectified {
    /// The case that the vendor is asked about.
    pub case: CaseId,
}

/// The answer to `object`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objected {
    /// The case that it is about; absent: everything that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
}

/// The answer to `revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// The case that the vendor is asked about; absent: what was asked of no single case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
}

/// The answer to `erase`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Keys that were destroyed.
    pub keys: u64,
}

/// The answer to `decommission`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decommissioned {
    /// Whether decommissioning is complete: the vendor is informed, or cannot be.
    #[serde(rename = "told")]
    pub reported: bool,
    /// Records that were never sent.
    pub dropped: u64,
    /// The certificate; empty before the end.
    pub certificate: String,
}

//! Listings of devices, bundles and requests.

use std::collections::BTreeMap;

use protocol::answer::{RefusalReason, SealedAnswer};
use protocol::bundle::receipt;
use protocol::reply::TicketState;
use protocol::rights::{ExtensionReason, Hold, Outcome, PrivacyKind};
use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::Serialize;

use crate::failure::Failure;
use crate::lines::{Lines, Whole};
use crate::store::requests::Kept;
use crate::store::{Filed, Seen, Standing, Store, text};

#[derive(Serialize)]
struct DeviceLine {
    device: DeviceId,
    /// What the clinic reads out on the telephone.
    short: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    standing: Standing,
    enrolled_at: String,
    /// End of the newest certificate.
    not_after: String,
    /// When it sent something last; why it is silent since is not known here.
    last_contact: String,
    /// The agent's version in its last batch; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// The last version that each component was said to have, by what was allowed to be sent.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    versions: BTreeMap<String, String>,
    /// Two copies of one device, a restored disk or a clone, have written here.
    fork: bool,
    /// Purposes whose processing is restricted: kept, and hidden from every reader.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restricted: Vec<Purpose>,
    streams: BTreeMap<Purpose, StreamCount>,
}

/// In records.
#[derive(Serialize)]
struct StreamCount {
    /// Came, also if it was erased since.
    held: u64,
    /// Declared as gaps.
    lost: u64,
    /// Neither, below the highest number held: still to come, or damaged here.
    missing: u64,
    last_received: String,
}

#[derive(Serialize)]
struct RequestLine {
    ticket: String,
    device: DeviceId,
    kind: PrivacyKind,
    purposes: Vec<Purpose>,
    /// Of this support case only.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    received_at: String,
    state: TicketState,
    /// When the answer is due; absent when there is nothing left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    /// Why it takes longer than a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    extended: Option<ExtensionReason>,
    /// What became of it, where that is more than `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusalReason>,
    /// The sealed answer, as long as it is kept for the device to fetch.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<SealedAnswer>,
    /// What is kept although its erasure was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    /// Whether one of the vendor's keys signed the certificate; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_signed: Option<bool>,
}

#[derive(Serialize)]
struct BundleLine {
    id: String,
    sha256: Digest,
    /// Absent where its processing is restricted: nobody is to open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restricted: bool,
    #[serde(flatten)]
    filed: Filed,
}

/// Every device that was ever enrolled, and how much of it is held.
pub(crate) fn devices(store: &Store, lines: &mut Lines) -> Result<(), Failure> {
    let mut whole = Whole::default();
    store.devices(|seen| whole.pass(seen).map_or(Ok(()), |seen| lines.put(&device(seen))))?;
    whole.end("devices")
}

/// One device.
pub(crate) fn device(seen: Seen) -> impl Serialize {
    let device = seen.device;
    let count = |count: crate::store::Count| StreamCount {
        held: count.held,
        lost: count.lost,
        missing: count.missing,
        last_received: text(count.received),
    };
    DeviceLine {
        device: device.id,
        short: device.id.short(),
        label: seen.label,
        standing: device.standing,
        enrolled_at: text(device.enrolled),
        not_after: text(device.not_after),
        last_contact: text(device.seen),
        agent: Some(device.agent).filter(|agent| !agent.is_empty()),
        versions: seen.versions,
        fork: seen.is_fork,
        restricted: seen.restricted,
        streams: seen.streams.into_iter().map(|(purpose, of)| (purpose, count(of))).collect(),
    }
}

/// Every bundle that is whole. What is in it only the vendor's key tells.
pub(crate) fn bundles(store: &Store, lines: &mut Lines) -> Result<(), Failure> {
    let mut whole = Whole::default();
    store.bundles(|bundle| {
        let Some((sha256, filed, path)) = whole.pass(bundle) else { return Ok(()) };
        let restricted = match filed.device {
            Some(device) => store.hidden(device)?.hides_bundle(filed.case.as_ref()),
            None => false,
        };
        let path = (!restricted).then(|| path.display().to_string());
        lines.put(&BundleLine { id: receipt(sha256), sha256, path, restricted, filed })
    })?;
    whole.end("bundles")
}

/// Every privacy request.
pub(crate) fn requests(store: &Store, lines: &mut Lines) -> Result<(), Failure> {
    let mut whole = Whole::default();
    store.requests(|kept| whole.pass(kept).map_or(Ok(()), |kept| lines.put(&request(kept))))?;
    whole.end("privacy requests")
}

/// One privacy request.
pub(crate) fn request(kept: Kept) -> impl Serialize {
    let Kept { ticket, kind, request, received_at, state, answer, response, due, .. } = kept;
    RequestLine {
        ticket: ticket.to_string(),
        device: ticket.device,
        kind,
        purposes: request.purposes,
        case: request.case,
        received_at,
        state,
        due: due.map(text),
        extended: answer.extended,
        outcome: answer.outcome(),
        refused: response.refused,
        sealed: response.sealed,
        is_signed: answer.certificate.map(|_| answer.signature.is_some()),
        hold: answer.hold,
    }
}

/// Every line of the audit.
pub(crate) fn audit(store: &Store, lines: &mut Lines) -> Result<(), Failure> {
    let mut whole = Whole::default();
    store.audit(|line| whole.pass(line).map_or(Ok(()), |line| lines.put(&line)))?;
    whole.end("lines of the audit")
}

//! Who came, and what they asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use protocol::bundle::receipt;
use protocol::{CaseId, DeviceId, Digest, Epoch, Purpose};
use serde::Serialize;

use crate::failure::Failure;
use crate::lines::Lines;
use crate::store::bundles::Filed;
use crate::store::device::{self, Standing, rfc3339};
use crate::store::requests::{self, Kept, Kind};
use crate::store::{bundles, stream, stream_path};
use protocol::reply::TicketState;

#[derive(Serialize)]
struct DeviceLine {
    device: DeviceId,
    standing: Standing,
    enrolled_at: String,
    /// End of the newest certificate.
    not_after: String,
    /// Two copies of one device, a restored disk or a clone, have written here.
    fork: bool,
    streams: BTreeMap<Purpose, StreamCount>,
}

/// In records.
#[derive(Serialize)]
struct StreamCount {
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
    kind: Kind,
    purposes: Vec<Purpose>,
    /// Of this support case only.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    received_at: String,
    state: TicketState,
}

#[derive(Serialize)]
struct BundleLine {
    id: String,
    sha256: Digest,
    path: String,
    #[serde(flatten)]
    filed: Filed,
}

/// Every device that was ever enrolled, and how much of it is held.
pub(crate) fn devices(data: &Path, lines: &mut Lines) -> Result<(), Failure> {
    for device in device::all(data)? {
        let dir = device::dir(data, device);
        let Some(enrolment) = device::enrolment(&dir)? else { continue };
        let (mut streams, mut epochs) = (BTreeMap::new(), BTreeSet::new());
        for &purpose in Purpose::ALL {
            let mut last = None;
            let index = stream::replay(&stream_path(&dir, purpose), |received_at, _, _| {
                last = Some(received_at);
                Ok(())
            })?;
            epochs.extend(index.epochs());
            if let Some(last) = last {
                let count = index.count();
                let last_received = rfc3339(last);
                let count =
                    StreamCount { held: count.held, lost: count.lost, missing: count.missing, last_received };
                streams.insert(purpose, count);
            }
        }
        lines.put(&DeviceLine {
            device,
            standing: device::standing(&dir)?,
            enrolled_at: enrolment.enrolled_at,
            not_after: enrolment.not_after,
            fork: is_fork(&epochs),
            streams,
        })?;
    }
    Ok(())
}

/// Every bundle that is whole. What is in it only the vendor's key tells.
pub(crate) fn bundles(data: &Path, lines: &mut Lines) -> Result<(), Failure> {
    for (sha256, filed, path) in bundles::all(data)? {
        lines.put(&BundleLine { id: receipt(sha256), sha256, path: path.display().to_string(), filed })?;
    }
    Ok(())
}

/// Every privacy request.
pub(crate) fn requests(data: &Path, lines: &mut Lines) -> Result<(), Failure> {
    for device in device::all(data)? {
        for (ticket, Kept { kind, request, received_at, .. }) in requests::all(data, device)? {
            let state = requests::state(data, &ticket)?;
            let (ticket, purposes, case) = (ticket.to_string(), request.purposes, request.case);
            lines.put(&RequestLine { ticket, device, kind, purposes, case, received_at, state })?;
        }
    }
    Ok(())
}

/// Whether two epochs share a counter, which one run of one disk never does.
fn is_fork(epochs: &BTreeSet<Epoch>) -> bool {
    epochs.iter().zip(epochs.iter().skip(1)).any(|(before, next)| before.counter == next.counter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::epoch;

    #[test]
    fn a_fork_is_one_counter_with_two_randoms() {
        assert!(!is_fork(&BTreeSet::from([epoch(1, 0), epoch(2, 0), epoch(3, 1)])));
        assert!(is_fork(&BTreeSet::from([epoch(1, 0), epoch(2, 0), epoch(2, 1)])));
    }
}

//! The claim code: a device's own signature on paper, with which its owner can ask for erasure when the device is dead.

use std::path::Path;

use protocol::claim::Claim;
use protocol::reply::PrivacyRequest;
use protocol::{Digest, Purpose};
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::store::device::{self, rfc3339};
use crate::store::requests::{self, Kept, Kind, Ticket};

/// Takes a code as the device's request to erase everything; the same code is the same request.
pub(crate) fn take(data: &Path, code: &str, now: OffsetDateTime) -> Result<Ticket, Failure> {
    let unknown = || Failure::new("this is not the claim code of a device that was enrolled here");
    let claim: Claim = code.parse().map_err(|_| unknown())?;
    let enrolment = device::enrolment(&device::dir(data, claim.device))?.ok_or_else(unknown)?;
    if !claim.is_signed_by(&enrolment.public_key()) {
        return Err(unknown());
    }
    let id: String = Digest::of(code.trim().as_bytes()).to_string().chars().take(32).collect();
    let ticket = Ticket::of(claim.device, &id).ok_or_else(unknown)?;
    if requests::read(data, &ticket)?.is_none() {
        let request = PrivacyRequest {
            request_id: id,
            purposes: Purpose::ALL.to_vec(),
            case: None,
            ledger_sha256: Digest::from_bytes([0; 32]),
        };
        let kept = Kept { kind: Kind::Erase, request, received_at: rfc3339(now), known_entries: 0 };
        requests::keep(data, &ticket, &kept)?;
    }
    Ok(ticket)
}

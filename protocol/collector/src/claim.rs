//! The claim code: a device's own signature on paper, with which its owner can ask for erasure when the device is dead.

use protocol::claim::Claim;
use protocol::reply::PrivacyRequest;
use protocol::rights::PrivacyKind;
use protocol::{Digest, Purpose};
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::store::requests::Ticket;
use crate::store::{Asked, Store};

/// Takes a code as the device's request to erase everything; the same code is the same request. One that an earlier owner of the
/// clinic printed is none any more.
pub(crate) fn take(store: &Store, code: &str, now: OffsetDateTime) -> Result<Ticket, Failure> {
    let unknown = || Failure::new("this is not the claim code of a device enrolled here");
    let claim: Claim = code.parse().map_err(|_| unknown())?;
    let device = store.device(claim.device)?.ok_or_else(unknown)?;
    if !claim.is_signed_by(&device.key) {
        return Err(unknown());
    }
    let entries = store.entries(claim.device)?;
    if entries.iter().any(|(_, entry)| entry.event.owner.is_some_and(|owner| owner > claim.owner)) {
        return Err(Failure::new(
            "refused: the clinic has another owner since this code was printed; `kathea-agent privacy claim` prints a new one",
        ));
    }
    let id: String = Digest::of(code.trim().as_bytes()).to_string().chars().take(32).collect();
    let ticket = Ticket::of(claim.device, &id).ok_or_else(unknown)?;
    let request = PrivacyRequest {
        request_id: id,
        purposes: Purpose::ALL.to_vec(),
        case: None,
        ledger_sha256: Digest::from_bytes([0; 32]),
        first_received: None,
        recipient: None,
        objection: false,
    };
    match store.claim_request(ticket, PrivacyKind::Erase, &request, now)? {
        Asked::Kept(_) => Ok(ticket),
        _ => Err(Failure::new("the device has too many open requests; complete them first")),
    }
}

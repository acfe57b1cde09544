//! The answer to an access request: everything that is held of one device, restricted or not, as lines that a person
//! and a program can read (GDPR art. 15 and 20).

use protocol::{DeviceId, Digest, Purpose};
use serde::Serialize;
use time::OffsetDateTime;

use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::lines::{Lines, Whole};
use crate::store::{Restricted, Store, Stored, Wanted, text};
use crate::{export, listing};

/// One line.
#[derive(Serialize)]
struct Line<T> {
    what: &'static str,
    #[serde(flatten)]
    of: T,
}

/// An answer of the clinic, as the device signed it.
#[derive(Serialize)]
struct Answer<'a> {
    line: &'a str,
}

/// A bundle: what is in it only the vendor's support key opens, and the clinic has its copy.
#[derive(Serialize)]
struct Bundle<T> {
    sha256: Digest,
    #[serde(flatten)]
    filed: T,
}

/// Records that were declared lost, by their numbers.
#[derive(Serialize)]
struct Loss {
    purpose: Purpose,
    lo: u64,
    hi: u64,
    reason: protocol::Reason,
}

/// What was done with it here. Who did it stays out: no person is named.
#[derive(Serialize)]
struct Done {
    at: String,
    deed: Deed,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

/// Prints everything, and notes that it was done.
pub(crate) fn print(
    store: &Store,
    device: DeviceId,
    now: OffsetDateTime,
    lines: &mut Lines,
) -> Result<(), Failure> {
    store.enrolled(device)?;
    let mut whole = Whole::default();
    let mut count = 0;
    store.devices(|seen| match whole.pass(seen) {
        Some(seen) if seen.device.id == device => {
            lines.put(&Line { what: "device", of: listing::device(seen) })
        }
        _ => Ok(()),
    })?;
    for (line, _) in store.entries(device)? {
        lines.put(&Line { what: "answer", of: Answer { line: &line } })?;
    }
    store.requests(|kept| match whole.pass(kept) {
        Some(kept) if kept.ticket.device == device => {
            lines.put(&Line { what: "request", of: listing::request(kept) })
        }
        _ => Ok(()),
    })?;
    store.bundles(|bundle| match whole.pass(bundle) {
        Some((sha256, filed, _)) if filed.device == Some(device) => {
            count += 1;
            lines.put(&Line { what: "bundle", of: Bundle { sha256, filed } })
        }
        _ => Ok(()),
    })?;
    store.audit(|line| match whole.pass(line) {
        Some(line) if line.device == Some(device) => {
            let done = Done { at: line.at, deed: line.deed, count: line.count, to: line.to };
            lines.put(&Line { what: "done", of: done })
        }
        _ => Ok(()),
    })?;
    store.losses(|loss| match whole.pass(loss) {
        Some((of, name, lo, hi, reason)) if of == device => {
            lines.put(&Line { what: "loss", of: Loss { purpose: name.purpose, lo, hi, reason } })
        }
        _ => Ok(()),
    })?;
    let wanted = Wanted { device: Some(device), restricted: Restricted::Included, ..Wanted::default() };
    store.envelopes(wanted, |stored| {
        let Some(Stored { device, received, fresh, batch }) = whole.pass(stored) else { return Ok(()) };
        let received_at = text(received);
        fresh.iter().try_for_each(|&(lo, hi)| {
            export::records_of(&batch, lo, hi).try_for_each(|(seq, record)| {
                count += 1;
                let of = export::record(device, &batch, seq, record, &received_at);
                lines.put(&Line { what: "record", of })
            })
        })
    })?;
    store.note(Note { device: Some(device), ..Note::new(Deed::Access, count) }, now)?;
    whole.end("things of the device, or of others beside it,")
}

//! Privacy requests of a device: a file `requests/<request id>.json` that is written once, and
//! `<request id>.done` beside it when somebody carried it out.
//!
//! A ticket is `{device}-{request id}`, so that the same request sent twice is one request.

use std::path::{Path, PathBuf};

use protocol::DeviceId;
use protocol::reply::{PrivacyRequest, TicketState};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::device::{self, rfc3339};
use crate::disk::{self, Access};
use crate::failure::Failure;

const DIR: &str = "requests";

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Take no more (GDPR art. 7(3)).
    Withdraw,
    /// Erase what was sent (art. 17).
    Erase,
    /// Keep, but do not use (art. 18).
    Restrict,
    /// End of a restriction.
    Release,
    /// Say what is held (art. 15).
    Access,
    /// Correct it (art. 16).
    Rectify,
    /// The device ends here.
    Decommission,
}

impl Kind {
    /// Whether nothing is left to do once it is kept.
    pub(crate) const fn is_carried_out_at_once(self) -> bool {
        matches!(self, Self::Withdraw | Self::Restrict | Self::Release | Self::Decommission)
    }
}

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What it asks for.
    pub(crate) kind: Kind,
    /// Its body.
    pub(crate) request: PrivacyRequest,
    /// When it came, RFC 3339.
    pub(crate) received_at: String,
    /// How many ledger entries of the device were known when it came.
    pub(crate) known_entries: usize,
}

/// The name of a request for the one who asks how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Whose request it is.
    pub(crate) device: DeviceId,
    id: String,
}

impl Ticket {
    /// The ticket of a request; `None` if its id is not 32 hexadecimal digits.
    pub(crate) fn of(device: DeviceId, request_id: &str) -> Option<Self> {
        // The same form as a device's: 16 bytes, lower-case.
        let id = request_id.parse::<DeviceId>().ok()?.to_string();
        Some(Self { device, id })
    }

    /// Reads what `Display` writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (device, id) = text.split_once('-')?;
        Self::of(device.parse().ok()?, id)
    }

    fn path(&self, data: &Path) -> PathBuf {
        device::dir(data, self.device).join(DIR).join(&self.id).with_extension("json")
    }

    fn done(&self, data: &Path) -> PathBuf {
        self.path(data).with_extension("done")
    }
}

impl std::fmt::Display for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.device, self.id)
    }
}

/// The request of a ticket, if there is one.
pub(crate) fn read(data: &Path, ticket: &Ticket) -> Result<Option<Kept>, Failure> {
    disk::read_json(&ticket.path(data))
}

/// Keeps a request that is not there yet.
pub(crate) fn keep(data: &Path, ticket: &Ticket, kept: &Kept) -> Result<(), Failure> {
    let path = ticket.path(data);
    let json = serde_json::to_vec(kept).map_err(|_| Failure::new("the request has no JSON form"))?;
    disk::make_dir(&device::dir(data, ticket.device).join(DIR))?;
    disk::write(&path, &json, Access::Private)
}

/// How far the request of a ticket is.
pub(crate) fn state(data: &Path, ticket: &Ticket) -> Result<TicketState, Failure> {
    let path = ticket.done(data);
    let done = path.try_exists().map_err(Failure::at(&path))?;
    Ok(if done { TicketState::Done } else { TicketState::Open })
}

/// Marks a request as carried out.
pub(crate) fn finish(data: &Path, ticket: &Ticket, now: OffsetDateTime) -> Result<(), Failure> {
    if read(data, ticket)?.is_none() {
        return Err(Failure::new("there is no request with this ticket; `requests` lists them"));
    }
    disk::write(&ticket.done(data), rfc3339(now).as_bytes(), Access::Private)
}

/// Every request of a device.
pub(crate) fn all(data: &Path, device: DeviceId) -> Result<Vec<(Ticket, Kept)>, Failure> {
    let mut out = Vec::new();
    for name in disk::names(&device::dir(data, device).join(DIR))? {
        let ticket = name.strip_suffix(".json").and_then(|id| Ticket::of(device, id));
        if let Some(ticket) = ticket
            && let Some(kept) = read(data, &ticket)?
        {
            out.push((ticket, kept));
        }
    }
    Ok(out)
}

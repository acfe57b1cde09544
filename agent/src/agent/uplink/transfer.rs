//! A transfer: the exchange, its subject, and what came of it.

use std::ops::Range;

use protocol::Digest;

use super::super::cases::upload::Stepping;
use super::super::vendor_answer::Fetch;
use crate::consent::vendor_request::VendorRequest;
use crate::ship::exchange::{Exchange, Outcome, Transport};
use crate::ship::parcel::Parcel;
use crate::spool::Missing;

/// Something on its way.
pub(in crate::agent) struct Transfer {
    pub(in crate::agent) exchange: Exchange,
    pub(in crate::agent) about: About,
}

/// What it is.
pub(in crate::agent) enum About {
    Batch(Parcel, Vec<Missing>),
    Request(Range<u64>, VendorRequest),
    ConsentFirst(Digest),
    Renewal,
    /// How far the request of this ticket is.
    Ticket(String),
    /// What the vendor says of itself.
    News,
    /// A part of the vendor's answer to a request to see what it holds.
    Part(Fetch),
    /// What the collector's newest ledger line is and where it holds data, before anything of this stream is sent for the
    /// first time since the start.
    Head(Stream),
    Bundle(Stepping),
    Probe(Stream),
    /// A person asked for it.
    Contact,
}

/// What has a schedule of its own.
#[derive(Clone, Copy)]
pub(in crate::agent) enum Stream {
    Usage,
    Requests,
    Bundles,
}

/// What came of a transfer, with the connection back.
pub(crate) struct Answered {
    pub(in crate::agent) https: Box<dyn Transport>,
    pub(in crate::agent) about: About,
    pub(in crate::agent) outcome: Outcome,
}

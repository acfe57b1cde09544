//! `Clean`: a payload that passed validation.

use std::fmt;

use crate::consent::permit::Purpose;

/// Data that a queue of the spool may hold once it is clean and sealed.
pub trait Payload: Sized {
    /// What it is used for.
    type Purpose: Purpose;
    /// The queue that holds it.
    const QUEUE: Queue;
    /// How many of the queue's sequence numbers it takes: at least one.
    fn records(&self) -> u32;
    /// The bytes that are sealed.
    fn to_bytes(&self) -> Vec<u8>;
    /// Back from [`Payload::to_bytes`]; `None` if the bytes are of another version.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// The queues of the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Queue {
    /// Journal of what was taken in for periods that are not over. Never shipped.
    Open = 1,
    /// Records ready to leave.
    Usage = 2,
    /// Consents and privacy requests: leave although everything else is off.
    Requests = 3,
}

impl Queue {
    /// Name of the queue's directory, and its name in `status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Usage => "usage",
            Self::Requests => "requests",
        }
    }
}

/// A payload that passed validation: it holds nothing the catalog does not list.
///
/// Not `Serialize`, and its `Debug` prints no content.
pub struct Clean<P>(P);

impl<P> Clean<P> {
    /// Only validation, and opening what was clean when it was sealed, make one.
    pub(crate) fn new(payload: P) -> Self {
        Self(payload)
    }

    /// The payload, to look at.
    pub fn get(&self) -> &P {
        &self.0
    }

    /// The payload, for use inside the agent.
    pub(crate) fn into_inner(self) -> P {
        self.0
    }
}

impl<P> fmt::Debug for Clean<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clean(..)")
    }
}

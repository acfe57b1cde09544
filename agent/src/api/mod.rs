//! The typed replies of the local socket, used at both ends: the agent's handlers write them, the command line reads them.
//!
//! ```text
//! reply     the answer's line: `ok`, or why not, and the body beside it
//! status    `status`, and the parts of it that other answers have too
//! consent   what is asked for, answered, withdrawn
//! privacy   what is held, shown and erased
//! support   drafts, bundles, and work that takes long
//! ```
//!
//! These shapes are a contract with other programs: fields are added, never changed. A field that is added is
//! `#[serde(default)]`, so that the command line reads the answer of an agent that does not have it yet. The recorded
//! answers in `replies.ndjson` hold the shapes (`tests.rs` here, and `tests/commands/replies.rs` with the running program).
//! `protocol/SOCKET.md` explains the requests.

pub mod consent;
pub mod privacy;
mod reply;
pub mod status;
pub mod support;

use protocol::DeviceId;
use serde::{Deserialize, Serialize};

pub use reply::{PERSONAL, Refused, Reply};

/// The body of an answer that says nothing but done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// What stands beside `error` and `what` where an event or a request is refused: words of ours, nothing that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The attribute of the event, as the catalog names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The known word that is nearest to one that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// The answer to `contact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// Those of `status`, when it was asked for.
    pub contacts: u64,
}

/// The answer to `enroll`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The device.
    pub device: DeviceId,
    /// Until when its certificate holds, RFC 3339.
    pub not_after: String,
}

#[cfg(test)]
mod tests;

//! The reply to `status`, which is also the output of `kathea-agent status --json`.

use std::collections::BTreeMap;

use protocol::notice::Notice;
use protocol::{CaseId, DeviceId, Invitation, Reason};
use serde::{Deserialize, Serialize};

use super::support::BundleRow;
use crate::consent::State;
use crate::consent::tickets::Ticket;
use crate::counters::Sent;
use crate::support::gather::StatusDocument;
use crate::support::manifest::PolicyName;
use crate::texts::Said;
use crate::vault::Protector;

/// How the agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// This workstation.
    pub device: DeviceId,
    /// Whether it has a certificate that it can use.
    pub enrolled: bool,
    /// Whether a service answers.
    pub service: Service,
    /// Under which the clinic is asked.
    pub policy: Policy,
    /// The flags that are not asked per case.
    pub consent: Flags,
    /// Until when they last.
    pub ends: Ends,
    /// The flags of each support case.
    pub cases: Vec<CaseFlags>,
    /// What waits, by queue.
    pub waiting: Queues,
    /// What the collector acknowledged, by purpose.
    pub sent: BTreeMap<String, Sent>,
    /// What was dropped, by reason.
    pub dropped: BTreeMap<Reason, u64>,
    /// What was asked of the vendor.
    pub requests: Vec<Ticket>,
    /// The sealed bundles.
    pub bundles: Vec<BundleRow>,
    /// What the vendor asks for.
    #[serde(rename = "wishes")]
    pub invitations: Vec<Invitation>,
    /// Notices of the vendor that are not over, the newest first. They start nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// What protects the root key.
    pub keys: Keys,
    /// A scan runs.
    pub busy: bool,
    /// Of the data directory.
    pub disk_bytes: Option<u64>,
    /// What somebody should do something about, in sentences.
    pub problems: Vec<String>,
    /// The same problems, in the same order, each with its key, its arguments and its text in each language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problem_texts: Vec<Said>,
    /// Contacts with the vendor that a person asked for, answered since the start.
    #[serde(default, skip_serializing_if = "is_none")]
    pub contacts: u64,
}

/// Whether there is none: then nothing is said of it.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Status {
    /// What a support bundle says of it: nothing of other cases, and of problems only how many there are.
    pub fn document(&self) -> StatusDocument {
        let policy = PolicyName { id: self.policy.id.clone(), version: self.policy.version.clone() };
        let waiting = self.waiting.each().map(|(queue, amount)| {
            let records = [("bytes", amount.bytes), ("records", amount.records)];
            (queue, BTreeMap::from(records))
        });
        StatusDocument {
            version: self.version.clone(),
            enrolled: self.enrolled,
            service: self.service.as_str(),
            policy,
            consent: BTreeMap::from([(protocol::Purpose::UsageStatistics, self.consent.usage_statistics)]),
            waiting: BTreeMap::from(waiting),
            sent: self.sent.clone(),
            dropped: self.dropped.clone(),
            keys: self.keys.as_str(),
            disk_bytes: self.disk_bytes,
            problems: self.problems.len(),
        }
    }
}

/// Whether a service answers, or the command line itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// The service.
    Running,
    /// The command line, directly on the data.
    Stopped,
}

impl Service {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

/// A policy by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
}

/// The flags that are not asked per case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// Of usage statistics.
    pub usage_statistics: State,
}

/// Until when the flags that are not asked per case last, RFC 3339; none where no grant stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Of usage statistics.
    pub usage_statistics: Option<String>,
}

/// The flags of a support case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFlags {
    /// The case.
    pub case: CaseId,
    /// Of the case itself.
    pub support_case: State,
    /// Of the case's scan data.
    pub support_scan_data: State,
    /// Until when the grant lasts, RFC 3339.
    pub ends: Option<String>,
}

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    /// Counts of periods that are not over.
    pub open: Waiting,
    /// Statistics to be sent.
    pub usage: Waiting,
    /// Requests to the vendor.
    pub requests: Waiting,
}

impl Queues {
    /// Each, by its name, in the order of the names.
    pub const fn each(&self) -> [(&'static str, Waiting); 3] {
        [("open", self.open), ("requests", self.requests), ("usage", self.usage)]
    }
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What protects the root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// Windows, in the scope of the service's account.
    Dpapi,
    /// A credential of systemd.
    Systemd,
    /// A file beside the keys.
    File,
}

impl Keys {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dpapi => "dpapi",
            Self::Systemd => "systemd",
            Self::File => "file",
        }
    }
}

impl From<&Protector> for Keys {
    fn from(protector: &Protector) -> Self {
        match protector {
            Protector::Dpapi => Self::Dpapi,
            Protector::Systemd(_) => Self::Systemd,
            Protector::File => Self::File,
        }
    }
}

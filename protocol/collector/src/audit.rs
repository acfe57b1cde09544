//! Who took, brought, erased or refused something here, and when: lines of JSON that are only ever added, each naming
//! the hash of the one before.

use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deed {
    /// Records were printed: a copy that nothing here knows of.
    Export,
    /// A bundle came on a stick.
    Import,
    /// Data of a device was erased for its owner.
    Erase,
    /// Data was erased because its period was over.
    Retention,
    /// A device was refused.
    Revoke,
    /// A device was taken out of use by the vendor.
    Retire,
    /// A copy of the whole store was made.
    Backup,
    /// The store was brought back from a backup.
    Restore,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// When, RFC 3339.
    pub(crate) at: String,
    /// The account of the operating system.
    pub(crate) who: String,
    /// What.
    pub(crate) deed: Deed,
    /// Of one device only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceId>,
    /// Of one purpose only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<Purpose>,
    /// Of one support case only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) case: Option<CaseId>,
    /// Records and bundles.
    pub(crate) count: u64,
    /// For whom a copy was made, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// And why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// SHA-256 of the line before, without its line feed.
    pub(crate) previous: Option<Digest>,
}

/// What is noted; who and when are added.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) deed: Deed,
    pub(crate) device: Option<DeviceId>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) case: Option<CaseId>,
    pub(crate) count: u64,
    pub(crate) to: Option<String>,
    pub(crate) why: Option<String>,
}

impl Note {
    /// About everything.
    pub(crate) fn new(deed: Deed, count: u64) -> Self {
        Self { deed, device: None, purpose: None, case: None, count, to: None, why: None }
    }
}

/// The account of the operating system that runs this.
pub(crate) fn account() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.unwrap_or_else(|| "unknown".to_owned())
}

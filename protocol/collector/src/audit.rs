//! Who took, brought, erased or refused something here, and when: lines of JSON that are only ever added, each naming
//! the hash of the one before.

use std::path::Path;

use protocol::reply::SignedText;
use protocol::uses::UseRole;
use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::{Deserialize, Serialize};

use crate::disk;

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
    /// The losses that devices declared were printed.
    Losses,
    /// Everything held of a device was printed for its owner (GDPR art. 15).
    Access,
    /// The consent to a record or a bundle was printed.
    Proof,
    /// The consents to everything that is held were checked.
    Proofs,
    /// A sealed bundle was handed on.
    Handover,
    /// A signed notice was published.
    Publish,
    /// A notice is not given out any more.
    Withhold,
    /// A copy of the whole store was made.
    Backup,
    /// A copy of the key store was made.
    #[serde(rename = "keys_backup")]
    KeysBackup,
    /// The collector goes on without the key store that it had.
    #[serde(rename = "keys_lost")]
    KeysLost,
    /// The store was brought back from a backup.
    Restore,
    /// The whole store was copied to another place, of this engine or of the other.
    Copy,
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
    /// In which role the data was read. Where it is there, `to` and `why` are as devices may be shown them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<UseRole>,
    /// The notice that was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notice: Option<SignedText>,
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
    pub(crate) role: Option<UseRole>,
    pub(crate) notice: Option<SignedText>,
}

impl Note {
    /// About everything.
    pub(crate) fn new(deed: Deed, count: u64) -> Self {
        let (to, why, role, notice) = (None, None, None, None);
        Self { deed, device: None, purpose: None, case: None, count, to, why, role, notice }
    }
}

/// The account that logged in, as the kernel has it: `name (uid)`. What the environment says decides nothing where the
/// kernel knows better, because whoever runs a command writes it.
pub(crate) fn account() -> String {
    let read = |path: &str| {
        let bytes = disk::read(Path::new(path)).ok().flatten()?;
        String::from_utf8(bytes).ok()
    };
    let uid = uid(read("/proc/self/loginuid").as_deref(), read("/proc/self/status").as_deref());
    match uid {
        Some(uid) => named(uid, read("/etc/passwd").as_deref()),
        None => {
            let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
            name.map_or_else(|| "unknown".to_owned(), |name| format!("{name} (as the environment says)"))
        }
    }
}

/// The login's number, which survives `sudo`; without one, as of a service, that of the process.
fn uid(login: Option<&str>, status: Option<&str>) -> Option<u32> {
    let login = login.and_then(|text| text.trim().parse().ok()).filter(|uid| *uid != u32::MAX);
    let process = || {
        let line = status?.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    login.or_else(process)
}

fn named(uid: u32, accounts: Option<&str>) -> String {
    let name = accounts.and_then(|text| {
        text.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?);
            (number.parse() == Ok(uid)).then(|| name.to_owned())
        })
    });
    name.map_or_else(|| format!("uid {uid}"), |name| format!("{name} ({uid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_counts_before_the_process_and_both_before_the_environment() {
        let status = Some("Name:\tx\nUid:\t1001\t0\t0\t0\n");
        assert_eq!(uid(Some("1000\n"), status), Some(1000));
        assert_eq!(uid(Some("4294967295"), status), Some(1001), "a service has no login");
        assert_eq!(uid(None, status), Some(1001));
        assert_eq!((uid(Some("x"), Some("Name: x")), uid(None, None)), (None, None));
        let accounts = Some("root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n");
        assert_eq!((named(1000, accounts), named(0, accounts)), ("anna (1000)".into(), "root (0)".into()));
        assert_eq!((named(7, accounts), named(7, None)), ("uid 7".into(), "uid 7".into()));
    }
}

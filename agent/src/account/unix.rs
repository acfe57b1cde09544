//! Accounts on Unix: user IDs, and their groups in the system's databases.

use std::ffi::CString;

use interprocess::local_socket::Stream;
use interprocess::local_socket::prelude::*;
use nix::unistd::{Group, Uid, User, geteuid, getgrouplist};

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(pub(crate) u32);

impl Account {
    /// At the other end; none where the system does not tell.
    pub fn of(stream: &Stream) -> Option<Self> {
        stream.peer_creds().ok()?.euid().map(Self)
    }

    /// Of this process.
    pub fn own() -> Option<Self> {
        Some(Self(geteuid().as_raw()))
    }

    pub(crate) fn is_administrator(&self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        User::from_name(name).ok().flatten().is_some_and(|user| user.uid.as_raw() == self.0)
    }

    /// A group or an account that can't be looked up has no members.
    pub(crate) fn is_member(&self, group: &str) -> bool {
        self.groups_have(group).unwrap_or(false)
    }

    fn groups_have(&self, group: &str) -> Option<bool> {
        let user = User::from_uid(Uid::from_raw(self.0)).ok()??;
        let group = Group::from_name(group).ok()??;
        let groups = getgrouplist(&CString::new(user.name).ok()?, user.gid).ok()?;
        Some(groups.contains(&group.gid))
    }
}

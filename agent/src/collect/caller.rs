//! Who asks: from the account at the other end of the socket, or of this process, to what it may do.

use crate::config::Config;
use crate::request::Caller;

/// The accounts that the configuration names.
#[derive(Clone, Debug)]
pub struct Accounts {
    kathea: String,
    group: String,
}

impl Accounts {
    /// `[kathea] user` and `[consent] group`.
    pub fn new(config: &Config) -> Self {
        Self { kathea: config.kathea.user.clone(), group: config.consent.group.clone() }
    }

    /// What the account with this number may do; `None` where the system does not tell. Asked anew for each
    /// connection: memberships change.
    pub fn caller(&self, account: Option<u32>) -> Caller {
        account.map_or(Caller::default(), |account| {
            decide(account, system::own(), self.kathea(), |account| system::is_member(account, &self.group))
        })
    }

    /// What the account of this process may do when it works on the data directly.
    pub fn own(&self) -> Caller {
        if cfg!(unix) {
            self.caller(Some(system::own()))
        } else {
            Caller { administrator: true, kathea: false, may_grant: self.group.is_empty() }
        }
    }

    fn kathea(&self) -> Option<u32> {
        if self.kathea.is_empty() { Some(system::own()) } else { system::number(&self.kathea) }
    }
}

/// `is_member` is asked about the numbers of accounts.
fn decide(account: u32, own: u32, kathea: Option<u32>, is_member: impl Fn(u32) -> Option<bool>) -> Caller {
    Caller {
        administrator: account == 0 || account == own,
        kathea: kathea == Some(account),
        may_grant: is_member(account).unwrap_or(account == own),
    }
}

#[cfg(unix)]
mod system {
    use std::ffi::CString;

    use nix::unistd::{Group, Uid, User, geteuid, getgrouplist};

    pub(super) fn own() -> u32 {
        geteuid().as_raw()
    }

    pub(super) fn number(user: &str) -> Option<u32> {
        Some(User::from_name(user).ok()??.uid.as_raw())
    }

    /// `None` if no group is named. A group or an account that can't be looked up has no members.
    pub(super) fn is_member(account: u32, group: &str) -> Option<bool> {
        (!group.is_empty()).then(|| groups_of(account, group).unwrap_or(false))
    }

    fn groups_of(account: u32, group: &str) -> Option<bool> {
        let user = User::from_uid(Uid::from_raw(account)).ok()??;
        let group = Group::from_name(group).ok()??;
        let groups = getgrouplist(&CString::new(user.name).ok()?, user.gid).ok()?;
        Some(groups.contains(&group.gid))
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn own() -> u32 {
        u32::MAX
    }

    pub(super) fn number(_: &str) -> Option<u32> {
        None
    }

    pub(super) fn is_member(_: u32, group: &str) -> Option<bool> {
        (!group.is_empty()).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 990;
    const KATHEA: u32 = 1001;
    const OWNER: u32 = 1002;

    fn may(account: u32) -> (bool, bool, bool) {
        let caller = decide(account, OWN, Some(KATHEA), |account| Some(account == OWNER));
        (caller.administrator, caller.kathea, caller.may_grant)
    }

    #[test]
    fn each_account_has_its_part() {
        assert_eq!(may(0), (true, false, false), "root keeps the house, it does not say yes");
        assert_eq!(may(OWN), (true, false, false));
        assert_eq!(may(KATHEA), (false, true, false));
        assert_eq!(may(OWNER), (false, false, true));
        assert_eq!(may(1003), (false, false, false));
    }

    #[test]
    fn without_a_group_the_agents_own_account_says_yes() {
        let grant = |account| decide(account, OWN, None, |_| None).may_grant;
        assert!(grant(OWN) && !grant(0) && !grant(KATHEA));
    }

    #[test]
    fn a_name_nobody_has_gives_nothing_away() {
        let mut config = Config::default();
        config.kathea.user = "no-such-account".into();
        config.consent.group = "no-such-group".into();
        let accounts = Accounts::new(&config);
        assert!(!accounts.own().kathea && !accounts.own().may_grant);
        assert_eq!(accounts.caller(None), Caller::default());
    }
}

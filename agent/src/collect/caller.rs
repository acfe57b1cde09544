//! The caller's rights, derived from the account of the socket's peer or of this process.

use crate::account::Account;
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

    /// What this account may do; `None` where the system does not tell. Asked anew for each
    /// connection: memberships change.
    pub fn caller(&self, account: Option<&Account>) -> Caller {
        let Some(account) = account else { return Caller::default() };
        let is_own = Account::own().as_ref() == Some(account);
        Caller {
            administrator: is_own || account.is_administrator(),
            kathea: if self.kathea.is_empty() { is_own } else { account.is_called(&self.kathea) },
            may_grant: if self.group.is_empty() { is_own } else { account.is_member(&self.group) },
        }
    }

    /// What the account of this process may do when it works on the data directly.
    pub fn own(&self) -> Caller {
        self.caller(Account::own().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(user: &str, group: &str) -> Accounts {
        Accounts { kathea: user.into(), group: group.into() }
    }

    #[test]
    fn the_own_account_is_kathea_and_says_yes_only_where_nobody_else_is_named() {
        let own = Account::own().unwrap();
        let may = |user, group| accounts(user, group).caller(Some(&own));
        assert_eq!(may("", ""), Caller { administrator: true, kathea: true, may_grant: true });
        assert_eq!(
            may("no-such-account", ""),
            Caller { administrator: true, kathea: false, may_grant: true }
        );
        assert_eq!(may("", "no-such-group"), Caller { administrator: true, kathea: true, may_grant: false });
    }

    #[cfg(unix)]
    #[test]
    fn each_account_has_its_part() {
        let named = accounts("daemon", "daemon");
        let daemon = Account(nix::unistd::User::from_name("daemon").unwrap().unwrap().uid.as_raw());
        let own = Account::own().unwrap();
        assert_eq!(
            named.caller(Some(&daemon)),
            Caller { administrator: false, kathea: true, may_grant: true }
        );
        let root = named.caller(Some(&Account(0)));
        let administers = Caller { administrator: true, kathea: false, may_grant: false };
        assert_eq!(root, administers, "root does not say yes");
        assert_eq!(named.caller(Some(&own)), administers);
        assert_eq!(named.caller(Some(&Account(u32::MAX - 1))), Caller::default(), "a stranger");
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

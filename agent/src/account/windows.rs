//! Accounts on Windows: security identifiers, and the groups that a logon token enables.

use interprocess::local_socket::Stream;
use interprocess::os::windows::named_pipe::local_socket::Stream as Pipe;
use winsafe::co::{TOKEN, TOKEN_INFORMATION_CLASS};
use winsafe::{HACCESSTOKEN, HPROCESS, HTHREAD, LookupAccountName, TokenInfo};

/// `BUILTIN\Administrators`; enabled in a token only where a person agreed to be one for now.
const ADMINISTRATORS: &str = "S-1-5-32-544";
/// `LocalSystem`.
const SYSTEM: &str = "S-1-5-18";
/// `SE_GROUP_ENABLED` (winnt.h): the group counts for what this logon may do.
const ENABLED: u32 = 4;

/// One account, and the groups of its logon.
#[derive(Clone, Debug)]
pub struct Account {
    id: String,
    groups: Vec<String>,
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Account {
    /// At the other end; none where the system does not tell, or not before the first bytes were read.
    pub fn of(stream: &Stream) -> Option<Self> {
        let Stream::NamedPipe(pipe) = stream;
        let pipe: &Pipe = pipe;
        let _guard = pipe.inner().impersonate_client().ok()?;
        Self::of_token(&*HTHREAD::GetCurrentThread().OpenThreadToken(TOKEN::QUERY, true).ok()?)
    }

    /// Its security identifier.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Of this process.
    pub fn own() -> Option<Self> {
        Self::of_token(&*HPROCESS::GetCurrentProcess().OpenProcessToken(TOKEN::QUERY).ok()?)
    }

    fn of_token(token: &HACCESSTOKEN) -> Option<Self> {
        let user = token.GetTokenInformation(TOKEN_INFORMATION_CLASS::User).ok()?;
        let groups = token.GetTokenInformation(TOKEN_INFORMATION_CLASS::Groups).ok()?;
        let (TokenInfo::User(user), TokenInfo::Groups(groups)) = (user, groups) else { return None };
        let enabled = groups.Groups().iter().filter(|group| group.Attributes & ENABLED != 0);
        Some(Self {
            id: user.User.Sid()?.to_string(),
            groups: enabled.filter_map(|group| Some(group.Sid()?.to_string())).collect(),
        })
    }

    pub(crate) fn is_administrator(&self) -> bool {
        self.id == SYSTEM || self.groups.iter().any(|group| group == ADMINISTRATORS)
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        id_of(name).is_some_and(|id| id == self.id)
    }

    /// A group that can't be looked up has no members.
    pub(crate) fn is_member(&self, group: &str) -> bool {
        id_of(group).is_some_and(|id| self.groups.contains(&id))
    }
}

fn id_of(name: &str) -> Option<String> {
    LookupAccountName(None, name).ok().map(|(_, id, _)| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_is_one_whose_logon_says_so() {
        let with = |id: &str, groups: &[&str]| Account {
            id: id.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        assert!(with("S-1-5-18", &[]).is_administrator(), "the system");
        assert!(with("S-1-5-21-1-2-3-1001", &["S-1-5-32-544"]).is_administrator());
        assert!(!with("S-1-5-21-1-2-3-1001", &["S-1-5-32-545"]).is_administrator());
        assert!(with("S-1-5-21-1-2-3-1001", &["S-1-1-0"]).is_member("Everyone"));
        assert!(!with("S-1-5-21-1-2-3-1001", &[]).is_member("Everyone"));
    }
}

//! Who may say yes: the members of an operating system group.

#[cfg(unix)]
mod unix {
    use std::ffi::CString;

    use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

    use crate::consent::ConsentError;

    /// Refuses an account (`caller`, a user id) that is not in `group`; with an empty `group`, any but the agent's
    /// own (`agent`). Root is nobody special: it must be in the group too, so that an administrator's yes is
    /// somebody's decision.
    pub fn check(caller: u32, agent: u32, group: &str) -> Result<(), ConsentError> {
        let is_member = match group {
            "" => caller == agent,
            name => gid(name).is_some_and(|wanted| groups(caller).contains(&wanted)),
        };
        if is_member { Ok(()) } else { Err(ConsentError::NotMember) }
    }

    fn gid(name: &str) -> Option<Gid> {
        Group::from_name(name).ok().flatten().map(|group| group.gid)
    }

    /// Every group of an account, also those that a directory service knows; none for an unknown account.
    fn groups(uid: u32) -> Vec<Gid> {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        user.and_then(|user| getgrouplist(&CString::new(user.name).ok()?, user.gid).ok()).unwrap_or_default()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_a_member_may_and_without_a_group_only_the_agents_own_account() {
            let me = nix::unistd::geteuid();
            let own = User::from_uid(me).unwrap().unwrap();
            let own_group = Group::from_gid(own.gid).unwrap().unwrap().name;
            let uid = me.as_raw();
            assert_eq!(check(uid, 0, &own_group), Ok(()));
            assert_eq!(check(4_000_000_000, 0, &own_group), Err(ConsentError::NotMember));
            assert_eq!(check(uid, uid, "no-such-group"), Err(ConsentError::NotMember));
            assert_eq!(check(uid, uid, "a\0b"), Err(ConsentError::NotMember));
            assert_eq!(check(uid, uid, ""), Ok(()));
            assert_eq!(check(uid, uid + 1, ""), Err(ConsentError::NotMember));
        }
    }
}

#[cfg(unix)]
pub use unix::check;

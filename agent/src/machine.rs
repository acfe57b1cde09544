//! What names this computer, its accounts and the clinic: searched for in every file of a case, and never kept.

use std::path::Path;

use crate::presence;
use deidentify::identifiers::Kind;

/// Characters of the shortest name that is searched for: a shorter one is a part of too much.
const SHORTEST: usize = 4;
/// Names, at most: a file of accounts may be a whole organisation's.
const NAMES: usize = 2000;

/// The names, and what each is; `clinic` are those that the configuration gives.
pub fn names(clinic: &[String]) -> Vec<(Kind, String)> {
    chosen(clinic, system::names())
}

/// The clinic's names come first: however many accounts there are, they take the place of none of these.
fn chosen(clinic: &[String], mut system: Vec<(Kind, String)>) -> Vec<(Kind, String)> {
    system.sort_unstable();
    system.dedup();
    let mut names: Vec<_> = clinic.iter().map(|name| (Kind::Clinic, name.clone())).collect();
    names.extend(system);
    names.retain(|(_, name)| name.chars().count() >= SHORTEST);
    names.truncate(NAMES);
    names
}

/// A small file of the system; one that cannot be read teaches nothing.
#[cfg_attr(windows, allow(dead_code, reason = "Windows tells by its environment"))]
fn text(path: &str) -> String {
    presence::read_text(Path::new(path)).ok().and_then(|text| text.found().flatten()).unwrap_or_default()
}

#[cfg(unix)]
mod system {
    use nix::sys::utsname::uname;

    use super::{Kind, text};

    /// Accounts of people begin here (login.defs).
    const PEOPLE: u32 = 1000;
    /// `nobody`.
    const NOBODY: u32 = 65534;

    pub(super) fn names() -> Vec<(Kind, String)> {
        let mut names = Vec::new();
        if let Ok(system) = uname() {
            let host = system.nodename().to_string_lossy().into_owned();
            names.extend(super::host(&host));
        }
        names.extend(domains(&text("/etc/resolv.conf")).map(|domain| (Kind::Id, domain)));
        names.extend(accounts(&text("/etc/passwd")));
        names.extend(printers(&text("/etc/printcap")).map(|printer| (Kind::Id, printer)));
        names
    }

    fn domains(resolv: &str) -> impl Iterator<Item = String> {
        let words = resolv.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let found = words.filter(|words| matches!(words.first(), Some(&("search" | "domain"))));
        found.flat_map(|words| words.into_iter().skip(1).map(str::to_owned).collect::<Vec<_>>())
    }

    /// Login names, and the people's names beside them.
    pub(super) fn accounts(passwd: &str) -> Vec<(Kind, String)> {
        let mut names = Vec::new();
        for line in passwd.lines() {
            let mut fields = line.split(':');
            let (Some(login), Some(number)) =
                (fields.next(), fields.nth(1).and_then(|id| id.parse::<u32>().ok()))
            else {
                continue;
            };
            if (PEOPLE..NOBODY).contains(&number) {
                names.push((Kind::Id, login.to_owned()));
                let person = fields.nth(1).and_then(|comment| comment.split(',').next()).unwrap_or_default();
                names.push((Kind::Name, person.to_owned()));
            }
        }
        names
    }

    fn printers(printcap: &str) -> impl Iterator<Item = String> {
        let queues = printcap.lines().filter(|line| !line.starts_with(['#', ' ', '\t', ':']));
        queues.filter_map(|line| line.split(['|', ':']).next().map(str::to_owned))
    }
}

#[cfg(windows)]
mod system {
    use std::env;
    use std::fs;
    use std::path::Path;

    use super::Kind;

    pub(super) fn names() -> Vec<(Kind, String)> {
        let mut names: Vec<_> = env::var("COMPUTERNAME").iter().flat_map(|host| super::host(host)).collect();
        for name in ["USERDOMAIN", "USERDNSDOMAIN", "USERNAME"] {
            names.extend(env::var(name).ok().map(|value| (Kind::Id, value)));
        }
        // Every account that ever logged in has a folder here.
        let users =
            env::var("PUBLIC").ok().and_then(|public| fs::read_dir(Path::new(&public).parent()?).ok());
        let folders = users.into_iter().flatten().flatten();
        names.extend(folders.map(|entry| (Kind::Id, entry.file_name().to_string_lossy().into_owned())));
        names
    }
}

/// A computer's name, and its first label where it has several.
fn host(name: &str) -> Vec<(Kind, String)> {
    let label = name.split('.').next().unwrap_or_default();
    [name, label].map(|name| (Kind::Id, name.to_owned())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_left_out() {
        let clinic = ["Strandens Tandklinik", "X1", "STRANDAE"].map(str::to_owned);
        let found = names(&clinic);
        let has = |name: &str| found.iter().any(|(_, known)| known == name);
        assert!(has("Strandens Tandklinik") && has("STRANDAE"), "the clinic's own names are there");
        assert!(!has("X1"));
    }

    #[test]
    fn a_whole_organisations_accounts_take_no_place_of_the_clinics_names() {
        let accounts = (0..NAMES).map(|number| (Kind::Id, format!("hkjaer{number:05}"))).collect();
        let found = chosen(&["Strandens Tandklinik".to_owned()], accounts);
        assert_eq!(found.len(), NAMES);
        assert_eq!(found[0], (Kind::Clinic, "Strandens Tandklinik".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn people_have_accounts_and_services_do_not() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nhkjaer:x:1001:1001:Hanne Kjær,,,:/home/hkjaer:/bin/sh\n\
                      nobody:x:65534:65534:nobody:/:/bin/false\nbroken\n";
        let wanted = [(Kind::Id, "hkjaer".to_owned()), (Kind::Name, "Hanne Kjær".to_owned())];
        assert_eq!(system::accounts(passwd), wanted);
    }
}

//! Checks of this computer: folders and rights, disk, service, clock, keys, enrolment, and whether the
//! data was made on another computer.

use std::fs;
use std::path::Path;

use protocol::Catalog;
use walkdir::WalkDir;

use super::texts::{Is, Remedy};
use crate::api::Reply;
use crate::api::status::Status;
use crate::checks::Finding;
use crate::collect::socket::{self, AskError};
use crate::config::{Config, Protector as Asked};
use crate::harmless;
use crate::limits;
use crate::request::Request;
use crate::vault::Protector;
use crate::workstation as device;

pub(super) fn data_dir(path: &Path) -> Finding {
    let name = harmless::path(path);
    match fs::read_dir(path) {
        Ok(_) if is_open_to_others(path) => {
            Finding::fail("data_dir", Is::OpenToOthers { name: name.clone() }, Remedy::Chmod { name })
        }
        Ok(_) => Finding::pass("data_dir", Is::Own { name }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Finding::warn("data_dir", Is::NotYet { name }, Remedy::MadeAtStart)
        }
        Err(e) => Finding::warn("data_dir", Is::Unreadable { name, why: e.kind() }, Remedy::OtherAccount),
    }
}

fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Free space of the nearest directory that exists, against the quota.
pub(super) fn disk(config: &Config) -> Finding {
    let (mib, quota) = (|bytes: u64| bytes >> 20, config.spool.quota);
    if let Err(e) = config.check() {
        return Finding::fail("disk", Is::QuotaTooLarge, e.to_string());
    }
    match config.data_dir.ancestors().find_map(device::free_space) {
        None => Finding::warn("disk", Is::SpaceUnknown, Remedy::ByHand),
        Some(free) if free < quota => Finding::warn(
            "disk",
            Is::SpaceBelowQuota { free: mib(free), quota: mib(quota) },
            Remedy::FreeSpace,
        ),
        Some(free) => Finding::pass("disk", Is::Space { free: mib(free) }),
    }
}

pub(super) fn outbox(path: &Path) -> Finding {
    match fs::read_dir(path) {
        Ok(entries) => {
            let files = entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "ndjson"));
            Finding::pass("outbox", Is::OutboxRead { name: harmless::path(path), count: files.count() })
        }
        Err(e) => Finding::fail(
            "outbox",
            Is::Unreadable { name: harmless::path(path), why: e.kind() },
            Remedy::MakeOutbox,
        ),
    }
}

/// Kathea's logs and scans are looked into for a support bundle only.
pub(super) fn folders(config: &Config) -> Vec<Finding> {
    let named = config
        .kathea
        .logs
        .iter()
        .map(|path| ("logs", path))
        .chain(config.kathea.scans.iter().map(|path| ("scans", path)));
    named
        .map(|(check, path)| match fs::read_dir(path) {
            Ok(_) => match unreadable(path) {
                0 => Finding::pass(check, Is::FolderRead { name: harmless::path(path) }),
                count => Finding::warn(
                    check,
                    Is::FoldersUnreadable { name: harmless::path(path), count },
                    Remedy::ReadBelow,
                ),
            },
            Err(e) => Finding::warn(
                check,
                Is::UnreadableHere { name: harmless::path(path), why: e.kind() },
                Remedy::ReadFolder { check },
            ),
        })
        .collect()
}

/// What the running agent says of its folders, by the keys of its problems: the account of whoever asks is another one.
const SEEN_BY_THE_AGENT: [(&str, &str); 2] = [("outbox_unwatched", "outbox"), ("folders_unread", "folders")];

/// What the running agent can neither watch nor read; the remedy stands in the same sentence.
pub(super) fn seen_by_the_agent(status: Option<&Status>) -> impl Iterator<Item = Finding> {
    let problems = status.map(|status| status.problem_texts.as_slice()).unwrap_or_default();
    problems.iter().filter_map(|problem| {
        let (_, check) = SEEN_BY_THE_AGENT.iter().find(|(key, _)| *key == problem.key)?;
        Some(Finding { remedy: None, ..Finding::warn(check, problem, "") })
    })
}

/// How many of the first entries below a folder this account cannot look into.
pub(super) fn unreadable(path: &Path) -> usize {
    let entries = WalkDir::new(path).follow_links(false).into_iter().take(limits::LOG_ENTRIES);
    entries.filter(Result::is_err).count()
}

/// A data folder that was copied with an image of the disk makes two computers one device.
pub(super) fn machine(data_dir: &Path) -> Option<Finding> {
    Some(match device::is_of_this_machine(data_dir).ok()?? {
        true => Finding::pass("device", Is::OwnData),
        false => Finding::fail("device", Is::CopiedData, Remedy::OwnDevice),
    })
}

/// Whether the agent answers, and what it says of itself to this account.
pub(super) fn service(config: &Config) -> (Finding, Option<Status>) {
    let question = serde_json::to_string(&Request::Status).unwrap_or_default();
    let answer = socket::ask(&config.kathea.socket, &question, limits::SOCKET_SLOW);
    match answer.map(|line| Reply::parse(&line)) {
        Ok(Some(reply)) if reply.is_done() => (Finding::pass("service", Is::Runs), reply.read()),
        Ok(Some(_)) => (Finding::pass("service", Is::RunsUnread), None),
        Ok(None) | Err(AskError::NoAnswer) => {
            (Finding::fail("service", Is::NoAnswer, Remedy::WaitOrRestart), None)
        }
        Err(AskError::NotAllowed) => {
            (Finding::warn("service", Is::SocketForbidden, Remedy::Administrator), None)
        }
        Err(AskError::Nobody) => (Finding::warn("service", Is::Stopped, Remedy::Start), None),
    }
}

/// How long the catalog is still collected.
pub(super) fn catalog(now: i64) -> Finding {
    let today = now.div_euclid(86_400);
    let first = Catalog::built_in().entries().min_by_key(|entry| entry.last_day);
    let Some(first) = first else { return Finding::pass("catalog", Is::CatalogEmpty) };
    let (left, end) = (i64::from(first.last_day) - today, &first.ends);
    if left >= limits::CATALOG_WARNING_DAYS {
        return Finding::pass("catalog", Is::CatalogUntil { end: end.to_string() });
    }
    let what = if left < 0 {
        Is::CatalogOver { name: first.name.clone(), end: end.to_string() }
    } else {
        Is::CatalogEnds { name: first.name.clone(), end: end.to_string(), left }
    };
    Finding::warn("catalog", what, Remedy::NewerCatalog)
}

pub(super) fn clock(now: i64) -> Finding {
    if now < limits::FIRST_RELEASE {
        Finding::fail("clock", Is::ClockBefore, Remedy::SetClock)
    } else {
        Finding::pass("clock", Is::ClockFine)
    }
}

/// What the running agent says counts: a systemd credential is seen by the service alone.
pub(super) fn keys(config: &Config, status: Option<&Status>) -> Finding {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let running = status.map(|status| status.keys.as_str());
    let found = match (running, config.keys.protector) {
        (Some(word), _) => Ok(word.to_owned()),
        (None, Asked::Systemd) if credentials.is_none() => {
            return Finding::warn("keys", Is::KeysUnseen, Remedy::StartThenDoctor);
        }
        (None, asked) => Protector::choose(asked, credentials.as_deref().map(Path::new))
            .map(|protector| protector.as_str().to_owned()),
    };
    match found {
        Ok(word) if word == "file" => Finding::warn("keys", Is::KeysByFile, Remedy::Auto),
        Ok(word) => Finding::pass("keys", Is::KeysBy { word }),
        Err(e) => Finding::fail("keys", Is::KeysBare, e),
    }
}

pub(super) fn enrolment(status: Option<&Status>) -> Option<Finding> {
    Some(if status?.enrolled {
        Finding::pass("enrolment", Is::Enrolled)
    } else {
        Finding::warn("enrolment", Is::NotEnrolled, Remedy::Enrol)
    })
}

//! Checks of this computer: folders and rights, disk, service, clock, keys, enrolment, and whether the
//! data was made on another computer.

use std::fs;
use std::path::Path;

use protocol::Catalog;
use walkdir::WalkDir;

use crate::api::Reply;
use crate::api::status::Status;
use crate::checks::Check;
use crate::collect::socket::{self, AskError};
use crate::config::{Config, Protector as Asked};
use crate::harmless;
use crate::limits;
use crate::presence::Why;
use crate::request::Request;
use crate::vault::Protector;
use crate::workstation as device;

pub(super) fn data_dir(path: &Path) -> Check {
    let name = harmless::path(path);
    match fs::read_dir(path) {
        Ok(_) if is_open_to_others(path) => Check::fail(
            "data_dir",
            format!("{name} can be read by other accounts"),
            format!("chmod 700 {name}"),
        ),
        Ok(_) => Check::pass("data_dir", format!("{name} is the agent's own")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Check::warn(
            "data_dir",
            format!("{name} does not exist yet"),
            "it is made at the first start; check data_dir if the agent has run before",
        ),
        Err(e) => Check::warn(
            "data_dir",
            format!("{name} cannot be read ({})", Why(e.kind())),
            "run this as the agent's account or as an administrator",
        ),
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
pub(super) fn disk(config: &Config) -> Check {
    let (mib, quota) = (|bytes: u64| bytes >> 20, config.spool.quota);
    if let Err(e) = config.check() {
        return Check::fail("disk", "the agent does not run with this quota", e.to_string());
    }
    match config.data_dir.ancestors().find_map(device::free_space) {
        None => Check::warn("disk", "the system does not report the free space", "check it by hand"),
        Some(free) if free < quota => Check::warn(
            "disk",
            format!("{} MiB are free, less than the quota of {} MiB", mib(free), mib(quota)),
            "free some space, or lower [spool] quota",
        ),
        Some(free) => Check::pass("disk", format!("{} MiB are free", mib(free))),
    }
}

pub(super) fn outbox(path: &Path) -> Check {
    match fs::read_dir(path) {
        Ok(entries) => {
            let files = entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "ndjson"));
            Check::pass("outbox", format!("{} is read, {} files wait", harmless::path(path), files.count()))
        }
        Err(e) => Check::fail(
            "outbox",
            format!("{} cannot be read ({})", harmless::path(path), Why(e.kind())),
            "make it, let Kathea write and the agent read and remove files there, or correct [kathea] outbox",
        ),
    }
}

/// Kathea's logs and scans are looked into for a support bundle only.
pub(super) fn folders(config: &Config) -> Vec<Check> {
    let named = config
        .kathea
        .logs
        .iter()
        .map(|path| ("logs", path))
        .chain(config.kathea.scans.iter().map(|path| ("scans", path)));
    named
        .map(|(check, path)| match fs::read_dir(path) {
            Ok(_) => match unreadable(path) {
                0 => Check::pass(check, format!("{} is read", harmless::path(path))),
                count => Check::warn(
                    check,
                    format!("{count} folders below {} cannot be read", harmless::path(path)),
                    "a support bundle will lack what is in them: let the agent's account read them",
                ),
            },
            Err(e) => Check::warn(
                check,
                format!("{} cannot be read by this account ({})", harmless::path(path), Why(e.kind())),
                format!("a support bundle will lack it: let the agent's account read it, or correct [kathea] {check}"),
            ),
        })
        .collect()
}

/// What the running agent says of watching the outbox, if it cannot.
pub(super) fn watch(status: Option<&Status>) -> Option<Check> {
    let problem = status?.problems.iter().find(|problem| problem.starts_with(limits::UNWATCHED))?;
    let (what, remedy) = problem.split_once("; ")?;
    Some(Check::warn("outbox", what.to_owned(), remedy.to_owned()))
}

/// How many of the first entries below a folder this account cannot look into.
pub(super) fn unreadable(path: &Path) -> usize {
    let entries = WalkDir::new(path).follow_links(false).into_iter().take(limits::LOG_ENTRIES);
    entries.filter(Result::is_err).count()
}

/// A data folder that was copied with an image of the disk makes two computers one device.
pub(super) fn machine(data_dir: &Path) -> Option<Check> {
    Some(match device::is_of_this_machine(data_dir).ok()?? {
        true => Check::pass("device", "the data was made on this computer"),
        false => Check::fail(
            "device",
            "the data was made on another computer: this one is a copy, and both are one device for the vendor",
            "stop the service, remove data_dir, start the service, enrol with a token of its own, and ask the clinic again",
        ),
    })
}

/// Whether the agent answers, and what it says of itself to this account.
pub(super) fn service(config: &Config) -> (Check, Option<Status>) {
    let question = serde_json::to_string(&Request::Status).unwrap_or_default();
    let answer = socket::ask(&config.kathea.socket, &question, limits::SOCKET_SLOW);
    match answer.map(|line| Reply::parse(&line)) {
        Ok(Some(reply)) if reply.is_done() => (Check::pass("service", "runs and answers"), reply.read()),
        Ok(Some(_)) => {
            (Check::pass("service", "runs and answers, but this account may not read its status"), None)
        }
        Ok(None) | Err(AskError::NoAnswer) => (
            Check::fail("service", "runs but does not answer", "wait a minute; if it stays so, restart it"),
            None,
        ),
        Err(AskError::NotAllowed) => (
            Check::warn("service", "this account may not use its socket", "run this as an administrator"),
            None,
        ),
        Err(AskError::Nobody) => (Check::warn("service", "does not run", "start it"), None),
    }
}

/// How long the catalog is still collected.
pub(super) fn catalog(now: i64) -> Check {
    let today = now.div_euclid(86_400);
    let first = Catalog::built_in().entries().min_by_key(|entry| entry.last_day);
    let Some(first) = first else { return Check::pass("catalog", "lists nothing") };
    let (left, end) = (i64::from(first.last_day) - today, &first.ends);
    if left >= limits::CATALOG_WARNING_DAYS {
        return Check::pass("catalog", format!("is collected until {end} at least"));
    }
    let what = if left < 0 {
        format!("{} is not collected any more since {end}, perhaps others too", first.name)
    } else {
        format!("{} is collected until {end}, for {left} days more, perhaps others too", first.name)
    };
    Check::warn("catalog", what, "ask the vendor for a version whose catalog is renewed")
}

pub(super) fn clock(now: i64) -> Check {
    if now < limits::FIRST_RELEASE {
        Check::fail("clock", "this computer's clock shows a time before 2026", "set it")
    } else {
        Check::pass("clock", "is plausible")
    }
}

/// What the running agent says counts: a systemd credential is seen by the service alone.
pub(super) fn keys(config: &Config, status: Option<&Status>) -> Check {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let running = status.map(|status| status.keys.as_str());
    let found = match (running, config.keys.protector) {
        (Some(word), _) => Ok(word.to_owned()),
        (None, Asked::Systemd) if credentials.is_none() => {
            return Check::warn(
                "keys",
                "protected by systemd, which shows its credential to the service alone",
                "start the service, then run doctor again",
            );
        }
        (None, asked) => Protector::choose(asked, credentials.as_deref().map(Path::new))
            .map(|protector| protector.as_str().to_owned()),
    };
    match found {
        Ok(word) if word == "file" => Check::warn(
            "keys",
            "protected by a file beside them: a stolen disk gives them away",
            "set [keys] protector to \"auto\" where the system has something better",
        ),
        Ok(word) => Check::pass("keys", format!("protected by {word}")),
        Err(e) => Check::fail("keys", "are not protected, so the agent does not start", e),
    }
}

pub(super) fn enrolment(status: Option<&Status>) -> Option<Check> {
    Some(if status?.enrolled {
        Check::pass("enrolment", "the device has its certificate")
    } else {
        Check::warn(
            "enrolment",
            "the device has no certificate: nothing can be sent",
            "get a token from the vendor: kathea-agent enroll --token-file FILE",
        )
    })
}

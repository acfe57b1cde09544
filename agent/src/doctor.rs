//! What can be checked without starting anything: configuration, folders, disk, clock, keys, the way to the
//! collector. Each check says what is and, unless it passes, what to do.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::collect::device;
use crate::collect::socket::{self, AskError};
use crate::config::{Config, Protector as Asked};
use crate::limits;
use crate::request::{Reply, Request};
use crate::ship::exchange::Answer;
use crate::ship::failure::{BadSettings, Failure, TlsFailure};
use crate::ship::https::{Https, Settings, Timeouts};
use crate::ship::routes;
use crate::vault::Protector;

/// One check, as `doctor --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What was looked at.
    pub check: Cow<'static, str>,
    /// How it is.
    pub result: Verdict,
    /// How it is, in words.
    pub what: String,
    /// What to do; empty if nothing.
    pub remedy: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Well.
    Pass,
    /// It works, but somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// How far the examination goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing leaves the machine.
    Offline,
    /// One connection to the collector, without data: a person asked for it.
    Collector,
}

impl Check {
    /// Nothing to do.
    pub fn pass(check: &'static str, what: impl fmt::Display) -> Self {
        Self { check: check.into(), result: Verdict::Pass, what: what.to_string(), remedy: String::new() }
    }

    /// Somebody should look.
    pub fn warn(check: &'static str, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self {
            check: check.into(),
            result: Verdict::Warn,
            what: what.to_string(),
            remedy: remedy.to_string(),
        }
    }

    /// Somebody must act.
    pub fn fail(check: &'static str, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self {
            check: check.into(),
            result: Verdict::Fail,
            what: what.to_string(),
            remedy: remedy.to_string(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// Examines everything. `now` is seconds since 1970.
pub fn examine(config: &Config, reach: Reach, now: i64) -> Vec<Check> {
    let (service, status) = service(config);
    let mut checks = vec![
        data_dir(&config.data_dir),
        disk(&config.data_dir, config.spool.quota),
        outbox(&config.kathea.outbox),
        service,
        clock(now),
        keys(config, status.as_ref()),
    ];
    checks.extend(enrolment(status.as_ref()));
    match https(config) {
        Err(check) => checks.push(check),
        Ok(mut https) => {
            checks.push(Check::pass("ca", "the vendor's certificates are read"));
            if reach == Reach::Collector {
                let outcome = https.exchange(&routes::capabilities());
                checks.extend(collector(&outcome, now));
            }
        }
    }
    checks
}

fn data_dir(path: &Path) -> Check {
    let name = path.display();
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
            format!("{name} cannot be read ({})", e.kind()),
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

/// Of the nearest directory that exists.
fn disk(data_dir: &Path, quota: u64) -> Check {
    let mib = |bytes: u64| bytes >> 20;
    match data_dir.ancestors().find_map(device::free_space) {
        None => Check::warn("disk", "the system does not tell how much is free", "look yourself"),
        Some(free) if free < quota => Check::warn(
            "disk",
            format!("{} MiB are free, less than the quota of {} MiB", mib(free), mib(quota)),
            "free some space, or lower [spool] quota",
        ),
        Some(free) => Check::pass("disk", format!("{} MiB are free", mib(free))),
    }
}

fn outbox(path: &Path) -> Check {
    match fs::read_dir(path) {
        Ok(entries) => {
            let files = entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "ndjson"));
            Check::pass("outbox", format!("{} is read, {} files wait", path.display(), files.count()))
        }
        Err(e) => Check::fail(
            "outbox",
            format!("{} cannot be read ({})", path.display(), e.kind()),
            "make it, let Kathea write and the agent read and remove files there, or correct [kathea] outbox",
        ),
    }
}

/// Whether the agent answers, and what it says of itself to this account.
fn service(config: &Config) -> (Check, Option<Value>) {
    let question = serde_json::to_string(&Request::Status).unwrap_or_default();
    let answer = socket::ask(&config.kathea.socket, &question, limits::SOCKET_SLOW);
    match answer.map(|line| Reply::parse(&line)) {
        Ok(Some(reply)) if reply.is_done() => {
            (Check::pass("service", "runs and answers"), Some(reply.body()))
        }
        Ok(Some(_)) => (Check::pass("service", "runs and answers, but tells this account nothing"), None),
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

/// No release of this program is older, so no clock that is right shows less.
const FIRST_RELEASE: i64 = 1_767_225_600;

fn clock(now: i64) -> Check {
    if now < FIRST_RELEASE {
        Check::fail("clock", "this computer's clock shows a time before 2026", "set it")
    } else {
        Check::pass("clock", "is plausible")
    }
}

/// What the running agent says counts: a systemd credential is seen by the service alone.
fn keys(config: &Config, status: Option<&Value>) -> Check {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    let running = status.and_then(|status| status["keys"].as_str());
    let found = match (running, config.keys.protector) {
        (Some(word), _) => Ok(word.to_owned()),
        (None, Asked::Systemd) if credentials.is_none() => {
            return Check::warn(
                "keys",
                "protected by systemd, which shows its credential to the service alone",
                "start the service and look again",
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

fn enrolment(status: Option<&Value>) -> Option<Check> {
    Some(if status?["enrolled"] == json!(true) {
        Check::pass("enrolment", "the device has its certificate")
    } else {
        Check::warn(
            "enrolment",
            "the device has no certificate: nothing can be sent",
            "get a token from the vendor: kathea-agent enroll --token-file FILE",
        )
    })
}

/// The settings of the way out, each checked; nothing is opened.
fn https(config: &Config) -> Result<Https, Check> {
    let ca = &config.collector.ca;
    let ca_pem = fs::read(ca).map_err(|e| {
        Check::fail(
            "ca",
            format!("{} cannot be read ({})", ca.display(), e.kind()),
            "put the file there that the vendor gave you, or correct [collector] ca",
        )
    })?;
    let settings = Settings {
        url: config.collector.url.clone(),
        ca_pem,
        identity: None,
        proxy: config.collector.proxy.clone(),
        user_agent: concat!("kathea-agent/", env!("CARGO_PKG_VERSION")).to_owned(),
        rate: config.ship.rate,
        timeouts: Timeouts::default(),
        sleep: Box::new(std::thread::sleep),
    };
    Https::new(settings).map_err(|e| match e {
        BadSettings::Ca => Check::fail("ca", format!("{} is no CA file", ca.display()), e),
        _ => Check::fail("collector", "the way to the collector is not configured", e),
    })
}

/// Asked without the device's certificate, a collector that is the vendor's says no; anything else is no
/// collector.
fn collector(outcome: &Result<Answer, Failure>, now: i64) -> Vec<Check> {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(Failure::Tls(TlsFailure::ClientRefused)) => {
            return vec![Check::pass("collector", "is reached over TLS")];
        }
        Err(failure) => return vec![Check::fail("collector", "is not reached", failure)],
    };
    if !matches!(answer.status, 200 | 401 | 403) {
        return vec![Check::fail(
            "collector",
            format!("answers {} where it should know this route", answer.status),
            "check [collector] url, and that it is the collector of this version",
        )];
    }
    let mut checks = vec![Check::pass("collector", "is reached over TLS")];
    checks.extend(answer.clock().map(|theirs| {
        let off = Duration::from_secs(theirs.abs_diff(now));
        if off > limits::CLOCK_OFF {
            Check::warn(
                "clock offset",
                format!("this computer's clock is {} minutes off the collector's", off.as_secs() / 60),
                "set it, and let the system keep it right",
            )
        } else {
            Check::pass("clock offset", "this computer's clock agrees with the collector's")
        }
    }));
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(checks: &[Check]) -> Vec<(&str, Verdict)> {
        checks.iter().map(|check| (&*check.check, check.result)).collect()
    }

    #[test]
    fn an_empty_machine_says_what_is_missing_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        config.kathea.outbox = dir.path().join("outbox");
        config.kathea.socket = dir.path().join("socket");
        config.collector.ca = dir.path().join("ca.pem");
        config.keys.protector = Asked::File;
        let checks = examine(&config, Reach::Offline, 0);
        let expected = [
            ("data_dir", Verdict::Warn),
            ("disk", if device::free_space(dir.path()).is_some() { Verdict::Pass } else { Verdict::Warn }),
            ("outbox", Verdict::Fail),
            ("service", Verdict::Warn),
            ("clock", Verdict::Fail),
            ("keys", Verdict::Warn),
            ("ca", Verdict::Fail),
        ];
        assert_eq!(verdicts(&checks), expected);
        assert!(checks.iter().all(|check| (check.result == Verdict::Pass) == check.remedy.is_empty()));

        fs::write(&config.collector.ca, "no certificate").unwrap();
        assert_eq!(examine(&config, Reach::Offline, 0).last().unwrap().check, "ca");
    }

    #[test]
    fn what_answers_is_told_from_what_is_a_collector() {
        let answer = |status, date: Option<&str>| {
            Ok(Answer { status, date: date.map(str::to_owned), ..Answer::default() })
        };
        let (now, date) = (1_795_341_600, Some("Sun, 22 Nov 2026 10:00:00 GMT"));
        let right = [("collector", Verdict::Pass), ("clock offset", Verdict::Pass)];
        let late = [("collector", Verdict::Pass), ("clock offset", Verdict::Warn)];
        assert_eq!(verdicts(&collector(&answer(401, date), now)), right);
        assert_eq!(verdicts(&collector(&answer(401, date), now - 86_400)), late);
        assert_eq!(verdicts(&collector(&answer(404, date), now)), [("collector", Verdict::Fail)]);
        let wrong_ca = Err(Failure::Tls(TlsFailure::UnknownCa));
        assert_eq!(verdicts(&collector(&wrong_ca, now)), [("collector", Verdict::Fail)]);
    }

    #[test]
    fn it_is_printed_as_documented() {
        let check = Check::warn("clock", "is off", "set it");
        let text = r#"{"check":"clock","result":"warn","what":"is off","remedy":"set it"}"#;
        assert_eq!(serde_json::to_string(&check).unwrap(), text);
    }
}

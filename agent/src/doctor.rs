//! What can be checked without starting anything: configuration, folders, disk, clock, keys, the way to the
//! collector. Each check says what is and, unless it passes, what to do.

mod here;
mod way;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Config;

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

/// What the system says of proxies, for the check of `[collector] proxy`: the value of `HTTPS_PROXY` or its like,
/// without a password, or the address of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemProxy {
    /// `host:port`.
    pub address: Option<String>,
    /// A script (PAC) decides.
    pub script: bool,
}

/// Examines everything. `now` is seconds since 1970.
pub fn examine(config: &Config, reach: Reach, system: &SystemProxy, now: i64) -> Vec<Check> {
    let (service, status) = here::service(config);
    let mut checks = vec![here::data_dir(&config.data_dir), here::disk(config)];
    checks.push(here::outbox(&config.kathea.outbox));
    checks.extend(here::folders(config));
    checks.extend([service, here::clock(now), here::keys(config, status.as_ref())]);
    checks.extend(here::machine(&config.data_dir));
    checks.extend(here::enrolment(status.as_ref()));
    checks.extend(way::certificate(&config.data_dir, now));
    checks.push(way::proxy(config.collector.proxy.as_deref(), system));
    checks.extend(way::collector(config, reach, now));
    checks
}

#[cfg(test)]
mod tests;

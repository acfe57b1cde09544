//! A check and its verdict, as shown by `doctor`, `support check` and their pages.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

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

//! A check and its verdict, as shown by `doctor`, `support check` and their pages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::texts::{Language, Said, Text};

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
    /// The key of `what`; empty in drafts of the first version.
    #[serde(default)]
    pub key: String,
    /// The arguments of `what` by their names.
    #[serde(default)]
    pub arguments: BTreeMap<String, String>,
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

/// What one check found, in both languages, with the key of each text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub result: Verdict,
    /// How it is, in words.
    pub what: Said,
    /// What to do; none if nothing.
    pub remedy: Option<Said>,
}

impl Finding {
    /// Nothing to do.
    pub fn pass(check: &'static str, what: impl Text) -> Self {
        Self { check, result: Verdict::Pass, what: what.said(), remedy: None }
    }

    /// Somebody should look.
    pub fn warn(check: &'static str, what: impl Text, remedy: impl Text) -> Self {
        Self { check, result: Verdict::Warn, what: what.said(), remedy: Some(remedy.said()) }
    }

    /// Somebody must act.
    pub fn fail(check: &'static str, what: impl Text, remedy: impl Text) -> Self {
        Self { check, result: Verdict::Fail, what: what.said(), remedy: Some(remedy.said()) }
    }

    /// What to do, in this language; empty if nothing.
    pub fn remedy(&self, language: Language) -> String {
        self.remedy.as_ref().map(|remedy| remedy.text(language)).unwrap_or_default()
    }

    /// As it is shown and kept.
    pub fn in_language(&self, language: Language) -> Check {
        let (what, remedy) = (self.what.text(language), self.remedy(language));
        let Said { key, arguments, .. } = self.what.clone();
        Check { check: Cow::Borrowed(self.check), result: self.result, what, remedy, key, arguments }
    }
}

crate::texts! { Verdict {
    Self::Pass => "pass", "i orden";
    Self::Warn => "warn", "bemærk";
    Self::Fail => "fail", "kræver handling";
} }

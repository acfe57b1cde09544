//! A check and its verdict, as shown by `doctor`, `support check` and their pages.

use std::borrow::Cow;

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
    /// The key of `what`; empty in a bundle.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
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
        Check { check: Cow::Borrowed(self.check), result: self.result, what, remedy, key: String::new() }
    }

    /// For programs: in English, with the key of what was found.
    pub fn for_programs(&self) -> Check {
        Check { key: self.what.key.clone(), ..self.in_language(Language::En) }
    }
}

crate::texts! { Verdict {
    Self::Pass => "pass", "i orden";
    Self::Warn => "warn", "bemærk";
    Self::Fail => "fail", "kræver handling";
} }

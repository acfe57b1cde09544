//! The policy: what a controller requests, its legal basis and its periods. Data, not code.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use protocol::period::{Kept, Period};
use protocol::policy::POLICIES;
use protocol::{Digest, Purpose};
use serde::Deserialize;

use super::problem::Problem;
use crate::config::{Config, Language};
use crate::harmless;
use crate::limits;
use crate::nearest::nearest;
use crate::presence::{self, Why};

mod languages;
mod values;

pub(super) use languages::Around;
pub use languages::PerLanguage;
use languages::{Phrases, is_built_in};
use values::{filled, midnight, place};

/// A policy and the hash that a consent under it names.
#[derive(Clone, Debug)]
pub struct Policy {
    terms: File,
    hash: Digest,
    /// The line of the file that says when it takes effect.
    effective_line: usize,
    /// The language that is shown whatever language the rest of a page has.
    shown_in: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(deserialize_with = "filled")]
    id: String,
    #[serde(deserialize_with = "filled")]
    version: String,
    #[serde(deserialize_with = "midnight")]
    effective: i64,
    #[serde(default)]
    editorial_change_of: Vec<Digest>,
    #[serde(default)]
    endpoints: Vec<String>,
    #[serde(default, deserialize_with = "place")]
    residency: Option<String>,
    #[serde(default)]
    answers: Option<Period>,
    controller: Controller,
    words: PerLanguage<Words>,
    /// Of each language that is not built in.
    #[serde(default)]
    phrases: BTreeMap<String, Phrases>,
    purposes: BTreeMap<Purpose, Terms>,
}

/// Who decides why and how data is processed (GDPR art. 4(7)).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// The company.
    #[serde(deserialize_with = "filled")]
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "filled")]
    pub address: String,
    /// Its number in the national register of companies.
    #[serde(deserialize_with = "filled")]
    pub registration: String,
    /// Whom to write to.
    #[serde(deserialize_with = "filled")]
    pub contact: String,
    /// Where to complain (GDPR art. 77).
    #[serde(deserialize_with = "filled")]
    pub complaint: String,
}

/// What holds for every purpose, in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// What the site may do about it.
    #[serde(deserialize_with = "filled")]
    pub rights: String,
    /// Where data may go.
    #[serde(deserialize_with = "filled")]
    pub transfers: String,
    /// How long the answers themselves are kept.
    #[serde(deserialize_with = "filled")]
    pub records: String,
    /// The parts of the controller's policy that no agent has to do with.
    #[serde(deserialize_with = "filled")]
    pub outside: Vec<String>,
}

/// What is asked for one purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The articles that it rests on.
    #[serde(deserialize_with = "filled")]
    pub legal_basis: String,
    /// How long a yes lasts.
    pub lasts: Period,
    /// How long something may wait on the device.
    pub on_device: Period,
    /// How long the vendor keeps it, and from which event on.
    pub vendor_retention: Kept,
    /// What is shown to people.
    pub text: PerLanguage<Text>,
}

/// What is shown to people about a purpose, in one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// One line.
    #[serde(deserialize_with = "filled")]
    pub title: String,
    /// The question and what a yes means.
    #[serde(deserialize_with = "filled")]
    pub body: String,
    /// Categories of data.
    #[serde(deserialize_with = "filled")]
    pub data: Vec<String>,
    /// Who receives it.
    #[serde(deserialize_with = "filled")]
    pub recipients: Vec<String>,
    /// Where it is held.
    #[serde(deserialize_with = "filled")]
    pub place: String,
}

impl Policy {
    /// The policy that the configuration names: the id of a built-in one, or a path.
    pub fn load(name: &str) -> Result<Self, PolicyError> {
        if let Some((_, text)) = POLICIES.iter().find(|(id, _)| *id == name) {
            return Self::parse(text);
        }
        let path = Path::new(name);
        match presence::given_text(path) {
            Ok(text) => Self::parse(&text),
            Err(error) => Err(PolicyError::Unreadable { path: path.to_owned(), why: error.kind() }),
        }
    }

    /// The policy that is configured, in the language that is.
    pub fn configured(config: &Config) -> Result<Self, PolicyError> {
        let policy = Self::load(&config.policy)?;
        match &config.policy_language {
            None => Ok(policy),
            Some(tag) => policy.shown_in(tag),
        }
    }

    /// The same, its texts shown in this language.
    pub fn shown_in(mut self, tag: &str) -> Result<Self, PolicyError> {
        let Some(found) = self.terms.words.tag(tag) else {
            let known = self.terms.words.tags().collect::<Vec<_>>().join(", ");
            return Err(PolicyError::NoLanguage { wanted: tag.to_owned(), known });
        };
        self.shown_in = Some(found.to_owned());
        Ok(self)
    }

    /// The policy in this TOML.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let terms: File = toml::from_str(text).map_err(|error: toml::de::Error| PolicyError::Malformed {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })?;
        let line = |key: &str| {
            let at = text.match_indices(key).map(|(at, _)| at);
            line_of(text, at.filter(|at| *at == 0 || text[..*at].ends_with('\n')).min().unwrap_or_default())
        };
        if let Some((key, what)) = terms.lacks() {
            return Err(PolicyError::Malformed { line: line(&key), what });
        }
        let effective_line = line("effective");
        Ok(Self { terms, hash: Digest::of(text.as_bytes()), effective_line, shown_in: None })
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.terms.id
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.terms.version
    }

    /// SHA-256 of its bytes.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Whether a yes to the policy with this hash is a yes to this one: to itself, or to one that it changes in
    /// words only.
    pub fn continues(&self, hash: Digest) -> bool {
        self.hash == hash || self.terms.editorial_change_of.contains(&hash)
    }

    /// Where what leaves may go: names of hosts, `*.` before a name for all below it. None: wherever the vendor's own
    /// CA vouches for.
    pub fn endpoints(&self) -> &[String] {
        &self.terms.endpoints
    }

    /// The place where the collector must say that it holds data, in the word of its capabilities. None: no place is
    /// promised.
    pub fn residency(&self) -> Option<&str> {
        self.terms.residency.as_deref()
    }

    /// Days for which the answers are kept after the consent that they are about ended.
    pub fn answers_days(&self) -> u32 {
        self.terms.answers.map_or(0, Period::days)
    }

    /// Midnight UTC of the day it takes effect, in seconds since 1970.
    pub fn effective(&self) -> i64 {
        self.terms.effective
    }

    /// What is wrong with it at `now`: a policy that takes effect later allows nothing before.
    pub(super) fn problem(&self, now: i64) -> Option<Problem> {
        let early = now < self.effective().saturating_sub(limits::CLOCK_BEHIND);
        early.then_some(Problem::FuturePolicy { line: self.effective_line })
    }

    /// Who asks.
    pub fn controller(&self) -> &Controller {
        &self.terms.controller
    }

    /// What holds for every purpose.
    pub fn words(&self, language: Language) -> &Words {
        self.terms.words.of(self.tag(language))
    }

    /// What is shown about a purpose.
    pub fn text<'a>(&'a self, terms: &'a Terms, language: Language) -> &'a Text {
        terms.text.of(self.tag(language))
    }

    /// The tag of the texts that are shown where a page is in `language`.
    pub(super) fn tag(&self, language: Language) -> &str {
        self.shown_in.as_deref().unwrap_or(language.as_str())
    }

    /// Words around the facts, and the words of the policy, for this tag.
    pub(super) fn around(&self, tag: &str) -> (Around<'_>, &Words) {
        let words = &self.terms.words;
        let found = words.tag(tag).or_else(|| words.tags().next()).unwrap_or(tag);
        (Around::of(found, &self.terms.phrases), words.of(tag))
    }

    /// Every language in which a notice is part of its digest: English and Danish, whatever they fall back to, then
    /// all others of the policy.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        ["en", "da"].into_iter().chain(self.terms.words.tags().filter(|tag| !is_built_in(tag)))
    }

    /// What is asked for `purpose`; `None` if this controller does not offer it.
    pub fn terms(&self, purpose: Purpose) -> Option<&Terms> {
        self.terms.purposes.get(&purpose)
    }
}

impl File {
    /// The key and what it lacks: a language that some texts have and others do not.
    fn lacks(&self) -> Option<(String, String)> {
        let tags: Vec<&str> = self.words.tags().collect();
        for (purpose, terms) in &self.purposes {
            if !terms.text.tags().eq(tags.iter().copied()) {
                let what = format!(
                    "the texts of {purpose} have to be in the languages of [words]: {}",
                    tags.join(", ")
                );
                return Some((format!("[purposes.{purpose}"), what));
            }
        }
        for tag in tags.into_iter().filter(|tag| !is_built_in(tag)) {
            let Some(phrases) = self.phrases.get(tag) else {
                let what =
                    format!("[phrases.{tag}] is missing: the agent itself speaks English and Danish only");
                return Some((format!("[words.{tag}]"), what));
            };
            if let Some(flaw) = phrases.flaw() {
                return Some((format!("[phrases.{tag}]"), format!("in [phrases.{tag}] {flaw}")));
            }
        }
        let unused = self.phrases.keys().find(|tag| is_built_in(tag) || self.words.tag(tag) != Some(tag));
        unused.map(|tag| {
            (format!("[phrases.{tag}]"), format!("no text is in `{tag}`, or the agent speaks it itself"))
        })
    }
}

/// Why a policy is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// No built-in policy has this name, and there is no such file.
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why, in the system's words.
        why: io::ErrorKind,
    },
    /// Something in the file is wrong.
    Malformed {
        /// From 1.
        line: usize,
        /// What.
        what: String,
    },
    /// The configuration asks for a language that it does not have.
    NoLanguage {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
}

/// A policy is read by administrators, and its errors name lines of a file: they are in English only.
impl crate::texts::Text for PolicyError {
    fn text(&self, _: Language) -> String {
        self.to_string()
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, why } => {
                let ids: Vec<&str> = POLICIES.iter().map(|(id, _)| *id).collect();
                let (shown, why) = (harmless::path(path), Why(*why));
                let known = ids.join(", ");
                write!(
                    f,
                    "the policy {shown} cannot be read ({why}): `policy` is a file, or one of {known}"
                )?;
                match nearest(&shown, ids) {
                    Some(id) => write!(f, "; the nearest is {id}"),
                    None => Ok(()),
                }
            }
            Self::NoLanguage { wanted, known } => write!(
                f,
                "the policy has no texts in `{}`: `policy_language` is one of {known}",
                harmless::path(Path::new(wanted))
            ),
            Self::Malformed { line, what } => {
                write!(f, "line {line} of the policy is wrong: {what}; correct it and start again")
            }
        }
    }
}

impl std::error::Error for PolicyError {}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;

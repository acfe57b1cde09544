//! The languages of a policy: any, by data alone, and which of them is shown.
//!
//! A language is looked for in this order: the tag that the configuration asks for (`policy_language`, else `language`),
//! the same without what stands behind its first hyphen (`de` for `de-AT`), `en`, and the first in alphabetical order.

use std::collections::BTreeMap;

use protocol::period::{Kept, Period, Start};
use serde::Deserialize;

use super::filled;

/// Whatever a policy says in each of its languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "BTreeMap<String, T>")]
pub struct PerLanguage<T> {
    /// Taken where nothing else fits, with its tag.
    last: (String, T),
    others: BTreeMap<String, T>,
}

impl<T> TryFrom<BTreeMap<String, T>> for PerLanguage<T> {
    type Error = String;

    fn try_from(mut texts: BTreeMap<String, T>) -> Result<Self, String> {
        if let Some(tag) = texts.keys().find(|tag| !is_tag(tag)) {
            return Err(format!("`{tag}` is no language tag: write one such as `de` or `de-AT`"));
        }
        let last = texts.remove_entry("en").or_else(|| texts.pop_first());
        let last = last.ok_or("it needs a text in one language at least, such as [words.en]")?;
        Ok(Self { last, others: texts })
    }
}

impl<T> PerLanguage<T> {
    /// In the language that is nearest to this tag.
    pub fn of(&self, wanted: &str) -> &T {
        self.tag(wanted).and_then(|tag| self.others.get(tag)).unwrap_or(&self.last.1)
    }

    /// The tag of the texts for this one; `None` if there is none in this language.
    pub(super) fn tag(&self, wanted: &str) -> Option<&str> {
        let known = |wanted: &str| self.tags().find(|tag| *tag == wanted);
        known(wanted).or_else(|| known(wanted.split('-').next().unwrap_or_default()))
    }

    /// Every tag: first that of the texts that are taken where nothing else fits.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.last.0).chain(self.others.keys()).map(String::as_str)
    }
}

/// Of BCP 47 only as much: a language of two or three lower-case letters, and parts of two to eight letters or digits.
fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// What stands around the facts of a notice, in a language that is not built in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    /// In the order of [`ENGLISH`].
    #[serde(deserialize_with = "filled")]
    labels: Vec<String>,
    /// `{}` days, months, years; `{}` from receipt, from the last contact, from the decommissioning.
    #[serde(deserialize_with = "filled")]
    periods: Vec<String>,
}

const LABELS: usize = 13;
const PERIODS: usize = 6;

const ENGLISH: ([&str; LABELS], [&str; PERIODS]) = (
    [
        "Data",
        "Asked by",
        "Legal basis",
        "Recipients",
        "Held in",
        "Kept on this device at most",
        "Kept by the vendor",
        "A yes lasts",
        "Your answer is kept",
        "Your rights",
        "Write to",
        "Complain to",
        "Policy",
    ],
    [
        "{} days",
        "{} months",
        "{} years",
        "{} from receipt",
        "{} from the last contact about the case",
        "up to {} after the device is taken out of use",
    ],
);

const DANISH: ([&str; LABELS], [&str; PERIODS]) = (
    [
        "Oplysninger",
        "Dataansvarlig",
        "Retsgrundlag",
        "Modtagere",
        "Opbevares i",
        "Opbevares på denne enhed højst",
        "Opbevares hos leverandøren",
        "Et ja gælder i",
        "Jeres svar opbevares",
        "Jeres rettigheder",
        "Skriv til",
        "Klag til",
        "Politik",
    ],
    [
        "{} dage",
        "{} måneder",
        "{} år",
        "{} fra modtagelsen",
        "{} fra den seneste kontakt om sagen",
        "op til {} efter, at enheden tages ud af brug",
    ],
);

impl Phrases {
    /// What is wrong with them.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        if self.labels.len() != LABELS {
            return Some("`labels` has to name 13 things");
        }
        let is_pattern = |text: &String| text.matches("{}").count() == 1;
        let is_right = self.periods.len() == PERIODS && self.periods.iter().all(is_pattern);
        (!is_right).then_some("`periods` has to say 6 things, each with one {} for the period")
    }
}

/// The words around the facts in one language.
pub(in crate::consent) struct Around<'a> {
    pub(in crate::consent) labels: Vec<&'a str>,
    periods: Vec<&'a str>,
}

/// Whether the agent itself has the words around the facts.
pub(super) fn is_built_in(tag: &str) -> bool {
    matches!(tag, "en" | "da")
}

impl<'a> Around<'a> {
    /// In the language of `tag`: of the policy, else built in, else in English.
    pub(super) fn of(tag: &str, phrases: &'a BTreeMap<String, Phrases>) -> Self {
        let built_in = if tag == "da" { &DANISH } else { &ENGLISH };
        match phrases.get(tag) {
            Some(Phrases { labels, periods }) => {
                let texts = |of: &'a [String]| of.iter().map(String::as_str).collect();
                Self { labels: texts(labels), periods: texts(periods) }
            }
            None => Self { labels: built_in.0.to_vec(), periods: built_in.1.to_vec() },
        }
    }

    /// A period in words.
    pub(in crate::consent) fn period(&self, period: Period) -> String {
        let (number, unit) = period.parts();
        self.put(usize::from(unit), &number.to_string())
    }

    /// How long the vendor keeps it, in words.
    pub(in crate::consent) fn kept(&self, kept: Kept) -> String {
        let start = match kept.from {
            Start::Receipt => 3,
            Start::LastContact => 4,
            Start::Decommissioning => 5,
        };
        self.put(start, &self.period(kept.period))
    }

    fn put(&self, at: usize, what: &str) -> String {
        self.periods.get(at).copied().unwrap_or("{}").replacen("{}", what, 1)
    }
}

//! Triage: which cause the signs of a case speak for. The rules are data.

use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;
use crate::timeline::Case;

/// The rules that the program brings.
const BUILT_IN: &str = include_str!("rules.toml");
/// Bytes of a file of rules.
const MOST: u64 = 1 << 20;
/// Lines that are quoted for one sign.
const QUOTED: usize = 3;

/// All rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// A cause whose signs weigh less is not shown.
    least: u32,
    rule: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    cause: String,
    advice: String,
    signs: Vec<Weighed>,
}

#[derive(Debug, Deserialize)]
struct Weighed {
    weight: u32,
    #[serde(flatten)]
    sign: Sign,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sign {
    Check {
        check: String,
        #[serde(default)]
        says: Vec<String>,
        result: Vec<String>,
    },
    Log {
        log: Vec<String>,
        #[serde(default = "once")]
        least: u64,
    },
    Code {
        code: Vec<u32>,
        #[serde(default = "once")]
        least: u64,
    },
    Count {
        count: String,
        least: f64,
    },
}

const fn once() -> u64 {
    1
}

/// A cause that signs of the case speak for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cause<'a> {
    pub(crate) id: &'a str,
    pub(crate) cause: &'a str,
    pub(crate) advice: &'a str,
    pub(crate) weight: u32,
    /// What was seen, a sentence each.
    pub(crate) seen: Vec<String>,
}

impl Rules {
    /// Those of `file`, or those that the program brings.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Failure> {
        let text = match file {
            None => BUILT_IN.to_owned(),
            Some(path) => {
                let length = std::fs::metadata(path).map_err(Failure::at(path))?.len();
                if length > MOST {
                    return Err(Failure::usage(format!(
                        "{} is too long for a file of rules",
                        path.display()
                    )));
                }
                std::fs::read_to_string(path).map_err(Failure::at(path))?
            }
        };
        let mut rules: Self = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Failure::usage(format!(
                "the rules cannot be read (line {line}): rules.toml of the package shows the form"
            ))
        })?;
        // Lines are compared in lower case.
        for weighed in rules.rule.iter_mut().flat_map(|rule| &mut rule.signs) {
            if let Sign::Log { log, .. } = &mut weighed.sign {
                log.iter_mut().for_each(|text| text.make_ascii_lowercase());
            }
        }
        Ok(rules)
    }

    /// Whether a rule looks for this line.
    pub(crate) fn want(&self, line: &str) -> bool {
        let line = line.to_ascii_lowercase();
        let texts = self.rule.iter().flat_map(|rule| &rule.signs).filter_map(|weighed| match &weighed.sign {
            Sign::Log { log, .. } => Some(log),
            _ => None,
        });
        texts.flatten().any(|text| line.contains(text.as_str()))
    }

    /// The causes, the most likely first.
    pub(crate) fn apply(&self, case: &Case) -> Vec<Cause<'_>> {
        let mut causes: Vec<Cause<'_>> = self.rule.iter().map(|rule| rule.judge(case)).collect();
        causes.retain(|cause| cause.weight >= self.least);
        // Of equal ones the order of the file decides.
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.weight));
        causes
    }
}

impl Rule {
    fn judge(&self, case: &Case) -> Cause<'_> {
        let found =
            self.signs.iter().filter_map(|Weighed { weight, sign }| Some((*weight, sign.look(case)?)));
        let (mut weight, mut seen) = (0, Vec::new());
        for (of_sign, sentences) in found {
            weight += of_sign;
            seen.extend(sentences);
        }
        Cause { id: &self.id, cause: &self.cause, advice: &self.advice, weight, seen }
    }
}

impl Sign {
    /// What of it is in the case.
    fn look(&self, case: &Case) -> Option<Vec<String>> {
        match self {
            Self::Check { check, says, result } => {
                let is_meant =
                    |what: &str| says.is_empty() || says.iter().any(|word| what.contains(word.as_str()));
                let found = case
                    .checks
                    .iter()
                    .filter(|one| one.check == *check && result.contains(&one.result) && is_meant(&one.what));
                let seen: Vec<String> = found.map(|one| format!("Check: {}", one.what)).collect();
                (!seen.is_empty()).then_some(seen)
            }
            Self::Log { log, least } => {
                let is_meant = |text: &str| {
                    let text = text.to_ascii_lowercase();
                    log.iter().any(|word| text.contains(word.as_str()))
                };
                let found: Vec<_> = case
                    .moments
                    .iter()
                    .filter(|moment| moment.source.starts_with("logs/") && is_meant(&moment.text))
                    .collect();
                let times = found.iter().fold(0_u64, |sum, moment| sum.saturating_add(moment.times));
                let quoted = found.iter().rev().take(QUOTED);
                let quoted = quoted.map(|moment| format!("{} {}: {}", moment.at, moment.source, moment.text));
                (times >= *least)
                    .then(|| std::iter::once(format!("{times} lines of the logs")).chain(quoted).collect())
            }
            Self::Code { code, least } => {
                let times = code.iter().filter_map(|code| case.errors.get(code)).sum::<u64>();
                (times >= *least).then(|| vec![format!("{times} errors with a code of this cause")])
            }
            Self::Count { count, least } => {
                let number = case.counts.get(count).copied().unwrap_or(0.0);
                (number >= *least).then(|| vec![format!("{count}: {number}")])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_that_the_program_brings_are_read_and_each_has_a_name_of_its_own() {
        let rules = Rules::load(None).unwrap();
        let names: std::collections::BTreeSet<&str> =
            rules.rule.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(names.len(), rules.rule.len());
        let is_lower = |sign: &Weighed| match &sign.sign {
            Sign::Log { log, .. } => log.iter().all(|text| *text == text.to_ascii_lowercase()),
            _ => true,
        };
        assert!(rules.rule.iter().flat_map(|rule| &rule.signs).all(is_lower));
        assert!(rules.want("10:00 [ERROR] store(3): No space left on device") && !rules.want("[INFO] ready"));
    }

    #[test]
    fn the_case_of_a_rules_text_is_of_no_account() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rules.toml");
        let text = "least = 1\n[[rule]]\nid = \"a\"\ncause = \"b\"\nadvice = \"c\"\n\
                    signs = [{ weight = 1, log = [\"Disk FULL\"] }]\n";
        std::fs::write(&file, text).unwrap();
        assert!(Rules::load(Some(&file)).unwrap().want("x disk full"));
    }

    #[test]
    fn rules_that_are_none_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rules.toml");
        for wrong in ["", "least = 1", "least = 1\nrule = [{}]", "least = 1\nrules = []", "x"] {
            std::fs::write(&file, wrong).unwrap();
            assert!(Rules::load(Some(&file)).unwrap_err().to_string().contains("cannot be read"), "{wrong}");
        }
    }
}

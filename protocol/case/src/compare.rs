//! An earlier case of the same device beside this one: what is new, what is gone, what came more often.

use std::collections::BTreeSet;

use crate::manifest::Manifest;
use crate::rules::Cause;
use crate::timeline::Case;

/// Times by which an error has to come more often to be called more frequent.
const MORE: u64 = 2;

/// What differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// The earlier case.
    pub(crate) case: String,
    /// Sentences, the worse ones first.
    pub(crate) sentences: Vec<String>,
}

/// One opened case with what the rules say of it.
pub(crate) struct Judged<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) case: &'a Case,
    pub(crate) causes: &'a [Cause<'a>],
}

/// What differs between an earlier case and the one `now`. Their dates cannot be compared: each case has a shift of its own.
pub(crate) fn compare(before: &Judged<'_>, now: &Judged<'_>) -> Differences {
    let mut sentences = Vec::new();
    let (had, has) = (names(before.causes), names(now.causes));
    for cause in now.causes {
        let what = if had.contains(cause.id) { "Again" } else { "New" };
        sentences.push(format!("{what}: {}", cause.cause));
    }
    for cause in before.causes.iter().filter(|cause| !has.contains(cause.id)) {
        sentences.push(format!("No longer: {}", cause.cause));
    }
    for (code, count) in &now.case.errors {
        match before.case.errors.get(code) {
            None => sentences.push(format!("Error {code} is new: {count} times")),
            Some(earlier) if *count >= earlier.saturating_mul(MORE) => {
                sentences.push(format!("Error {code} came {count} times, {earlier} times before"));
            }
            Some(_) => {}
        }
    }
    for code in before.case.errors.keys().filter(|code| !now.case.errors.contains_key(code)) {
        sentences.push(format!("Error {code} no longer comes"));
    }
    for check in &now.case.checks {
        let earlier = before.case.checks.iter().find(|earlier| {
            is_same(&earlier.what, &check.what) || {
                earlier.check == check.check
                    && now.case.checks.iter().filter(|one| one.check == check.check).count() == 1
            }
        });
        if let Some(earlier) = earlier.filter(|earlier| earlier.result != check.result) {
            sentences.push(format!(
                "Check {}: {} before, {} now: {}",
                check.check, earlier.result, check.result, check.what
            ));
        }
    }
    if before.manifest.agent != now.manifest.agent {
        sentences.push(format!("kathea-agent {} before, {} now", before.manifest.agent, now.manifest.agent));
    }
    if sentences.is_empty() {
        sentences.push("Nothing differs in causes, errors and checks".to_owned());
    }
    Differences { case: before.manifest.case.to_string(), sentences }
}

fn names<'a>(causes: &[Cause<'a>]) -> BTreeSet<&'a str> {
    causes.iter().map(|cause| cause.id).collect()
}

/// Whether two sentences of a check are the same but for their numbers.
fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>();
    words(one) == words(other)
}

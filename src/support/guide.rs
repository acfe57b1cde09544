//! All of it at a terminal: what is looked for, what was found, the question, the seal, the way to the vendor. In the
//! clinic's language. A wrong answer is asked again; leaving keeps the draft.

use std::io;
use std::io::IsTerminal;
use std::path::PathBuf;

use agent::api::support::{Bundled, Drafted};
use agent::config::Config;
use agent::support::gather::STEPS;
use protocol::ledger::Role;
use protocol::{CaseId, CaseReason};

use super::{case_request, copy, gather, wait};
use crate::ask;
use crate::cli::Choice;
use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, table};
use crate::reach::Line;
use crate::texts::say;
use crate::texts::status::About;
use crate::texts::support::Say;

/// Digits of the digest that stand on the page as its code, and are typed here.
const CODE: usize = agent::support::page::CODE;

/// Guides through a case; nothing is sealed before somebody typed the code that stands on the preview.
pub(super) fn guide(
    line: &mut Line<'_>,
    config: &Config,
    mut choice: Choice,
    output: Option<PathBuf>,
    by: Option<Role>,
) -> Result<Exit, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(say(Say::GuideNeedsTerminal)));
    }
    let left = || Failure::usage(say(Say::NothingChosen));
    let case = match choice.case.clone() {
        Some(case) => case,
        None => ask::until(&say(Say::CaseNumber), &say(Say::NoCaseNumber), |typed| {
            typed.to_uppercase().parse::<CaseId>().ok()
        })?
        .ok_or_else(left)?,
    };
    choice.case = Some(case.clone());
    let steps: Vec<Vec<String>> =
        STEPS.iter().map(|step| vec![config.language.pick(step.en, step.da).to_owned()]).collect();
    print::words(&table(&say(Say::LookedForHere), &steps));
    print::words(&say(Say::NothingLeaves));
    if choice.reason.is_none() {
        choice.reason = Some(reason()?.ok_or_else(left)?);
    }
    let is_chosen = choice.last_scan || choice.pick || choice.since.is_some() || !choice.scans.is_empty();
    if !is_chosen {
        let (question, again) = (say(Say::WhichScans), say(Say::WhichAgain));
        let which = ask::until(&question, &again, |typed| match typed.to_lowercase().as_str() {
            "" | "l" => Some('l'),
            "p" => Some('p'),
            "n" => Some('n'),
            _ => None,
        })?;
        let which = which.ok_or_else(left)?;
        (choice.last_scan, choice.pick) = (which == 'l', which == 'p');
    }
    let case_request = case_request::from_options(line, &choice)?;
    let made = gather::draft(line, config, case_request)?;
    let dir = output.unwrap_or_else(|| PathBuf::from(format!("support-{case}")));
    copy::preview(line, config, &made, &dir)?;
    let (files, size, page) = (made.files, bytes(made.bytes), dir.join("preview.html"));
    print::words(&say(Say::ReadPage { files, size, page }));
    ask_and_seal(line, &made, by)
}

/// What somebody answers to the question whether it may leave.
enum Answer {
    Yes,
    No,
}

fn ask_and_seal(line: &mut Line<'_>, made: &Drafted, by: Option<Role>) -> Result<Exit, Failure> {
    let digest = made.digest.to_string();
    let answer = ask::until(&say(Say::MayItLeave), &say(Say::OtherCode), |typed| answered(typed, &digest))?;
    let by = match answer {
        Some(Answer::Yes) => by.map_or_else(ask::role, |by| Ok(Some(by)))?,
        Some(Answer::No) | None => None,
    };
    let Some(by) = by else {
        print::words(&say(Say::SaidNo));
        print::words(&copy::how_to_say_yes(made, "."));
        return Ok(Exit::NotAllowed);
    };
    let Bundled { bundle, case, .. } = wait::sealed(line, made.draft.clone(), digest, by)?;
    print::words(&say(Say::Sealed { bundle: bundle.clone(), case }));
    if !line.is_service()? {
        print::words(&say(Say::SentLater));
        return Ok(Exit::Done);
    }
    print::words(&say(Say::GoesOn));
    wait::delivered(line, &bundle, false)
}

fn answered(typed: &str, digest: &str) -> Option<Answer> {
    let typed = typed.to_lowercase().replace(' ', "");
    match typed.as_str() {
        "n" | "no" | "nej" => Some(Answer::No),
        code if code.len() >= CODE && digest.starts_with(code) => Some(Answer::Yes),
        _ => None,
    }
}

fn reason() -> Result<Option<CaseReason>, Failure> {
    let rows = CaseReason::ALL.iter().enumerate();
    let rows: Vec<Vec<String>> =
        rows.map(|(at, reason)| vec![(at + 1).to_string(), say(About(*reason))]).collect();
    let question = table(&say(Say::Subject), &rows);
    let last = rows.len();
    ask::until(&format!("{question}1-{last}"), &say(Say::NotOnList { last }), |typed| {
        let at = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let by_word = || {
            CaseReason::ALL
                .iter()
                .find(|reason| reason.as_str() == typed || say(About(**reason)) == typed.to_lowercase())
        };
        at.and_then(|at| CaseReason::ALL.get(at)).or_else(by_word).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_the_page_is_a_yes() {
        let digest = "5f9c01d47be2a866";
        let yes = |typed| matches!(answered(typed, digest), Some(Answer::Yes));
        assert!(yes("5f9c01") && yes("5F9C 01") && yes(digest));
        assert!(!yes("5f9c0") && !yes("") && !yes("yes") && !yes("ja") && !yes("5f9c02"));
        assert!(["n", "No", "nej"].iter().all(|typed| matches!(answered(typed, digest), Some(Answer::No))));
    }
}

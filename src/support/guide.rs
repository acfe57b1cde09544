//! All of it at a terminal: what is looked for, what was found, the question, the seal, the way to the vendor. In the
//! clinic's language. A wrong answer is asked again; leaving keeps the draft.

use std::io;
use std::io::IsTerminal;
use std::path::PathBuf;

use agent::api::support::{Bundled, Drafted};
use agent::config::{Config, Language};
use agent::harmless;
use agent::support::gather::STEPS;
use protocol::ledger::Role;
use protocol::{CaseId, CaseReason};

use super::{case_request, copy, gather, wait};
use crate::ask;
use crate::cli::Choice;
use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, table};
use crate::reach::Line;

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
        return Err(Failure::usage(
            "`support --case ID` asks at a terminal: use support preview and support create here",
        ));
    }
    let say = |en, da| config.language.pick(en, da);
    let left = || {
        Failure::usage(say(
            "nothing was chosen: nothing was gathered",
            "intet blev valgt: intet er indsamlet",
        ))
    };
    let case = match choice.case.clone() {
        Some(case) => case,
        None => ask::until(
            say("The number of the case, as CASE-1042", "Sagens nummer, som CASE-1042"),
            say(
                "That is no number of a case: it has 2 to 32 capital letters, digits and hyphens; the vendor gives it.",
                "Det er ikke et sagsnummer: det har 2 til 32 store bogstaver, cifre og bindestreger; leverandøren oplyser det.",
            ),
            |typed| typed.to_uppercase().parse::<CaseId>().ok(),
        )?
        .ok_or_else(left)?,
    };
    choice.case = Some(case.clone());
    let steps: Vec<Vec<String>> = STEPS.iter().map(|step| vec![say(step.en, step.da).to_owned()]).collect();
    print::words(&table(say("Looked for on this computer", "Det undersøges på denne computer"), &steps));
    print::words(say(
        "Names and numbers of patients are removed. Nothing leaves before you say yes.\n",
        "Patienters navne og numre fjernes. Intet forlader computeren, før I siger ja.\n",
    ));
    if choice.reason.is_none() {
        choice.reason = Some(reason(config.language)?.ok_or_else(left)?);
    }
    let is_chosen = choice.last_scan || choice.pick || choice.since.is_some() || !choice.scans.is_empty();
    if !is_chosen {
        let question = say(
            "Which scans? l the newest (default), p pick from a list, n none",
            "Hvilke optagelser? l den nyeste (standard), p vælg fra en liste, n ingen",
        );
        let again = say("Please type l, p or n.", "Skriv l, p eller n.");
        let which = ask::until(question, again, |typed| match typed.to_lowercase().as_str() {
            "" | "l" => Some('l'),
            "p" => Some('p'),
            "n" => Some('n'),
            _ => None,
        })?;
        let which = which.ok_or_else(left)?;
        (choice.last_scan, choice.pick) = (which == 'l', which == 'p');
    }
    let case_request = case_request::from_options(line, &choice, config.language)?;
    let made = gather::draft(line, config, case_request)?;
    let dir = output.unwrap_or_else(|| PathBuf::from(format!("support-{case}")));
    copy::preview(line, config, &made, &dir)?;
    print::words(&format!(
        "{} {}, {}\n{}\n\n  {}\n",
        made.files,
        say("files", "filer"),
        bytes(made.bytes),
        say("Open this page and read it:", "Åbn denne side og læs den:"),
        harmless::path(&dir.join("preview.html")),
    ));
    ask_and_seal(line, config, &made, by)
}

/// What somebody answers to the question whether it may leave.
enum Answer {
    Yes,
    No,
}

fn ask_and_seal(
    line: &mut Line<'_>,
    config: &Config,
    made: &Drafted,
    by: Option<Role>,
) -> Result<Exit, Failure> {
    let say = |en, da| config.language.pick(en, da);
    let digest = made.digest.to_string();
    let answer = ask::until(
        say(
            "May it leave, sealed so that only the vendor can open it?\n\
             To say yes, type the code that stands on the page. To say no, type n.",
            "Må det forlade huset, forseglet så kun leverandøren kan åbne det?\n\
             Sig ja ved at skrive koden fra siden. Sig nej ved at skrive n.",
        ),
        say(
            "That is not the code of the page. Type the code for yes, or n for no.",
            "Det er ikke sidens kode. Skriv koden for ja eller n for nej.",
        ),
        |typed| answered(typed, &digest),
    )?;
    let by = match answer {
        Some(Answer::Yes) => by.map_or_else(|| ask::role(config.language), |by| Ok(Some(by)))?,
        Some(Answer::No) | None => None,
    };
    let Some(by) = by else {
        print::words(say(
            "No. Nothing was sent; the draft is erased within 24 hours.",
            "Nej. Intet er sendt; udkastet slettes inden 24 timer.",
        ));
        print::words(&super::how_to_say_yes(made, "."));
        return Ok(Exit::NotAllowed);
    };
    let Bundled { bundle, case, .. } = super::create(line, made.draft.clone(), digest, by)?;
    print::words(&format!(
        "{} {bundle}\n  kathea-agent support list\n  kathea-agent support export {bundle} -o {case}.age",
        say("Sealed and queued as", "Forseglet og sat i kø som"),
    ));
    if !line.is_service()? {
        print::words(say(
            "The service does not run: it is sent when it does.",
            "Tjenesten kører ikke: den sendes, når den gør.",
        ));
        return Ok(Exit::Done);
    }
    print::words(say(
        "Sending. You may leave with Ctrl-C: it goes on by itself.",
        "Sendes. I kan gå med Ctrl-C: den sendes videre af sig selv.",
    ));
    wait::delivered(line, &bundle, config.language, false)
}

fn answered(typed: &str, digest: &str) -> Option<Answer> {
    let typed = typed.to_lowercase().replace(' ', "");
    match typed.as_str() {
        "n" | "no" | "nej" => Some(Answer::No),
        code if code.len() >= CODE && digest.starts_with(code) => Some(Answer::Yes),
        _ => None,
    }
}

fn reason(language: Language) -> Result<Option<CaseReason>, Failure> {
    let rows = CaseReason::ALL.iter().enumerate();
    let rows: Vec<Vec<String>> =
        rows.map(|(at, reason)| vec![(at + 1).to_string(), reason.as_str().to_owned()]).collect();
    let question = table(language.pick("What is it about?", "Hvad drejer det sig om?"), &rows);
    let last = rows.len();
    let again = language.pick("that is no number of the list:", "det er ikke et nummer på listen:");
    ask::until(&format!("{question}1-{last}"), &format!("{again} 1-{last}"), |typed| {
        let at = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let by_word = || CaseReason::ALL.iter().find(|reason| reason.as_str() == typed);
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

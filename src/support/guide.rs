//! All of it at a terminal: what is looked for, what was found, the question, the seal. In the clinic's language.

use std::io;
use std::io::IsTerminal;
use std::path::PathBuf;

use agent::api::support::{Bundled, Drafted};
use agent::config::{Config, Language};
use agent::harmless;
use agent::support::gather::STEPS;
use protocol::CaseReason;
use protocol::ledger::Role;

use super::{copy, gather, wish};
use crate::cli::Choice;
use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, table};
use crate::reach::Line;

/// Guides through a case; nothing is sealed before somebody typed the digits that stand on the preview.
pub(super) fn guide(
    line: &mut Line<'_>,
    config: &Config,
    mut choice: Choice,
    output: Option<PathBuf>,
) -> Result<Exit, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "`support --case ID` asks at a terminal: use support preview and support create here",
        ));
    }
    let say = |en, da| config.language.pick(en, da);
    let case = match choice.case.clone() {
        Some(case) => case,
        None => answer(say("The number of the case, as CASE-1042", "Sagens nummer, som CASE-1042"))?
            .parse()
            .map_err(|_| Failure::usage("that is no number of a case: the vendor gives it, as CASE-1042"))?,
    };
    choice.case = Some(case.clone());
    let steps: Vec<Vec<String>> = STEPS.iter().map(|step| vec![say(step.en, step.da).to_owned()]).collect();
    print::words(&table(say("Looked for on this computer", "Det undersøges på denne computer"), &steps));
    print::words(say(
        "Names and numbers of patients are removed. Nothing leaves before you say yes.\n",
        "Patienters navne og numre fjernes. Intet forlader computeren, før I siger ja.\n",
    ));
    if choice.reason.is_none() {
        choice.reason = Some(reason(say("What is it about?", "Hvad drejer det sig om?"))?);
    }
    let is_chosen = choice.last_scan || choice.pick || choice.since.is_some() || !choice.scans.is_empty();
    if !is_chosen {
        let question = say(
            "Which scans? l the newest, p pick from a list, n none",
            "Hvilke optagelser? l den nyeste, p vælg fra en liste, n ingen",
        );
        match answer(question)?.as_str() {
            "l" => choice.last_scan = true,
            "p" => choice.pick = true,
            "n" => {}
            _ => return Err(Failure::usage("l, p or n")),
        }
    }
    let wish = wish::wish(line, &choice, config.language)?;
    let made = gather::draft(line, config, wish)?;
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
    ask_and_seal(line, config.language, &made)
}

fn ask_and_seal(line: &mut Line<'_>, language: Language, made: &Drafted) -> Result<Exit, Failure> {
    let say = |en, da| language.pick(en, da);
    let yes = answer(say(
        "May it leave, sealed so that only the vendor can open it?\n\
         To say yes, type the first 16 digits of the digest on the page. Anything else is a no.",
        "Må det forlade huset, forseglet så kun leverandøren kan åbne det?\n\
         Sig ja ved at skrive de første 16 tegn af sidens digest. Alt andet er et nej.",
    ))?;
    if yes.len() < 16 || !made.digest.to_string().starts_with(&yes) {
        print::words(say(
            "No. Nothing was sent; the draft is erased within 24 hours.",
            "Nej. Intet er sendt; udkastet slettes inden 24 timer.",
        ));
        return Ok(Exit::NotAllowed);
    }
    let role = answer(say(
        "Who says so? owner, privacy_officer or delegate",
        "Hvem siger det? owner (ejer), privacy_officer (databeskyttelsesansvarlig) eller delegate (befuldmægtiget)",
    ))?;
    let by = match role.as_str() {
        "owner" => Role::Owner,
        "privacy_officer" => Role::PrivacyOfficer,
        "delegate" => Role::Delegate,
        _ => return Err(Failure::usage("owner, privacy_officer or delegate")),
    };
    let Bundled { bundle, case, .. } = super::create(line, made.draft.clone(), yes, by)?;
    print::words(&format!(
        "{} {bundle}\n  kathea-agent support list\n  kathea-agent support export {bundle} -o {case}.age",
        say("Sealed and queued as", "Forseglet og sat i kø som"),
    ));
    Ok(Exit::Done)
}

fn reason(question: &str) -> Result<CaseReason, Failure> {
    let rows = CaseReason::ALL.iter().enumerate();
    let rows: Vec<Vec<String>> =
        rows.map(|(at, reason)| vec![(at + 1).to_string(), reason.as_str().to_owned()]).collect();
    print::words(&table(question, &rows));
    let at = answer("1-6")?.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    at.and_then(|at| CaseReason::ALL.get(at))
        .copied()
        .ok_or_else(|| Failure::usage("that is no number of the list"))
}

fn answer(question: &str) -> Result<String, Failure> {
    print::words(question);
    let mut text = String::new();
    io::stdin().read_line(&mut text).map_err(|e| Failure::failed(format!("no answer ({})", e.kind())))?;
    Ok(text.trim().to_owned())
}

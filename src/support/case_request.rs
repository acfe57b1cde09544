//! What was typed, as what is asked for.

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use agent::api::support::Scans;
use agent::request::SupportRequest;
use agent::support::gather::{CaseRequest, Scan, Selection};
use protocol::CaseReason;

use super::wait;
use crate::ask;
use crate::cli::Choice;
use crate::exit::{Failure, unreadable};
use crate::print::{self, table};
use crate::reach::Line;
use crate::texts::say;
use crate::texts::support::Say;

/// Scans that are named on standard input, at most: a longer list is a folder.
const NAMED: usize = 10_000;

/// What `choice` asks for. Scans that are to be picked are listed and asked for.
pub(super) fn from_options(line: &mut Line<'_>, choice: &Choice) -> Result<CaseRequest, Failure> {
    let case = choice.case.clone().ok_or_else(|| Failure::usage(say(Say::NameCase)))?;
    let reason = choice.reason.ok_or_else(|| {
        let words: Vec<&str> = CaseReason::ALL.iter().map(|reason| reason.as_str()).collect();
        Failure::usage(say(Say::NameReason { words: words.join(", ") }))
    })?;
    let scans = match choice {
        Choice { pick: true, .. } => pick(line)?,
        Choice { last_scan: true, .. } => Selection::Last,
        Choice { scans, .. } if !scans.is_empty() => Selection::Paths(named(scans)?),
        Choice { since: Some(_), .. } => Selection::Since,
        _ => Selection::None,
    };
    let logs = choice.logs.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
    let (contact, since, now) = (choice.contact.clone(), choice.since, choice.now);
    let description = choice.description.clone();
    Ok(CaseRequest { case, reason, contact, description, as_typed: choice.as_typed, scans, since, logs, now })
}

fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if paths != [Path::new("-")] {
        return paths.iter().map(|path| absolute(path)).collect();
    }
    let lines = io::stdin().lock().lines().take(NAMED);
    let lines = lines.map_while(Result::ok).filter(|line| !line.is_empty());
    let paths = lines.map(|line| absolute(Path::new(&line))).collect::<Result<Vec<_>, _>>()?;
    if paths.is_empty() {
        return Err(Failure::usage(say(Say::NoNames)));
    }
    Ok(paths)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|e| Failure::usage(unreadable(path, e.kind())))
}

/// Shows the newest scans by time, mode and field of view, and asks which.
fn pick(line: &mut Line<'_>) -> Result<Selection, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(say(Say::PickNeedsTerminal)));
    }
    let Scans { scans } = wait::work(line, SupportRequest::Scans)?;
    if scans.is_empty() {
        return Err(Failure::failed(say(Say::NoScan)));
    }
    let row = |(at, Scan { at: time, mode, field, files, .. }): (usize, &Scan)| {
        vec![
            (at + 1).to_string(),
            time.clone(),
            mode.clone(),
            format!("{field} mm"),
            say(Say::Files { files: *files }),
        ]
    };
    print::words(&table(&say(Say::Newest), &scans.iter().enumerate().map(row).collect::<Vec<_>>()));
    let last = scans.len();
    let chosen = |typed: &str| {
        let typed = if typed.is_empty() { "1" } else { typed };
        let numbers = typed.split([' ', ',']).map(str::trim).filter(|number| !number.is_empty());
        let keys = numbers.map(|number| {
            let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            at.and_then(|at| scans.get(at)).map(|scan| scan.key.clone())
        });
        keys.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty())
    };
    match ask::until(&say(Say::Which), &say(Say::NotInList { last }), chosen)? {
        Some(keys) => Ok(Selection::Picked(keys)),
        None => Err(Failure::usage(say(Say::NothingPicked))),
    }
}

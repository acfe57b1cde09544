//! `support`: from what a case needs to a sealed bundle, each step by itself or guided.
//!
//! ```text
//! case_request  the typed options as a request for a case
//! gather    a draft: by the service, or here from paths that a person named
//! watch     what waits and is sent, until it is delivered
//! wait      until long work is done, with a bar
//! copy      pieces of a draft or a bundle, and the clinic's own copy
//! guide     all of it at a terminal, in the clinic's language
//! ```

mod case_request;
mod copy;
mod gather;
mod guide;
mod wait;
mod watch;

use std::io;
use std::path::Path;

use agent::api::consent::Answered;
use agent::api::status::Status;
use agent::api::support::{
    BundleRow, Bundled, Discarded, DraftRow, Drafted, Found, FoundScan, List, Sending,
};
use agent::config::Config;
use agent::harmless;
use agent::nearest::nearest;
use agent::request::{ConsentAction, ConsentRequest, Request, SupportRequest};
use agent::support::check::judge;
use agent::support::check::look::look;
use agent::support::gather::{STEPS, Step};
use agent::support::record::State;
use protocol::{CaseId, CaseReason, Purpose};
use serde::Serialize;
use time::OffsetDateTime;

pub(crate) use copy::consent_path;

use crate::cli::{Support, SupportCommand};
use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, table};
use crate::reach::Line;
use crate::texts::refusal::Hint;
use crate::texts::say;
use crate::texts::status::{Bundle as Far, Say as Until};
use crate::texts::support::Say;

/// `support`.
pub(crate) fn support(config: &Config, typed: Support) -> Result<Exit, Failure> {
    let mut line = Line::new(config);
    match typed.command {
        None => guide::guide(&mut line, config, typed.case, typed.output, typed.by),
        Some(SupportCommand::Preview { dry_run: true, json, case, .. }) => dry_run(config, case.reason, json),
        Some(SupportCommand::Preview { case, output, json, .. }) => {
            let case_request = case_request::from_options(&mut line, &case)?;
            let made = gather::draft(&mut line, config, case_request)?;
            let dir = output.ok_or_else(|| Failure::usage(say(Say::NameFolder)))?;
            copy::preview(&mut line, config, &made, &dir)?;
            if json {
                print::json(&made)?
            } else {
                print::data(&drafted(&made))?
            }
            print::words(&copy::how_to_say_yes(&made, &harmless::path(&dir)));
            Ok(Exit::Done)
        }
        Some(SupportCommand::Create { draft, yes, by, json }) => {
            let made = wait::sealed(&mut line, draft, yes, by)?;
            if json {
                print::json(&made)?
            } else {
                print::data(&sealed(&made))?
            }
            Ok(Exit::Done)
        }
        Some(SupportCommand::Check { json }) => {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            let mut checks = judge(&look(config, now));
            checks.extend(crate::history::findings(&mut line));
            crate::doctor::report(&checks, json)
        }
        Some(SupportCommand::List { json, watch: true }) => watch::watch(&mut line, json),
        Some(SupportCommand::List { json, watch: false }) => {
            let body: List = line.support(SupportRequest::List)?;
            if json {
                print::json(&body)?
            } else {
                print::data(&list(&body))?
            }
            Ok(Exit::Done)
        }
        Some(SupportCommand::Show { draft, file }) => {
            copy::show(&mut line, &draft, &file, &mut io::stdout().lock())?;
            Ok(Exit::Done)
        }
        Some(SupportCommand::Find { name, json }) => {
            let found: Found = line.support(SupportRequest::Find { file: name })?;
            if json {
                print::json(&found)?
            } else {
                print::data(&scans(&found))?
            }
            Ok(Exit::Done)
        }
        Some(SupportCommand::Export { bundle, output, json }) => {
            copy::export(&mut line, &bundle, &output, json)
        }
        Some(SupportCommand::Send { bundle, wait: true, json }) => {
            let list: List = line.support(SupportRequest::List)?;
            let is_failed = |row: &BundleRow| row.id == bundle && row.state == State::Failed;
            if list.bundles.iter().any(is_failed) {
                let Sending { .. } = line.support(SupportRequest::Send { bundle: bundle.clone() })?;
            }
            if line.is_direct() {
                return Err(wait::not_sent());
            }
            wait::delivered(&mut line, &bundle, json)
        }
        Some(SupportCommand::Send { bundle, wait: false, json }) => {
            let sending: Sending = line.support(SupportRequest::Send { bundle })?;
            print::answer(&sending, json, || {
                let (bundle, state) = (sending.bundle.clone(), say(Far(sending.state)));
                print::words(&say(Say::State { bundle, state }));
                Ok(())
            })
        }
        Some(SupportCommand::Discard { id, json }) => {
            let discarded: Discarded = line.support(SupportRequest::Discard { id })?;
            print::answer(&discarded, json, || {
                print::words(&say(Say::Erased));
                Ok(())
            })
        }
        Some(SupportCommand::Close { case, by, json }) => {
            known(&mut line, &case)?;
            let request = ConsentRequest {
                purpose: Some(Purpose::SupportCase),
                case: Some(case),
                by,
                ..ConsentRequest::new(ConsentAction::Withdraw)
            };
            let answered: Answered = line.ask(Request::Consent(request))?;
            print::answer(&answered, json, || {
                if let Some(text) = answered.receipt_text() {
                    print::data(text)?;
                }
                print::words(&say(Say::Closed));
                Ok(())
            })
        }
    }
}

/// An error if nothing was ever said of `case`, and nothing lies here for it: a slip of the pen closes no other case.
fn known(line: &mut Line<'_>, case: &CaseId) -> Result<(), Failure> {
    let list: List = line.support(SupportRequest::List)?;
    let status: Status = line.ask(Request::Status)?;
    let drafts = list.drafts.iter().map(|draft| &draft.case);
    let bundles = list.bundles.iter().map(|bundle| &bundle.case);
    let known: Vec<&str> = drafts
        .chain(bundles)
        .chain(status.cases.iter().map(|flags| &flags.case))
        .map(CaseId::as_str)
        .collect();
    if known.contains(&case.as_str()) {
        return Ok(());
    }
    let hint = match nearest(case.as_str(), known.iter().copied()) {
        Some(nearest) => Hint::Nearest { nearest: nearest.to_owned() },
        None => Hint::StatusAndList,
    };
    Err(Failure::usage(say(Say::NoCase { case: case.clone(), hint })))
}

/// A row of `support preview --dry-run --json`.
#[derive(Serialize)]
struct Wanted {
    operation: &'static str,
    purpose: Purpose,
}

/// Everything that would be looked for, by the reason if there is one, and under which flag it would leave.
fn dry_run(config: &Config, reason: Option<CaseReason>, json: bool) -> Result<Exit, Failure> {
    let steps: Vec<&Step> =
        STEPS.iter().filter(|step| reason.is_none_or(|reason| step.is_for(reason))).collect();
    if json {
        let wanted = |step: &&Step| Wanted { operation: step.name, purpose: step.purpose };
        print::json(&steps.iter().map(wanted).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let row = |step: &&Step| {
        let words = config.language.pick(step.en, step.da);
        vec![step.name.to_owned(), step.purpose.to_string(), words.to_owned()]
    };
    let roots = config.kathea.logs.iter().chain(&config.kathea.scans);
    let roots: Vec<Vec<String>> = roots.map(|root| vec![harmless::path(root)]).collect();
    let steps = table(&say(Say::LookedFor), &steps.iter().map(row).collect::<Vec<_>>());
    print::data(&format!("{steps}\n{}", table(&say(Say::Below), &roots)))?;
    print::words(&say(Say::NothingOpened));
    Ok(Exit::Done)
}

fn drafted(made: &Drafted) -> String {
    table(
        &say(Say::Draft),
        &[
            vec![say(Say::LabelCase), made.case.to_string()],
            vec![say(Say::LabelDraft), made.draft.clone()],
            vec![say(Say::LabelDigest), made.digest.to_string()],
            vec![say(Say::LabelFiles), format!("{} ({})", made.files, bytes(made.bytes))],
            vec![say(Say::LabelPersons), made.persons_learned.to_string()],
        ],
    )
}

fn sealed(made: &Bundled) -> String {
    table(
        &say(Say::Bundle),
        &[
            vec![say(Say::LabelCase), made.case.to_string()],
            vec![say(Say::LabelBundle), made.bundle.clone()],
            vec![say(Say::LabelSize), bytes(made.size)],
            vec!["sha256".into(), made.sha256.to_string()],
        ],
    )
}

fn scans(found: &Found) -> String {
    let row = |scan: &FoundScan| {
        vec![
            scan.case.to_string(),
            scan.id.clone(),
            print::local(&scan.at),
            harmless::path(Path::new(&scan.path)),
        ]
    };
    table(&say(Say::ScansHere), &found.scans.iter().map(row).collect::<Vec<_>>())
}

fn list(body: &List) -> String {
    let draft = |row: &DraftRow| {
        vec![
            row.draft.clone(),
            row.case.to_string(),
            bytes(row.bytes),
            say(Until::Until { end: row.ends.clone() }),
        ]
    };
    let bundle = |row: &BundleRow| {
        let percent = (row.offset * 100).checked_div(row.size).unwrap_or(0);
        vec![
            row.id.clone(),
            row.case.to_string(),
            bytes(row.size),
            say(Far(row.state)),
            format!("{percent} %"),
        ]
    };
    let drafts: Vec<_> = body.drafts.iter().map(draft).collect();
    let bundles: Vec<_> = body.bundles.iter().map(bundle).collect();
    let part = |heading: Say, rows: Vec<Vec<String>>| {
        let heading = say(heading);
        if rows.is_empty() { format!("{heading}\n  {}\n", say(Until::None)) } else { table(&heading, &rows) }
    };
    format!("{}\n{}", part(Say::Drafts, drafts), part(Say::Bundles, bundles))
}

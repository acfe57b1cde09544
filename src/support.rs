//! `support`: from what a case needs to a sealed bundle, each step by itself or guided.
//!
//! ```text
//! wish      what was typed, as what is asked for
//! gather    a draft: by the service, or here from paths that a person named
//! wait      until long work is done, with a bar
//! copy      pieces of a draft or a bundle, and the clinic's own copy
//! guide     all of it at a terminal, in the clinic's language
//! ```

mod copy;
mod gather;
mod guide;
mod wait;
mod wish;

use std::io;

use agent::config::Config;
use agent::request::{ConsentAction, ConsentRequest, Request, SupportRequest};
use agent::support::check::judge;
use agent::support::check::look::look;
use agent::support::gather::{STEPS, Step};
use protocol::{CaseId, Purpose};
use serde_json::Value;
use time::OffsetDateTime;

use crate::cli::{Support, SupportCommand};
use crate::consent::session;
use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, table};
use crate::reach::{Line, Question};

/// `support`.
pub(crate) fn support(config: &Config, typed: Support) -> Result<Exit, Failure> {
    let mut line = Line::new(config);
    match typed.command {
        None => guide::guide(&mut line, config, typed.case, typed.output),
        Some(SupportCommand::Preview { dry_run: true, json, .. }) => dry_run(config, json),
        Some(SupportCommand::Preview { case, output, json, .. }) => {
            let wish = wish::wish(&mut line, &case, config.language)?;
            let made = gather::draft(&mut line, config, wish)?;
            let dir = output.ok_or_else(|| Failure::usage("name the folder for the copy with -o"))?;
            copy::preview(&mut line, config, &made, &dir)?;
            if json {
                print::json(&made)?
            } else {
                print::data(&drafted(&made))?
            }
            print::words(&how_to_say_yes(&made, &dir.display().to_string()));
            Ok(Exit::Done)
        }
        Some(SupportCommand::Create { draft, yes, by, json }) => {
            let made = create(&mut line, draft, yes, by)?;
            if json {
                print::json(&made)?
            } else {
                print::data(&sealed(&made))?
            }
            Ok(Exit::Done)
        }
        Some(SupportCommand::Check { json }) => {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            let checks: Vec<_> = judge(&look(config, now))
                .iter()
                .map(|finding| finding.in_language(config.language))
                .collect();
            crate::doctor::report(&checks, json)
        }
        Some(SupportCommand::List { json }) => {
            let body = ask(&mut line, SupportRequest::List)?;
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
        Some(SupportCommand::Export { bundle, output }) => copy::export(&mut line, &bundle, &output),
        Some(SupportCommand::Send { bundle }) => {
            let body = ask(&mut line, SupportRequest::Send { bundle })?;
            print::words(&format!("{}: {}", word(&body["bundle"]), word(&body["state"])));
            Ok(Exit::Done)
        }
        Some(SupportCommand::Discard { id }) => {
            ask(&mut line, SupportRequest::Discard { id })?;
            print::words("erased");
            Ok(Exit::Done)
        }
        Some(SupportCommand::Close { case }) => {
            if !is_known(&mut line, &case)? {
                return Err(Failure::usage(
                    "there is no such case here: `status` and `support list` show those that are",
                ));
            }
            let request = ConsentRequest {
                purpose: Some(Purpose::SupportCase),
                case: Some(case),
                ..ConsentRequest::new(ConsentAction::Withdraw)
            };
            let body = line.ask(&Question::Request(Request::Consent(request)))?;
            if let Some(text) = body["receipt"]["text"].as_str() {
                print::data(text)?;
            }
            print::words("closed: nothing more of this case leaves");
            Ok(Exit::Done)
        }
    }
}

/// One question about support.
fn ask(line: &mut Line<'_>, request: SupportRequest) -> Result<Value, Failure> {
    line.ask(&Question::Request(Request::Support(request)))
}

/// Whether anything was ever said of `case`, or lies here for it: a slip of the pen closes no other case.
fn is_known(line: &mut Line<'_>, case: &CaseId) -> Result<bool, Failure> {
    let list = ask(line, SupportRequest::List)?;
    let status = line.ask(&Question::Request(Request::Status))?;
    let rows = [&list["drafts"], &list["bundles"], &status["cases"]];
    let mut rows = rows.into_iter().filter_map(Value::as_array).flatten();
    Ok(rows.any(|row| row["case"] == case.as_str()))
}

/// Says yes to a draft, and waits until it is sealed.
fn create(
    line: &mut Line<'_>,
    draft: String,
    yes: String,
    by: protocol::ledger::Role,
) -> Result<Value, Failure> {
    ask(line, SupportRequest::Create { draft, yes, by, session: Some(session()) })?;
    wait::wait(line)
}

/// Everything that would be looked for, and under which flag it would leave.
fn dry_run(config: &Config, json: bool) -> Result<Exit, Failure> {
    if json {
        let steps =
            STEPS.iter().map(|step| serde_json::json!({"operation": step.name, "purpose": step.purpose}));
        print::json(&steps.collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let row = |step: &Step| {
        let words = config.language.pick(step.en, step.da);
        vec![step.name.to_owned(), step.purpose.to_string(), words.to_owned()]
    };
    let roots = config.kathea.logs.iter().chain(&config.kathea.scans);
    let roots: Vec<Vec<String>> = roots.map(|root| vec![root.display().to_string()]).collect();
    let steps = table("Looked for", &STEPS.iter().map(row).collect::<Vec<_>>());
    print::data(&format!("{steps}\n{}", table("Below", &roots)))?;
    print::words("Nothing was opened.");
    Ok(Exit::Done)
}

fn drafted(made: &Value) -> String {
    let number = |key: &str| made[key].as_u64().unwrap_or(0);
    table(
        "Draft",
        &[
            vec!["case".into(), word(&made["case"])],
            vec!["draft".into(), word(&made["draft"])],
            vec!["digest".into(), word(&made["digest"])],
            vec!["files".into(), format!("{} ({})", number("files"), bytes(number("bytes")))],
            vec!["persons searched for".into(), number("persons_learned").to_string()],
        ],
    )
}

fn how_to_say_yes(made: &Value, dir: &str) -> String {
    let digits: String = word(&made["digest"]).chars().take(16).collect();
    let draft = word(&made["draft"]);
    format!(
        "\nRead {dir}/preview.html. Nothing has left this computer.\n\
         To say yes: kathea-agent support create {draft} --by ROLE --yes {digits}\n\
         To say no:  kathea-agent support discard {draft}\n\
         ROLE is owner, privacy_officer or delegate. In 24 hours the draft is erased."
    )
}

fn sealed(made: &Value) -> String {
    table(
        "Bundle",
        &[
            vec!["case".into(), word(&made["case"])],
            vec!["bundle".into(), word(&made["bundle"])],
            vec!["size".into(), bytes(made["size"].as_u64().unwrap_or(0))],
            vec!["sha256".into(), word(&made["sha256"])],
        ],
    )
}

fn list(body: &Value) -> String {
    let rows = |key: &str, row: &dyn Fn(&Value) -> Vec<String>| {
        body[key].as_array().into_iter().flatten().map(row).collect::<Vec<_>>()
    };
    let size = |value: &Value| bytes(value.as_u64().unwrap_or(0));
    let drafts = rows("drafts", &|row| {
        vec![
            word(&row["draft"]),
            word(&row["case"]),
            size(&row["bytes"]),
            format!("until {}", word(&row["ends"])),
        ]
    });
    let bundles = rows("bundles", &|row| {
        let (sent, all) = (row["offset"].as_u64().unwrap_or(0), row["size"].as_u64().unwrap_or(0));
        let percent = (sent * 100).checked_div(all).unwrap_or(0);
        vec![
            word(&row["id"]),
            word(&row["case"]),
            size(&row["size"]),
            word(&row["state"]),
            format!("{percent} %"),
        ]
    });
    let part = |heading: &str, rows: Vec<Vec<String>>| {
        if rows.is_empty() { format!("{heading}\n  none\n") } else { table(heading, &rows) }
    };
    format!(
        "{}\n{}",
        part("Drafts, seen by nobody else", drafts),
        part("Bundles, sealed for the vendor", bundles)
    )
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

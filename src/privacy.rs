//! What is held, shown and erased; what was sent, asked about; the end of a device.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use agent::api::privacy::{
    Access, ClaimCode, Decommissioned, Erased, HeldRecord, Objected, Page, Rectified, Revoked, Says,
    Statement,
};
use agent::api::support::Piece;
use agent::config::Config;
use agent::consent::Policy;
use agent::history::shown::{Dialect, History};
use agent::limits;
use agent::plain::Part;
use agent::report::Report;
use agent::request::{HistoryAsk, PrivacyAsk, Request, SENT};
use agent::seal::payload::Queue;
use agent::support::check::judge;
use agent::support::check::look::look;
use protocol::ledger::Role;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::cli::Privacy;
use crate::consent::session;
use crate::exit::{self, Exit, Failure};
use crate::print;
use crate::reach::{self, Line, not_understood};
use crate::texts::privacy::Say;
use crate::texts::say;
use crate::texts::status::Queue as Content;

/// What holds the records that are shown.
const QUEUES: [&str; 4] = [Queue::Open.as_str(), Queue::Usage.as_str(), Queue::Requests.as_str(), SENT];

/// `privacy`.
pub(crate) fn privacy(config: &Config, command: Privacy) -> Result<Exit, Failure> {
    match command {
        Privacy::Export { output, from_vendor: true, .. } => from_vendor(config, &output),
        Privacy::Export { output, vendor, .. } => export(config, &output, vendor),
        Privacy::Report { output } => report(config, &output),
        Privacy::Rectify { case, json } => {
            crate::consent::known(config, &case)?;
            let body: Rectified = ask(config, PrivacyAsk::Rectify { case })?;
            print::answer(&body, json, || words(Say::Rectify { case: body.case.clone() }))
        }
        Privacy::Object { case, json } => {
            crate::consent::all_known(config, case.as_ref())?;
            let body: Objected = ask(config, PrivacyAsk::Object { case })?;
            print::answer(&body, json, || words(Say::Object))
        }
        Privacy::Revoke { case, json } => {
            crate::consent::all_known(config, case.as_ref())?;
            let body: Revoked = ask(config, PrivacyAsk::Revoke { case })?;
            print::answer(&body, json, || words(Say::Revoke))
        }
        Privacy::Claim { json } => {
            let body: ClaimCode = ask(config, PrivacyAsk::Claim)?;
            print::answer(&body, json, || print::data(&body.claim))?;
            words(Say::Claim)?;
            Ok(Exit::Done)
        }
        Privacy::Erase { claim, by, json } => {
            let ask_for = PrivacyAsk::Erase { by, session: Some(session()), claim: claim.read()? };
            let body: Erased = ask(config, ask_for)?;
            print::answer(&body, json, || words(Say::Erased { keys: body.keys }))
        }
    }
}

/// Words, where a command answers by them.
fn words(text: Say) -> Result<(), Failure> {
    print::words(&say(text));
    Ok(())
}

/// `decommission`.
pub(crate) fn decommission(
    config: &Config,
    discard: bool,
    by: Option<Role>,
    json: bool,
) -> Result<Exit, Failure> {
    let request = PrivacyAsk::Decommission { drain: !discard, by, session: Some(session()) };
    let body: Decommissioned = ask(config, request)?;
    if body.reported || json {
        print::answer(&body, json, || print::data(&body.certificate))?;
    }
    if body.reported {
        return Ok(Exit::Done);
    }
    print::words(&say(Say::Unreported));
    Ok(Exit::Part)
}

/// Everything into `held.json` and, for people, `held.txt`.
fn export(config: &Config, output: &Path, vendor: bool) -> Result<Exit, Failure> {
    let unwritable =
        |e: std::io::Error| Failure::failed(exit::unwritable(&output.join("held.json"), e.kind()));
    let held: Access = ask(config, PrivacyAsk::Access { vendor })?;
    fs::create_dir_all(output).map_err(unwritable)?;
    let part = |name: &str| Part::new(&output.join(name)).map_err(unwritable);
    let (mut json, mut text) = (part("held.json")?, part("held.txt")?);
    writeln!(text, "{}\n", say(Say::Holds { at: held.held_at.clone() })).map_err(unwritable)?;
    writeln!(text, "{}\n", say(Say::NoPatients)).map_err(unwritable)?;
    writeln!(text, "{}", crate::status::text(&held.status)).map_err(unwritable)?;
    write!(json, "{{\"held\":{},\"records\":{{", text_of(&held)).map_err(unwritable)?;
    let mut count: u64 = 0;
    for (index, queue) in QUEUES.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(json, "{comma}\"{queue}\":[").map_err(unwritable)?;
        writeln!(text, "{}", say(Content::of(queue))).map_err(unwritable)?;
        let mut written: u64 = 0;
        each_record(config, queue, |record| {
            let comma = if written == 0 { "" } else { "," };
            written += 1;
            write!(json, "{comma}\n{}", text_of(record)).map_err(unwritable)?;
            write_readable(&mut text, record).map_err(unwritable)?;
            Ok(ControlFlow::Continue(()))
        })?;
        write!(json, "]").map_err(unwritable)?;
        writeln!(text, "{}\n", say(Say::InAll { count: written })).map_err(unwritable)?;
        count += written;
    }
    let history: History = reach::ask(config, Request::History(HistoryAsk::Show))?;
    writeln!(json, "}},\"history\":{}}}", text_of(&history)).map_err(unwritable)?;
    writeln!(text, "{}\n{}", say(Say::OwnHistory), history.csv(Dialect::Programs)).map_err(unwritable)?;
    json.keep().and_then(|()| text.keep()).map_err(unwritable)?;
    print::words(&say(Say::Exported { count, path: output.to_owned() }));
    Ok(Exit::Done)
}

/// The vendor's answer, piece by piece: nothing is kept of one that does not come whole.
fn from_vendor(config: &Config, output: &Path) -> Result<Exit, Failure> {
    let unwritable = |e: std::io::Error| Failure::failed(exit::unwritable(output, e.kind()));
    let mut line = Line::new(config);
    let mut part: Option<(Part, u64)> = None;
    let (mut offset, mut lines) = (0, 0);
    loop {
        let piece: Piece = line.ask(Request::Privacy(PrivacyAsk::Answer { offset }))?;
        let bytes = piece.decoded().ok_or_else(not_understood)?;
        // Not before the first piece: a refusal leaves nothing behind.
        let (file, all) = match &mut part {
            Some(open) => open,
            none => none.insert((Part::new(output).map_err(unwritable)?, piece.bytes)),
        };
        if *all != piece.bytes {
            return Err(Failure::failed(say(Say::AnswerChanged)));
        }
        file.write_all(&bytes).map_err(unwritable)?;
        offset += bytes.len() as u64;
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        if offset >= *all || bytes.is_empty() {
            break;
        }
    }
    if let Some((file, _)) = part {
        file.keep().map_err(unwritable)?;
    }
    print::words(&say(Say::FromVendor { lines, path: output.to_owned() }));
    Ok(Exit::Done)
}

/// The same for a person, as one page.
fn report(config: &Config, output: &Path) -> Result<Exit, Failure> {
    let policy = Policy::configured(config).map_err(Failure::usage)?;
    let held: Access = ask(config, PrivacyAsk::Access { vendor: false })?;
    let records = |queue| {
        let mut records = Vec::new();
        each_record(config, queue, |record| {
            records.push(record.clone());
            Ok(match records.len() {
                limits::REPORT_BATCHES => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        })?;
        Ok(records)
    };
    let (open, usage, sent) = (records(QUEUES[0])?, records(QUEUES[1])?, records(SENT)?);
    let findings = judge(&look(config, OffsetDateTime::now_utc().unix_timestamp()));
    let report = Report {
        policy: &policy,
        language: config.language,
        held: &held,
        open: &open,
        usage: &usage,
        sent: &sent,
        findings: &findings,
    };
    let write = || {
        let mut part = Part::new(output)?;
        report.write(&mut part)?;
        part.keep()
    };
    write().map_err(|e: std::io::Error| Failure::failed(exit::unwritable(output, e.kind())))?;
    print::words(&say(Say::Reported { path: output.to_owned() }));
    Ok(Exit::Done)
}

/// Calls `each` for every record of a queue, until it has enough.
fn each_record(
    config: &Config,
    queue: &str,
    mut each: impl FnMut(&HeldRecord) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let mut from = 0;
    loop {
        let page: Page = ask(config, PrivacyAsk::Records { queue: queue.to_owned(), from })?;
        for record in &page.records {
            if each(record)?.is_break() {
                return Ok(());
            }
        }
        match page.next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// A line for each thing that a record says.
fn write_readable(text: &mut impl Write, record: &HeldRecord) -> std::io::Result<()> {
    match &record.says {
        Some(Says::Usage(said)) => said.iter().try_for_each(|Statement { entry, at, attributes, value }| {
            let at = at.as_deref().unwrap_or_default();
            let value = value.as_ref().map(text_of).unwrap_or_default();
            writeln!(text, "  {at} {} {} {value}", text_of(entry), text_of(attributes))
        }),
        Some(Says::Request(request)) => writeln!(text, "  {}", text_of(request)),
        None => {
            writeln!(text, "{}", say(Say::SealedRecord { number: record.number }))
        }
    }
}

/// As JSON. What came as JSON can be written so.
fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn ask<T: DeserializeOwned>(config: &Config, ask: PrivacyAsk) -> Result<T, Failure> {
    reach::ask(config, Request::Privacy(ask))
}

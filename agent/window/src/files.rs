//! What is downloaded by a click: what is held, as JSON and as a table; receipts; a sealed bundle for a stick.

use agent::api::consent::Receipts;
use agent::api::privacy::{Access, Amount, Attribute, Attributes, EntryName, HeldRecord, Says, Statement};
use agent::api::support::Piece;
use agent::history::shown::{Dialect, History};
use agent::request::{ConsentAction, ConsentRequest, HistoryAsk, PrivacyAsk, Request, SENT, SupportRequest};
use agent::seal::payload::Queue;
use serde::Serialize;

use crate::ask::{Agent, Failure};
use crate::pages::{held, records};
use crate::state::Window;

/// Everything that is held, as `privacy export` writes it: plain text, on the click of a person who may read it.
#[derive(Serialize)]
struct Held {
    access: Option<Access>,
    open: Vec<HeldRecord>,
    usage: Vec<HeldRecord>,
    sent: Vec<HeldRecord>,
    /// The clinic's own, which never leaves: in the export only.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
}

/// A file's media type and bytes, or none of this name.
pub(crate) fn file(window: &Window, name: &str) -> Option<Result<(&'static str, Vec<u8>), Failure>> {
    let agent = &window.agent;
    if let Some(bundle) = name.strip_prefix("bundle/") {
        return Some(sealed(agent, bundle).map(|bytes| ("application/octet-stream", bytes)));
    }
    if let Some(bundle) = name.strip_prefix("consent/") {
        return Some(consent(agent, bundle).map(|text| ("application/json", text.into_bytes())));
    }
    let json = |held: Result<Held, Failure>| {
        let bytes = serde_json::to_vec_pretty(&held?).map_err(|_| Failure::NotUnderstood)?;
        Ok(("application/json", bytes))
    };
    Some(match name {
        "leaves.json" => json(all(agent, false)),
        "export.json" => json(all(agent, true)),
        "leaves.csv" => all(agent, false).map(|held| ("text/csv; charset=utf-8", table(&held).into_bytes())),
        "history.csv" => history(agent, Dialect::Excel),
        "history-programs.csv" => history(agent, Dialect::Programs),
        "vendor.ndjson" => vendors_answer(agent).map(|bytes| ("application/x-ndjson", bytes)),
        "receipt.txt" => receipts(window),
        _ => return None,
    })
}

fn all(agent: &Agent, with_ledger: bool) -> Result<Held, Failure> {
    let queue = |name| records(agent, name);
    Ok(Held {
        access: with_ledger.then(|| held(agent)).transpose()?,
        open: queue(Queue::Open.as_str())?,
        usage: queue(Queue::Usage.as_str())?,
        sent: queue(SENT)?,
        history: with_ledger.then(|| own_history(agent)).transpose()?,
    })
}

fn own_history(agent: &Agent) -> Result<History, Failure> {
    agent.ask(&Request::History(HistoryAsk::Show))
}

fn history(agent: &Agent, dialect: Dialect) -> Result<(&'static str, Vec<u8>), Failure> {
    Ok(("text/csv; charset=utf-8", own_history(agent)?.csv(dialect).into_bytes()))
}

fn receipts(window: &Window) -> Result<(&'static str, Vec<u8>), Failure> {
    let request = ConsentRequest::new(ConsentAction::Receipt);
    let receipts: Receipts = window.agent.ask(&Request::Consent(request))?;
    Ok(("text/plain; charset=utf-8", receipts.text.of(window.config.language).as_bytes().to_vec()))
}

/// What the vendor holds, as it answered: opened by the service on this click.
fn vendors_answer(agent: &Agent) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    loop {
        let answer = PrivacyAsk::Answer { offset: bytes.len() as u64 };
        let piece: Piece = agent.ask(&Request::Privacy(answer))?;
        let more = piece.decoded().ok_or(Failure::NotUnderstood)?;
        bytes.extend_from_slice(&more);
        if more.is_empty() || bytes.len() as u64 >= piece.bytes {
            return Ok(bytes);
        }
    }
}

fn piece(agent: &Agent, bundle: &str, offset: u64) -> Result<Piece, Failure> {
    agent.ask(&Request::Support(SupportRequest::Export { bundle: bundle.to_owned(), offset }))
}

/// The clinic's signed consent to a bundle, which goes beside it on a stick.
fn consent(agent: &Agent, bundle: &str) -> Result<String, Failure> {
    piece(agent, bundle, 0)?.consent.ok_or(Failure::NotUnderstood)
}

fn sealed(agent: &Agent, bundle: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    loop {
        let piece = piece(agent, bundle, bytes.len() as u64)?;
        let more = piece.decoded().ok_or(Failure::NotUnderstood)?;
        bytes.extend_from_slice(&more);
        if more.is_empty() || bytes.len() as u64 >= piece.bytes {
            return Ok(bytes);
        }
    }
}

/// One line for each statement, as Excel reads it in Denmark: a mark of UTF-8, semicolons, decimal commas.
fn table(held: &Held) -> String {
    let mut text = "\u{feff}queue;at;entry;attributes;value\r\n".to_owned();
    for (queue, records) in [("open", &held.open), ("usage", &held.usage), ("sent", &held.sent)] {
        for statement in records.iter().filter_map(|record| record.says.as_ref()).flat_map(said) {
            let Statement { entry, at, attributes, value } = statement;
            let entry = match entry {
                EntryName::Name(name) => name.clone(),
                EntryName::Number(number) => number.to_string(),
            };
            let value = match value {
                Some(Amount::Count(count)) => count.to_string(),
                Some(Amount::Buckets(buckets)) => join(buckets.iter()),
                None => String::new(),
            };
            let attributes = match attributes {
                Attributes::Named(named) => {
                    join(named.iter().map(|(name, value)| format!("{name}={}", attribute(value))))
                }
                Attributes::Numbers(numbers) => join(numbers.iter()),
            };
            let cells = [queue.to_owned(), at.clone().unwrap_or_default(), entry, attributes, value];
            text += &cells.map(|cell| quoted(&cell)).join(";");
            text += "\r\n";
        }
    }
    text
}

fn said(says: &Says) -> &[Statement] {
    match says {
        Says::Usage(said) => said,
        Says::Request(_) => &[],
    }
}

fn attribute(value: &Attribute) -> String {
    match value {
        Attribute::Integer(number) => number.to_string(),
        Attribute::Decimal(number) => number.to_string().replace('.', ","),
        Attribute::Text(text) => text.clone(),
    }
}

fn join(all: impl Iterator<Item = impl ToString>) -> String {
    all.map(|one| one.to_string()).collect::<Vec<_>>().join(" ")
}

/// A cell. What a spreadsheet would take for a formula begins with an apostrophe.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t']) { "'" } else { "" };
    if cell.contains(['"', ';', '\n', '\r']) || !guard.is_empty() {
        return format!("\"{guard}{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_reads_text_and_no_formula() {
        assert_eq!(quoted("mode=cbct"), "mode=cbct");
        assert_eq!(quoted("a;\"b\""), "\"a;\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(attribute(&Attribute::Decimal(1.5)), "1,5");
    }
}

//! How it is: flags, what waits, what was sent, what was dropped and why.

use agent::api::status::{CaseFlags, Ends, Flags, Status};
use agent::config::Config;
use agent::consent::State;
use agent::consent::tickets::Ticket;
use agent::request::Request;
use protocol::{Invitation, Purpose};

use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, grouped, table};
use crate::reach;
use crate::words;

/// `status`.
pub(crate) fn status(config: &Config, json: bool, check: bool) -> Result<Exit, Failure> {
    let status: Status = reach::ask(config, Request::Status)?;
    if json {
        print::json(&status)?;
    } else {
        print::data(&print::with_config(&text(&status)))?;
    }
    Ok(if check && !status.problems.is_empty() { Exit::Failed } else { Exit::Done })
}

/// The body of `status --json` for people.
pub(crate) fn text(status: &Status) -> String {
    let enrolled = if status.enrolled { "enrolled" } else { "not enrolled" };
    let keys = status.keys.as_str();
    let pair = |name: &str, value: String| vec![name.to_owned(), value];
    let mut parts = vec![
        table(
            "Agent",
            &[
                pair("version", status.version.clone()),
                pair("service", status.service.as_str().to_owned()),
                pair("device", format!("{} ({enrolled})", status.device)),
                pair("short", format!("{} (for the telephone)", status.device.short())),
                pair("policy", format!("{}, {}", status.policy.id, status.policy.version)),
                pair("keys", format!("{keys} ({})", words::protector(keys))),
                pair("on disk", status.disk_bytes.map_or_else(|| "cannot be read now".to_owned(), bytes)),
            ],
        ),
        flags(status.consent, &status.ends, &status.cases),
    ];
    let waiting = status.waiting.each().map(|(queue, waiting)| {
        let what = words::queue(queue).to_owned();
        vec![queue.to_owned(), grouped(waiting.records), bytes(waiting.bytes), what]
    });
    parts.push(rows("Waiting", waiting));
    parts.push(rows(
        "Sent",
        status.sent.iter().map(|(purpose, sent)| {
            let last = sent.last.as_deref().unwrap_or("-");
            vec![purpose.clone(), grouped(sent.records), format!("last {last}")]
        }),
    ));
    parts.push(rows(
        "Dropped",
        status.dropped.iter().map(|(reason, count)| {
            vec![reason.to_string(), grouped(*count), words::reason(reason.as_str()).to_owned()]
        }),
    ));
    let request = |ticket: &Ticket| {
        let Ticket { kind, taken_at, ticket: name, .. } = ticket;
        vec![kind.as_str().to_owned(), words::standing(ticket), taken_at.clone(), name.clone()]
    };
    let requests: Vec<_> = status.requests.iter().map(request).collect();
    if !requests.is_empty() {
        parts.push(table("Asked of the vendor", &requests));
    }
    let invitation = |Invitation { case, reason }: &Invitation| {
        let next = format!("kathea-agent support --case {case}");
        vec![case.to_string(), reason.to_string(), format!("shows what it would be, and asks you: {next}")]
    };
    let invitations: Vec<_> = status.invitations.iter().map(invitation).collect();
    if !invitations.is_empty() {
        parts.push(table("The vendor asks for a support bundle", &invitations));
    }
    let problems: Vec<_> = status.problems.iter().map(|problem| vec![problem.clone()]).collect();
    parts.push(if problems.is_empty() {
        "Problems\n  none\n".to_owned()
    } else {
        table("Problems", &problems)
    });
    parts.join("\n")
}

/// The flags, and the cases if there are any.
pub(crate) fn flags(consent: Flags, ends: &Ends, cases: &[CaseFlags]) -> String {
    let state = consent.usage_statistics;
    let end = ends.usage_statistics.as_deref().and_then(|end| end.get(..10));
    let end = end.filter(|_| state == State::Granted);
    let until = end.map_or_else(String::new, |end| format!(", until {end}"));
    let row = vec![
        Purpose::UsageStatistics.to_string(),
        state.to_string(),
        words::state(state).to_owned() + &until,
    ];
    let flags = table("Consent", &[row]);
    let case = |case: &CaseFlags| {
        let support = format!("{} {}", Purpose::SupportCase, case.support_case);
        let scan_data = format!("{} {}", Purpose::SupportScanData, case.support_scan_data);
        let ends = case.ends.as_deref().unwrap_or("-");
        vec![case.case.to_string(), support, scan_data, format!("until {ends}")]
    };
    let cases: Vec<_> = cases.iter().map(case).collect();
    if cases.is_empty() { flags } else { format!("{flags}\n{}", table("Support cases", &cases)) }
}

fn rows(heading: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() { format!("{heading}\n  nothing\n") } else { table(heading, &rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A status as it was recorded once, changed so.
    fn recorded(change: impl Fn(&str) -> String) -> Status {
        let body = r#"{"bundles":[],"busy":false,"cases":[],"consent":{"usage_statistics":"granted"},
            "device":"000102030405060708090a0b0c0d0e0f","disk_bytes":4200000,"dropped":{"not_json":2},
            "ends":{"usage_statistics":null},"enrolled":true,"keys":"file",
            "policy":{"id":"copenhagen-imaging","version":"1"},"problems":["the outbox is missing"],"requests":[],
            "sent":{},"service":"running","version":"0.1.0","waiting":{"open":{"bytes":0,"records":0},
            "requests":{"bytes":0,"records":0},"usage":{"bytes":4096,"records":1200}},"wishes":[]}"#;
        serde_json::from_str(&change(body)).unwrap()
    }

    #[test]
    fn a_status_is_readable() {
        let text = text(&recorded(str::to_owned));
        for line in [
            "  device   000102030405060708090a0b0c0d0e0f (enrolled)",
            "  usage_statistics  granted  yes: collected and sent",
            "  usage     1,200  4.1 kB  statistics to be sent",
            "Sent\n  nothing",
            "  not_json  2  a line that is no flat JSON object",
            "Problems\n  the outbox is missing",
        ] {
            assert!(text.contains(line), "{line}\n\n{text}");
        }
    }

    #[test]
    fn without_problems_it_says_none() {
        let status = recorded(|body| body.replace(r#"["the outbox is missing"]"#, "[]"));
        assert!(text(&status).contains("Problems\n  none"));
    }
}

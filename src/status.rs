//! How it is: flags, what waits, what was sent, what was dropped and why.

use std::collections::BTreeMap;

use agent::api::status::{CaseFlags, Ends, Flags, Status};
use agent::config::Config;
use agent::consent::State;
use agent::consent::tickets::Ticket;
use agent::texts::Said;
use protocol::notice::Notice;
use protocol::{Invitation, Purpose};

use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, grouped, table};
use crate::reach;
use crate::texts::say;
use crate::texts::status::{About, Flag, Means, NoticeAbout, ProtectedBy, Queue, Runs, Say, Why};
use crate::words;

/// `status`.
pub(crate) fn status(config: &Config, json: bool, check: bool) -> Result<Exit, Failure> {
    let status = reach::status(config)?;
    if json {
        print::json(&status)?;
    } else {
        print::data(&print::with_config(&text(&status)))?;
    }
    Ok(if check && !status.problems.is_empty() { Exit::Failed } else { Exit::Done })
}

/// The body of `status --json` for people.
pub(crate) fn text(status: &Status) -> String {
    let enrolled = say(if status.enrolled { Say::Enrolled } else { Say::NotEnrolled });
    let keys = status.keys.as_str();
    let pair = |name: Say, value: String| vec![say(name), value];
    let mut parts = vec![
        table(
            &say(Say::Agent),
            &[
                pair(Say::Version, status.version.clone()),
                pair(Say::Service, say(Runs(status.service))),
                pair(Say::Device, format!("{} ({enrolled})", status.device)),
                pair(Say::Short, format!("{} ({})", status.device.short(), say(Say::ForTheTelephone))),
                pair(Say::Policy, format!("{}, {}", status.policy.id, status.policy.version)),
                pair(Say::Keys, format!("{keys} ({})", say(ProtectedBy(status.keys)))),
                pair(Say::OnDisk, status.disk_bytes.map_or_else(|| say(Say::Unreadable), bytes)),
            ],
        ),
        flags(status.consent, &status.ends, &status.cases),
    ];
    let waiting = status.waiting.each().map(|(queue, waiting)| {
        let what = say(Queue::of(queue));
        vec![queue.to_owned(), grouped(waiting.records), bytes(waiting.bytes), what]
    });
    parts.push(rows(Say::Waiting, waiting));
    parts.push(rows(
        Say::Sent,
        status.sent.iter().map(|(purpose, sent)| {
            let last = sent.last.as_deref().unwrap_or("-");
            vec![purpose.clone(), grouped(sent.records), say(Say::Last { at: last.to_owned() })]
        }),
    ));
    parts.push(rows(
        Say::Dropped,
        status
            .dropped
            .iter()
            .map(|(reason, count)| vec![reason.to_string(), grouped(*count), say(Why(*reason))]),
    ));
    let request = |ticket: &Ticket| {
        let Ticket { kind, taken_at, ticket: name, .. } = ticket;
        vec![kind.as_str().to_owned(), say(words::standing(ticket)), taken_at.clone(), name.clone()]
    };
    let requests: Vec<_> = status.requests.iter().map(request).collect();
    if !requests.is_empty() {
        parts.push(table(&say(Say::Asked), &requests));
    }
    let notice = |notice: &Notice| {
        let text = Said {
            key: String::new(),
            arguments: BTreeMap::new(),
            en: notice.en.clone(),
            da: notice.da.clone(),
        };
        vec![say(NoticeAbout(notice.kind)), notice.issued.clone(), say(text).replace('\n', " ")]
    };
    let notices: Vec<_> = status.notices.iter().map(notice).collect();
    if !notices.is_empty() {
        parts.push(table(&say(Say::Notices), &notices));
    }
    let invitation = |Invitation { case, reason }: &Invitation| {
        let command = format!("kathea-agent support --case {case}");
        vec![case.to_string(), say(About(*reason)), say(Say::Invitation { command })]
    };
    let invitations: Vec<_> = status.invitations.iter().map(invitation).collect();
    if !invitations.is_empty() {
        parts.push(table(&say(Say::Invited), &invitations));
    }
    let problems = problems(status).into_iter().map(|problem| vec![problem]).collect::<Vec<_>>();
    parts.push(if problems.is_empty() {
        format!("{}\n  {}\n", say(Say::Problems), say(Say::None))
    } else {
        table(&say(Say::Problems), &problems)
    });
    parts.join("\n")
}

/// The problems in the clinic's language; in English from an agent that sends them in English only.
pub(crate) fn problems(status: &Status) -> Vec<String> {
    if status.problem_texts.len() == status.problems.len() {
        return status.problem_texts.iter().map(say).collect();
    }
    status.problems.clone()
}

/// The flags, and the cases if there are any.
pub(crate) fn flags(consent: Flags, ends: &Ends, cases: &[CaseFlags]) -> String {
    let state = consent.usage_statistics;
    let end = ends.usage_statistics.as_deref().and_then(|end| end.get(..10));
    let end = end.filter(|_| state == State::Granted);
    let until = end.map_or_else(String::new, |end| format!(", {}", say(Say::Until { end: end.to_owned() })));
    let row = vec![Purpose::UsageStatistics.to_string(), say(Flag(state)), say(Means(state)) + &until];
    let flags = table(&say(Say::Consent), &[row]);
    let case = |case: &CaseFlags| {
        let support = format!("{} {}", Purpose::SupportCase, say(Flag(case.support_case)));
        let scan_data = format!("{} {}", Purpose::SupportScanData, say(Flag(case.support_scan_data)));
        let ends = case.ends.as_deref().unwrap_or("-");
        vec![case.case.to_string(), support, scan_data, say(Say::Until { end: ends.to_owned() })]
    };
    let cases: Vec<_> = cases.iter().map(case).collect();
    if cases.is_empty() { flags } else { format!("{flags}\n{}", table(&say(Say::Cases), &cases)) }
}

fn rows(heading: Say, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let heading = say(heading);
    if rows.is_empty() { format!("{heading}\n  {}\n", say(Say::Nothing)) } else { table(&heading, &rows) }
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

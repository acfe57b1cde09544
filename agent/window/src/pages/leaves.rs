//! *What leaves*: what waits and what was sent, by day and in full; what was dropped and why.

use std::ops::ControlFlow;

use agent::api::privacy::{Access, HeldRecord, Page};
use agent::consent::Policy;
use agent::limits;
use agent::report::Report;
use agent::request::{PrivacyAsk, Request, SENT};
use agent::seal::payload::Queue;
use agent::support::check::judge;
use agent::support::check::look::look;
use agent::texts::Text;
use maud::{Markup, PreEscaped, html};
use time::OffsetDateTime;

use super::parts::{download, not_shown, print_button};
use crate::ask::{Agent, Failure};
use crate::state::Window;
use crate::words::{shown, t};

/// All that is held beside the records.
pub(crate) fn held(agent: &Agent) -> Result<Access, Failure> {
    agent.ask(&Request::Privacy(PrivacyAsk::Access { vendor: false }))
}

/// The records of a queue, at most as many batches as a page shows.
pub(crate) fn records(agent: &Agent, queue: &str) -> Result<Vec<HeldRecord>, Failure> {
    let mut records = Vec::new();
    let mut from = 0;
    let mut more = ControlFlow::Continue(());
    while more.is_continue() && records.len() < limits::REPORT_BATCHES {
        let ask = PrivacyAsk::Records { queue: queue.to_owned(), from };
        let page: Page = agent.ask(&Request::Privacy(ask))?;
        records.extend(page.records);
        match page.next {
            Some(next) => from = next,
            None => more = ControlFlow::Break(()),
        }
    }
    records.truncate(limits::REPORT_BATCHES);
    Ok(records)
}

/// The report of this computer, of which a page shows its part.
pub(super) fn with_report(
    window: &Window,
    write: impl Fn(&Report<'_>, &mut Vec<u8>) -> std::io::Result<()>,
) -> Result<Markup, Failure> {
    let held = held(&window.agent)?;
    let [open, usage, sent] =
        [Queue::Open.as_str(), Queue::Usage.as_str(), SENT].map(|queue| records(&window.agent, queue));
    let (open, usage, sent) = (open?, usage?, sent?);
    let policy = Policy::configured(&window.config).map_err(|e| Failure::Refused(e.to_string().said()))?;
    let findings = judge(&look(&window.config, OffsetDateTime::now_utc().unix_timestamp()));
    let language = window.config.language;
    let report = Report {
        policy: &policy,
        language,
        held: &held,
        open: &open,
        usage: &usage,
        sent: &sent,
        findings: &findings,
    };
    let mut text = Vec::new();
    write(&report, &mut text).map_err(|_| Failure::NotUnderstood)?;
    Ok(PreEscaped(String::from_utf8(text).map_err(|_| Failure::NotUnderstood)?))
}

pub(super) fn page(window: &Window) -> Markup {
    let title = t("What leaves this computer", "Hvad der sendes fra denne computer");
    match with_report(window, |report, out| report.write_records(out)) {
        Err(why) => not_shown(&title, &why),
        Ok(report) => html! {
            h1 { (title) }
            div.row {
                (download("leaves.json", "kathea-agent.json", &t("Save as JSON", "Gem som JSON")))
                (download("leaves.csv", "kathea-agent.csv", &t("Save as CSV for Excel", "Gem som CSV til Excel")))
                (print_button())
            }
            div.find {
                label for="search" { (t("Show only rows with", "Vis kun rækker med")) }
                input type="search" id="search" data-filter="#leaves tbody tr" autocomplete="off" spellcheck="false";
            }
            div.wide-table id="leaves" data-live { (report) }
            p.soft { (t("The vendor's server:", "Leverandørens server:")) " " (shown(&window.config.collector.url)) }
        },
    }
}

//! `summary.html`: the probable cause first, then what speaks for it, what differs from before, and the timeline.
//! Everything from a bundle is escaped by the templates; the page has no script and loads nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::bundle::{Opened, short};
use crate::compare::Differences;
use crate::consent::Covered;
use crate::rules::Cause;
use crate::timeline::{Case, Level};

const STYLE: &str = include_str!("page.css");
/// Rows of the timeline: the last ones.
const ROWS: usize = 500;
/// Sentences that speak for a cause.
const SEEN: usize = 8;

/// All that the page shows.
pub(crate) struct Page<'a> {
    pub(crate) opened: &'a Opened,
    pub(crate) case: &'a Case,
    pub(crate) causes: &'a [Cause<'a>],
    /// None where no proof was given.
    pub(crate) consent: Option<&'a Covered>,
    pub(crate) differences: Option<&'a Differences>,
}

impl Page<'_> {
    /// The page.
    pub(crate) fn render(&self) -> String {
        let manifest = &self.opened.manifest;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    title { "Case " (manifest.case) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { "Case " (manifest.case) " · " (manifest.reason) }
                        p { "Device " (manifest.device) " · kathea-agent " (manifest.agent)
                            @if let Some(contact) = &manifest.contact { " · contact: " (contact) } }
                    }
                    main {
                        (self.cause())
                        (self.consent())
                        @if let Some(differences) = self.differences { (compared(differences)) }
                        (self.checks())
                        (self.errors())
                        (self.timeline())
                        (self.missing())
                    }
                }
            }
        }
        .into_string()
    }

    fn cause(&self) -> Markup {
        let (first, others) = match self.causes.split_first() {
            Some((first, others)) => (Some(first), others),
            None => (None, self.causes),
        };
        html! {
            section.cause id="cause" {
                h2 { "Probable cause" }
                @match first {
                    Some(cause) => {
                        b { (cause.cause) }
                        p { (cause.advice) }
                        ul { @for seen in cause.seen.iter().take(SEEN) { li { (seen) } } }
                    }
                    None => { p { "No rule knows this case. The timeline below has what happened." } }
                }
                @if !others.is_empty() {
                    p.soft { "Less likely: "
                        @for (at, cause) in others.iter().enumerate() { @if at > 0 { "; " } (cause.cause) } }
                }
            }
        }
    }

    fn consent(&self) -> Markup {
        let digest = short(self.opened.digest);
        match self.consent {
            Some(covered) => html! {
                section {
                    p { "Every file is the one that the clinic agreed to (manifest " code { (digest) } "). Consent "
                        @match &covered.until { Some(until) => { "lasts until " (until) } None => { "stands" } }
                        ", by the proof of " (covered.printed_at) "." }
                }
            },
            None => html! {
                section.note {
                    p { "Consent was not checked: no proof was given. Every file is the one of the manifest " code { (digest) }
                        ". Print the proof with " code { "kathea-collector bundles proof ID" } " and open the bundle again with "
                        code { "--proof" } "." }
                }
            },
        }
    }

    fn checks(&self) -> Markup {
        let mut checks: Vec<_> = self.case.checks.iter().collect();
        checks.sort_by_key(|check| match check.result.as_str() {
            "fail" => 0,
            "warn" => 1,
            _ => 2,
        });
        html! {
            section {
                h2 { "Checks of the workstation" }
                table.stack { tbody {
                    @for check in checks {
                        tr { td class=(class(&check.result)) { (check.result) } td { (check.check) } td { (check.what) }
                            td { (check.remedy) } }
                    }
                } }
            }
        }
    }

    fn errors(&self) -> Markup {
        let mut errors: Vec<_> = self.case.errors.iter().collect();
        errors.sort_by_key(|(code, count)| (std::cmp::Reverse(**count), **code));
        html! {
            @if !errors.is_empty() {
                section {
                    h2 { "Error codes of the newest logs, which may be later than the case" }
                    table { thead { tr { th { "Code" } th.n { "Times" } } } tbody {
                        @for (code, count) in errors { tr { td { (code) } td.n { (count) } } }
                    } }
                }
            }
        }
    }

    fn timeline(&self) -> Markup {
        let moments = &self.case.moments;
        let skipped = moments.len().saturating_sub(ROWS);
        let window = self.opened.manifest.window.as_ref();
        html! {
            section.timeline {
                h2 { "Timeline" }
                p.soft { "All dates of the case were moved by one number of whole weeks; weekday and time of day are as they were."
                    @if let Some(window) = window { " The case is about " (window.from) " to " (window.until) "." }
                    @if skipped > 0 { " The last " (ROWS) " of " (moments.len()) " moments." }
                    @if self.case.left_out > 0 { " " (self.case.left_out) " lines are not kept." } }
                table.stack {
                    thead { tr { th { "Time" } th { "Source" } th { "What" } th.n { "Times" } } }
                    tbody {
                        @for moment in moments.iter().skip(skipped) {
                            tr class=(level(moment.level)) { td.time { (moment.at) } td { (moment.source) }
                                td { (moment.text) } td.n { span.label { "Times: " } (moment.times) } }
                        }
                    }
                }
            }
        }
    }

    fn missing(&self) -> Markup {
        let operations = self.opened.manifest.operations.iter();
        let missing: Vec<_> = operations.filter(|operation| operation.outcome != "done").collect();
        html! {
            section {
                h2 { "Not in the bundle" }
                @if missing.is_empty() { p.soft { "Nothing is missing." } }
                ul { @for operation in missing {
                    li { (operation.name) ": " (operation.outcome)
                        @if let Some(why) = &operation.why { ", " (why) } }
                } }
            }
        }
    }
}

fn compared(differences: &Differences) -> Markup {
    html! {
        section {
            h2 { "Compared with case " (differences.case) " of this device" }
            ul { @for sentence in &differences.sentences { li { (sentence) } } }
        }
    }
}

/// A class of the style sheet, whatever a bundle says.
fn class(result: &str) -> &'static str {
    match result {
        "fail" => "fail",
        "warn" => "warn",
        _ => "pass",
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Information => "information",
    }
}

//! The report for the person who has to decide: per attribute what there was, masked, and what leaves. One page
//! that loads nothing.

use super::report::{FileReport, Report};
use crate::deidentify::dicom::Change;

/// Characters of a value that are shown.
const SHOWN: usize = 80;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>De-identification: before and after · Afidentificering: før og efter</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1d2733;background:#fff}
h1{font-size:1.4rem}details{border-top:1px solid #d5dbe1;padding:.5rem 0}summary{cursor:pointer}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #edf0f3;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600;color:#4a5866}code{font:13px ui-monospace,monospace}.before{color:#8a96a3}.gone{color:#8a96a3}.refused{color:#a33}
</style>
<h1>De-identification: before and after<br>Afidentificering: før og efter</h1>
<p>This page names the files as they are called here. It stays on this computer. What was there is masked.<br>
Denne side nævner filerne, som de hedder her. Den bliver på denne computer. Det oprindelige indhold er sløret.</p>
"#;

/// The page up to its first file.
pub fn head() -> &'static str {
    HEAD
}

/// One file, with what happened to its attributes.
pub fn file(file: &FileReport, changes: &[Change]) -> String {
    let outcome = match (&file.output, file.reason) {
        (Some(output), _) => format!("→ <code>{}</code>", escaped(output)),
        (None, reason) => format!(
            "<span class=\"refused\">refused · afvist: {}</span>",
            escaped(&reason.unwrap_or_default().replace('_', " "))
        ),
    };
    let mut page = format!(
        "<details><summary><code>{}</code> ({}) {outcome} · {} kept · bevaret, {} replaced · erstattet, {} dropped · \
         fjernet</summary>\n",
        escaped(&file.input),
        file.kind,
        file.kept,
        file.replaced,
        file.dropped
    );
    if !changes.is_empty() {
        page +=
            "<table><tr><th>Attribute<th>Name · Navn<th>Before · Før<th>After · Efter<th>Rule · Regel</tr>\n";
        for change in changes {
            let after = change.after.as_deref().map_or_else(
                || "<span class=\"gone\">removed · fjernet</span>".to_owned(),
                |after| format!("<code>{}</code>", escaped(&shown(after))),
            );
            page += &format!(
                "<tr><td><code>{}</code><td>{}<td class=\"before\">{}<td>{after}<td>{}</tr>\n",
                escaped(&change.path),
                escaped(&change.name),
                masked(change.length),
                change.treatment.as_str().replace('_', " ")
            );
        }
        page += "</table>\n";
    } else if !file.rules.is_empty() {
        page += "<table><tr><th>Rule · Regel<th>Times · Antal</tr>\n";
        for (rule, count) in &file.rules {
            page += &format!("<tr><td>{}<td>{count}</tr>\n", rule.replace('_', " "));
        }
        page += "</table>\n";
    }
    page + "</details>\n"
}

/// The page behind its last file.
pub fn foot(report: &Report) -> String {
    let totals = &report.totals;
    format!(
        "<p>{} files · filer: {} cleaned · renset, {} refused · afvist. {} persons learned from {} files · {} personer \
         lært fra {} filer. DICOM PS3.15 {}.</p>\n</html>\n",
        totals.files,
        totals.cleaned,
        totals.refused,
        report.persons_learned,
        report.files_learned,
        report.persons_learned,
        report.files_learned,
        escaped(report.edition)
    )
}

/// How long a value was, and nothing of it.
fn masked(length: Option<u32>) -> String {
    match length {
        Some(0) => "empty · tom".to_owned(),
        Some(length) => format!("{} {length} bytes", "•".repeat(length.min(12) as usize)),
        None => "••••••••••••".to_owned(),
    }
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

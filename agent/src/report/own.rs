//! What the clinic itself learns from what is held: its exposures, its repeats, what is due.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use super::words;
use crate::config::Language;
use crate::html::{both, chart, checks};
use crate::support::check::Finding;

pub(super) fn write(
    out: &mut dyn Write,
    open: &[Value],
    usage: &[Value],
    findings: &[Finding],
) -> io::Result<()> {
    writeln!(
        out,
        "<section><h2>{}</h2><p>{}</p>",
        both("Your own figures", "Jeres egne tal"),
        both(
            "From what is held on this computer now, and from the scanner's own results. They stay yours whatever you answer.",
            "Fra det, der ligger på computeren nu, og fra scannerens egne resultater. De er jeres, uanset hvad I svarer.",
        )
    )?;
    let batches = [open, usage].concat();
    let exposures = counted(&batches, "exposure.count", "mode");
    let retakes = counted(&batches, "exposure.retake", "reason");
    if exposures.is_empty() {
        writeln!(
            out,
            "<p class=\"soft\">{}</p>",
            both("No exposure is counted here at the moment.", "Ingen optagelser er talt her i øjeblikket.")
        )?;
    } else {
        chart::rows(out, both("Exposures", "Optagelser"), both("Number", "Antal"), &named(&exposures))?;
    }
    if !retakes.is_empty() {
        chart::rows(
            out,
            both("Repeated because", "Gentaget på grund af"),
            both("Number", "Antal"),
            &named(&retakes),
        )?;
    }
    let danish: Vec<_> = findings.iter().map(|finding| finding.in_language(Language::Da)).collect();
    let english: Vec<_> = findings.iter().map(|finding| finding.in_language(Language::En)).collect();
    checks::table(out, english.iter().zip(&danish).map(|(en, da)| both(en, da)))?;
    writeln!(out, "</section>")
}

/// The counts of an entry, by one of its attributes.
fn counted(batches: &[Value], entry: &str, attribute: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let records = batches.iter().filter_map(|batch| batch["says"].as_array()).flatten();
    for record in records.filter(|record| record["entry"] == entry) {
        let by = record["attributes"][attribute].as_str().unwrap_or_default();
        *sums.entry(by.to_owned()).or_default() += record["value"].as_u64().unwrap_or(0);
    }
    sums
}

fn named(sums: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut rows: Vec<_> =
        sums.iter().map(|(word, count)| (words::of_exposures(word).to_string(), *count)).collect();
    rows.sort_unstable_by(|(word, count), (other, more)| more.cmp(count).then_with(|| word.cmp(other)));
    rows
}

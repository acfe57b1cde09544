//! Statistics for the clinic itself: exposures, repeats, what is due.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::held::statements;
use super::words;
use crate::api::privacy::{Amount, Attribute, Attributes, EntryName, HeldRecord};
use crate::config::Language;
use crate::html::{both, chart, checks};
use crate::support::check::Finding;

pub(super) fn write(
    out: &mut dyn Write,
    open: &[HeldRecord],
    usage: &[HeldRecord],
    findings: &[Finding],
) -> io::Result<()> {
    writeln!(
        out,
        "<section><h2>{}</h2><p>{}</p>",
        both("Your own figures", "Jeres egne tal"),
        both(
            "From what is held on this computer now, and from the scanner's own results. They stay yours whatever you answer.",
            "Ud fra det, der ligger på computeren nu, og scannerens egne resultater. Tallene er jeres, uanset hvad I svarer.",
        )
    )?;
    let exposures = counted([open, usage], "exposure.count", "mode");
    let retakes = counted([open, usage], "exposure.retake", "reason");
    if exposures.is_empty() {
        writeln!(
            out,
            "<p class=\"soft\">{}</p>",
            both(
                "No exposure is counted here at the moment.",
                "Der er ingen optagelser at vise i øjeblikket."
            )
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
fn counted(batches: [&[HeldRecord]; 2], entry: &str, attribute: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let is_of = |name: &EntryName| matches!(name, EntryName::Name(name) if name == entry);
    for record in batches.into_iter().flat_map(statements).filter(|record| is_of(&record.entry)) {
        let by = match &record.attributes {
            Attributes::Named(named) => named.get(attribute),
            Attributes::Numbers(_) => None,
        };
        let by = by.and_then(|by| if let Attribute::Text(word) = by { Some(word.as_str()) } else { None });
        if let Some(Amount::Count(count)) = record.value {
            *sums.entry(by.unwrap_or_default().to_owned()).or_default() += count;
        }
    }
    sums
}

fn named(sums: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut rows: Vec<_> =
        sums.iter().map(|(word, count)| (words::of_exposures(word).to_string(), *count)).collect();
    rows.sort_unstable_by(|(word, count), (other, more)| more.cmp(count).then_with(|| word.cmp(other)));
    rows
}

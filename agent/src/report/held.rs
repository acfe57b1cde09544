//! Data held and data sent: amounts, days, reasons, and every record in full while its key exists.

use std::collections::BTreeMap;
use std::io::{self, Write};

use protocol::{Catalog, Reason};

use super::{danish, words};
use crate::api::privacy::{Amount, Attribute, Attributes, EntryName, HeldRecord, Says, Statement};
use crate::api::status::{Queues, Status};
use crate::counters::Sent;
use crate::html::{Escaped, Label, Time, both, chart, grouped, size};
use crate::request::SENT;

/// Days of the chart.
const DAYS: usize = 30;

/// Records that are shown in full; the export holds all.
const SHOWN: usize = 2000;

pub(super) fn write(
    out: &mut dyn Write,
    status: &Status,
    open: &[HeldRecord],
    usage: &[HeldRecord],
    last_sent: &[HeldRecord],
) -> io::Result<()> {
    writeln!(out, "<section><h2>{}</h2>", both("Queued and sent data", "Data i kø og sendte data"))?;
    waiting(out, &status.waiting)?;
    sent(out, &status.sent)?;
    writeln!(
        out,
        "</section>\n<section><h2>{}</h2><p>{}</p>",
        both("Queued data in full", "Alle data i kø"),
        both(
            "This is all of it, as it would leave. Take the yes back, and its key is destroyed: then nobody can read it.",
            "Det er det hele, præcis som det ville blive sendt. Tilbagekalder I samtykket, slettes nøglen: så kan ingen læse det.",
        )
    )?;
    records(out, "usage", usage)?;
    records(out, "open", open)?;
    writeln!(
        out,
        "</section>\n<section><h2>{}</h2><p>{}</p>",
        both("Data sent last, in full", "Alle senest sendte data"),
        both(
            "Exactly what left, kept here so that you can read it. It can be read for as long as its key exists; taking \
             the yes back destroys that too.",
            "Præcis det, der blev sendt, gemt her, så I kan læse det. Det kan læses, så længe nøglen findes; tilbagekalder I \
             samtykket, slettes den også.",
        )
    )?;
    records(out, SENT, last_sent)?;
    writeln!(out, "</section>")?;
    dropped(out, &status.dropped)
}

fn waiting(out: &mut dyn Write, waiting: &Queues) -> io::Result<()> {
    writeln!(
        out,
        "<table><thead><tr><th>{}<th class=\"n\">{}<th class=\"n\">{}</thead><tbody>",
        both("Queued here", "I kø her"),
        both("Records", "Poster"),
        both("Size", "Størrelse")
    )?;
    for (queue, amount) in waiting.each() {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}<td class=\"n\">{}<td class=\"n\">{}</tr>",
            words::queue(queue),
            grouped(amount.records),
            size(amount.bytes)
        )?;
    }
    writeln!(out, "</tbody></table>")
}

/// The sums, and the days that are remembered.
fn sent(out: &mut dyn Write, sent: &BTreeMap<String, Sent>) -> io::Result<()> {
    for Sent { records, bytes, last, days } in sent.values() {
        let (number, amount) = (grouped(*records), size(*bytes));
        let (record, post) = if *records == 1 { ("record was", "post") } else { ("records were", "poster") };
        writeln!(
            out,
            "<p>{} {}.</p>",
            both(
                format!("{} {record} sent so far, {} in all; the last on", number.en, amount.en),
                format!("{} {post} er sendt indtil nu, {} i alt; senest", number.da, amount.da),
            ),
            Time(last.as_deref().unwrap_or("–"))
        )?;
        let all: Vec<(&str, u64)> = days.iter().map(|(day, records)| (day.as_str(), *records)).collect();
        let last = all.get(all.len().saturating_sub(DAYS)..).unwrap_or(&[]);
        if !last.is_empty() {
            let most = grouped(last.iter().map(|(_, records)| *records).max().unwrap_or(0));
            let caption = both(
                format!("Records sent, by day of sending. The longest bar is {}.", most.en),
                format!("Sendte poster pr. dag. Den længste søjle er {}.", most.da),
            );
            chart::days(out, caption, last)?;
        }
    }
    if sent.is_empty() {
        writeln!(out, "<p>{}</p>", both("Nothing was ever sent.", "Intet er nogensinde sendt."))?;
    }
    Ok(())
}

/// What batches say that can be read.
pub(super) fn statements(sealed: &[HeldRecord]) -> impl Iterator<Item = &Statement> {
    let says = sealed.iter().filter_map(|batch| batch.says.as_ref());
    says.flat_map(|says| if let Says::Usage(said) = says { said.as_slice() } else { &[] })
}

/// Every record of a queue.
fn records(out: &mut dyn Write, queue: &str, sealed: &[HeldRecord]) -> io::Result<()> {
    let all = || statements(sealed);
    let unreadable = sealed.iter().filter(|batch| batch.says.is_none()).count();
    writeln!(
        out,
        "<details><summary>{} <span class=\"soft\">({})</span></summary><div>",
        words::queue(queue),
        grouped(all().count() as u64)
    )?;
    if unreadable > 0 {
        writeln!(
            out,
            "<p>{}</p>",
            both(
                format!(
                    "Batches that nobody can read, as there is no yes or their key is gone: {unreadable}."
                ),
                format!(
                    "Pakker, som ingen kan læse, fordi samtykket mangler, eller nøglen er væk: {unreadable}."
                ),
            )
        )?;
    }
    writeln!(
        out,
        "<table class=\"stack\"><thead><tr><th>{}<th>{}<th>{}<th class=\"n\">{}</thead><tbody>",
        both("What", "Hvad"),
        both("When", "Hvornår"),
        both("Details", "Detaljer"),
        both("Value", "Værdi")
    )?;
    for record in all().take(SHOWN) {
        let name = match &record.entry {
            EntryName::Name(name) => name.as_str(),
            EntryName::Number(_) => "",
        };
        let what = Catalog::built_in().entries().find(|entry| entry.name == name);
        let what = what.map_or(both(name, name), |entry| {
            both(entry.what.as_str(), danish::what(name).unwrap_or(&entry.what))
        });
        let details: Vec<String> = match &record.attributes {
            Attributes::Named(named) => {
                let detail = |(name, value): (&String, &Attribute)| {
                    format!("{} {}", name.replace('_', " "), plain(value))
                };
                named.iter().map(detail).collect()
            }
            Attributes::Numbers(_) => Vec::new(),
        };
        writeln!(
            out,
            "<tr><td>{what}<td class=\"whole\">{}<td>{}<td class=\"n\">{}{}</tr>",
            Escaped(&period(record.at.as_deref().unwrap_or_default())),
            Escaped(&details.join(", ")),
            Label(both("Value", "Værdi")),
            Escaped(&amount(record.value.as_ref()))
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    if all().count() > SHOWN {
        let more = both("The rest is in:", "Resten findes i:");
        writeln!(out, "<p>{more} <code>kathea-agent privacy export -o DIR</code></p>")?;
    }
    writeln!(out, "</div></details>")
}

/// A month, a week or a day as it is; an hour with its minutes.
fn period(at: &str) -> String {
    match at.split_once('T') {
        Some((day, hour)) => format!("{day} {hour}:00"),
        None => at.to_owned(),
    }
}

fn plain(value: &Attribute) -> String {
    match value {
        Attribute::Text(text) => text.replace('_', " "),
        Attribute::Integer(number) => number.to_string(),
        Attribute::Decimal(number) => number.to_string(),
    }
}

fn amount(value: Option<&Amount>) -> String {
    match value {
        None => "1".to_owned(),
        Some(Amount::Count(count)) => count.to_string(),
        Some(Amount::Buckets(counts)) => counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" · "),
    }
}

fn dropped(out: &mut dyn Write, dropped: &BTreeMap<Reason, u64>) -> io::Result<()> {
    let mut rows: Vec<(Reason, u64)> = dropped.iter().map(|(reason, count)| (*reason, *count)).collect();
    rows.sort_unstable_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    writeln!(
        out,
        "<section><h2>{}</h2><p>{}</p>",
        both("Rejected events, and why", "Afviste hændelser og årsagen"),
        both("Every dropped event is counted.", "Alle kasserede hændelser tælles.")
    )?;
    if rows.is_empty() {
        writeln!(out, "<p class=\"soft\">{}</p>", both("Nothing.", "Intet."))?;
    } else {
        let rows: Vec<_> = rows.iter().map(|(reason, count)| (words::reason(*reason), *count)).collect();
        chart::rows(out, both("Reason", "Årsag"), both("Times", "Antal"), &rows)?;
    }
    writeln!(out, "</section>")
}

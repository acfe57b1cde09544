//! What is held and what left: amounts, days, reasons, and every record in full while its key lives.

use std::io::{self, Write};

use protocol::{Catalog, Reason};
use serde_json::Value;

use super::{moment, words};
use crate::html::{Escaped, both, chart, grouped, size};
use crate::request::SENT;

/// Days of the chart.
const DAYS: usize = 30;

/// Records that are shown in full; the export holds all.
const SHOWN: usize = 2000;

pub(super) fn write(
    out: &mut dyn Write,
    status: &Value,
    open: &[Value],
    usage: &[Value],
    last_sent: &[Value],
) -> io::Result<()> {
    writeln!(
        out,
        "<section><h2>{}</h2>",
        both("What waits and what was sent", "Hvad der venter, og hvad der er sendt")
    )?;
    waiting(out, &status["waiting"])?;
    sent(out, &status["sent"])?;
    writeln!(
        out,
        "</section>\n<section><h2>{}</h2><p>{}</p>",
        both("What waits, in full", "Det, der venter, i sin helhed"),
        both(
            "This is all of it, as it would leave. Take the yes back, and its key is destroyed: then nobody can read it.",
            "Det er det hele, som det ville blive sendt. Trækkes ja'et tilbage, ødelægges nøglen: så kan ingen læse det.",
        )
    )?;
    records(out, "usage", usage)?;
    records(out, "open", open)?;
    writeln!(
        out,
        "</section>\n<section><h2>{}</h2><p>{}</p>",
        both("What was sent last, in full", "Det senest sendte, i sin helhed"),
        both(
            "Exactly what left, kept here so that you can read it. It can be read for as long as its key exists; taking \
             the yes back destroys that too.",
            "Præcis det, der blev sendt, gemt her, så I kan læse det. Det kan læses, så længe nøglen findes; trækkes ja'et \
             tilbage, ødelægges også den.",
        )
    )?;
    records(out, SENT, last_sent)?;
    writeln!(out, "</section>")?;
    dropped(out, &status["dropped"])
}

fn waiting(out: &mut dyn Write, waiting: &Value) -> io::Result<()> {
    writeln!(
        out,
        "<table><thead><tr><th>{}<th class=\"n\">{}<th class=\"n\">{}</thead><tbody>",
        both("Waits here", "Venter her"),
        both("Records", "Poster"),
        both("Size", "Størrelse")
    )?;
    for (tray, amount) in waiting.as_object().into_iter().flatten() {
        let number = |field: &str| amount[field].as_u64().unwrap_or(0);
        writeln!(
            out,
            "<tr><th scope=\"row\">{}<td class=\"n\">{}<td class=\"n\">{}</tr>",
            words::tray(tray),
            grouped(number("records")),
            size(number("bytes"))
        )?;
    }
    writeln!(out, "</tbody></table>")
}

/// The sums, and the days that are remembered.
fn sent(out: &mut dyn Write, sent: &Value) -> io::Result<()> {
    let mut is_any = false;
    for one in sent.as_object().into_iter().flat_map(|sent| sent.values()) {
        is_any = true;
        let (records, bytes) = (one["records"].as_u64().unwrap_or(0), one["bytes"].as_u64().unwrap_or(0));
        let (number, amount, last) =
            (grouped(records), size(bytes), moment(one["last"].as_str().unwrap_or("–")));
        writeln!(
            out,
            "<p>{}</p>",
            both(
                format!("{} records were sent so far, {} in all; the last on {last}.", number.en, amount.en),
                format!("{} poster er sendt indtil nu, {} i alt; senest {last}.", number.da, amount.da),
            )
        )?;
        let all: Vec<(&str, u64)> = one["days"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(day, records)| (day.as_str(), records.as_u64().unwrap_or(0)))
            .collect();
        let last = all.get(all.len().saturating_sub(DAYS)..).unwrap_or(&[]);
        if !last.is_empty() {
            let most = grouped(last.iter().map(|(_, records)| *records).max().unwrap_or(0));
            let caption = both(
                format!("Records sent, by day of sending. The longest bar is {}.", most.en),
                format!("Sendte poster, efter dag. Den længste søjle er {}.", most.da),
            );
            chart::days(out, caption, last)?;
        }
    }
    if !is_any {
        writeln!(out, "<p>{}</p>", both("Nothing was ever sent.", "Intet er nogensinde sendt."))?;
    }
    Ok(())
}

/// Every record of a tray.
fn records(out: &mut dyn Write, tray: &str, sealed: &[Value]) -> io::Result<()> {
    let all = || sealed.iter().filter_map(|batch| batch["says"].as_array()).flatten();
    let unreadable = sealed.iter().filter(|batch| batch["says"].is_null()).count();
    writeln!(
        out,
        "<details><summary>{} <span class=\"soft\">({})</span></summary><div>",
        words::tray(tray),
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
                    "Pakker, som ingen kan læse, fordi der intet ja er, eller nøglen er væk: {unreadable}."
                ),
            )
        )?;
    }
    writeln!(
        out,
        "<table><thead><tr><th>{}<th>{}<th>{}<th class=\"n\">{}</thead><tbody>",
        both("What", "Hvad"),
        both("When", "Hvornår"),
        both("Details", "Detaljer"),
        both("Value", "Værdi")
    )?;
    for record in all().take(SHOWN) {
        let name = record["entry"].as_str().unwrap_or_default();
        let what = Catalog::built_in().entries().find(|entry| entry.name == name);
        let what = what.map_or(both(name, name), |entry| {
            both(entry.what.as_str(), words::in_danish(name).unwrap_or(&entry.what))
        });
        let details: Vec<String> = record["attributes"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)))
            .collect();
        writeln!(
            out,
            "<tr><td>{what}<td>{}<td>{}<td class=\"n\">{}</tr>",
            Escaped(record["at"].as_str().unwrap_or_default()),
            Escaped(&details.join(", ")),
            Escaped(&plain(&record["value"]))
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    if all().count() > SHOWN {
        let more = both("The rest is in:", "Resten findes i:");
        writeln!(out, "<p>{more} <code>kathea-agent privacy export -o DIR</code></p>")?;
    }
    writeln!(out, "</div></details>")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "1".to_owned(),
        Value::String(text) => text.replace('_', " "),
        Value::Array(counts) => counts.iter().map(plain).collect::<Vec<_>>().join(" · "),
        other => other.to_string(),
    }
}

fn dropped(out: &mut dyn Write, dropped: &Value) -> io::Result<()> {
    let mut rows: Vec<(Reason, u64)> = dropped
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(word, count)| Some((word.parse().ok()?, count.as_u64()?)))
        .collect();
    rows.sort_unstable_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    writeln!(
        out,
        "<section><h2>{}</h2><p>{}</p>",
        both("What was not taken, and why", "Hvad der ikke blev taget, og hvorfor"),
        both("Nothing disappears uncounted.", "Intet forsvinder uden at blive talt.")
    )?;
    if rows.is_empty() {
        writeln!(out, "<p class=\"soft\">{}</p>", both("Nothing.", "Intet."))?;
    } else {
        let rows: Vec<_> = rows.iter().map(|(reason, count)| (words::reason(*reason), *count)).collect();
        chart::rows(out, both("Reason", "Årsag"), both("Times", "Antal"), &rows)?;
    }
    writeln!(out, "</section>")
}

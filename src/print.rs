//! Data to standard output, words to standard error, columns that stand under each other.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

use agent::harmless;
use agent::texts::Language;
use chrono::TimeZone;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::colour;
use crate::exit::{Exit, Failure};
use crate::texts::refusal::Refusal;
use crate::texts::{language, say};

/// Data. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    // A program that reads it wants it as it is.
    let shown = match out.is_terminal() {
        true if colour::is_on() => colour::painted(&harmless::text(text)).into(),
        true => harmless::text(text),
        false => text.into(),
    };
    match writeln!(out, "{}", shown.trim_end_matches('\n')).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(say(Refusal::OutputGone { why: e.kind() })))
        }
        _ => Ok(()),
    }
}

/// Data for programs, one line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|_| Failure::failed(say(Refusal::NoJson)))?;
    data(&text)
}

/// What a command answers: the body for programs, or what `people` says of it.
pub(crate) fn answer(
    body: &impl Serialize,
    is_json: bool,
    people: impl FnOnce() -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    if is_json {
        json(body)?
    } else {
        people()?
    }
    Ok(Exit::Done)
}

/// A time of RFC 3339 as the clock of this place shows it, with how far that is from UTC.
pub(crate) fn local(at: &str) -> String {
    let here = |at: OffsetDateTime| {
        let utc = chrono::DateTime::from_timestamp(at.unix_timestamp(), 0)?.naive_utc();
        let ahead = chrono::Local.offset_from_utc_datetime(&utc).local_minus_utc();
        Some(at.to_offset(UtcOffset::from_whole_seconds(ahead).ok()?))
    };
    let Some(local) = OffsetDateTime::parse(at, &Rfc3339).ok().and_then(here) else { return at.to_owned() };
    let (hours, minutes, _) = local.offset().as_hms();
    let sign = if local.offset().is_negative() { '-' } else { '+' };
    let (date, time) = (local.date(), local.time());
    format!("{date} {:02}:{:02} {sign}{:02}:{:02}", time.hour(), time.minute(), hours.abs(), minutes.abs())
}

/// Words. If nobody can read them, nobody misses them.
pub(crate) fn words(text: &str) {
    let _ = writeln!(io::stderr(), "{}", harmless::text(&with_config(text)));
}

/// An error, by which the program ends.
pub(crate) fn error(failure: &Failure) {
    let name = "kathea-agent:";
    let name =
        if io::stderr().is_terminal() && colour::is_on() { colour::red(name) } else { name.to_owned() };
    let _ = writeln!(io::stderr(), "{name} {}", harmless::text(&with_config(&failure.to_string())));
}

/// A text for people, in which every command repeats the `--config` that was given.
pub(crate) fn with_config(text: &str) -> String {
    repeated(text, CONFIG.get())
}

/// The configuration that was named, as it is typed.
static CONFIG: OnceLock<String> = OnceLock::new();

/// From here on every command that [`words`] says repeats `--config PATH`.
pub(crate) fn remember_config(path: &Path) {
    let path = harmless::path(path).to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\:._-~".contains(c);
    let _ = CONFIG.set(if path.chars().all(is_plain) { path } else { format!("\"{path}\"") });
}

/// The text, with `--config` in the commands of this program that it names.
fn repeated(text: &str, config: Option<&String>) -> String {
    const PROGRAM: &str = "kathea-agent ";
    // The command line is large: most texts name no command.
    let Some(config) = config.filter(|_| text.contains(PROGRAM)) else { return text.to_owned() };
    let program = crate::cli::command_line();
    let mut out = String::new();
    for (at, piece) in text.split(PROGRAM).enumerate() {
        let first = piece.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap_or_default();
        if at > 0 {
            out += PROGRAM;
            if program.find_subcommand(first).is_some() {
                out += &format!("--config {config} ");
            }
        }
        out += piece;
    }
    out
}

/// A question; the answer is typed behind it.
pub(crate) fn prompt(text: &str) {
    let mut out = io::stderr();
    let _ = write!(out, "{}", harmless::text(text)).and_then(|()| out.flush());
}

/// Text for a terminal: lines of at most [`WIDTH`] characters, broken between words; what goes on under a label is set in.
pub(crate) fn wrapped(text: &str) -> String {
    let mut out = String::new();
    for line in text.trim_end().lines() {
        let is_labelled = line.find(": ").is_some_and(|end| end <= LABEL);
        let next = if is_labelled { "\n    " } else { "\n" };
        let mut length = 0;
        for word in line.split(' ') {
            let width = word.chars().count();
            if length > 0 && length + 1 + width > WIDTH {
                out += next;
                length = next.len() - 1;
            } else if length > 0 {
                out.push(' ');
                length += 1;
            }
            out += word;
            length += width;
        }
        out.push('\n');
    }
    out
}

/// Characters of a line that is read without effort, and fits every terminal.
const WIDTH: usize = 80;

/// Bytes of the longest label: "Opbevares på denne enhed højst".
const LABEL: usize = 34;

/// Rows under a heading, columns aligned, numbers to the right.
pub(crate) fn table(heading: &str, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let widths: Vec<_> = (0..columns)
        .map(|column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let right: Vec<_> = (0..columns).map(|column| cells(column).all(|cell| is_number(cell))).collect();
    let mut text = format!("{heading}\n");
    for row in rows {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
            line += "  ";
            line += &if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn is_number(cell: &str) -> bool {
    cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit()) && !cell.contains('-')
}

/// `1234567` as `1,234,567`, in Danish as `1.234.567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(language().pick(',', '.'));
        }
        text.push(digit);
    }
    text
}

/// A number of bytes as people read it.
pub(crate) fn bytes(number: u64) -> String {
    let text = match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    };
    match language() {
        Language::En => text,
        Language::Da => text.replace('.', ","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let text = table("Waiting", &[row(&["usage", "7", "few"]), row(&["requests", "1,200", ""])]);
        assert_eq!(text, "Waiting\n  usage         7  few\n  requests  1,200\n");
    }

    #[test]
    fn a_long_line_is_broken_between_words() {
        let text = wrapped(
            "May this workstation send statistics of how Kathea and the X1 scanner are used and how they work?\n\nNo.",
        );
        assert_eq!(
            text,
            "May this workstation send statistics of how Kathea and the X1 scanner are used\nand how they work?\n\nNo.\n"
        );
        let label = format!("Data: {}", "word ".repeat(20));
        assert!(wrapped(&label).contains("word\n    word"), "what goes on is set in");
        assert_eq!(wrapped(&"ø".repeat(200)).trim_end().chars().count(), 200, "a word stays whole");
    }

    #[test]
    fn a_command_that_is_said_repeats_the_configuration() {
        let said = |text| repeated(text, Some(&"a.toml".to_owned()));
        assert_eq!(said("run kathea-agent support list"), "run kathea-agent --config a.toml support list");
        assert_eq!(said("kathea-agent: no; kathea-agent runs"), "kathea-agent: no; kathea-agent runs");
        assert_eq!(repeated("kathea-agent support list", None), "kathea-agent support list");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([grouped(0), grouped(999), grouped(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!([bytes(999), bytes(4_194_304)], ["999 B", "4.2 MB"]);
    }
}

//! Bars, drawn as SVG without a script. The numbers stand beside them as text, so that nothing is said by colour or
//! length alone.

use std::fmt::Display;
use std::io::{self, Write};

use super::{Both, Escaped, grouped};

/// Rows of a table: what, how many, and a bar.
///
/// # Errors
/// Of `out`.
pub fn rows<L: Display>(
    out: &mut dyn Write,
    what: Both<&str>,
    number: Both<&str>,
    rows: &[(L, u64)],
) -> io::Result<()> {
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    writeln!(
        out,
        "<table><thead><tr><th>{what}<th class=\"n\">{number}<td class=\"wide half\"></thead><tbody>"
    )?;
    for (label, count) in rows {
        writeln!(
            out,
            "<tr><th scope=\"row\">{label}<td class=\"n\">{}<td class=\"wide half\"><svg aria-hidden=\"true\" \
             viewBox=\"0 0 1000 12\" width=\"100%\" preserveAspectRatio=\"none\">\
             <rect class=\"bar\" width=\"{}\" height=\"12\"/></svg></tr>",
            grouped(*count),
            count.saturating_mul(1000) / most
        )?;
    }
    writeln!(out, "</tbody></table>")
}

/// A day below its bar, as both languages write it: `2026-11-30` is `30/11`.
fn below(day: &str) -> String {
    match *day.split('-').collect::<Vec<_>>() {
        [_, month, day] => format!("{}/{}", day.trim_start_matches('0'), month.trim_start_matches('0')),
        _ => day.to_owned(),
    }
}

const HEIGHT: u64 = 120;
const STEP: u64 = 18;

/// A bar for each of `days`, the oldest first, with the caption below.
///
/// # Errors
/// Of `out`.
pub fn days(out: &mut dyn Write, caption: Both<String>, days: &[(&str, u64)]) -> io::Result<()> {
    let most = days.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let width = (days.len() as u64 * STEP).max(20 * STEP) + STEP;
    write!(
        out,
        "<figure><svg aria-hidden=\"true\" viewBox=\"0 0 {width} {}\" width=\"{width}\" height=\"{}\">\
         <line class=\"axis\" x1=\"0\" x2=\"{width}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>",
        HEIGHT + 18,
        HEIGHT + 18
    )?;
    for (at, (day, count)) in days.iter().enumerate() {
        let height = (count.saturating_mul(HEIGHT - 12) / most).max(u64::from(*count > 0));
        let x = at as u64 * STEP;
        write!(
            out,
            "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\"/>",
            x + 3,
            HEIGHT - height,
            STEP - 6
        )?;
        if at % 5 == 0 {
            write!(out, "<text x=\"{x}\" y=\"{}\">{}</text>", HEIGHT + 14, Escaped(&below(day)))?;
        }
    }
    writeln!(out, "</svg><figcaption class=\"soft\">{caption}</figcaption></figure>")
}

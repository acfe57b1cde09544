//! Where numbers stand decides whether they are a date: not in a run, a row, a vector, a version, a time of day.

use std::ops::Range;

use super::Reading;
use super::between::Between;

/// Numbers in one run from which on it is measured.
const RUN: usize = 4;
/// Bytes of a line that are looked at on either side.
const NEAR: usize = 400;
/// What a version follows.
const VERSIONED: &[&str] = &[
    "v", "ver", "fw", "sw", "rev", "udgave", "kathea", "x1", "windows", "net", "openssl", "cuda", "opengl",
    "vulkan", "qt", "linux", "sdk", "dll", "libusb", "sqlite", "kernel", "python", "java", "zlib", "lib",
    "app", "api", "os",
];
const VERSION_ENDS: &[&str] =
    &["version", "versions", "firmware", "driver", "build", "release", "software", "revision", "update"];

/// Whether the reading is one of a date, where it stands in `text`.
pub(super) fn is_date(text: &str, reading: &Reading<'_>) -> bool {
    let (before, after) = around(text, &reading.at);
    let is_short = reading.year.digits() == 2;
    let (one, two) = match reading.gaps {
        [Some(one), Some(two)] => (one, two),
        _ => return !(is_short && continues(after, ":")),
    };
    let is_last = reading.year.at.end == reading.at.end;
    let beside = if is_last { two } else { one };
    let is_part = is_last && beside.has_no_mark() && continues(after, "-./")
        || !is_last && beside.has_no_mark() && continued(before, "-./")
        || one.has_no_mark() && continued(before, ":.,");
    let is_time = one.has(':') != two.has(':') || is_clock(text, reading, one, two);
    !is_part
        && !is_time
        && (!is_short || is_short_date(before, after, beside, one, two))
        && !is_version(text, reading, one, two)
        && !is_run(text, reading, one, two)
}

/// Whether a whole number of eight digits or more is a cell of a run or a row.
pub(super) fn is_measured(text: &str, at: &Range<usize>) -> bool {
    let row = text.get(line(text, at.start)).unwrap_or_default();
    is_row(row) && count(row) >= RUN
}

/// Whether a year of two digits stands beside a separator, and nothing that it would be part of around it.
fn is_short_date(before: &str, after: &str, beside: &Between, one: &Between, two: &Between) -> bool {
    let is_odd = |gap: &Between| {
        gap.has(':') && gap.only() != Some(':') || gap.has('-') && (gap.has(',') || gap.has(';'))
    };
    let is_signed = (one.ends_in_sign || two.ends_in_sign)
        && [one, two].iter().all(|gap| gap.ends_in_sign || gap.has_no_mark());
    beside.separates()
        && !is_signed
        && !is_odd(one)
        && !is_odd(two)
        && !continued(before, "-./:,_")
        && !continues(after, "-./:,_")
        && !begins_key(after)
}

/// Whether a letter and an equals sign follow directly: the last number is of a name, such as `5V=`.
fn begins_key(after: &str) -> bool {
    after.as_bytes().get(..2).is_some_and(|next| next[0].is_ascii_alphabetic() && next[1] == b'=')
}

/// Whether one of the marks and a digit follow directly, or what stands in a number's place.
fn continues(after: &str, marks: &str) -> bool {
    let mut next = after.chars();
    next.next().is_some_and(|mark| marks.contains(mark))
        && next.next().is_some_and(|c| c.is_ascii_digit() || c == '[')
}

/// Whether a digit and one of the marks stand directly before, or what stands in a number's place.
fn continued(before: &str, marks: &str) -> bool {
    let mut last = before.chars().rev();
    last.next().is_some_and(|mark| marks.contains(mark))
        && last.next().is_some_and(|c| c.is_ascii_digit() || c == ']')
}

/// Hours, minutes and seconds.
fn is_clock(text: &str, reading: &Reading<'_>, one: &Between, two: &Between) -> bool {
    let own = text.get(reading.at.clone()).unwrap_or_default();
    let mut parts =
        own.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).zip([24, 59, 59]);
    one.only() == Some(':')
        && two.only() == Some(':')
        && parts.all(|(part, most)| part.len() <= 2 && part.parse::<u8>().is_ok_and(|part| part <= most))
}

/// Numbers joined by full stops: four and more, three behind a word that a version follows, or three that are all of
/// their value and have no zeros before them.
fn is_version(text: &str, reading: &Reading<'_>, one: &Between, two: &Between) -> bool {
    let is_dotted = |gap: &Between| gap.is_tight && gap.only() == Some('.');
    if !is_dotted(one) || !is_dotted(two) {
        return false;
    }
    let (before, after) = around(text, &reading.at);
    if continued(before, ".") || continues(after, ".") {
        return true;
    }
    let announced = before.trim_end_matches(|c: char| !c.is_alphanumeric() && !c.is_control());
    let word = announced.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    let follows = VERSIONED.contains(&word.as_str()) || VERSION_ENDS.iter().any(|end| word.ends_with(end));
    let is_whole = before.trim_start().is_empty() && after.trim_end().is_empty()
        || before.ends_with(['"', '\'', '>']) && after.starts_with(['"', '\'', '<']);
    let own = text.get(reading.at.clone()).unwrap_or_default();
    let is_padded = own.split('.').any(|part| part.len() == 2 && part.starts_with('0'));
    reading.year.digits() == 2 && (follows || is_whole && !is_padded)
}

/// Whether the numbers are cells: of a run of their kind, of a vector in brackets, of a row among rows.
fn is_run(text: &str, reading: &Reading<'_>, one: &Between, two: &Between) -> bool {
    let (before, after) = around(text, &reading.at);
    let here = line(text, reading.at.start);
    let row = text.get(here.clone()).unwrap_or_default();
    if one.ends_line && two.ends_line {
        return true;
    }
    if one.ends_line || two.ends_line {
        let end = text.get(line(text, reading.at.end)).unwrap_or_default();
        return is_row(row) && is_row(end) && count(row) == count(end) || is_array(before, after);
    }
    let Some(mark) = one.divides().filter(|mark| two.divides() == Some(*mark)) else { return false };
    3 + cells_before(before, mark) + cells_after(after, mark) >= RUN
        || is_array(before, after)
        || is_row(row) && has_neighbour(text, &here)
}

/// Whether brackets enclose it.
fn is_array(before: &str, after: &str) -> bool {
    before.trim_end().ends_with(['[', '(', '{', '<']) && after.trim_start().starts_with([']', ')', '}', '>'])
}

/// Numbers in the cells that follow directly.
fn cells_after(after: &str, mark: char) -> usize {
    let mut rest = after.split('\n').next().unwrap_or_default();
    for count in 0..RUN {
        let bare = rest.trim_start_matches([' ', '\t']);
        let cell = if mark == ' ' {
            Some(bare).filter(|bare| bare.len() < rest.len())
        } else {
            bare.strip_prefix(mark)
        };
        let cell = cell.unwrap_or_default().trim_start();
        let next = cell.trim_start_matches(is_of_number);
        let number = cell.get(..cell.len() - next.len()).unwrap_or_default();
        if number.parse::<f64>().is_err() || next.starts_with(char::is_alphanumeric) {
            return count;
        }
        rest = next;
    }
    RUN
}

/// Likewise before.
fn cells_before(before: &str, mark: char) -> usize {
    let mut rest = before.rsplit('\n').next().unwrap_or_default();
    for count in 0..RUN {
        let bare = rest.trim_end_matches([' ', '\t']);
        let cell = if mark == ' ' {
            Some(bare).filter(|bare| bare.len() < rest.len())
        } else {
            bare.strip_suffix(mark)
        };
        let cell = cell.unwrap_or_default().trim_end();
        let next = cell.trim_end_matches(is_of_number);
        let number = cell.get(next.len()..).unwrap_or_default();
        if number.parse::<f64>().is_err() || next.ends_with(char::is_alphanumeric) {
            return count;
        }
        rest = next;
    }
    RUN
}

fn is_of_number(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '.' | '-' | '+')
}

/// A line of nothing but numbers, some of them perhaps replaced already.
fn is_row(line: &str) -> bool {
    let is_cell = |cell: &str| {
        cell.parse::<f64>().is_ok_and(f64::is_finite) || cell.starts_with('[') && cell.ends_with(']')
    };
    let mut cells = line.trim().split([',', ';', '\t', '|', ' ']).filter(|cell| !cell.is_empty()).peekable();
    cells.peek().is_some() && cells.all(is_cell)
}

fn count(row: &str) -> usize {
    row.split([',', ';', '\t', '|', ' ']).filter(|cell| !cell.trim().is_empty()).count()
}

/// Whether the line before or behind is a row, too.
fn has_neighbour(text: &str, here: &Range<usize>) -> bool {
    let before = here.start.checked_sub(1).map(|end| line(text, end));
    let behind = (here.end < text.len()).then(|| line(text, here.end + 1));
    let rows = [before, behind].into_iter().flatten().filter_map(|line| text.get(line));
    rows.into_iter().any(|row| is_row(row) && count(row) > 1)
}

/// What stands on either side, as far as it matters.
fn around<'t>(text: &'t str, at: &Range<usize>) -> (&'t str, &'t str) {
    let start = (at.start.saturating_sub(NEAR)..=at.start).find(|start| text.is_char_boundary(*start));
    let end = (at.end..=(at.end + NEAR).min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    (part(start.unwrap_or(at.start)..at.start), part(at.end..end.unwrap_or(at.end)))
}

/// The line in which the byte at `at` stands, without its end, as far as it matters.
fn line(text: &str, at: usize) -> Range<usize> {
    let (before, after) = around(text, &(at..at));
    let start = before.rfind('\n').map_or(at - before.len(), |feed| at - before.len() + feed + 1);
    start..at + after.find('\n').unwrap_or(after.len())
}

//! Whether numbers that could be a date are measured ones: cells of a row, a run, a vector, a version, a time of day.

use std::ops::Range;

use super::gap::Gap;

/// Numbers in a run from which on none is a part of a date, and the same for a year of two digits.
const RUN: usize = 6;
const RUN_SHORT: usize = 4;
/// Words before a version. One of the first kind may end a longer word, as in `softwareVersion`.
const VERSIONS: &[&str] =
    &["version", "versions", "firmware", "driver", "build", "release", "software", "revision"];
const PRODUCTS: &[&str] = &[
    "v", "ver", "fw", "sw", "rev", "udgave", "kathea", "x1", "windows", "net", "openssl", "cuda", "opengl",
    "vulkan", "qt", "linux", "sdk", "dll", "libusb", "sqlite",
];

/// Numbers that exist as a date.
#[derive(Debug)]
pub(super) struct Candidate {
    /// All of it.
    pub(super) range: Range<usize>,
    pub(super) gaps: [Gap; 2],
    /// A year of four digits stands first.
    pub(super) year_first: bool,
    /// The year has two digits.
    pub(super) short: bool,
    /// Its month has a name, or the day is one of the year.
    pub(super) named: bool,
    pub(super) numbers: [u32; 3],
}

impl Candidate {
    /// One whose month has a name; `gap` stands before its last number.
    pub(super) fn named(range: Range<usize>, gap: Gap, short: bool) -> Self {
        Self { range, gaps: [gap, gap], year_first: false, short, named: true, numbers: [0; 3] }
    }
}

/// Whether the candidate is to be taken for a date.
pub(super) fn is_date(text: &str, candidate: &Candidate, in_table: bool) -> bool {
    let before = text.get(..candidate.range.start).unwrap_or_default();
    let after = text.get(candidate.range.end..).unwrap_or_default();
    let [one, two] = &candidate.gaps;
    if candidate.named {
        return !(candidate.short && starts(after, &[':']));
    }
    if !candidate.short {
        // `2/3 2026-11-21`: the year is that of another date.
        let other_follows = !candidate.year_first && two.is_blank() && starts(after, &['-', '.', '/']);
        let other_precedes = candidate.year_first && one.is_blank() && ends(before, &['-', '.', '/']);
        if other_follows || other_precedes {
            return false;
        }
    } else if !is_short_date(before, after, candidate) {
        return false;
    }
    if one.is_only('.') && two.is_only('.') && one.length == 1 && two.length == 1 {
        let parts = 3 + dotted_before(before) + dotted_after(after);
        let is_version = (candidate.short || parts > 3) && follows_version(before);
        return parts < RUN && !(candidate.short && parts >= RUN_SHORT) && !is_version;
    }
    match one.delimiter() {
        Some(by) if two.delimiter() == Some(by) => {
            let cells = 3 + cells_before(before, by) + cells_after(after, by);
            let is_long =
                cells >= RUN || cells >= RUN_SHORT && (candidate.short || is_numbers(line(text, candidate)));
            // Nobody measures `03`.
            let is_padded = text.get(candidate.range.clone()).is_some_and(has_leading_zero);
            let is_enclosed =
                before.ends_with(['(', '[', '{', '<']) && after.starts_with([')', ']', '}', '>']);
            let is_vector = candidate.short && by != '|' && !is_padded && is_enclosed;
            let is_blank = candidate.short && by == ' ' && (one.length, two.length) != (1, 1);
            !(in_table || is_long || is_vector || is_blank || candidate.short && by == '\t')
        }
        _ => true,
    }
}

/// Likewise for one whose year has two digits, by what touches it.
fn is_short_date(before: &str, after: &str, candidate: &Candidate) -> bool {
    let [one, two] = &candidate.gaps;
    if one.has(':') || two.has(':') {
        let [hours, minutes, seconds] = candidate.numbers;
        let is_time = hours <= 24 && minutes < 60 && seconds < 60;
        if is_time || !one.is_only(':') || !two.is_only(':') {
            return false;
        }
    }
    let is_signed = [one, two].iter().all(|gap| gap.is_only('-') && gap.length == 2 && gap.ends_in_mark)
        || [one, two].iter().any(|gap| gap.has('-') && (gap.has(',') || gap.has(';')));
    let different_blanks = one.is_blank() && two.is_blank() && one.delimiter() != two.delimiter();
    let decimal = two.is_blank() || two.is_only('.') || two.is_only(',');
    !(is_signed
        || different_blanks
        || ends(before, &['.', ',', ':'])
        || is_in_date(before)
        || starts(after, &[':'])
        || is_key(after)
        || decimal && starts(after, &['.', ',']))
}

/// Whether the number before is the beginning of a key and no year: `12V=12.0`.
fn is_key(after: &str) -> bool {
    let mut next = after.chars();
    next.next().is_some_and(|c| c.is_ascii_alphabetic()) && next.next() == Some('=')
}

/// Whether one of the marks and then a digit follow directly.
fn starts(after: &str, marks: &[char]) -> bool {
    after.strip_prefix(marks).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a digit and then one of the marks stand directly before.
fn ends(before: &str, marks: &[char]) -> bool {
    before.strip_suffix(marks).is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
}

/// Whether the year of a date stands one or two numbers before: what follows is the rest of that date.
fn is_in_date(before: &str) -> bool {
    let mut rest = before;
    for _ in 0..2 {
        let Some(number) = rest.strip_suffix(['-', '.', '/', '_']) else { return false };
        rest = number.trim_end_matches(|c: char| c.is_ascii_digit());
        match number.get(rest.len()..).unwrap_or_default() {
            year if year.len() == 4 && year.parse().is_ok_and(|year| (1880..2100).contains(&year)) => {
                return true;
            }
            "" => return false,
            _ => {}
        }
    }
    false
}

/// Numbers that are joined to what follows by full stops.
fn dotted_before(before: &str) -> usize {
    let (mut rest, mut count) = (before, 0);
    while let Some(number) = rest.strip_suffix('.') {
        rest = number.trim_end_matches(|c: char| c.is_ascii_digit());
        if rest.len() == number.len() {
            break;
        }
        count += 1;
    }
    count
}

fn dotted_after(after: &str) -> usize {
    let (mut rest, mut count) = (after, 0);
    while let Some(number) = rest.strip_prefix('.') {
        rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == number.len() {
            break;
        }
        count += 1;
    }
    count
}

/// Whether a number of two digits begins with a zero.
fn has_leading_zero(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() == 2 && number.starts_with('0'))
}

/// Whether `value` is three numbers joined by full stops, as a version is written: without zeros before them.
pub(super) fn may_be_version(value: &str) -> bool {
    let is_number =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    value.split('.').count() == 3 && value.split('.').all(is_number) && !has_leading_zero(value)
}

/// Whether the word before says that a version follows.
pub(crate) fn follows_version(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '=', ':', '"', '\'', '/', '-', '_', '(', '\u{a0}']);
    let start = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
    let word = before.get(start..).unwrap_or_default().to_ascii_lowercase();
    PRODUCTS.contains(&word.as_str()) || VERSIONS.iter().any(|version| word.ends_with(version))
}

/// Numbers in the cells that follow, up to what is none.
fn cells_after(after: &str, by: char) -> usize {
    let (mut rest, mut count) = (after, 0);
    while count < RUN {
        let Some(cell) = divided(rest, by) else { break };
        let length = cell.len() - cell.trim_start_matches(is_numeric).len();
        let (number, next) = cell.split_at_checked(length).unwrap_or_default();
        if number.parse::<f64>().is_err() || next.starts_with(char::is_alphanumeric) {
            break;
        }
        (rest, count) = (next, count + 1);
    }
    count
}

fn divided(rest: &str, by: char) -> Option<&str> {
    let bare = rest.trim_start_matches(' ');
    match by {
        ' ' => Some(bare).filter(|bare| bare.len() < rest.len()),
        _ => Some(bare.strip_prefix(by)?.trim_start_matches(' ')),
    }
}

fn cells_before(before: &str, by: char) -> usize {
    let (mut rest, mut count) = (before, 0);
    while count < RUN {
        let bare = rest.trim_end_matches(' ');
        let cell = match by {
            ' ' => Some(bare).filter(|bare| bare.len() < rest.len()),
            _ => bare.strip_suffix(by).map(|cell| cell.trim_end_matches(' ')),
        };
        let Some(cell) = cell else { break };
        let next = cell.trim_end_matches(is_numeric);
        let number = cell.get(next.len()..).unwrap_or_default();
        if number.parse::<f64>().is_err() || next.ends_with(char::is_alphanumeric) {
            break;
        }
        (rest, count) = (next, count + 1);
    }
    count
}

fn is_numeric(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '.' | '+' | '-')
}

/// The line in which the candidate stands, as far as it matters.
fn line<'t>(text: &'t str, candidate: &Candidate) -> &'t str {
    let start = text.get(..candidate.range.start).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(candidate.range.end..).and_then(|text| text.find('\n'));
    text.get(start..end.map_or(text.len(), |at| candidate.range.end + at)).unwrap_or_default()
}

/// Whether `line` is nothing but numbers and what divides them.
pub(crate) fn is_numbers(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_digit() || b" \t,;|.+-eE".contains(&byte))
}

//! Context across lines: a birth date that a line end splits, and rows of a table.

use std::io::{self, Write};
use std::ops::Range;

use super::decode::End;
use super::scrub::{CUT_DATE, Scrubber};
use crate::identifiers::{everyday, measured};

/// Bytes of a line that a date may take at its end or at its start.
const REACH: usize = 48;

/// A line that waits for the next one.
pub(super) struct Held {
    text: String,
    end: End,
    /// Cells, if it is a row of numbers.
    cells: Option<usize>,
    in_table: bool,
}

impl Held {
    pub(super) fn new(text: &str, end: End) -> Self {
        Self { text: text.to_owned(), end, cells: cells(text), in_table: false }
    }

    /// Looks at this line and the next one together.
    pub(super) fn meet(&mut self, next: &mut Self, scrubber: &Scrubber<'_>) {
        if self.cells.is_some() && self.cells == next.cells {
            (self.in_table, next.in_table) = (true, true);
            return;
        }
        let Some((start, end)) = cut(&self.text, &next.text, scrubber) else { return };
        self.text.replace_range(start.., CUT_DATE);
        next.text.replace_range(..end, CUT_DATE);
    }

    /// Writes what may stay of it.
    pub(super) fn write(
        self,
        scrubber: &mut Scrubber<'_>,
        out: &mut String,
        output: &mut impl Write,
    ) -> io::Result<()> {
        out.clear();
        scrubber.in_table = self.in_table;
        scrubber.line(&self.text, out);
        scrubber.in_table = false;
        out.push_str(self.end.as_str());
        output.write_all(out.as_bytes())
    }
}

/// Where a day on which somebody was born begins in `line` and ends in `next`, if it is in both.
fn cut(line: &str, next: &str, scrubber: &Scrubber<'_>) -> Option<(usize, usize)> {
    if !scrubber.identifiers.has_births() {
        return None;
    }
    let is_part = |c: char| c.is_ascii_digit() || c.is_alphabetic();
    // Most lines end in a word that is no month: nothing is joined for them.
    let last = line.trim_end_matches(|c: char| !is_part(c)).rsplit(|c: char| !c.is_alphabetic()).next()?;
    let first = next.trim_start_matches(|c: char| !is_part(c));
    if last.len() > 9 || !first.starts_with(is_part) {
        return None;
    }
    let before = boundary(line, line.len().saturating_sub(REACH));
    let after = boundary(next, REACH.min(next.len()));
    let (tail, head) = (line.get(before..)?, next.get(..after)?);
    // A word that no date has stands between, unless it is a tag's or an escape's.
    let opens = first.split(|c: char| !c.is_alphabetic()).next()?;
    let is_apart = [last, opens].iter().any(|word| !word.is_empty() && !everyday::is_of_date(word));
    let is_bare = |part: &str| memchr::memchr2(b'<', b'\\', part.as_bytes()).is_none();
    if is_apart && is_bare(tail) && is_bare(head) {
        return None;
    }
    let text = [tail, "\n", head].concat();
    let middle = tail.len();
    let mut whole: Option<Range<usize>> = None;
    let identifiers = scrubber.identifiers;
    everyday::births(
        &text,
        false,
        |day| identifiers.is_birth(day),
        |range, _| {
            if range.start < middle && range.end > middle + 1 {
                let known = whole.take().unwrap_or(range.clone());
                whole = Some(known.start.min(range.start)..known.end.max(range.end));
            }
        },
    );
    let whole = whole?;
    // What hangs on it goes with it.
    let rest = next.get(whole.end - middle - 1..)?;
    let hanging = rest.len() - rest.trim_start_matches(char::is_alphanumeric).len();
    Some((before + whole.start, whole.end - middle - 1 + hanging))
}

/// The nearest start of a character at `at` or behind.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// How many cells the line has, if it is a row of two numbers or more.
fn cells(line: &str) -> Option<usize> {
    if !measured::is_numbers(line) {
        return None;
    }
    let mut cells = line.split([',', ';', '\t', '|', ' ']).filter(|cell| !cell.is_empty());
    let count = cells.clone().count();
    (count > 1 && cells.all(|cell| cell.parse::<f64>().is_ok())).then_some(count)
}

//! A log, line by line: what was read before is remembered, rows of a table and lines of JSON are read as such, and of the
//! rest the head and the message.

use std::io::{self, Read, Write};

use super::columns::{Columns, bare, cells};
use super::decode::{Line, Lines};
use super::header::{self, Piece};
use super::memo::Shaped;
use super::moment::Order;
use super::neighbours::Held;
use super::rule::{Counts, Rule};
use super::scrub::Scrubber;
use super::{pass, shape, stamp};
use crate::case::Case;
use crate::identifiers::Identifiers;
use crate::keys;
use crate::structured::{self, leaf};

/// Bytes of a log in which the order of day and month is looked for.
const HEAD: u64 = 256 << 10;
/// Pieces of the head of a line.
const PIECES: usize = 5;

/// Writes to `output` what may stay of the log in `input`, line by line.
pub fn clean(
    input: impl Read,
    output: &mut impl Write,
    case: &Case,
    identifiers: &Identifiers,
) -> io::Result<Counts> {
    let mut input = input;
    let mut head = Vec::new();
    Read::by_ref(&mut input).take(HEAD).read_to_end(&mut head)?;
    let mut scrubber = Scrubber::new(case, identifiers);
    scrubber.order = Order::of(&structured::decoded(&head));
    let mut lines = Lines::new(head.as_slice().chain(input))?;
    let mut out = String::new();
    let mut is_first = true;
    // A line is written when the next one is known.
    let mut held: Option<Held> = None;
    while let Some((line, end)) = lines.next_line()? {
        let mut next = match line {
            Line::Text(text) => {
                if std::mem::take(&mut is_first) {
                    scrubber.columns = Columns::of(text);
                }
                Some(Held::new(text, end))
            }
            Line::Unreadable => None,
        };
        if let (Some(held), Some(next)) = (&mut held, &mut next) {
            held.meet(next, &scrubber);
        }
        let before = std::mem::replace(&mut held, next);
        before.map_or(Ok(()), |before| before.write(&mut scrubber, &mut out, output))?;
        if held.is_none() {
            scrubber.counts.drop(Rule::Unreadable);
        }
    }
    held.map_or(Ok(()), |last| last.write(&mut scrubber, &mut out, output))?;
    Ok(scrubber.counts)
}

impl Scrubber<'_> {
    /// Appends to `out` what may stay of one line of a log.
    pub(super) fn line(&mut self, line: &str, out: &mut String) {
        if self.row(line, out) {
            return;
        }
        if line.starts_with('{')
            && let Ok(json) = structured::json::clean_line(line, self)
        {
            out.push_str(&json);
            return;
        }
        let rest = self.time(line, out);
        // Rows of numbers do not come again.
        if self.in_table {
            return self.untimed(rest, out);
        }
        let has_shape = shape::of(rest, &mut self.memo.shape);
        if has_shape && self.shaped(rest, out) {
            return;
        }
        if let Some((known, counts)) = self.memo.get(rest) {
            out.push_str(known);
            self.counts.add(counts);
            return;
        }
        let (before, from) = (std::mem::take(&mut self.counts), out.len());
        self.untimed(rest, out);
        let counts = std::mem::replace(&mut self.counts, before);
        self.counts.add(&counts);
        self.remember(rest, out.get(from..).unwrap_or_default(), from, counts, has_shape);
    }

    /// Appends to `out` what may stay of a line of a table. `false` if it is none.
    fn row(&mut self, line: &str, out: &mut String) -> bool {
        let Some(mut columns) = self.columns.take() else { return false };
        let cells = cells(line, columns.by);
        let is_row = cells.len() == columns.classes.len();
        if is_row {
            for (at, (cell, class)) in cells.iter().zip(&columns.classes).enumerate() {
                if at > 0 {
                    out.push(columns.by);
                }
                let text = bare(cell);
                if !columns.is_named {
                    let is_listed = keys::is_listed(text) && !self.is_learned(text);
                    out.push_str(if is_listed { cell } else { "[text]" });
                } else if !text.is_empty() {
                    let clean = leaf::text(self, *class, text);
                    out.push_str(if clean == text { cell } else { &clean });
                }
            }
            columns.is_named = true;
        }
        self.columns = Some(columns);
        is_row
    }

    /// Appends to `out` what a line of the same shape became, with the numbers of this one. `false` if none came before, or
    /// something in this one was learned or is a date.
    fn shaped(&mut self, line: &str, out: &mut String) -> bool {
        let memo = std::mem::take(&mut self.memo);
        let known = memo.shaped().filter(|known| {
            let message = line.get(known.message..).unwrap_or_default();
            self.is_plain(message) && pass::literals(self.case.table(), message) == known.literals
        });
        if let Some(known) = known {
            known.write(line, out);
            self.counts.add(&known.counts);
        }
        let is_known = known.is_some();
        self.memo = memo;
        is_known
    }

    /// Remembers what became of a line, which stands in the output from `from` on.
    fn remember(&mut self, line: &str, out: &str, from: usize, counts: Counts, has_shape: bool) {
        if has_shape && self.was_plain {
            let message = line.get(self.message_at..).unwrap_or_default();
            let literals = pass::literals(self.case.table(), message);
            self.copied.iter_mut().for_each(|part| part.to -= from);
            let place = (self.message_at, literals);
            let shaped = Shaped::new(&self.memo.shape, place, (out, counts), &self.copied);
            return shaped.map_or((), |shaped| self.memo.put_shaped(shaped));
        }
        self.memo.put(line, out, counts);
    }

    /// Likewise of a line behind its time.
    fn untimed(&mut self, line: &str, out: &mut String) {
        self.copied.clear();
        let mut rest = line;
        for _ in 0..PIECES {
            match header::piece(rest) {
                Some(Piece::Fixed(piece)) => {
                    self.copied(line.len() - rest.len(), piece, out);
                    self.counts.kept += 1;
                    rest = rest.get(piece.len()..).unwrap_or_default();
                }
                Some(Piece::Module(name, code)) => {
                    let at = line.len() - rest.len();
                    if self.is_learned(name) {
                        // A name has no loose number.
                        let copied = self.copied.len();
                        self.message_of_line(name, out);
                        self.copied.truncate(copied);
                    } else {
                        out.push_str(name);
                        self.counts.kept += 1;
                    }
                    self.copied(at + name.len(), code, out);
                    rest = rest.get(name.len() + code.len()..).unwrap_or_default();
                    break;
                }
                None => break,
            }
        }
        self.message_at = line.len() - rest.len();
        self.message_of_line(rest, out);
    }

    /// Moves the point in time with which a line begins; returns what follows it.
    fn time<'t>(&mut self, line: &'t str, out: &mut String) -> &'t str {
        let open = line.len() - line.trim_start_matches([' ', '\t', '[', '<']).len();
        let Some((before, text)) = line.split_at_checked(open) else { return line };
        let Some((moved, length)) = stamp::moved(text, self.case, self.order) else { return line };
        self.counts.replace(Rule::Moved);
        out.push_str(before);
        out.push_str(&moved);
        let rest = text.get(length..).unwrap_or_default();
        let gap = rest.len() - rest.trim_start_matches([' ', '\t', ']', '>', '|', '-', ';', ',']).len();
        out.push_str(rest.get(..gap).unwrap_or_default());
        rest.get(gap..).unwrap_or_default()
    }
}

#[cfg(test)]
mod birth_tests;
#[cfg(test)]
mod learned_tests;
#[cfg(test)]
mod table_tests;

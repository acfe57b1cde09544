//! Free text: learned identifiers are marked first, then the rest is scrubbed word by word (`pass`).

use std::borrow::Cow;
use std::ops::Range;

use super::columns::Columns;
use super::memo::{Copied, Memo};
use super::moment::Order;
use super::pass::Pass;
use super::rule::{Counts, Rule};
use super::slots;
use super::unescape::unescape;
use super::words::{around, is_date};
use crate::case::Case;
use crate::identifiers::dates::{Form, Found};
use crate::identifiers::{Identifiers, Kind, View};

/// Where the private characters begin that stand for what was learned while the rest is looked at.
const MARKS: u32 = 0xe000;
/// In a line, the part of a birth date that the line's end cut. A private character that no file has for anything else.
pub(super) const CUT_DATE: &str = "\u{f0000}";
/// What they stand for.
const MARKED: [Rule; 9] = [
    Rule::Learned(Kind::Name),
    Rule::Learned(Kind::Id),
    Rule::Learned(Kind::BirthDate),
    Rule::Learned(Kind::Phone),
    Rule::Learned(Kind::Email),
    Rule::Learned(Kind::Address),
    Rule::Learned(Kind::Clinic),
    Rule::Learned(Kind::Remark),
    Rule::Date,
];
/// Scrubs the texts of one case; keeps its buffers.
pub struct Scrubber<'a> {
    pub(crate) case: &'a Case,
    pub(crate) identifiers: &'a Identifiers,
    /// What became of the texts so far.
    pub counts: Counts,
    view: View,
    hits: Vec<(Range<usize>, Rule)>,
    dates: Vec<(Range<usize>, Rule)>,
    pub(super) memo: Memo,
    /// What of the line was written as it is, and where in it the message begins.
    pub(super) copied: Vec<Copied>,
    pub(super) message_at: usize,
    /// The last message had no escapes, no date, and nothing that was learned.
    pub(super) was_plain: bool,
    /// What the first line of the file says of its columns.
    pub(super) columns: Option<Columns>,
    /// Which of two numbers of a date is the day.
    pub(super) order: Order,
    /// The text is a row among rows of numbers.
    pub(super) in_table: bool,
}

impl<'a> Scrubber<'a> {
    /// A scrubber for this case and what was learned of it.
    pub fn new(case: &'a Case, identifiers: &'a Identifiers) -> Self {
        Self {
            case,
            identifiers,
            counts: Counts::default(),
            view: View::default(),
            hits: Vec::new(),
            dates: Vec::new(),
            memo: Memo::default(),
            copied: Vec::new(),
            message_at: 0,
            was_plain: false,
            columns: None,
            order: Order::default(),
            in_table: false,
        }
    }

    /// Appends to `out` what may stay of `text`.
    pub fn message(&mut self, text: &str, out: &mut String) {
        self.copied.clear();
        self.message_at = 0;
        self.message_of_line(text, out);
    }

    /// Likewise of the message of a line, which begins at `message_at`.
    pub(super) fn message_of_line(&mut self, text: &str, out: &mut String) {
        let opened = self.opened(text);
        let marked = self.mark(&opened);
        self.was_plain = matches!(marked, Cow::Borrowed(_)) && opened == text;
        Pass::new(self, &marked, out).run();
    }

    /// Whether `text` has no escapes, no date, and nothing that was learned.
    pub(super) fn is_plain(&mut self, text: &str) -> bool {
        if self.opened(text) != text {
            return false;
        }
        self.search(text);
        self.hits.is_empty()
    }

    /// Writes a part of a line, which begins at `from`, as it is.
    pub(super) fn copied(&mut self, from: usize, part: &str, out: &mut String) {
        self.copied.push(Copied { from, to: out.len(), length: part.len() });
        out.push_str(part);
    }

    /// The text without escapes.
    fn opened<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let table = self.case.table().filter(|_| text.contains('='));
        let Some(guarded) = table.map(|table| slots::guarded(table, text)) else { return unescape(text) };
        let opened = unescape(&guarded);
        if opened.contains(slots::EQUALS) {
            opened.replace(slots::EQUALS, "=").into()
        } else {
            opened.into_owned().into()
        }
    }

    /// Whether `text` holds an identifier for which it has to go as a whole.
    pub(crate) fn is_learned(&mut self, text: &str) -> bool {
        self.identifiers.is_in(text, &mut self.view)
    }

    /// Finds all that was learned, and every date alone.
    fn search(&mut self, text: &str) {
        let (hits, identifiers) = (&mut self.hits, self.identifiers);
        hits.clear();
        // A UID is mapped by its form, so that references still fit.
        identifiers.find_words(text, &mut self.view, |hit| {
            if hit.kind != Kind::Uid {
                hits.push((hit.range, Rule::Learned(hit.kind)));
            }
        });
        // Where the table is known, a date in blanks is judged as a number in pieces: it may be a part of one.
        let has_table = self.case.table().is_some();
        let is_in_pieces = |range: &Range<usize>| {
            has_table
                && text.get(range.clone()).is_some_and(|date| {
                    date.contains(' ') && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
                })
        };
        let (in_table, dates) = (self.in_table, &mut self.dates);
        dates.clear();
        let is_plain_date = |found: &Found| {
            let is_measured = in_table && found.form == Form::Separated;
            !is_measured && !is_in_pieces(&found.range) && is_date(text, &found.range)
        };
        identifiers.find_dates(
            text,
            in_table,
            |found| {
                if is_plain_date(found) {
                    dates.push((found.range.clone(), Rule::Date));
                }
            },
            |hit| hits.push((hit.range, Rule::Learned(hit.kind))),
        );
        hits.append(dates);
        if !text.is_ascii() {
            let cut = text.match_indices(CUT_DATE).map(|(at, cut)| at..at + cut.len());
            hits.extend(cut.map(|range| (range, Rule::Learned(Kind::BirthDate))));
        }
    }

    /// The text with a private character in the place of all that was learned, and of every date alone.
    fn mark<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        self.search(text);
        let hits = &mut self.hits;
        let foreign = |character: char| (0xe000..0xf900).contains(&u32::from(character));
        if hits.is_empty() && (text.is_ascii() || !text.contains(foreign)) {
            return Cow::Borrowed(text);
        }
        hits.sort_unstable_by_key(|(range, rule)| (range.start, std::cmp::Reverse(range.end), *rule));
        let mut marked = String::with_capacity(text.len());
        let mut at = 0;
        for (range, rule) in hits.iter() {
            if range.end <= at {
                continue;
            }
            let range = around(text, range);
            marked.extend(text.get(at..range.start).unwrap_or_default().chars().filter(|c| !foreign(*c)));
            let place = MARKED.iter().position(|known| known == rule).unwrap_or(0) as u32;
            marked.extend(char::from_u32(MARKS + place));
            at = range.end;
        }
        marked.extend(text.get(at..).unwrap_or_default().chars().filter(|c| !foreign(*c)));
        Cow::Owned(marked)
    }
}

/// What a private character stands for.
pub(super) fn marked(character: char) -> Option<Rule> {
    MARKED.get(u32::from(character).checked_sub(MARKS)? as usize).copied()
}

#[cfg(test)]
mod tests;

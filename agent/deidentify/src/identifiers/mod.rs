//! The identifiers of a case: learned from every header and sidecar before anything is written, then found in
//! any text in whatever spelling a person or a program gives them.

pub mod dates;
mod days;
pub(crate) mod everyday;
mod fold;
mod gap;
mod learning;
pub(crate) mod measured;
pub(crate) mod second_reading;
mod spell;
mod store;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use time::Date;

use days::DaySet;
pub use days::Days;
pub use fold::View;
pub(crate) use fold::folded;
pub use learning::Learning;
use store::Index;

/// What an identifier tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Who: a patient's, a relative's, a member of staff's name.
    Name,
    /// A patient's, a study's or an order's number.
    Id,
    /// The day of birth.
    BirthDate,
    /// A telephone number.
    Phone,
    /// An electronic address.
    Email,
    /// Where somebody lives, or the clinic is.
    Address,
    /// The clinic: its name, its departments, its stations.
    Clinic,
    /// Whatever else is written about somebody, as a whole.
    Remark,
    /// A UID of a study, a series or an object.
    Uid,
}

impl Kind {
    /// The rule's name in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "learned_name",
            Self::Id => "learned_id",
            Self::BirthDate => "learned_birth_date",
            Self::Phone => "learned_phone",
            Self::Email => "learned_email",
            Self::Address => "learned_address",
            Self::Clinic => "learned_clinic",
            Self::Remark => "learned_remark",
            Self::Uid => "learned_uid",
        }
    }
}

/// Whom an identifier is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Whose {
    /// A patient, and nobody else.
    Patient,
    /// Somebody who works here, or the clinic: who may be named where the clinic itself is.
    Other,
}

/// An identifier in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it tells.
    pub kind: Kind,
    /// It may as well be something else: a product's word, a short number. Removed from free text all the same,
    /// but nothing to stop a bundle for.
    pub weak: bool,
    /// For a birth date, the days it may mean that somebody was born on.
    pub days: Days,
}

/// How one spelling is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pattern {
    kind: Kind,
    weak: bool,
    /// Only as a word of its own, because it is short or part of the product's words.
    whole: bool,
    /// Where separators may stand inside.
    breaks: Breaks,
    whose: Whose,
}

/// After which of an identifier's folded bytes separators may stand: a bit for each, from the first on. A short one has
/// them where they were learned, because its letters and digits alone stand in many a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Breaks(u8);

impl Breaks {
    const ANYWHERE: Self = Self(u8::MAX);
    const NOWHERE: Self = Self(0);

    /// Those of the last `length` folded bytes of a text.
    fn learned(view: &View, length: usize) -> Self {
        let start = view.bytes().len().saturating_sub(length);
        let is_gap = |bit: &usize| view.gap(start + bit + 1) > 0;
        Self((0..length.saturating_sub(1).min(7)).filter(is_gap).fold(0, |bits, bit| bits | 1 << bit))
    }

    /// Whether one may stand before the byte at `at`.
    fn has(self, at: usize) -> bool {
        self == Self::ANYWHERE || (1..8).contains(&at) && self.0 >> (at - 1) & 1 == 1
    }
}

/// The identifiers of a case. Its `Debug` prints none.
pub struct Identifiers {
    spellings: Index,
    births: DaySet,
    persons: u64,
    files: u64,
}

impl Identifiers {
    /// Calls `each` with every identifier in `text`, in no order and overlapping. `view` is any, to be filled. What comes
    /// out is not searched by it but by `find_words` and, for dates, by another reading.
    fn find(&self, text: &str, view: &mut View, mut each: impl FnMut(Hit)) {
        self.find_words(text, view, &mut each);
        self.find_births(text, false, each);
    }

    /// Likewise, but for days of birth alone. `in_table` says that the text is a row among rows.
    pub(crate) fn find_births(&self, text: &str, in_table: bool, each: impl FnMut(Hit)) {
        self.find_dates(text, in_table, |_| {}, each);
    }

    /// Likewise, and calls `date` with every date that is written in `text`, whoever was born on it.
    pub(crate) fn find_dates(
        &self,
        text: &str,
        in_table: bool,
        mut date: impl FnMut(&dates::Found),
        mut each: impl FnMut(Hit),
    ) {
        let mut hit = |range, weak, days| each(Hit { range, kind: Kind::BirthDate, weak, days });
        dates::dates(text, |found| {
            date(&found);
            let days = self.births_of(found.days);
            // Three numbers are looked at below, whatever separates them.
            if !days.is_empty() && found.form != dates::Form::Separated {
                // Six digits alone may as well be a time of day or a count.
                let weak = found.form == dates::Form::Compact && found.range.len() == 6;
                hit(found.range, weak, days);
            }
        });
        if !self.has_births() {
            return;
        }
        everyday::births(
            text,
            in_table,
            |day| self.is_birth(day),
            |range, days| {
                // A value that is `4.2.10` and nothing else is a version more often than a day.
                let weak = range == (0..text.len()) && measured::may_be_version(text);
                hit(range, weak, days);
            },
        );
    }

    /// Whether somebody was born on that day.
    pub(crate) fn is_birth(&self, day: Date) -> bool {
        self.births.has(day)
    }

    /// Whether any day of birth was learned.
    pub(crate) fn has_births(&self) -> bool {
        !self.births.is_empty()
    }

    /// Likewise, but for days of birth.
    pub(crate) fn find_words(&self, text: &str, view: &mut View, mut each: impl FnMut(Hit)) {
        self.search(text, view, |hit, _| each(hit));
    }

    /// Likewise, and whose it is.
    fn search(&self, text: &str, view: &mut View, mut each: impl FnMut(Hit, Whose)) {
        if self.spellings.len() == 0 || text.is_ascii() && !self.spellings.may_be_in(text) {
            return;
        }
        view.fill(text);
        let view = &*view;
        let start = |at| view.origin(at..at + 1).is_some_and(|range| is_edge(text, range.start));
        self.spellings.find(view.bytes(), start, |at, length, pattern| {
            let folded = at..at + length;
            let range = view.origin(folded.clone());
            if let Some(hit) = range.and_then(|range| accept(pattern, text, view, folded, range)) {
                each(hit, pattern.whose);
            }
        });
    }

    /// What of a patient's is in `text`, and of nobody else: one who works here may be a namesake.
    pub fn patients_in(&self, text: &str, view: &mut View) -> Vec<Kind> {
        let mut kinds = Vec::new();
        self.search(text, view, |hit, whose| {
            if !hit.weak && whose == Whose::Patient {
                kinds.push(hit.kind);
            }
        });
        self.find(text, view, |hit| {
            if hit.kind == Kind::BirthDate && !hit.weak {
                kinds.push(hit.kind);
            }
        });
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Whether `text`, a value of its own, holds one for which it has to go: also a number of five digits or more
    /// that is all of it. `view` is any, to be filled.
    pub fn is_in(&self, text: &str, view: &mut View) -> bool {
        let whole = text.trim();
        let digits = whole.bytes().filter(u8::is_ascii_digit).count();
        let mut found = false;
        self.find(whole, view, |hit| {
            let is_all = hit.kind == Kind::Id && hit.range == (0..whole.len()) && digits >= WHOLE;
            found |= !hit.weak || is_all;
        });
        found
    }

    /// Those of the days on which somebody was born.
    pub(crate) fn births_of(&self, days: Days) -> Days {
        days.into_iter().filter(|day| self.is_birth(*day)).collect()
    }

    /// Patients learned.
    pub fn persons(&self) -> u64 {
        self.persons
    }

    /// Files they were learned from.
    pub fn files(&self) -> u64 {
        self.files
    }
}

impl fmt::Debug for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifiers({} spellings)", self.spellings.len())
    }
}

/// Digits from which on a value that is a patient's number as a whole is taken for it, and not for a device's.
const WHOLE: usize = 5;

/// Bytes between two parts of one identifier: `Hansen, (Anna)`, not two cells of a table.
const GAP: usize = 4;

/// Whether what stands between the parts of an identifier joins them: not the end of a line, and between digits
/// neither a comma nor the colon of a time of day.
fn is_joined(kind: Kind, text: &str) -> bool {
    !text.bytes().any(|byte| byte == b'\n' || kind == Kind::Id && matches!(byte, b':' | b','))
}

/// The hit, if what surrounds and separates it fits its pattern.
fn accept(
    pattern: Pattern,
    text: &str,
    view: &View,
    folded: Range<usize>,
    range: Range<usize>,
) -> Option<Hit> {
    let gaps = (folded.start + 1..folded.end).map(|at| (at - folded.start, view.gap(at)));
    let widest = gaps.clone().map(|(_, gap)| gap).max().unwrap_or(0);
    let is_whole_where_learned = || gaps.clone().all(|(at, gap)| gap == 0 || pattern.breaks.has(at));
    let whole = is_edge(text, range.start) && is_edge(text, range.end);
    let fits = match widest {
        0 => whole || !pattern.whole,
        1..=GAP => {
            whole
                && is_whole_where_learned()
                && text.get(range.clone()).is_some_and(|text| is_joined(pattern.kind, text))
        }
        _ => false,
    };
    fits.then_some(Hit { range, kind: pattern.kind, weak: pattern.weak, days: Days::default() })
}

/// Whether a word or a number begins or ends at `at`: no letter meets a letter there, no digit a digit, except
/// where a small letter meets a capital.
fn is_edge(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at..).and_then(|text| text.chars().next());
    match (before, after) {
        (Some(before), Some(after)) if before.is_numeric() => !after.is_numeric(),
        (Some(before), Some(after)) if before.is_alphabetic() => {
            !after.is_alphabetic() || before.is_lowercase() && after.is_uppercase()
        }
        _ => true,
    }
}

#[cfg(test)]
pub(crate) mod date_tests;
#[cfg(test)]
mod tests;

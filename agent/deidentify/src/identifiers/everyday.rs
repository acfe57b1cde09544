//! Dates as people type them: any separators, also mixed, with blanks or small words between.
//!
//! Too many things look like one to take each for a date. Only a day on which somebody who was learned was born
//! counts, and not where the text says that it measures: in rows, runs, vectors, versions, times of day.

use std::ops::Range;

use time::Date;

use super::dates::{digits, has_letters, last_month, letters, month, reading};
use super::days::Days;
use super::gap::{self, Gap};
use super::measured::{self, Candidate};

/// Marks between a year and the number of its day: `1980-072`. A full stop would be a decimal one.
const ORDINAL: &[char] = &[
    '-', '/', '_', ':', '|', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}',
    '\u{2212}',
];

/// Bytes that may lie between two numbers of a date where no tag does: two gaps of 16 words of eight letters, and a month.
const REACH: usize = 320;

/// Calls `each` with every place in `text` that names a day of which `is_birth` holds, and with those days. Places may
/// overlap. `in_table` says that the text is a row among rows.
pub(crate) fn births(
    text: &str,
    in_table: bool,
    is_birth: impl Fn(Date) -> bool,
    mut each: impl FnMut(Range<usize>, Days),
) {
    let bytes = text.as_bytes();
    // A tag may have digits, and an escape letters, that belong to no number and to no word.
    let is_bare = memchr::memchr2(b'<', b'\\', bytes).is_none();
    let has_letters = has_letters(bytes);
    let mut at = 0;
    while let Some(skipped) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + skipped;
        let end = start + digits(bytes, start);
        at = end;
        if is_bare && !may_be(text, &(start..end), has_letters, &is_birth) {
            continue;
        }
        candidates(text, start..end, &mut |candidate, days| {
            let days: Days = days.into_iter().filter(|day| is_birth(*day)).collect();
            if !days.is_empty() && measured::is_date(text, &candidate, in_table) {
                each(candidate.range, days);
            }
        });
    }
}

/// Whether the number `first` may begin a day of birth, or stand in the midst of one, by itself and the numbers and words
/// that follow, whatever else lies between: `false` only where no candidate is one.
fn may_be(text: &str, first: &Range<usize>, has_letters: bool, is_birth: &impl Fn(Date) -> bool) -> bool {
    let bytes = text.as_bytes();
    let Some(number) = text.get(first.clone()).filter(|number| matches!(number.len(), 1 | 2 | 4)) else {
        return false;
    };
    let next = |from: usize| {
        let reached = bytes.get(from..bytes.len().min(from + REACH))?;
        let start = from + reached.iter().position(u8::is_ascii_digit)?;
        text.get(start..start + digits(bytes, start)).map(|number| (start, number))
    };
    let Some((second, middle)) = next(first.end) else { return false };
    if has_letters
        && (has_word_of_date(text.get(first.end..second).unwrap_or_default())
            || month_before(text, first.start).is_some())
        || number.len() == 4 && middle.len() == 3
    {
        return true;
    }
    // The second one is a month or a day, and so is one of the others.
    let is_small = |number: &str| number.len() <= 2 && number.parse().is_ok_and(|n| (1_u8..=31).contains(&n));
    let last = Some(middle).filter(|middle| is_small(middle)).and_then(|_| next(second + middle.len()));
    let last = last.map(|(_, last)| last).filter(|last| is_small(number) || is_small(last));
    last.and_then(|last| readings([number, middle, last])).is_some_and(|mut days| days.any(is_birth))
}

/// Calls `each` with all that may be a date whose first number is `first`.
fn candidates(text: &str, first: Range<usize>, each: &mut impl FnMut(Candidate, Days)) {
    let Some(number) = text.get(first.clone()).filter(|number| matches!(number.len(), 1 | 2 | 4)) else {
        return;
    };
    if let Some((month, start)) = month_before(text, first.start) {
        year_after(text, start..first.end, number, month, each);
    }
    let one = Gap::after(text, first.end);
    let word = one.end + letters(text, one.end);
    if let Some(month) = text.get(one.end..word).and_then(|word| month(word).or_else(|| roman(word, &one))) {
        if number.len() > 1 {
            let gap = Gap::after(text, word);
            let day = gap.end..gap.end + digits(text.as_bytes(), gap.end);
            let days = text.get(day.clone()).map(|day| reading(number, month, day).collect());
            let candidate = Candidate::named(first.start..day.end, gap, number.len() == 2);
            each(candidate, days.unwrap_or_default());
        }
        return year_after(text, first.start..word, number, month, each);
    }
    numeric(text, first, number, one, each);
}

/// A day and its month are at `before`; the year follows.
fn year_after(
    text: &str,
    before: Range<usize>,
    day: &str,
    month: u8,
    each: &mut impl FnMut(Candidate, Days),
) {
    let gap = Gap::after(text, before.end);
    let last = gap.end..gap.end + digits(text.as_bytes(), gap.end);
    let Some(year) = text.get(last.clone()) else { return };
    let short = year.len() == 2;
    let days = reading(year, month, day).collect();
    each(Candidate::named(before.start..last.end, gap, short), days);
}

/// Three numbers, or a year and the number of its day.
fn numeric(text: &str, first: Range<usize>, number: &str, one: Gap, each: &mut impl FnMut(Candidate, Days)) {
    let bytes = text.as_bytes();
    let second = one.end..one.end + digits(bytes, one.end);
    let Some(middle) = text.get(second.clone()).filter(|_| one.end > first.end) else { return };
    if number.len() == 4 && middle.len() == 3 && ORDINAL.iter().any(|mark| one.is_only(*mark)) {
        let day = number.parse().ok().zip(middle.parse().ok());
        let day = day.and_then(|(year, day)| Date::from_ordinal_date(year, day).ok());
        return each(Candidate::named(first.start..second.end, one, false), day.into_iter().collect());
    }
    let two = Gap::after(text, second.end);
    let third = two.end..two.end + digits(bytes, two.end);
    let Some(last) = text.get(third.clone()).filter(|_| middle.len() <= 2 && two.end > second.end) else {
        return;
    };
    let Some(days) = readings([number, middle, last]) else { return };
    let candidate = Candidate {
        range: first.start..third.end,
        gaps: [one, two],
        year_first: number.len() == 4,
        short: number.len() != 4 && last.len() != 4,
        named: false,
        numbers: [number.parse().unwrap_or(0), middle.parse().unwrap_or(0), last.parse().unwrap_or(0)],
    };
    each(candidate, days.collect());
}

/// The days that three numbers may mean, in their order.
fn readings(numbers: [&str; 3]) -> Option<impl Iterator<Item = Date>> {
    let [number, middle, last] = numbers;
    let [first_year, last_year] = match (number.len(), last.len()) {
        (4, 1 | 2) => [Some(number), None],
        (1 | 2, 4) => [None, Some(last)],
        (1 | 2, 1 | 2) => [Some(number), Some(last)],
        _ => return None,
    };
    // Where the year is first the others follow, where it is last they precede it, in both orders.
    let orders = [
        last_year.map(|year| (year, middle, number)),
        last_year.map(|year| (year, number, middle)),
        first_year.map(|year| (year, middle, last)),
        first_year.map(|year| (year, last, middle)),
    ];
    let days = orders.into_iter().flatten().flat_map(|(year, month, day)| {
        month.parse().into_iter().flat_map(move |month| reading(year, month, day))
    });
    Some(days)
}

/// The month whose name stands before the number at `at`, and where it begins.
fn month_before(text: &str, at: usize) -> Option<(u8, usize)> {
    let mut before = text.get(..at)?.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '>');
    for article in [" the", " den", " d"] {
        before = before.strip_suffix(article).unwrap_or(before).trim_end();
    }
    (before.len() + 8 >= at).then(|| last_month(before))?
}

/// Whether a word of `text` is a month, in letters or Roman numerals.
fn has_word_of_date(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphabetic());
    let mut before = b' ';
    // Most words begin with another letter: they are not taken apart.
    let may_be = text.bytes().any(|byte| {
        let begins = !before.is_ascii_alphabetic();
        before = byte;
        begins && b"jfmasondJFMASONDIVX".contains(&byte)
    });
    may_be && words.any(|word| month(word).is_some() || is_roman(word))
}

/// Whether `word` may stand between two numbers of a date: a month, in letters or Roman numerals, or a small word.
pub(crate) fn is_of_date(word: &str) -> bool {
    month(word).is_some() || is_roman(word) || gap::is_known(word)
}

/// The months in Roman numerals.
const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

fn is_roman(word: &str) -> bool {
    word.starts_with(['I', 'V', 'X']) && ROMAN.contains(&word)
}

/// A month in Roman numerals, as in `12.III.1980`.
fn roman(word: &str, gap: &Gap) -> Option<u8> {
    let at = ROMAN.iter().position(|month| *month == word)?;
    (!gap.is_blank()).then_some(at as u8 + 1)
}

//! Dates in every common form: their position in a text, and the days that each may mean.

use std::ops::Range;

use time::{Date, Month};

use super::days::Days;

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Three numbers with one and the same separator.
    Separated,
    /// Its month has a name.
    Named,
    /// Digits alone.
    Compact,
}

/// A date in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its bytes.
    pub range: Range<usize>,
    /// How it is written.
    pub form: Form,
    /// The days it may mean: year-month-day, day-month-year or month-day-year, whichever exist.
    pub days: Days,
}

/// The names of the months in English, German and the languages of Scandinavia, by their first three letters.
const MONTHS: [&[&str]; 12] = [
    &["jan"],
    &["feb"],
    &["mar", "mae", "mrz", "m\u{e4}"],
    &["apr"],
    &["may", "maj", "mai"],
    &["jun"],
    &["jul"],
    &["aug"],
    &["sep"],
    &["oct", "okt"],
    &["nov"],
    &["dec", "dez", "des"],
];
/// Bytes of their names: "maj" to "september".
const MONTH: std::ops::RangeInclusive<usize> = 3..=9;

/// Calls `each` with every date in `text`; stops at none, so that a date within another's digits is not found.
pub fn dates(text: &str, mut each: impl FnMut(Found)) {
    let bytes = text.as_bytes();
    let has_letters = has_letters(bytes);
    let mut at = 0;
    while let Some(start) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + start;
        let end = start + digits(bytes, start);
        at = match date(text, start, end, has_letters) {
            Some(found) => {
                let next = found.range.end.max(end);
                each(found);
                next
            }
            None => end,
        };
    }
}

/// The date whose first number is at `start..end`.
fn date(text: &str, start: usize, end: usize, has_letters: bool) -> Option<Found> {
    let first = text.get(start..end)?;
    if let Some((end, numbers)) = separated(text, end) {
        let parts = [first, text.get(numbers[0].clone())?, text.get(numbers[1].clone())?];
        let days: Days = readings(parts).collect();
        if !days.is_empty() {
            return Some(Found { range: start..end, form: Form::Separated, days });
        }
    }
    has_letters.then(|| named(text, start, end)).flatten().or_else(|| compact(text, start, end))
}

/// Whether the text may have a word: rows of numbers have none.
pub(super) fn has_letters(text: &[u8]) -> bool {
    text.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
}

/// Two more numbers after the first, with one and the same separator: `-`, `.`, `/`, `_` or a blank.
fn separated(text: &str, end: usize) -> Option<(usize, [Range<usize>; 2])> {
    let bytes = text.as_bytes();
    let separator = bytes.get(end).filter(|byte| b"-./_ ".contains(byte))?;
    let wide = usize::from(bytes.get(end + 1) == Some(&b' ') && *separator == b'.');
    let second = end + 1 + wide..end + 1 + wide + digits(bytes, end + 1 + wide);
    if second.is_empty() || second.len() > 2 || bytes.get(second.end) != Some(separator) {
        return None;
    }
    let third = second.end + 1 + wide..second.end + 1 + wide + digits(bytes, second.end + 1 + wide);
    let more =
        bytes.get(third.end) == Some(separator) && *separator == b'.' && digits(bytes, third.end + 1) > 0;
    (matches!(third.len(), 1 | 2 | 4) && !more).then_some((third.end, [second, third]))
}

/// `5. marts 1970`, `05-Mar-70`, `March 5th, 1970`.
fn named(text: &str, start: usize, end: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let first = text.get(start..end).filter(|first| matches!(first.len(), 1 | 2 | 4))?;
    let after = skip(bytes, end, b".-_/ ,");
    let word = if bytes.get(after).is_some_and(begins_month) { after + letters(text, after) } else { after };
    if let Some(month) = text.get(after..word).and_then(month) {
        let year = skip(bytes, word, b".-_/ ,");
        let last = year + digits(bytes, year);
        let year = text.get(year..last)?;
        let days: Days = reading(year, month, first).chain(reading(first, month, year)).collect();
        return (!days.is_empty()).then_some(Found { range: start..last, form: Form::Named, days });
    }
    // The month before the day.
    let beside = bytes.get(..start)?.iter().rev().take_while(|byte| b" .-_/,".contains(byte)).count();
    let before = text.get(..start - beside)?;
    let (month, word) = last_month(before)?;
    let year = skip(bytes, end, b"stndrh.-_/ ,");
    let last = year + digits(bytes, year);
    let days: Days = reading(text.get(year..last)?, month, first).collect();
    (!days.is_empty()).then_some(Found { range: word..last, form: Form::Named, days })
}

/// Eight or six digits alone, or fourteen with a time.
fn compact(text: &str, start: usize, end: usize) -> Option<Found> {
    let digits = text.get(start..end)?;
    let days = match digits.len() {
        8 | 12 | 14 => readings([digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?])
            .chain(readings([digits.get(..2)?, digits.get(2..4)?, digits.get(4..8)?]))
            .collect(),
        // A Danish personal number begins with the birth date.
        6 | 10 => readings([digits.get(..2)?, digits.get(2..4)?, digits.get(4..6)?]).collect(),
        _ => Days::default(),
    };
    (!days.is_empty()).then_some(Found { range: start..end, form: Form::Compact, days })
}

fn readings(parts: [&str; 3]) -> impl Iterator<Item = Date> {
    let [one, two, three] = parts;
    let orders = [(one, two, three), (three, two, one), (three, one, two)];
    orders.into_iter().flat_map(|(year, month, day)| {
        let month = if month.len() <= 2 { month.parse().unwrap_or(0) } else { 0 };
        reading(year, month, day)
    })
}

/// The days meant, of those that exist: two digits of a year leave the century open.
pub(super) fn reading(year: &str, month: u8, day: &str) -> impl Iterator<Item = Date> {
    let number = year.parse::<i32>().unwrap_or_default();
    let years = match year.len() {
        4 if (1880..2100).contains(&number) => [Some(number), None],
        2 => [Some(1900 + number), Some(2000 + number)],
        _ => [None, None],
    };
    let day = if day.len() <= 2 { day.parse().unwrap_or_default() } else { 0 };
    let month = Month::try_from(month).ok();
    years.into_iter().flatten().filter_map(move |year| Date::from_calendar_date(year, month?, day).ok())
}

/// The month that `word` names.
pub(super) fn month(word: &str) -> Option<u8> {
    // Most words begin with a letter that no month does.
    word.as_bytes().first().filter(|first| begins_month(first))?;
    let start = word.get(..3).filter(|_| MONTH.contains(&word.len()))?;
    let same =
        |name: &str| start.eq_ignore_ascii_case(name) || !start.is_ascii() && start.to_lowercase() == name;
    let at = MONTHS.iter().position(|names| names.iter().any(|name| same(name)))?;
    Some(at as u8 + 1)
}

fn begins_month(first: &u8) -> bool {
    matches!(first | 0x20, b'j' | b'f' | b'm' | b'a' | b's' | b'o' | b'n' | b'd')
}

/// The month that the last word of `before` names, and where that begins.
pub(super) fn last_month(before: &str) -> Option<(u8, usize)> {
    let bytes = before.as_bytes();
    // Most words are of ASCII, and longer than a month's name or begin with another letter.
    let short = bytes.len().saturating_sub(MONTH.end() + 1);
    let letters = bytes.get(short..)?.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = match bytes.len().checked_sub(letters + 1).and_then(|at| bytes.get(at)) {
        Some(byte) if !byte.is_ascii() => before.trim_end_matches(char::is_alphabetic).len(),
        _ if letters > *MONTH.end() => return None,
        _ => bytes.len() - letters,
    };
    Some((month(before.get(start..)?)?, start))
}

/// How many digits stand at `at`.
pub(super) fn digits(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// How many bytes of letters stand at `at`.
pub(super) fn letters(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.len() - rest.trim_start_matches(char::is_alphabetic).len()
}

fn skip(bytes: &[u8], at: usize, these: &[u8]) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take(4).take_while(|byte| these.contains(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_known_in_every_common_form() {
        let day = Date::from_calendar_date(1970, Month::March, 5).unwrap();
        for form in [
            "1970-03-05",
            "19700305",
            "05-03-1970",
            "5/3/1970",
            "5.3.1970",
            "05.03.70",
            "050370",
            "700305",
            "3/5/1970",
            "03051970",
            "05031970",
            "1970/3/5",
            "1970_03_05",
            "5. marts 1970",
            "5 March 1970",
            "5-Mar-70",
            "March 5, 1970",
            "Mar 5th 1970",
            "05 MAR 1970",
            "5. März 1970",
            "19700305101112",
            "0503701234",
            "5. 3. 1970",
            "05 03 1970",
            "1970-mar-05",
        ] {
            let text = format!("born {form}, seen");
            let mut days = Vec::new();
            dates(&text, |found| days.extend(found.days));
            assert!(days.contains(&day), "{form}: {days:?}");
        }
    }

    #[test]
    fn numbers_are_no_dates() {
        for text in [
            "1042",
            "85.0 kV",
            "10:32:11.123",
            "1.2.840.10008.1.2",
            "v4.2.1.7",
            "99-99-1970",
            "123456789012345",
        ] {
            dates(text, |found| assert!(found.days.is_empty(), "{text}: {found:?}"));
        }
    }
}

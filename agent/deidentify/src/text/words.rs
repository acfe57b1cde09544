//! Boundaries of words, numbers and dates.

use std::ops::Range;

use super::moment::Moment;
use super::vocabulary;
use crate::identifiers::measured;

/// The words of which `range` is a part, whole.
pub(super) fn around(text: &str, range: &Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let start = before.trim_end_matches(char::is_alphanumeric).len();
    let end = text.len() - after.trim_start_matches(char::is_alphanumeric).len();
    start..end
}

/// Whether a date stands there that is no version and no point in time.
pub(super) fn is_date(text: &str, range: &Range<usize>) -> bool {
    let Some(date) = text.get(range.clone()) else { return false };
    let is_dotted = date.contains('.') && date.len() <= 8 && !date.contains(char::is_alphabetic);
    let before = text.get(..range.start).unwrap_or_default();
    let is_part =
        before.strip_suffix('.').is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
    let is_version = is_dotted && (date.len() < 8 || is_part || measured::follows_version(before));
    !date.bytes().all(|byte| byte.is_ascii_digit())
        && !is_version
        && !text.get(range.end..).is_some_and(|rest| {
            rest.starts_with('.')
                && rest.get(1..2).is_some_and(|c| c.as_bytes().iter().all(u8::is_ascii_digit))
        })
        && text.get(range.start..).is_none_or(|rest| Moment::at_start(rest).is_none())
}

/// All up to a blank or a quote, without the punctuation behind it.
pub(super) fn whole_word(rest: &str) -> &str {
    let word = rest
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '|' | ',' | ';'))
        .next()
        .unwrap_or_default();
    word.trim_end_matches(['.', ':', '!', '?', ')', ']', '\''])
}

/// Letters, digits and underscores.
pub(super) fn letters(rest: &str) -> &str {
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Bytes of the value at the start of `text` that a quote opens: up to the quote that closes it, which no letter
/// follows, and behind which the next one opens again. That of `D'Arcy` is a part of the name.
pub(super) fn closing(text: &str, quote: char) -> Option<usize> {
    let mut end = None;
    for (at, _) in text.match_indices(quote).skip(1) {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + 1..).and_then(|text| text.chars().next());
        let meets_word = |side: Option<char>| side.is_some_and(char::is_alphanumeric);
        if !meets_word(after) && before != Some('\\') {
            end = Some(at + 1);
        } else if end.is_some() && !meets_word(before) {
            break;
        }
    }
    end
}

/// The groups of digits with which `text` begins, one blank or mark between two of them.
pub(super) fn groups(text: &str) -> &str {
    let mut end = 0;
    loop {
        let rest = text.get(end..).unwrap_or_default();
        let mark = rest.chars().next().filter(|c| end > 0 && matches!(c, ' ' | '\u{a0}' | '-' | '.' | '/'));
        let digits = rest.get(mark.map_or(0, char::len_utf8)..).unwrap_or_default();
        let length = digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if length == 0 || end > 0 && mark.is_none() {
            return text.get(..end).unwrap_or_default();
        }
        end += mark.map_or(0, char::len_utf8) + length;
    }
}

/// Whether a common word shows that a name before it is over. Any other may be a name itself: Else, Young.
pub(super) fn ends_a_name(word: &str) -> bool {
    const WORDS: &[&str] =
        &["lost", "sent", "found", "done", "after", "before", "during", "while", "because", "without"];
    let is_done = ["ed", "ing", "et"].iter().any(|ending| word.ends_with(ending)) && word.len() > 5;
    word.chars().all(char::is_lowercase) && (is_done || WORDS.contains(&word))
}

/// A number with what belongs to it: decimals, a unit, a time of day, a size.
pub(super) fn number(rest: &str) -> &str {
    let ends =
        |c: char| !c.is_alphanumeric() && !matches!(c, '.' | ',' | ':' | '%' | '°' | '_' | '-' | '/' | '+');
    rest.split(ends).next().unwrap_or_default().trim_end_matches(['.', ',', ':', '-', '/', '_', '+'])
}

/// A number, several, a hexadecimal one, or one with a unit.
pub(super) fn is_measure(word: &str) -> bool {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return (1..=16).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let unit = word.trim_start_matches(|c: char| {
        c.is_ascii_digit() || matches!(c, '.' | ',' | ':' | '-' | '/' | 'x' | '+')
    });
    let units = unit.trim_end_matches(|c: char| c.is_ascii_digit());
    units.is_empty()
        || matches!(units, "%" | "°" | "°C" | "µs" | "µm" | "µGy")
        || units.split('/').all(vocabulary::knows)
}

/// How many digits a word has.
pub(super) fn digits_of(word: &str) -> usize {
    word.bytes().filter(u8::is_ascii_digit).count()
}

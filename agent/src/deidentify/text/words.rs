//! How far a word, a number, a date reaches.

use std::ops::Range;

use super::moment::Moment;
use super::vocabulary;

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
    let is_dotted = date.contains('.') && date.len() < 8 && !date.contains(char::is_alphabetic);
    !date.bytes().all(|byte| byte.is_ascii_digit())
        && !is_dotted
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

//! Scrubbing of a single value, by the class of its key.

use crate::identifiers::dates;
use crate::keys::{Bound, Class};
use crate::text::moment::Moment;
use crate::text::patterns;
use crate::text::rule::Rule;
use crate::text::scrub::Scrubber;
use crate::text::unescape::unescape;

/// Bytes of a device's own text.
const DEVICE: usize = 128;
/// Digits of a device's own number.
const DEVICE_DIGITS: usize = 16;

/// Characters of a number from which on it may be one that was learned.
const TELLING: usize = 6;

/// What may stay of a text.
pub(crate) fn text(scrubber: &mut Scrubber<'_>, class: Class, text: &str) -> String {
    let text = text.trim_matches(['\0', ' ']);
    match class {
        Class::Person => {
            scrubber.counts.replace(Rule::Key);
            Rule::Key.placeholder().to_owned()
        }
        Class::Device if is_device(scrubber, text) => {
            scrubber.counts.kept += 1;
            text.to_owned()
        }
        Class::Time => time(scrubber, text),
        Class::Unknown if text.bytes().any(|byte| byte.is_ascii_digit()) && is_number(text) => {
            scrubber.counts.replace(Rule::Unlisted);
            Rule::Unlisted.placeholder().to_owned()
        }
        Class::Keep(bound) => numbers(scrubber, class, bound, text),
        Class::Known => numbers(scrubber, class, Bound::OTHER, text),
        Class::Device | Class::Unknown => message(scrubber, text),
    }
}

fn message(scrubber: &mut Scrubber<'_>, text: &str) -> String {
    let mut out = String::new();
    scrubber.message(text, &mut out);
    out
}

/// A text that may be a number, or several that are one.
fn numbers(scrubber: &mut Scrubber<'_>, class: Class, bound: Bound, text: &str) -> String {
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return number(scrubber, class, text).unwrap_or_else(|| Rule::Unlisted.placeholder().to_owned());
    }
    let clean = message(scrubber, text);
    if clean == text && is_number(text) && bound.is_exceeded_by(text) {
        scrubber.counts.replace(Rule::Number);
        return Rule::Number.placeholder().to_owned();
    }
    clean
}

/// What may stay of a number, in its decimal form; `None` for nothing.
pub(super) fn number(scrubber: &mut Scrubber<'_>, class: Class, number: &str) -> Option<String> {
    let stays = match class {
        Class::Device => number.bytes().filter(u8::is_ascii_digit).count() <= DEVICE_DIGITS,
        Class::Keep(bound) => bound.holds(number),
        Class::Known => Bound::OTHER.holds(number),
        Class::Time => return epoch(scrubber, number),
        Class::Person | Class::Unknown => false,
    };
    // Shorter ones stop nothing anyway: most numbers of that size are nobody's.
    let is_learned = number.len() >= TELLING && scrubber.is_learned(number);
    if stays && !is_learned && !is_personal(number) {
        scrubber.counts.kept += 1;
        return Some(number.to_owned());
    }
    scrubber.counts.drop(if class == Class::Person { Rule::Key } else { Rule::Unlisted });
    None
}

/// Whether the whole of it has the form of a personal number.
fn is_personal(number: &str) -> bool {
    patterns::cpr(number) == Some(number.len())
}

/// Whether a device may say so of itself: printable, short, and nobody's.
fn is_device(scrubber: &mut Scrubber<'_>, text: &str) -> bool {
    text.len() <= DEVICE
        && !is_personal(text)
        && (text.contains('.') || patterns::phone(text) != Some(text.len()))
        && !text.contains(['@', '\\', '^'])
        && !text.chars().any(char::is_control)
        && !scrubber.is_learned(&unescape(text))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b" +-./".contains(&byte))
}

/// A point in time, a day or a time of day.
fn time(scrubber: &mut Scrubber<'_>, text: &str) -> String {
    if let Some(moved) = Moment::at_start(text)
        .filter(|moment| moment.length == text.len())
        .and_then(|moment| moment.moved(text, scrubber.case))
    {
        scrubber.counts.replace(Rule::Moved);
        return moved;
    }
    let mut day = None;
    dates::dates(text, |found| {
        // A day on which somebody was born is not moved but goes, below.
        let is_birth = found.days.iter().any(|day| scrubber.identifiers.is_birth(*day));
        if found.range == (0..text.len()) && !is_birth {
            day = found.days.first().copied();
        }
    });
    if let Some((year, month, day)) =
        day.and_then(|day| scrubber.case.shift_date(day.year(), day.month().into(), day.day()))
    {
        scrubber.counts.replace(Rule::Moved);
        let by = if text.bytes().all(|byte| byte.is_ascii_digit()) { "" } else { "-" };
        return format!("{year:04}{by}{month:02}{by}{day:02}");
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits <= 12
        && text.bytes().all(|byte| byte.is_ascii_digit() || b":.,Z+".contains(&byte))
        && text.contains(':')
    {
        scrubber.counts.kept += 1;
        return text.to_owned();
    }
    message(scrubber, text)
}

/// Seconds or milliseconds since 1970, moved; a small number is a duration and stays.
fn epoch(scrubber: &mut Scrubber<'_>, number: &str) -> Option<String> {
    let moved = match number.parse::<i64>() {
        Ok(seconds) if (500_000_000..5_000_000_000).contains(&seconds) => {
            scrubber.case.shift_seconds(seconds)
        }
        Ok(millis) if (500_000_000_000..5_000_000_000_000).contains(&millis) => {
            let moved = scrubber.case.shift_seconds(millis / 1000);
            moved.map(|seconds| seconds * 1000 + millis % 1000)
        }
        Ok(small) if (0..10_000_000).contains(&small) && !scrubber.is_learned(number) => Some(small),
        _ => None,
    };
    let Some(moved) = moved else {
        scrubber.counts.drop(Rule::Unlisted);
        return None;
    };
    scrubber.counts.replace(Rule::Moved);
    Some(moved.to_string())
}

//! A single value, decided by the class of its key.

use crate::deidentify::identifiers::dates;
use crate::deidentify::keys::Class;
use crate::deidentify::text::{Moment, Rule, Scrubber, unescape::unescape};

/// Bytes of a device's own text.
const DEVICE: usize = 128;
/// Digits of a number under a key that no rule lists: more could be somebody's.
const DIGITS: usize = 7;

/// Characters of a number from which on it may be one that was learned.
const TELLING: usize = 6;

/// What may stay of a text.
pub(super) fn text(scrubber: &mut Scrubber<'_>, class: Class, text: &str) -> String {
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
        _ => {
            let mut out = String::new();
            scrubber.message(text, &mut out);
            out
        }
    }
}

/// What may stay of a number, in its decimal form; `None` for nothing.
pub(super) fn number(scrubber: &mut Scrubber<'_>, class: Class, number: &str) -> Option<String> {
    let digits =
        number.split(['.', 'e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    let stays = match class {
        Class::Device | Class::Keep => true,
        Class::Known => digits <= DIGITS,
        Class::Time => return epoch(scrubber, number),
        Class::Person | Class::Unknown => false,
    };
    // Shorter ones stop nothing anyway: most numbers of that size are nobody's.
    let is_told = number.len() >= TELLING && scrubber.is_told(number);
    if stays && !is_told {
        scrubber.counts.kept += 1;
        return Some(number.to_owned());
    }
    scrubber.counts.drop(if class == Class::Person { Rule::Key } else { Rule::Unlisted });
    None
}

/// Whether a device may say so of itself: printable, short, and nobody's.
fn is_device(scrubber: &mut Scrubber<'_>, text: &str) -> bool {
    text.len() <= DEVICE
        && !text.contains(['@', '\\', '^'])
        && !text.chars().any(char::is_control)
        && !scrubber.is_told(&unescape(text))
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
        if found.range == (0..text.len()) {
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
    let mut out = String::new();
    scrubber.message(text, &mut out);
    out
}

/// Seconds or milliseconds since 1970, moved; a small number is a duration and stays.
fn epoch(scrubber: &mut Scrubber<'_>, number: &str) -> Option<String> {
    let weeks = scrubber.case.shift();
    let moved = match number.parse::<i64>() {
        Ok(seconds) if (500_000_000..5_000_000_000).contains(&seconds) => seconds - weeks.whole_seconds(),
        Ok(millis) if (500_000_000_000..5_000_000_000_000).contains(&millis) => {
            millis - weeks.whole_seconds() * 1000
        }
        Ok(small) if (0..10_000_000).contains(&small) && !scrubber.is_told(number) => small,
        _ => {
            scrubber.counts.drop(Rule::Unlisted);
            return None;
        }
    };
    scrubber.counts.replace(Rule::Moved);
    Some(moved.to_string())
}

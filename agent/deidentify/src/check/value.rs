//! Search of one value for learned identifiers.

use std::borrow::Cow;
use std::ops::Range;

use super::values::{Form, Value};
use crate::case::Case;
use crate::identifiers::{Identifiers, Kind, View, dates, second_reading};
use crate::text::moment::Moment;
use crate::text::rule::Rule;
use crate::text::unescape::unescape;

/// Rules that between them write every placeholder.
const OURS: [Rule; 13] = [
    Rule::Learned(Kind::Name),
    Rule::Learned(Kind::Address),
    Rule::Learned(Kind::Clinic),
    Rule::Cpr,
    Rule::Date,
    Rule::Number,
    Rule::Email,
    Rule::Network,
    Rule::Url,
    Rule::Path,
    Rule::Uid,
    Rule::Key,
    Rule::Word,
];

/// Digits from which on a number can be somebody's: with fewer it may as well be anything.
const TELLING: usize = 6;

/// What was found in a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// These bytes of its text, in order, none of them in two.
    Parts(Vec<(Range<usize>, Kind)>),
    /// It is behind an escape: the value goes as a whole.
    Whole(Kind),
}

impl Found {
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Nothing => None,
            Self::Parts(parts) => parts.first().map(|(_, kind)| *kind),
            Self::Whole(kind) => Some(*kind),
        }
    }
}

/// Searches `value`, which a file of `case` became.
///
/// `births` are the days of birth among its lines, in places of the output: a row of numbers shows only by its
/// neighbours. Any other value is read for itself.
pub(super) fn find(
    identifiers: &Identifiers,
    case: &Case,
    view: &mut View,
    value: &Value<'_>,
    births: &[Range<usize>],
) -> Found {
    let text = value.text.as_ref();
    if value.form == Form::Cell || value.form == Form::JsonNumber || is_number(text) {
        return number(identifiers, case, view, text);
    }
    let days =
        if value.form == Form::Plain { within(births, &value.range) } else { self::days(identifiers, text) };
    let parts = parts(identifiers, case, view, text, days);
    if !parts.is_empty() {
        return Found::Parts(parts);
    }
    let open = without_line_ends(text);
    let plain = unescape(&open);
    if matches!((&open, &plain), (Cow::Borrowed(_), Cow::Borrowed(_))) {
        return Found::Nothing;
    }
    let hidden = self::parts(identifiers, case, view, &plain, self::days(identifiers, &plain));
    hidden.first().map_or(Found::Nothing, |(_, kind)| Found::Whole(*kind))
}

/// A number is somebody's as a whole or not at all, and nobody's has a fraction.
fn number(identifiers: &Identifiers, case: &Case, view: &mut View, text: &str) -> Found {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().any(|byte| byte != b'0') || text.contains(['e', 'E']) {
        return Found::Nothing;
    }
    let digits = whole.trim_start_matches(['-', '+']);
    if digits.len() < TELLING {
        return Found::Nothing;
    }
    let found = parts(identifiers, case, view, digits, days(identifiers, digits));
    found.first().map_or(Found::Nothing, |(_, kind)| Found::Whole(*kind))
}

/// Decimal digits with a sign, a point, an exponent.
fn is_number(text: &str) -> bool {
    text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok()
}

/// Escaped ends of lines and the like, which would hang on the next word.
fn without_line_ends(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let escapes = ["\\n", "\\r", "\\t", "\\\"", "\\/"];
    Cow::Owned(escapes.iter().fold(text.to_owned(), |text, escape| text.replace(escape, " ")))
}

/// Where a day of birth stands, by the scan's own reading of dates.
pub(super) fn days(identifiers: &Identifiers, text: &str) -> Vec<Range<usize>> {
    let mut days = Vec::new();
    if !identifiers.has_births() {
        return days;
    }
    second_reading::find(text, |day| identifiers.is_birth(day), |range| days.push(range));
    days
}

/// The parts of `places` that lie in `range`, counted from its start.
fn within(places: &[Range<usize>], range: &Range<usize>) -> Vec<Range<usize>> {
    let meets = places.iter().filter(|place| place.start < range.end && range.start < place.end);
    meets
        .map(|place| place.start.max(range.start) - range.start..place.end.min(range.end) - range.start)
        .collect()
}

fn parts(
    identifiers: &Identifiers,
    case: &Case,
    view: &mut View,
    text: &str,
    days: Vec<Range<usize>>,
) -> Vec<(Range<usize>, Kind)> {
    let mut hits: Vec<_> = days.into_iter().map(|range| (range, Kind::BirthDate)).collect();
    identifiers.find_words(text, view, |hit| {
        if !hit.weak {
            hits.push((hit.range, hit.kind));
        }
    });
    if hits.is_empty() {
        return hits;
    }
    let (ours, moved) = (placeholders(text), moved(text, case));
    hits.retain(|(range, kind)| {
        let meets = |other: &Range<usize>| range.start < other.end && other.start < range.end;
        let is_digits = matches!(kind, Kind::Id | Kind::Phone | Kind::BirthDate);
        !(ours.iter().any(meets) || is_digits && moved.iter().any(meets))
    });
    hits.sort_unstable_by_key(|(range, kind)| (range.start, std::cmp::Reverse(range.end), *kind));
    hits.dedup_by(|later, kept| {
        let overlaps = later.0.start < kept.0.end;
        if overlaps {
            kept.0.end = kept.0.end.max(later.0.end);
        }
        overlaps
    });
    hits
}

/// Where this program wrote that something is gone.
fn placeholders(text: &str) -> Vec<Range<usize>> {
    let opened = text.match_indices('[').filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let mut words = OURS.iter().map(|rule| rule.placeholder());
        let length = words.find(|word| rest.starts_with(word)).map(str::len);
        let counted =
            || rest.starts_with("[text removed, ").then(|| rest.find(" chars]"))?.map(|end| end + 7);
        Some(at..at + length.or_else(counted)?)
    });
    opened.collect()
}

/// Where a date stands that the case moved there, with its time of day: nobody's number begins in it.
fn moved(text: &str, case: &Case) -> Vec<Range<usize>> {
    let mut moved = Vec::new();
    dates::dates(text, |found| {
        if found.days.iter().any(|day| case.has_moved_to(*day)) {
            let rest = text.get(found.range.start..).unwrap_or_default();
            let length = Moment::at_start(rest).map_or(0, |moment| moment.length);
            moved.push(found.range.start..found.range.end.max(found.range.start + length));
        }
    });
    moved
}

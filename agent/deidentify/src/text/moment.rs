//! Points in time: a date followed by a time of day. The date moves by the case's weeks, the time stays.

use super::super::case::Case;

/// Bytes of a date and a time of day.
const DATE: usize = 32;

/// A point in time at the start of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Year, month, day.
    pub(crate) date: (i32, u8, u8),
    form: Form,
    /// Bytes of the date.
    date_length: usize,
    /// Bytes of all of it.
    pub(crate) length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    YearFirst(char),
    DayFirst(char),
    MonthFirst(char),
    Compact,
}

/// Which of two numbers is the day, where both may be. Decided once for a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As in Europe.
    #[default]
    DayFirst,
    /// As in America.
    MonthFirst,
}

impl Order {
    /// The order of the first line of `head` that leaves none open.
    pub(crate) fn of(head: &str) -> Self {
        let starts = head.lines().map(|line| line.trim_start_matches([' ', '[', '<', '"']));
        let numbers = |line: &str| {
            let (one, rest) = number(line)?;
            let (two, rest) = number(rest.strip_prefix(['/', '.', '-'])?)?;
            let (year, _) = number(rest.strip_prefix(['/', '.', '-'])?)?;
            let is_open = one.len() > 2 || two.len() > 2 || year.len() != 4;
            let pair: (u8, u8) = (one.parse().ok()?, two.parse().ok()?);
            (!is_open).then_some(pair)
        };
        let decided = starts.filter_map(numbers).find_map(|(one, two)| match (one > 12, two > 12) {
            (true, false) => Some(Self::DayFirst),
            (false, true) => Some(Self::MonthFirst),
            _ => None,
        });
        decided.unwrap_or_default()
    }
}

/// A date at the start of a text.
pub(crate) struct At {
    date: (i32, u8, u8),
    form: Form,
}

/// The date with which `text` begins, and its bytes.
pub(super) fn date_at(text: &str, order: Order) -> Option<(At, usize)> {
    date(text, order).map(|(date, form, length)| (At { date, form }, length))
}

impl At {
    /// The date in its form, moved. `None` if there is no such day.
    pub(super) fn moved_date(&self, case: &Case) -> Option<String> {
        let (year, month, day) = self.date;
        let (year, month, day) = case.shift_date(year, month, day)?;
        let year = u32::try_from(year).ok()?;
        let (month, day) = (u32::from(month), u32::from(day));
        let (numbers, by) = match self.form {
            Form::YearFirst(by) => ([(year, 4), (month, 2), (day, 2)], Some(by)),
            Form::DayFirst(by) => ([(day, 2), (month, 2), (year, 4)], Some(by)),
            Form::MonthFirst(by) => ([(month, 2), (day, 2), (year, 4)], Some(by)),
            Form::Compact => ([(year, 4), (month, 2), (day, 2)], None),
        };
        // Every line of a log has one: no formatter.
        let mut moved = String::with_capacity(DATE);
        for (at, (number, width)) in numbers.into_iter().enumerate() {
            moved.extend(by.filter(|_| at > 0));
            for place in (0..width).rev() {
                moved.extend(char::from_digit(number / 10_u32.pow(place) % 10, 10));
            }
        }
        Some(moved)
    }
}

impl Moment {
    /// The point in time with which `text` begins.
    pub(crate) fn at_start(text: &str) -> Option<Self> {
        Self::at(text, Order::DayFirst)
    }

    /// The point in time with which `text` begins, in a file with this order of day and month.
    pub(crate) fn at(text: &str, order: Order) -> Option<Self> {
        let (date, form, date_length) = date(text, order)?;
        let rest = text.get(date_length..)?;
        let gap = match rest.as_bytes() {
            [b',', b' ', ..] => 2,
            [b' ' | b'T' | b't' | b'_' | b'-', ..] => 1,
            [digit, ..] if form == Form::Compact && digit.is_ascii_digit() => 0,
            _ => return None,
        };
        let is_iso = rest.starts_with('T');
        // `19890323-1532` is a Swedish personal number.
        let least = if form == Form::Compact && rest.starts_with('-') { 5 } else { 0 };
        let rest = rest.get(gap..)?;
        let time = match form {
            Form::Compact => compact_time(rest, gap == 0 || is_iso).or_else(|| time(rest))?,
            _ => time(rest)?,
        };
        (time >= least).then_some(Self { date, form, date_length, length: date_length + gap + time })
    }

    /// The same point in time, its date moved. `None` if there is no such day.
    pub(crate) fn moved(&self, text: &str, case: &Case) -> Option<String> {
        let date = At { date: self.date, form: self.form }.moved_date(case)?;
        Some(date + text.get(self.date_length..self.length)?)
    }
}

fn date(text: &str, order: Order) -> Option<((i32, u8, u8), Form, usize)> {
    let (one, rest) = number(text)?;
    let by = rest.chars().next().unwrap_or(' ');
    if one.len() == 8 || one.len() == 14 {
        let date = (one.get(..4)?.parse().ok()?, one.get(4..6)?.parse().ok()?, one.get(6..8)?.parse().ok()?);
        return is_day(date).then_some((date, Form::Compact, 8));
    }
    if !matches!(by, '-' | '.' | '/') {
        return None;
    }
    let (two, rest) = number(rest.strip_prefix(by)?)?;
    let (three, _) = number(rest.strip_prefix(by)?)?;
    let length = one.len() + two.len() + three.len() + 2;
    let (year, month, day, form) = match (one.len(), three.len()) {
        (4, 1 | 2) => (one, two, three, Form::YearFirst(by)),
        (1 | 2, 4) => (three, two, one, Form::DayFirst(by)),
        _ => return None,
    };
    let (month, day) = (month.parse::<u8>().ok()?, day.parse::<u8>().ok()?);
    // The American order, where the file has it or only that makes a day.
    let is_american =
        matches!(form, Form::DayFirst(_)) && (month > 12 || order == Order::MonthFirst && day <= 12);
    let (month, day) = if is_american || month > 12 { (day, month) } else { (month, day) };
    let form = match form {
        Form::DayFirst(by) if is_american && order == Order::MonthFirst => Form::MonthFirst(by),
        form => form,
    };
    let date = (year.parse().ok()?, month, day);
    is_day(date).then_some((date, form, length))
}

fn is_day((year, month, day): (i32, u8, u8)) -> bool {
    (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Bytes of `10:32`, `10:32:11`, `10:32:11.123+01:00`.
pub(super) fn time(text: &str) -> Option<usize> {
    let (hours, rest) = number(text)?;
    let (minutes, rest) = number(rest.strip_prefix(':')?)?;
    if hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let rest = match rest.strip_prefix(':').and_then(number) {
        Some((seconds, rest)) if seconds.len() == 2 => rest,
        _ => rest,
    };
    Some(text.len() - zone(fraction(rest)).len())
}

/// Bytes of `1032`, `103211`, `103211.123`, and directly behind its date with a zone. Where something else hangs
/// on it, it is no time: a personal number begins alike.
fn compact_time(text: &str, has_zone: bool) -> Option<usize> {
    let (digits, rest) = number(text)?;
    let below = |at: usize, end: u8| {
        digits.get(at..at + 2).is_none_or(|part| part.parse::<u8>().is_ok_and(|part| part < end))
    };
    let is_time = matches!(digits.len(), 4 | 6) && below(0, 24) && below(2, 60) && below(4, 60);
    let rest = fraction(rest);
    let rest = if has_zone { zone(rest) } else { rest };
    let ends = !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-');
    (is_time && ends).then_some(text.len() - rest.len())
}

fn fraction(text: &str) -> &str {
    match text.strip_prefix(['.', ',']).and_then(number) {
        Some((fraction, rest)) if fraction.len() <= 9 => rest,
        _ => text,
    }
}

pub(super) fn zone(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('Z') {
        return rest;
    }
    match text.strip_prefix(['+', '-']).and_then(number) {
        Some((digits, rest)) if digits.len() == 4 => rest,
        Some((digits, rest)) if digits.len() == 2 => {
            rest.strip_prefix(':').and_then(number).map_or(rest, |(_, rest)| rest)
        }
        _ => text,
    }
}

pub(super) fn number(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then(|| text.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn the_date_moves_in_its_own_form_and_the_time_stays() {
        let case = Case::new(Zeroizing::new([7; 32]));
        for (text, time) in [
            ("2026-11-21 10:32:11.123 [INFO]", " 10:32:11.123"),
            ("2026-11-21T10:32:11.123+01:00 x", "T10:32:11.123+01:00"),
            ("21.11.2026 10:32:11,5", " 10:32:11,5"),
            ("2026/11/21 10:32", " 10:32"),
            ("20261121 103211.5", " 103211.5"),
            ("20261121103211", "103211"),
            ("20261121-103211 x", "-103211"),
            ("11/21/2026, 10:32:11", ", 10:32:11"),
        ] {
            let moment = Moment::at_start(text).unwrap();
            assert_eq!(moment.date, (2026, 11, 21), "{text}");
            let moved = moment.moved(text, &case).unwrap();
            assert!(moved.ends_with(time) && !moved.contains("2026"), "{text} became {moved}");
        }
        for text in [
            "10:32:11",
            "2026-11-21",
            "2026-13-41 10:32:11",
            "1.2.840.10008 10:32",
            "",
            "85 kV",
            "2026-11-21 010203-1234",
            "20261121 010203-1234",
            "20261121 0102031234",
        ] {
            assert_eq!(Moment::at_start(text), None, "{text}");
        }
    }
}

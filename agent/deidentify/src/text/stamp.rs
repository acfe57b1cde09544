//! The point in time with which a line begins, in the forms that programs write: its date moves by the case's weeks, the
//! time of day stays.

use time::{Duration, OffsetDateTime};

use super::super::case::Case;
use super::moment::{self, Moment, Order};
use super::patterns;

/// The year of a date that is written without one: no leap year, so that a week is a week in every log.
const YEAR: i32 = 2025;
/// Seconds since 1970 that a log has: 2014 to 2039.
const EPOCH: std::ops::Range<i64> = 1_390_000_000..2_200_000_000;
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const ZONES: &[&str] = &[" AM", " PM", " am", " pm", " UTC", " GMT", " CET", " CEST", " EET", " BST"];

/// The point in time at the start of `text`, moved, and its bytes.
pub(super) fn moved(text: &str, case: &Case, order: Order) -> Option<(String, usize)> {
    let found = Moment::at(text, order).and_then(|moment| Some((moment.moved(text, case)?, moment.length)));
    let (mut moved, length) = found
        .or_else(|| named(text, case))
        .or_else(|| columns(text, case, order))
        .or_else(|| short_year(text, case, order))
        .or_else(|| glog(text, case))
        .or_else(|| epoch(text, case))?;
    let rest = text.get(length..)?;
    let zone = ZONES.iter().find(|zone| {
        rest.starts_with(**zone)
            && !rest.get(zone.len()..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
    });
    moved.push_str(zone.unwrap_or(&""));
    Some((moved, length + zone.map_or(0, |zone| zone.len())))
}

/// `Nov 21 10:32:11`, `Sat Nov 21 10:32:11 2026`, `Sat, 21 Nov 2026 10:32:11 +0100`, `21-Nov-2026 10:32:11`,
/// `21/Nov/2026:10:32:11 +0100`, `Nov 21, 2026 10:32:11`.
fn named(text: &str, case: &Case) -> Option<(String, usize)> {
    let mut rest = text;
    if let Some((word, behind)) = letters(rest)
        && is_one_of(DAYS, word).is_some()
    {
        rest = behind.trim_start_matches([',', ' ']);
    }
    let start = text.len() - rest.len();
    let (month, day, mut year, mut behind) = if let Some((word, behind)) = letters(rest) {
        let month = is_one_of(MONTHS, word)?;
        let (day, behind) = moment::number(behind.trim_start_matches(' '))?;
        (month, day, None, behind)
    } else {
        let (day, behind) = moment::number(rest)?;
        let by = behind.chars().next().filter(|by| matches!(by, ' ' | '-' | '/'))?;
        let (word, behind) = letters(behind.strip_prefix(by)?)?;
        let (year, behind) = moment::number(behind.strip_prefix(by)?)?;
        (is_one_of(MONTHS, word)?, day, Some(year), behind)
    };
    if day.len() > 2 {
        return None;
    }
    if let Some(next) = behind.strip_prefix(", ").or_else(|| behind.strip_prefix(' '))
        && year.is_none()
        && let Some((number, after)) = moment::number(next).filter(|(number, _)| number.len() == 4)
    {
        (year, behind) = (Some(number), after);
    }
    let date_end = text.len() - behind.len();
    let gap = behind.len() - behind.trim_start_matches([' ', ':', ',', 'T']).len();
    let time = moment::time(behind.get(gap..)?)?;
    let time_end = date_end + gap + time;
    // Of ctime the year stands last.
    let late = text.get(time_end..)?.strip_prefix(' ').and_then(moment::number);
    let late = late.map(|(number, _)| number).filter(|number| year.is_none() && number.len() == 4);
    let zone =
        text.get(time_end..)?.strip_prefix(' ').filter(|zone| zone.starts_with(['+', '-'])).map(moment::zone);
    let whole_year = year.or(late);
    let (year, day) = (whole_year.map_or(Some(YEAR), |year| year.parse().ok())?, day.parse().ok()?);
    let (year, month, day) = case.shift_date(year, month, day)?;
    let name = MONTHS.get(usize::from(month) - 1)?;
    let name = format!("{}{}", name.get(..1)?.to_ascii_uppercase(), name.get(1..3)?);
    let mut date = format!("{day:02} {name}");
    if whole_year.is_some() {
        date = format!("{date} {year:04}");
    }
    let end = match (late, zone) {
        (Some(late), _) => time_end + 1 + late.len(),
        (None, Some(rest)) => text.len() - rest.len(),
        (None, None) => time_end,
    };
    let time = text.get(date_end + gap..if late.is_some() { time_end } else { end })?;
    Some((format!("{}{date} {time}", text.get(..start)?), end))
}

/// `2026-11-21;10:32:11`, `2026-11-21,10:32:11`, with a tab, and `2026-11-21 10.32.11`.
fn columns(text: &str, case: &Case, order: Order) -> Option<(String, usize)> {
    let (date, length) = moment::date_at(text, order)?;
    let rest = text.get(length..)?;
    let by = rest.chars().next().filter(|by| matches!(by, ';' | ',' | '\t' | ' '))?;
    let after = rest.get(1..)?;
    let time = moment::time(after).or_else(|| pointed(after))?;
    let moved = date.moved_date(case)?;
    Some((format!("{moved}{by}{}", after.get(..time)?), length + 1 + time))
}

/// Bytes of `10.32.11`.
fn pointed(text: &str) -> Option<usize> {
    let form = |at: usize| text.get(at..at + 2).and_then(|pair| pair.parse::<u8>().ok());
    let points = text.get(2..3) == Some(".") && text.get(5..6) == Some(".");
    let is_time = points && form(0)? < 24 && form(3)? < 60 && form(6)? < 61;
    (is_time && !text.get(8..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
        .then_some(8)
}

/// `26-11-21 10:32:11`, `21.11.26 10:32:11`.
fn short_year(text: &str, case: &Case, order: Order) -> Option<(String, usize)> {
    let by = text.chars().nth(2).filter(|by| matches!(by, '-' | '.' | '/'))?;
    let pair = |at: usize| text.get(at..at + 2).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_digit()));
    let (one, two, three) = (pair(0)?, pair(3)?, pair(6)?);
    let time = moment::time(text.get(9..)?)?;
    if !text.get(5..6)?.starts_with(by) || !matches!(text.get(8..9), Some(" " | "T")) {
        return None;
    }
    let whole = match (by, order) {
        ('-', _) => format!("20{one}-{two}-{three}"),
        (_, Order::MonthFirst) => format!("20{three}-{one}-{two}"),
        (_, Order::DayFirst) => format!("20{three}-{two}-{one}"),
    };
    let (date, _) = moment::date_at(&whole, order)?;
    Some((format!("{} {}", date.moved_date(case)?, text.get(9..9 + time)?), 9 + time))
}

/// `I1121 10:32:11.123456`: a level, month and day (glog).
fn glog(text: &str, case: &Case) -> Option<(String, usize)> {
    let level = text.chars().next().filter(|level| matches!(level, 'I' | 'W' | 'E' | 'F' | 'D'))?;
    let (digits, rest) = moment::number(text.get(1..)?)?;
    let time = rest.strip_prefix(' ').and_then(moment::time).filter(|_| digits.len() == 4)?;
    let (month, day) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    let (_, month, day) = case.shift_date(YEAR, month, day)?;
    Some((format!("{level}{month:02}{day:02}{}", rest.get(..=time)?), 6 + time))
}

/// Seconds or milliseconds since 1970.
fn epoch(text: &str, case: &Case) -> Option<(String, usize)> {
    let (digits, rest) = moment::number(text)?;
    let whole: i64 = digits.parse().ok()?;
    let (seconds, is_millis) = if digits.len() == 13 { (whole / 1000, true) } else { (whole, false) };
    let fraction = rest.strip_prefix('.').and_then(moment::number).filter(|(digits, _)| digits.len() <= 9);
    let fraction = fraction.map_or("", |(digits, _)| rest.get(..=digits.len()).unwrap_or_default());
    let ends =
        !rest.get(fraction.len()..)?.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '.'));
    // A Danish personal number has ten digits as well.
    let is_personal = digits.len() == 10 && fraction.is_empty() && patterns::cpr(digits).is_some();
    if !matches!(digits.len(), 10 | 13) || !EPOCH.contains(&seconds) || !ends || is_personal {
        return None;
    }
    let day = OffsetDateTime::from_unix_timestamp(seconds).ok()?.date();
    case.shift_date(day.year(), day.month().into(), day.day())?;
    let shift = case.shift().whole_seconds();
    let moved =
        if is_millis { whole - shift * Duration::SECOND.whole_milliseconds() as i64 } else { whole - shift };
    Some((format!("{moved}{fraction}"), digits.len() + fraction.len()))
}

fn letters(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    (length > 0).then(|| text.split_at_checked(length))?
}

/// The number of a month or a day of the week, from 1, by its name or its first three letters.
fn is_one_of(names: &[&str], word: &str) -> Option<u8> {
    let word = word.to_ascii_lowercase();
    let at = names.iter().position(|name| *name == word || word.len() == 3 && name.starts_with(&word))?;
    u8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    /// The forms in which programs write when something happened: of 21 November 2026, 10:32:11.
    const FORMS: &[&str] = &[
        "2026-11-21 10:32:11",
        "2026-11-21T10:32:11",
        "2026-11-21T10:32:11Z",
        "2026-11-21 10:32:11.123",
        "2026-11-21 10:32:11,123",
        "2026-11-21T10:32:11+01:00",
        "2026-11-21T10:32:11.123456+0100",
        "2026-11-21 10:32",
        "2026-11-21, 10:32:11",
        "2026/11/21 10:32:11",
        "2026.11.21 10:32:11",
        "21.11.2026 10:32:11",
        "21-11-2026 10:32:11",
        "21/11/2026 10:32:11",
        "11/21/2026 10:32:11 AM",
        "11/21/2026, 10:32:11",
        "20261121 103211",
        "20261121T103211Z",
        "20261121103211",
        "20261121-103211",
        "20261121-10:32:11",
        "2026-11-21_10:32:11",
        "2026-11-21-10:32:11",
        "2026-11-21 10.32.11",
        "2026-11-21;10:32:11",
        "2026-11-21,10:32:11",
        "2026-11-21\t10:32:11",
        "21.11.2026;10:32:11",
        "21.11.2026,10:32:11",
        "Nov 21 10:32:11",
        "Nov 21 10:32:11.123",
        "Sat Nov 21 10:32:11 2026",
        "Sat, 21 Nov 2026 10:32:11 +0100",
        "21 Nov 2026 10:32:11",
        "21-Nov-2026 10:32:11",
        "21/Nov/2026:10:32:11 +0100",
        "Nov 21, 2026 10:32:11 AM",
        "November 21, 2026 10:32:11",
        "26-11-21 10:32:11",
        "21.11.26 10:32:11",
        "I1121 10:32:11.123456",
        "2026-11-21 10:32:11 CET",
        "2026-11-21 10:32:11 UTC",
        "1795257131",
        "1795257131.123",
        "1795257131123",
    ];

    #[test]
    fn every_usual_form_is_moved_and_keeps_its_time_of_day() {
        let case = Case::new(Zeroizing::new([7; 32]));
        let mut lost = Vec::new();
        for form in FORMS {
            let kept = moved(form, &case, Order::DayFirst).filter(|(moved, length)| {
                let has_time = ["10:32", "10.32", "1032"].iter().any(|time| moved.contains(time));
                let epoch = form.starts_with("17") && moved.starts_with('1') && !moved.contains("1795257131");
                let is_moved =
                    !moved.contains("2026") && !moved.contains("Nov 21") && !moved.starts_with("I1121");
                *length == form.len() && is_moved && (has_time || epoch)
            });
            if kept.is_none() {
                lost.push((form, moved(form, &case, Order::DayFirst)));
            }
        }
        // With two forms without a date, `10:32:11` and `[12.345678]`, they are 48.
        assert_eq!(FORMS.len() + 2, 48);
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn a_personal_number_and_a_name_are_no_time() {
        let case = Case::new(Zeroizing::new([7; 32]));
        for text in [
            "1712801234",
            "0102031234",
            "1795257131-x",
            "Marie 21 10:32",
            "May Hansen",
            "Jun",
            "",
            "31-12-80",
            "5000000000",
        ] {
            assert_eq!(moved(text, &case, Order::DayFirst), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_a_file_decides_what_one_date_leaves_open() {
        let case = Case::new(Zeroizing::new([7; 32]));
        let american = moved("11/12/2026 10:32:11 AM", &case, Order::MonthFirst).unwrap();
        let european = moved("12/11/2026 10:32:11", &case, Order::DayFirst).unwrap();
        let days = |text: &str| text.split([' ', '/']).take(3).map(str::to_owned).collect::<Vec<_>>();
        let (american, european) = (days(&american.0), days(&european.0));
        assert_eq!((&american[0], &american[1]), (&european[1], &european[0]));
        assert_eq!(Order::of("11/12/2026 10:32:11\n11/13/2026 10:32:12\n"), Order::MonthFirst);
        assert_eq!(Order::of("11/12/2026 10:32:11\n13/11/2026 10:32:12\n"), Order::DayFirst);
        assert_eq!(Order::of("11/12/2026 10:32:11\n"), Order::DayFirst);
    }
}

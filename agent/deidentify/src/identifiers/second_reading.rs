//! The final scan's own reading of dates. It shares nothing with the scrubber's, so that an error in one of them is
//! found by the other: here the numbers of a text are taken as they come, what lies between two of them is judged as
//! a whole, and every order in which people write a date is looked up among the days of birth.
//!
//! A year of two digits counts only beside a separator. Runs and rows of measured numbers, vectors, versions and times
//! of day are no dates; a row shows only by its neighbours, so a text has to be given with all its lines.

mod between;
mod places;

use std::ops::Range;

use time::{Date, Month};

use between::Between;

/// A run of ASCII digits.
#[derive(Clone)]
struct Number {
    at: Range<usize>,
    value: i32,
    /// What lies between it and the number before, if it may belong to a date.
    between: Option<Between>,
}

impl Number {
    fn digits(&self) -> usize {
        self.at.len()
    }
}

/// Three parts of a date as they stand in a text.
struct Reading<'r> {
    at: Range<usize>,
    year: &'r Number,
    month: i32,
    day: i32,
    /// What lies between its numbers, in their order; one of them if its month has a name.
    gaps: [Option<&'r Between>; 2],
}

/// Where in `text` the first day stands of which `is_birth` holds.
#[cfg(test)]
pub(crate) fn names_birth_date(text: &str, is_birth: impl Fn(Date) -> bool) -> Option<Range<usize>> {
    let mut first = None;
    find(text, is_birth, |range| first = first.take().or(Some(range)));
    first
}

/// Calls `each` with every place in `text` where a day stands of which `is_birth` holds.
pub(crate) fn find(text: &str, is_birth: impl Fn(Date) -> bool, mut each: impl FnMut(Range<usize>)) {
    let (mut before, mut last): (Option<Number>, Option<Number>) = (None, None);
    let mut numbers = Numbers { text, at: 0 };
    while let Some(mut number) = numbers.next() {
        together(text, &number, &is_birth, &mut each);
        if let Some(last) = &mut last
            && may_be(text, [before.as_ref(), Some(&*last), Some(&number)], &is_birth)
        {
            // Most numbers are no part of a date: what lies between is read where it matters.
            last.between = before.as_ref().and_then(|before| between(text, before, last));
            number.between = between(text, last, &number);
            look(text, [before.as_ref(), Some(&*last), Some(&number)], &mut |reading| {
                let is_named = days(reading).any(&is_birth);
                if is_named && places::is_date(text, reading) {
                    each(reading.at.clone());
                }
            });
        }
        before = last.replace(number);
    }
}

fn between(text: &str, one: &Number, two: &Number) -> Option<Between> {
    text.get(one.at.end..two.at.start).and_then(Between::read)
}

/// Whether the last two or three numbers may be a day of birth by what they are, whatever lies between: `false` only where
/// [`look`] has no reading that is one.
fn may_be(text: &str, numbers: [Option<&Number>; 3], is_birth: &impl Fn(Date) -> bool) -> bool {
    let [before, Some(last), Some(number)] = numbers else { return false };
    let may_be_day = |number: &Number| number.digits() <= 2 && (1..=31).contains(&number.value);
    let may_be_year = |number: &Number| number.digits() == 2 || number.digits() == 4;
    // No date has a longer number, or more between two of them.
    let gap = text.get(last.at.end..number.at.start).unwrap_or_default();
    if last.digits() > 4 || number.digits() > 4 || !(1..=between::LONGEST).contains(&gap.len()) {
        return false;
    }
    // The name of a month stands between, or before.
    if may_be_day(last) && may_be_year(number) || may_be_year(last) && may_be_day(number) {
        let named = || text.get(..last.at.start).and_then(between::month_at_end);
        if between::has_month(gap) || last.digits() <= 2 && named().is_some() {
            return true;
        }
    }
    // One mark stands between a year and the number of its day.
    if last.digits() == 4 && number.digits() == 3 && gap.chars().nth(1).is_none() {
        return true;
    }
    let Some(before) = before.filter(|_| last.digits() <= 2) else { return false };
    let is_day = |year: &Number, month: &Number, day: &Number| {
        // What is no month, or no day, needs no calendar.
        let may_be = month.digits() <= 2 && (1..=12).contains(&month.value) && may_be_day(day);
        may_be
            && may_be_year(year)
            && years(year).into_iter().filter_map(|year| civil(year, month.value, day.value)).any(is_birth)
    };
    is_day(number, last, before)
        || is_day(number, before, last)
        || is_day(before, last, number)
        || is_day(before, number, last)
}

/// Calls `each` with what the last two or three numbers may be.
fn look(text: &str, numbers: [Option<&Number>; 3], each: &mut impl FnMut(&Reading<'_>)) {
    let [before, Some(last), Some(number)] = numbers else { return };
    let Some(gap) = &number.between else { return };
    let at = last.at.start..number.at.end;
    if let Some(month) = gap.month {
        for (year, day) in [(number, last), (last, number)].into_iter().filter(|(_, day)| day.digits() <= 2) {
            each(&Reading { at: at.clone(), year, month, day: day.value, gaps: [Some(gap), None] });
        }
        return;
    }
    let named = text.get(..last.at.start).filter(|_| last.digits() <= 2).and_then(between::month_at_end);
    if let Some((month, start)) = named {
        let at = start..number.at.end;
        each(&Reading { at, year: number, month, day: last.value, gaps: [Some(gap), None] });
    }
    if last.digits() == 4 && number.digits() == 3 && gap.joins_day_of_year() {
        let day =
            u16::try_from(number.value).ok().and_then(|day| Date::from_ordinal_date(last.value, day).ok());
        if let Some(day) = day {
            let (month, day) = (i32::from(u8::from(day.month())), i32::from(day.day()));
            each(&Reading { at: at.clone(), year: last, month, day, gaps: [Some(gap), None] });
        }
    }
    let Some((before, first)) = before.zip(last.between.as_ref()).filter(|(_, gap)| gap.month.is_none())
    else {
        return;
    };
    let gaps = [Some(first), Some(gap)];
    let at = before.at.start..number.at.end;
    for (year, month, day) in
        [(number, last, before), (number, before, last), (before, last, number), (before, number, last)]
    {
        if month.digits() <= 2 && day.digits() <= 2 {
            each(&Reading { at: at.clone(), year, month: month.value, day: day.value, gaps });
        }
    }
}

/// Dates in one run of digits: eight, or more with a time of day.
fn together(
    text: &str,
    number: &Number,
    is_birth: &impl Fn(Date) -> bool,
    each: &mut impl FnMut(Range<usize>),
) {
    let Some(digits) = text.get(number.at.clone()).filter(|digits| matches!(digits.len(), 8 | 12 | 14))
    else {
        return;
    };
    let part = |range: Range<usize>| digits.get(range).and_then(|part| part.parse::<i32>().ok()).unwrap_or(0);
    let (first, second) = (part(0..2), part(2..4));
    let orders =
        [(part(0..4), part(4..6), part(6..8)), (part(4..8), second, first), (part(4..8), first, second)];
    let orders = orders.into_iter().filter(|order| digits.len() == 8 || *order == orders[0]);
    let mut known = orders.filter_map(|(year, month, day)| civil(year, month, day));
    if known.any(is_birth) && !places::is_measured(text, &number.at) {
        each(number.at.clone());
    }
}

/// The days that a reading may mean.
fn days(reading: &Reading<'_>) -> impl Iterator<Item = Date> {
    let (month, day) = (reading.month, reading.day);
    years(reading.year).into_iter().filter_map(move |year| civil(year, month, day))
}

/// The years that a number may be; 0 is none.
fn years(number: &Number) -> [i32; 2] {
    match number.digits() {
        2 => [1900 + number.value, 2000 + number.value],
        4 => [number.value, 0],
        _ => [0, 0],
    }
}

fn civil(year: i32, month: i32, day: i32) -> Option<Date> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok().filter(|day| day.year() >= 1880)
}

/// The runs of digits of a text, one after another.
struct Numbers<'t> {
    text: &'t str,
    at: usize,
}

impl Numbers<'_> {
    fn next(&mut self) -> Option<Number> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let start = self.at + rest.iter().position(u8::is_ascii_digit)?;
        let digits =
            self.text.as_bytes().get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at = start + digits;
        let value = self.text.get(start..self.at).filter(|_| digits <= 4).and_then(|text| text.parse().ok());
        Some(Number { at: start..self.at, value: value.unwrap_or(-1), between: None })
    }
}

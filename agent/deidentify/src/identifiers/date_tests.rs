//! A day of birth in the spellings of every day: found by the scrubber, and by the final scan alone; and what only
//! looks like one, with ten thousand days learned.

use time::{Date, Month};

use super::second_reading::names_birth_date;
use super::{Identifiers, Kind, Learning, View};

/// One day, 12 March 1980, as people and programs write it.
pub(crate) const SPELLINGS: [&str; 50] = [
    "12/3-1980",
    "12/3-80",
    "12.3-1980",
    "12.3-80",
    "12/3 1980",
    "12 - 03 - 1980",
    "12 / 3 / 1980",
    "12/03-'80",
    "12/3 -80",
    "12. 3. 80",
    "12\u{2010}03\u{2010}1980",
    "12\u{2011}03\u{2011}1980",
    "12\u{2012}03\u{2012}1980",
    "12\u{2013}03\u{2013}1980",
    "12\u{2014}03\u{2014}80",
    "12\u{2015}03\u{2015}1980",
    "12\u{2013}3\u{2013}\u{2019}80",
    "12:03:1980",
    "12:3:80",
    "12|03|1980",
    "12|3|80",
    "12_03_1980",
    "12_3_80",
    "12,3,1980",
    "12, 3, 1980",
    "12,03,80",
    "1980-072",
    "1980/072",
    "den 12. i 3. 1980",
    "d. 12/3 - 1980",
    "12. marts\n1980",
    "12/3-\n1980",
    "12.\r\n3. 1980",
    "12 mar '80",
    "12. marts 1980",
    "12-MAR-80",
    "12mar1980",
    "march the 12th, 1980",
    "12th of March 1980",
    "Mar-12-1980",
    "1980, marts 12",
    "1980.03/12",
    "1980 - 3 - 12",
    "'80-03-12",
    "80/3/12",
    "12\u{a0}/\u{a0}3\u{a0}/\u{a0}1980",
    "03.12.1980",
    "3/12-80",
    "12\\3\\1980",
    "19800312",
];

/// The day itself.
pub(crate) fn day() -> Date {
    Date::from_calendar_date(1980, Month::March, 12).unwrap()
}

fn learned(values: &[(Kind, &str)]) -> Identifiers {
    let mut learning = Learning::default();
    values.iter().for_each(|(kind, value)| learning.learn(*kind, value));
    learning.finish().unwrap()
}

fn scrubber_finds(identifiers: &Identifiers, text: &str) -> Option<String> {
    let mut found: Option<std::ops::Range<usize>> = None;
    identifiers.find(text, &mut View::default(), |hit| {
        let range = found.take().unwrap_or(hit.range.clone());
        found = Some(range.start.min(hit.range.start)..range.end.max(hit.range.end));
    });
    found.map(|range| text[range].to_owned())
}

#[test]
fn the_scrubber_finds_fifty_spellings_of_a_day_and_of_no_other() {
    let own = learned(&[(Kind::BirthDate, "19800312")]);
    let other = learned(&[(Kind::BirthDate, "19630728")]);
    let mut count = 0;
    for spelling in SPELLINGS {
        for text in [format!("entry {spelling} selected"), spelling.to_owned(), format!("x ({spelling})")] {
            let found = scrubber_finds(&own, &text);
            let bare: String = found.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
            let wanted: String = spelling.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(bare, wanted, "{text:?}");
            assert_eq!(scrubber_finds(&other, &text), None, "{text:?} with another day learned");
        }
        count += 1;
    }
    println!("{count} spellings found by the scrubber, 0 with another day learned");
}

#[test]
fn the_final_scan_alone_finds_fifty_spellings_of_a_day_and_of_no_other() {
    let mut count = 0;
    for spelling in SPELLINGS {
        for text in [format!("entry {spelling} selected"), spelling.to_owned()] {
            assert!(names_birth_date(&text, |found| found == day()).is_some(), "{text:?}");
            let others = |found: Date| found.year() == 1963;
            assert_eq!(names_birth_date(&text, others), None, "{text:?} with another day learned");
        }
        count += 1;
    }
    println!("{count} spellings found by the final scan alone, 0 with another day learned");
}

/// A day is learned in whatever spelling a sidecar has it.
#[test]
fn a_day_is_learned_in_every_spelling() {
    for spelling in SPELLINGS {
        let identifiers = learned(&[(Kind::BirthDate, spelling)]);
        assert!(identifiers.is_birth(day()), "{spelling:?}");
    }
}

/// Voltages, as the firmware lists them: `13 12` of `47.13 12V` would be the day and the month of 1947.
#[test]
fn a_number_that_begins_a_key_ends_no_date() {
    let own = learned(&[(Kind::BirthDate, "19471213")]);
    let born = |found: Date| found == Date::from_calendar_date(1947, Month::December, 13).unwrap();
    for kept in ["48V=47.13 12V=12.01", "rail 48V=47.13 12V=12.0"] {
        assert_eq!(scrubber_finds(&own, kept), None, "{kept}");
        assert_eq!(names_birth_date(kept, born), None, "{kept}");
    }
    for found in ["47.13 12", "a=47.13 12 V=1", "47.13 12V", "47.13 12, b=1"] {
        assert!(scrubber_finds(&own, found).is_some(), "{found}");
        assert!(names_birth_date(found, born).is_some(), "{found}");
    }
}

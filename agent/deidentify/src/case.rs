//! The key of a case: pseudonyms and shifted dates agree within the case, and with no other case.
//!
//! Everything here follows from one random key that stays on this computer. A bare hash of an identifier could
//! be guessed by hashing candidates (DICOM PS3.15 E.1.1); under a key that is forgotten with the case it cannot.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use provenance::Table;
use ring::hmac;
use time::{Date, Duration, Month, OffsetDateTime};
use zeroize::Zeroizing;

use crate::dicom::is_registered;

/// Weeks by which dates move back, at most: ten years.
const MOST_WEEKS: u64 = 520;
/// Letters of a pseudonym: no name is spelled without a vowel, no number with letters.
const LETTERS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
/// How many of them: 34 bits.
const LENGTH: usize = 8;
/// Pseudonyms that are drawn for one identifier, should each be somebody's name: no two draws in a row are.
const DRAWS: u32 = 16;

/// One case. Its key is wiped on drop.
pub struct Case {
    key: Zeroizing<[u8; 32]>,
    shift: Duration,
    /// The last day that a date may have; a later one is not moved, so it goes.
    last: Option<Date>,
    /// What was moved so far.
    moved: Mutex<Moved>,
    /// The literals of the program whose logs are in it.
    table: Option<Arc<Table>>,
}

/// The days to which dates were moved, and the last date with the one that it became.
#[derive(Default)]
struct Moved {
    days: BTreeSet<Date>,
    last: Option<(Civil, Civil)>,
}

/// Year, month, day.
type Civil = (i32, u8, u8);

impl Case {
    /// The case with this key, which has to be random and of this case alone.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let mut case = Self { key, shift: Duration::ZERO, last: None, moved: Mutex::default(), table: None };
        let drawn = case.number("shift", "0") as u64;
        case.shift = Duration::weeks(1 + (drawn % MOST_WEEKS) as i64);
        case
    }

    /// The case, whose logs are those of the program with this table.
    pub fn with_table(self, table: Option<Arc<Table>>) -> Self {
        Self { table, ..self }
    }

    /// The case, in which no date after the day of `last` (seconds since 1970) leaves: it would tell when the case
    /// was collected, and with the time of the upload by how much all dates were moved.
    pub fn until(self, last: Option<i64>) -> Self {
        let last =
            last.and_then(|last| OffsetDateTime::from_unix_timestamp(last).ok()).map(OffsetDateTime::date);
        Self { last, ..self }
    }

    /// The literals of the program.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.as_deref()
    }

    /// The case's UID in the place of `uid`: `2.25.` and 128 bits (PS3.5 B.2). Those that DICOM registered stay.
    pub fn uid(&self, uid: &str) -> String {
        if is_registered(uid) {
            return uid.to_owned();
        }
        format!("2.25.{}", self.number("uid", uid))
    }

    /// What stands for an identifier, so that two patients of the case stay distinct: `P-` and 8 consonants. It is
    /// drawn again where `is_taken` says that it is somebody's name or number.
    pub fn pseudonym(&self, identifier: &str, is_taken: impl Fn(&str) -> bool) -> String {
        let drawn = |draw: u32| {
            let purpose = if draw == 0 { "pseudonym".to_owned() } else { format!("pseudonym {draw}") };
            let mut number = self.number(&purpose, identifier);
            let letters = (0..LENGTH).map(|_| {
                let letter = LETTERS.get((number % LETTERS.len() as u128) as usize).copied();
                number /= LETTERS.len() as u128;
                char::from(letter.unwrap_or(b'x'))
            });
            format!("P-{}", letters.collect::<String>())
        };
        (0..DRAWS).map(drawn).find(|pseudonym| !is_taken(pseudonym)).unwrap_or_else(|| "P-".to_owned())
    }

    /// By how much every date of the case moves back: whole weeks, so that the weekday survives.
    pub fn shift(&self) -> Duration {
        self.shift
    }

    /// Seconds since 1970, moved; `None` after the last day of the case.
    pub fn shift_seconds(&self, seconds: i64) -> Option<i64> {
        let day = OffsetDateTime::from_unix_timestamp(seconds).ok()?.date();
        self.is_within(day).then(|| seconds - self.shift.whole_seconds())
    }

    fn is_within(&self, day: Date) -> bool {
        self.last.is_none_or(|last| day <= last)
    }

    /// A civil date, moved; `None` if there is no such day, or it is after the last of the case.
    pub fn shift_date(&self, year: i32, month: u8, day: u8) -> Option<Civil> {
        let mut known = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        // Most lines of a log have the day of the line before.
        if let Some((_, to)) = known.last.filter(|(from, _)| *from == (year, month, day)) {
            return Some(to);
        }
        let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
        let moved = date.checked_sub(self.shift).filter(|_| self.is_within(date))?;
        let (moved_year, moved_month, moved_day) = moved.to_calendar_date();
        let to = (moved_year, moved_month.into(), moved_day);
        known.days.insert(moved);
        known.last = Some(((year, month, day), to));
        Some(to)
    }

    /// Whether a date was moved to `day`: that it is somebody's birthday too is chance.
    pub(crate) fn has_moved_to(&self, day: Date) -> bool {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).days.contains(&day)
    }

    fn number(&self, purpose: &str, content: &str) -> u128 {
        let tag = self.tag(purpose, content);
        tag.as_ref().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// HMAC-SHA-256 (RFC 2104); ring's expanded key lives only during the call.
    fn tag(&self, purpose: &str, content: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.key.as_ref()));
        context.update(purpose.as_bytes());
        context.update(b"\0");
        context.update(content.as_bytes());
        context.sign()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Case(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(byte: u8) -> Case {
        Case::new(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_case_maps_alike_and_two_cases_do_not() {
        let uid = "1.2.826.0.1.3680043.8.498.1";
        assert_eq!(case(1).uid(uid), case(1).uid(uid));
        assert_ne!(case(1).uid(uid), case(2).uid(uid));
        assert_ne!(case(1).uid(uid), case(1).uid("1.2.826.0.1.3680043.8.498.2"));
        let pseudonym = |byte, identifier: &str| case(byte).pseudonym(identifier, |_| false);
        assert_ne!(pseudonym(1, "010180-1234"), pseudonym(2, "010180-1234"));
        assert_ne!(pseudonym(1, "010180-1234"), pseudonym(1, "010180-1235"));
        assert_eq!(pseudonym(1, "010180-1234").len(), 10);
    }

    #[test]
    fn a_pseudonym_spells_no_name_and_is_drawn_again_where_it_is_somebodys() {
        let (case, mut seen) = (case(4), BTreeSet::new());
        for number in 0..2000 {
            let pseudonym = case.pseudonym(&number.to_string(), |_| false);
            let letters = pseudonym.strip_prefix("P-").unwrap();
            assert!(letters.bytes().all(|byte| LETTERS.contains(&byte)), "{pseudonym}");
            assert!(!letters.contains(['a', 'e', 'i', 'o', 'u', 'y']) && letters.len() == LENGTH);
            seen.insert(pseudonym);
        }
        assert_eq!(seen.len(), 2000);
        let first = case.pseudonym("0", |_| false);
        let second = case.pseudonym("0", |drawn| drawn == first);
        assert!(second != first && second.len() == first.len());
        assert_eq!(case.pseudonym("0", |_| true), "P-");
    }

    #[test]
    fn a_case_knows_the_days_that_it_moved_dates_to() {
        let case = case(5);
        let (year, month, day) = case.shift_date(2026, 11, 22).unwrap();
        let moved = Date::from_calendar_date(year, month.try_into().unwrap(), day).unwrap();
        assert!(case.has_moved_to(moved) && !case.has_moved_to(moved.next_day().unwrap()));
    }

    #[test]
    fn a_uid_is_well_formed_and_only_a_registered_one_stays() {
        let uid = case(3).uid("not a uid");
        assert!(uid.starts_with("2.25.") && uid.len() <= 44, "{uid}");
        assert_eq!(case(3).uid("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1");
        for planted in [
            "1.2.840.10008.HANSEN",
            "1.2.840.10008.0101801234",
            "1.2.840.10008.01018.01234",
            "1.2.840.10008.",
        ] {
            assert!(case(3).uid(planted).starts_with("2.25."), "{planted}");
        }
    }

    #[test]
    fn dates_go_back_by_the_same_whole_weeks() {
        for byte in 0..=255 {
            let case = case(byte);
            let weeks = case.shift().whole_weeks();
            assert!((1..=520).contains(&weeks) && case.shift() == Duration::weeks(weeks));
            let before = Date::from_calendar_date(2026, Month::November, 22).unwrap();
            let (year, month, day) = case.shift_date(2026, 11, 22).unwrap();
            let after = Date::from_calendar_date(year, month.try_into().unwrap(), day).unwrap();
            assert_eq!(before - after, case.shift());
            assert_eq!(before.weekday(), after.weekday());
        }
        assert_eq!(case(0).shift_date(2026, 2, 30), None);
        assert_eq!(case(0).shift_date(-9999, 1, 1), None);
    }

    #[test]
    fn no_date_after_the_last_day_of_the_case_is_moved() {
        let noon = 1_795_348_800; // 2026-11-22T12:00:00Z
        let (open, ended) = (case(7), case(7).until(Some(noon)));
        assert_eq!(ended.shift_date(2026, 11, 22), open.shift_date(2026, 11, 22));
        assert_eq!(ended.shift_seconds(noon), Some(noon - open.shift().whole_seconds()));
        assert!(open.shift_date(2026, 11, 23).is_some() && open.shift_seconds(noon + 86_400).is_some());
        assert_eq!((ended.shift_date(2026, 11, 23), ended.shift_seconds(noon + 86_400)), (None, None));
    }

    #[test]
    fn a_case_prints_nothing() {
        assert_eq!(format!("{:?}", case(7)), "Case(..)");
    }
}

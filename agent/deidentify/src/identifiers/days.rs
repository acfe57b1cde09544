//! Days: the few that a date may mean, and the set of those on which somebody was born.

use std::collections::HashSet;
use std::ops::Deref;

use time::Date;

/// Days that one date may mean: three orders of eight digits read in two ways, and two centuries.
const MOST: usize = 12;
/// The Julian day of 1880-01-01, and how many days from there on have a bit: up to the end of 2099.
const FIRST: i32 = 2_407_716;
const BITS: usize = 80_354;

/// The days that a date may mean, without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Days {
    days: [Date; MOST],
    count: usize,
}

impl Default for Days {
    fn default() -> Self {
        Self { days: [Date::MIN; MOST], count: 0 }
    }
}

impl Deref for Days {
    type Target = [Date];

    fn deref(&self) -> &[Date] {
        self.days.get(..self.count).unwrap_or_default()
    }
}

impl std::fmt::Debug for Days {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.deref().fmt(f)
    }
}

impl FromIterator<Date> for Days {
    fn from_iter<T: IntoIterator<Item = Date>>(days: T) -> Self {
        let mut all = Self::default();
        for day in days {
            if let Some(free) = all.days.get_mut(all.count) {
                *free = day;
                all.count += 1;
            }
        }
        all
    }
}

impl IntoIterator for Days {
    type Item = Date;
    type IntoIter = std::iter::Take<std::array::IntoIter<Date, MOST>>;

    fn into_iter(self) -> Self::IntoIter {
        self.days.into_iter().take(self.count)
    }
}

/// A set of days that answers in a few instructions: every number of a log is asked for.
pub(super) struct DaySet {
    bits: Vec<u64>,
    others: HashSet<Date>,
    is_empty: bool,
}

impl DaySet {
    /// Whether it has none.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether `day` is in it.
    pub(super) fn has(&self, day: Date) -> bool {
        match place(day) {
            Some((word, bit)) => self.bits.get(word).is_some_and(|word| word >> bit & 1 == 1),
            None => self.others.contains(&day),
        }
    }
}

impl FromIterator<Date> for DaySet {
    fn from_iter<T: IntoIterator<Item = Date>>(days: T) -> Self {
        let mut set = Self { bits: vec![0; BITS.div_ceil(64)], others: HashSet::new(), is_empty: true };
        for day in days {
            set.is_empty = false;
            match place(day).and_then(|(word, bit)| Some((set.bits.get_mut(word)?, bit))) {
                Some((word, bit)) => *word |= 1 << bit,
                None => {
                    set.others.insert(day);
                }
            }
        }
        set
    }
}

/// The word and the bit of a day that has one.
fn place(day: Date) -> Option<(usize, u32)> {
    let at = usize::try_from(day.to_julian_day() - FIRST).ok().filter(|at| *at < BITS)?;
    Some((at / 64, (at % 64) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let day = |year, ordinal| Date::from_ordinal_date(year, ordinal).unwrap();
        let put: Vec<Date> = (1870..2110).map(|year| day(year, (year - 1800) as u16 % 365 + 1)).collect();
        let set: DaySet = put.iter().copied().collect();
        for year in 1860..2120 {
            for ordinal in 1..=365 {
                let day = day(year, ordinal);
                assert_eq!(set.has(day), put.contains(&day), "{day}");
            }
        }
        assert_eq!(place(day(1880, 1)), Some((0, 0)));
        assert!(place(day(2099, 365)).is_some() && place(day(2100, 1)).is_none());
    }

    #[test]
    fn days_are_as_many_as_were_given() {
        let day = Date::from_ordinal_date(1970, 64).unwrap();
        assert_eq!(Days::from_iter([]).len(), 0);
        assert_eq!(Days::from_iter([day; 3]).into_iter().collect::<Vec<_>>(), [day; 3]);
    }
}

//! The events that the agent took in, and where each of them is now.
//!
//! A story of years has a hundred thousand of them, of which some dozens wait: those are found without a look at the others.

use std::collections::{BTreeMap, BTreeSet};

/// Where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Waiting,
    Vendor,
    /// The vendor had it, or had erased it, and lost that with what came after its backup: it does not know its number.
    VendorLost,
    /// The vendor had it and erased it; it knows its number.
    Erased,
    Gone,
}

impl Place {
    pub(crate) fn is_known_to_vendor(self) -> bool {
        matches!(self, Self::Vendor | Self::Erased)
    }
}

/// An event that was taken in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct One {
    pub(crate) place: Place,
    /// When it happened, by the workstation's clock.
    pub(crate) at: i64,
}

impl One {
    /// Whether the vendor ever had it.
    pub(crate) fn has_come(self) -> bool {
        matches!(self.place, Place::Vendor | Place::VendorLost | Place::Erased)
    }
}

/// All of them by number. Those that wait are listed a second time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    all: BTreeMap<u64, One>,
    waiting: BTreeSet<u64>,
}

impl Taken {
    pub(crate) fn get(&self, number: u64) -> Option<One> {
        self.all.get(&number).copied()
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.all.contains_key(&number)
    }

    /// An event of then waits from now on, unless it is known already. Where it is.
    pub(crate) fn waits(&mut self, number: u64, at: impl FnOnce() -> i64) -> Place {
        let one = self.all.entry(number).or_insert_with(|| {
            self.waiting.insert(number);
            One { place: Place::Waiting, at: at() }
        });
        one.place
    }

    /// The event is at another place.
    pub(crate) fn moved(&mut self, number: u64, place: Place) {
        let Some(one) = self.all.get_mut(&number) else { return };
        one.place = place;
        if place == Place::Waiting {
            self.waiting.insert(number);
        } else {
            self.waiting.remove(&number);
        }
    }

    /// Those that wait, and when they happened.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u64, i64)> {
        self.waiting.iter().filter_map(|number| Some((*number, self.all.get(number)?.at)))
    }

    /// Those of which this is true are at another place.
    pub(crate) fn move_all(&mut self, place: Place, which: impl Fn(u64, Place) -> bool) {
        for (number, one) in self.all.iter_mut().filter(|(number, one)| which(**number, one.place)) {
            one.place = place;
            self.waiting.remove(number);
        }
        if place == Place::Waiting {
            self.waiting = self.numbers(|place| place == Place::Waiting);
        }
    }

    /// Numbers of those at such places.
    pub(crate) fn numbers(&self, is_there: impl Fn(Place) -> bool) -> BTreeSet<u64> {
        self.all.iter().filter(|(_, one)| is_there(one.place)).map(|(number, _)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_wait_are_those_at_that_place_whatever_moves() {
        let mut taken = Taken::default();
        let places = [Place::Waiting, Place::Vendor, Place::VendorLost, Place::Erased, Place::Gone];
        let mut random = test_support::random::Random::new(5);
        for step in 0..2000 {
            let (number, place) = (random.below(60), places[random.index(places.len())]);
            match random.below(10) {
                0..4 => drop(taken.waits(number, || step)),
                4..9 => taken.moved(number, place),
                _ => taken.move_all(place, |one, _| one % 7 == number % 7),
            }
            let listed: BTreeSet<u64> = taken.waiting().map(|(number, _)| number).collect();
            assert_eq!(listed, taken.numbers(|place| place == Place::Waiting), "step {step}");
        }
    }
}

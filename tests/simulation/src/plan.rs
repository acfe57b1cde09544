//! How a story goes: how long it is, how much goes wrong in it, and how often anybody works.

use std::fmt;

/// How a story goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Days of it.
    pub days: i64,
    /// Things that go wrong, in a thousand times that they may: each night, each morning, and four times a day. Above a
    /// thousand there are several each night and each time of the day.
    pub faults: u32,
    /// Working days on which the workstation is on, in a hundred. Few make a story of twelve years cheap.
    pub works: u32,
}

impl Plan {
    /// How many things may go wrong at once, and of each how often in a thousand times it does.
    pub fn at_once(self) -> impl Iterator<Item = u32> {
        let full = self.faults / 1000;
        (0..full)
            .map(|_| 1000)
            .chain((!self.faults.is_multiple_of(1000) || full == 0).then_some(self.faults % 1000))
    }

    /// A story in which the workstation is on every working day.
    pub const fn daily(days: i64, faults: u32) -> Self {
        Self { days, faults, works: 100 }
    }
}

impl fmt::Display for Plan {
    /// As `simulate` takes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "--days {} --faults {} --works {}", self.days, self.faults, self.works)
    }
}

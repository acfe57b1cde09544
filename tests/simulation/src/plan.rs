//! How a story goes: how long it is, how much goes wrong in it, and how often anybody works.

/// How a story goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Days of it.
    pub days: i64,
    /// Things that go wrong, in a thousand days of the workstation.
    pub faults: u32,
    /// Working days on which the workstation is on, in a hundred. Few make a story of twelve years cheap.
    pub works: u32,
}

impl Plan {
    /// A story in which the workstation is on every working day.
    pub const fn daily(days: i64, faults: u32) -> Self {
        Self { days, faults, works: 100 }
    }
}

//! The front door: what comes in, as it came.

pub mod outbox;

use std::fmt;

/// A line as it came: nothing is known about it. Not `Serialize`, and its `Debug` prints no content.
#[derive(Clone, Copy)]
pub struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// The line `bytes`, without its line feed.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether there is nothing on it.
    pub fn is_blank(self) -> bool {
        self.0.iter().all(u8::is_ascii_whitespace)
    }

    /// For the wash room alone.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

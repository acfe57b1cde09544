//! Lifetime of the program: it ends when no page was opened, or the page is closed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For the browser to start.
const COMING: Duration = Duration::from_secs(120);
/// A page that a computer's sleep or a busy moment cut off comes again within this.
const AWAY: Duration = Duration::from_secs(15);

/// The streams of the page.
#[derive(Debug)]
pub(crate) struct Life(Mutex<Since>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// Nobody came yet.
    Started(Instant),
    /// So many streams are open.
    Open(u32),
    /// The last one ended.
    Left(Instant),
}

impl Life {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Since::Started(now)))
    }

    /// A stream begins.
    pub(crate) fn came(&self) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = match *since {
            Since::Open(streams) => Since::Open(streams + 1),
            Since::Started(_) | Since::Left(_) => Since::Open(1),
        };
    }

    /// A stream ended.
    pub(crate) fn left(&self, now: Instant) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = match *since {
            Since::Open(streams @ 2..) => Since::Open(streams - 1),
            _ => Since::Left(now),
        };
    }

    /// Whether it is time to end.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Since::Started(at) => now.duration_since(at) > COMING,
            Since::Open(_) => false,
            Since::Left(at) => now.duration_since(at) > AWAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_nobody_comes_and_when_the_page_is_gone() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let life = Life::new(start);
        assert!(!life.is_over(at(119)) && life.is_over(at(121)));
        life.came();
        assert!(!life.is_over(at(100_000)), "a page may stay open over a weekend");
        life.came();
        life.left(at(100_000));
        assert!(!life.is_over(at(200_000)), "one of two streams is still there");
        life.left(at(200_000));
        assert!(!life.is_over(at(200_014)) && life.is_over(at(200_016)));
        life.came();
        assert!(!life.is_over(at(200_016)), "it came again");
    }
}

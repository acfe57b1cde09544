//! The edges of the run loop: the clock, the connection to the collector, and the randomness of its schedule. The
//! service has the system's; `tests/simulation` gives its own and drives the same loop on virtual time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};

use crate::ship::exchange::Transport;
use crate::ship::failure::BadSettings;
use crate::ship::https::{Https, Settings};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Seconds since 1970 on the wall's clock: for periods, grants and shown times, never for an order.
    fn wall(&self) -> i64;

    /// Since the start of the process, by a clock that never goes back.
    fn elapsed(&self) -> Duration;
}

/// Where a transfer is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfers {
    /// On a thread of its own, which ends with the response.
    Thread,
    /// On the loop's thread. The response waits as any other wake-up.
    Here,
}

/// Makes a connection of checked settings.
pub type Connect = dyn Fn(Settings) -> Result<Box<dyn Transport>, BadSettings> + Send + Sync;

/// What the loop has of the world outside its files.
#[derive(Clone)]
pub struct Edges {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The connection to the collector.
    pub connect: Arc<Connect>,
    /// Spreads a fleet; never used for a key.
    pub jitter: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Where a transfer is carried out.
    pub transfers: Transfers,
}

impl Edges {
    /// The system's own.
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock { started: Instant::now() }),
            connect: Arc::new(|settings| Ok(Box::new(Https::new(settings)?))),
            jitter: Arc::new(|| {
                let mut bytes = [0; 8];
                // Without randomness a fleet is less spread, nothing else.
                let _ = SystemRandom::new().fill(&mut bytes);
                u64::from_le_bytes(bytes)
            }),
            transfers: Transfers::Thread,
        }
    }
}

impl fmt::Debug for Edges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edges({:?})", self.transfers)
    }
}

struct SystemClock {
    started: Instant,
}

impl Clock for SystemClock {
    fn wall(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

//! The collector's Retry-After, stored on disk: it must outlive the process, because `run --once` starts a new one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Stream;
use crate::config::Config;
use crate::{durable, limits, presence};

impl Stream {
    /// Where its pause is kept.
    pub(super) fn pause(self, config: &Config) -> PathBuf {
        let name = match self {
            Self::Usage => "usage",
            Self::Requests => "requests",
            Self::Bundles => "bundles",
        };
        config.data_dir.join(format!("retry-after.{name}"))
    }
}

/// Keeps that nothing goes for so long from `now` on (seconds since 1970).
pub(super) fn keep(path: &Path, retry_after: Duration, now: i64) -> io::Result<()> {
    let until = now.saturating_add_unsigned(retry_after.min(limits::LONGEST_RETRY_AFTER).as_secs());
    durable::replace(path, until.to_string().as_bytes())
}

/// What is left of it at `now`: never more than a collector may ask for, whatever the clock says.
///
/// # Errors
/// It cannot be read now.
pub(super) fn left(path: &Path, now: i64) -> io::Result<Duration> {
    let until = presence::read_text(path)?.found().flatten().and_then(|text| text.parse::<i64>().ok());
    let left = until
        .and_then(|until| u64::try_from(until.saturating_sub(now)).ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    Ok(if left > limits::LONGEST_RETRY_AFTER { Duration::ZERO } else { left })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_kept_and_a_clock_that_leaps_makes_it_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pause");
        assert_eq!(left(&path, 1000).unwrap(), Duration::ZERO);
        keep(&path, Duration::from_secs(90), 1000).unwrap();
        assert_eq!(
            (left(&path, 1000).unwrap(), left(&path, 1080).unwrap()),
            (Duration::from_secs(90), Duration::from_secs(10))
        );
        for clock in [1090, 5000, -1_000_000, i64::MIN, i64::MAX] {
            assert_eq!(left(&path, clock).unwrap(), Duration::ZERO, "{clock}");
        }
        keep(&path, Duration::MAX, 0).unwrap();
        assert_eq!(left(&path, 0).unwrap(), limits::LONGEST_RETRY_AFTER);
        std::fs::write(&path, "soon").unwrap();
        assert_eq!(left(&path, 0).unwrap(), Duration::ZERO);
    }
}

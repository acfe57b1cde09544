//! Body of an upload: limited to the configured rate, and stopped within a chunk when consent ends.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use super::exchange::Body;
use crate::consent::permit::Lease;
use crate::limits;

/// What a reader answers once the consent is withdrawn.
#[derive(Debug, thiserror::Error)]
#[error("withdrawn")]
pub(super) struct Withdrawn;

/// Hands out a body chunk by chunk. It waits before each, a quarter of a second at most, and looks at the
/// lease after waiting: what the operating system has taken before a withdrawal can't be called back.
pub(super) struct Upload<'a> {
    pub(super) from: Source<'a>,
    pub(super) lease: Option<&'a Lease>,
    /// Bytes a second; at least 1.
    pub(super) rate: u64,
    pub(super) sleep: &'a mut dyn FnMut(Duration),
}

/// Where the bytes are that are still to be sent.
pub(super) enum Source<'a> {
    Memory(&'a [u8]),
    /// So many, from where the file stands.
    File(&'a File, u64),
}

impl<'a> From<&'a Body> for Source<'a> {
    fn from(body: &'a Body) -> Self {
        match body {
            Body::Bytes(bytes) => Self::Memory(bytes),
            Body::Part(file, length) => Self::File(file, *length),
        }
    }
}

impl Source<'_> {
    fn rest(&self) -> usize {
        match self {
            Self::Memory(rest) => rest.len(),
            Self::File(_, rest) => usize::try_from(*rest).unwrap_or(usize::MAX),
        }
    }

    /// Fills all of `buffer`, which is not longer than the rest.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Memory(rest) => rest.read_exact(buffer),
            Self::File(file, rest) => {
                file.read_exact(buffer)?;
                *rest -= buffer.len() as u64;
                Ok(())
            }
        }
    }
}

impl Read for Upload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let quarter = usize::try_from(self.rate / 4).unwrap_or(usize::MAX).max(1);
        let length = buffer.len().min(self.from.rest()).min(quarter).min(limits::CHUNK);
        if length > 0 {
            (self.sleep)(Duration::from_secs(1).mul_f64(length as f64 / self.rate.max(1) as f64));
        }
        if self.lease.is_some_and(|lease| !lease.stands()) {
            return Err(io::Error::other(Withdrawn));
        }
        self.from.take(&mut buffer[..length])?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_pauses_add_up_to_the_rate() {
        let body = vec![7; 100_000];
        let mut paused = Duration::ZERO;
        let mut longest = Duration::ZERO;
        let mut sleep = |pause: Duration| {
            paused += pause;
            longest = longest.max(pause);
        };
        let mut sent = vec![];
        Upload { from: Source::Memory(&body), lease: None, rate: 10_000, sleep: &mut sleep }
            .read_to_end(&mut sent)
            .unwrap();
        assert_eq!(sent, body);
        assert!((paused.as_secs_f64() - 10.0).abs() < 0.01, "{paused:?}");
        assert!(longest <= Duration::from_millis(250));
    }

    #[test]
    fn a_withdrawal_during_the_pause_sends_nothing_more() {
        let live = Arc::new(AtomicBool::new(true));
        let lease = Lease::watching(Arc::clone(&live));
        let mut pauses = 0;
        let mut sleep = |_| {
            pauses += 1;
            live.store(pauses < 3, Ordering::Release);
        };
        let body = vec![7; 100_000];
        let mut sent = vec![];
        let error =
            Upload { from: Source::Memory(&body), lease: Some(&lease), rate: 4000, sleep: &mut sleep }
                .read_to_end(&mut sent)
                .unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Withdrawn>()));
        assert!(sent.len() <= 2000, "{} bytes", sent.len());
    }
}

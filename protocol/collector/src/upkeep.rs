//! What a collector does by itself once a day while it serves: look at everything that it holds, and erase what was
//! kept as long as its class allows.

use std::sync::{Arc, Weak};
use std::time::Duration;

use time::OffsetDateTime;

use crate::answering;
use crate::erasure::{self, Run};
use crate::failure::Failure;
use crate::store::{Store, micros};

/// From the start to the first time, so that a restart is ready first.
const FIRST: Duration = Duration::from_secs(10 * 60);
/// From one time to the next.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Starts the thread. It ends with the process, or with the store.
pub(crate) fn start(store: &Arc<Store>) -> Result<(), Failure> {
    let store = Arc::downgrade(store);
    let started = std::thread::Builder::new().name("upkeep".to_owned()).spawn(move || run(&store));
    started.map(drop).map_err(|error| Failure::new(format!("no thread for the daily upkeep: {error}")))
}

fn run(store: &Weak<Store>) {
    let mut pause = FIRST;
    loop {
        std::thread::sleep(pause);
        pause = AGAIN;
        let Some(store) = store.upgrade() else { return };
        match store.verified() {
            // A restart is no reason to read everything again.
            Ok(Some(at)) if is_recent(at, micros(OffsetDateTime::now_utc())) => continue,
            Ok(_) => {}
            Err(failure) => log::error!("{failure}"),
        }
        if let Err(failure) = once(&store, OffsetDateTime::now_utc()) {
            log::error!("the daily upkeep: {failure}");
        }
    }
}

/// Whether `at` is less than half a day ago. A time to come is of a clock that leapt and came back.
fn is_recent(at: i64, now: i64) -> bool {
    (0..AGAIN.as_micros() as i64 / 2).contains(&now.saturating_sub(at))
}

fn once(store: &Store, now: OffsetDateTime) -> Result<(), Failure> {
    // Of several fronts the first one does it for all.
    let Some(_turn) = store.upkeep_turn()? else { return Ok(()) };
    let findings = store.verify(now, |finding| {
        log::error!("lost or changed: {}", serde_json::to_string(&finding).unwrap_or(finding.what));
        Ok(())
    })?;
    if findings > 0 {
        log::error!("{findings} findings; `kathea-collector verify` lists them");
    }
    store.sweep(now)?;
    // What a clinic asked for comes before what is over, and does not wait for it.
    if let Err(failure) = erasure::carry_out_due(store, now, |_| Ok(())) {
        log::error!("{failure}");
    }
    if let Err(failure) = answering::answer_due(store, now) {
        log::error!("{failure}");
    }
    erasure::retention(store, Run::Careful, now, |over| {
        log::info!("retention: {}", serde_json::to_string(over).unwrap_or_default());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn a_verification_from_the_future_does_not_put_the_next_one_off() {
        const HOUR: i64 = 3_600_000_000;
        assert!(is_recent(5 * HOUR, 5 * HOUR) && is_recent(0, 11 * HOUR));
        assert!(!is_recent(0, 13 * HOUR) && !is_recent(9000 * HOUR, 5 * HOUR));
    }
}

//! Steps at which a test ends the process as a kill or a power cut would: at once, with nothing finished or closed.
//!
//! They exist where the compiler's debug assertions do, so never in a program that is shipped: there a step is an
//! empty function. `KATHEA_KILL_AT=fold.put:3` ends the process when it comes to `fold.put` for the third time.

#[cfg(debug_assertions)]
use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// The process ends here, if the environment says so. `name` is subsystem and step, `fold.put`.
#[cfg(debug_assertions)]
pub fn step(name: &str) {
    static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static LEFT: AtomicU64 = AtomicU64::new(0);
    let asked = ASKED.get_or_init(|| {
        let (name, time) = std::env::var("KATHEA_KILL_AT").ok()?.rsplit_once(':').map(owned)?;
        LEFT.store(time, Ordering::Relaxed);
        Some((name, time))
    });
    if asked.as_ref().is_some_and(|(asked, _)| asked == name) && LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        std::process::abort();
    }
}

#[cfg(debug_assertions)]
fn owned((name, time): (&str, &str)) -> (String, u64) {
    (name.to_owned(), time.parse().unwrap_or(1))
}

/// Nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn step(_: &str) {}

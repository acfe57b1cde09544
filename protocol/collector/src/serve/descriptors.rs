//! The limit of open files and sockets of this process.

/// As many as are useful: what the places for connections and their files can take, and some.
#[cfg(unix)]
const WANTED: u64 = 8192;

/// Raises the soft limit as far as the hard one allows, and says what it is then.
#[cfg(unix)]
pub(super) fn raise() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let now = limit.current.unwrap_or(WANTED);
    let wanted = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    if now >= wanted {
        return now;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            log::warn!("the limit of {now} open files can't be raised to {wanted}: {error}");
            now
        }
    }
}

/// Other systems have no such limit for sockets.
#[cfg(not(unix))]
pub(super) fn raise() -> u64 {
    8192
}

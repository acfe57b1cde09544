//! What systemd wants to hear (sd_notify(3)): that the agent serves, and that its loop still goes round. A loop
//! that hangs is silent, and is started again.

use agent::agent::Beat;

/// What to tell, if systemd asks for it.
#[cfg(target_os = "linux")]
pub(crate) fn beat() -> Option<Beat> {
    use std::env;
    use std::ffi::OsStr;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    fn address(name: &OsStr) -> std::io::Result<SocketAddr> {
        match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(name),
        }
    }
    let address = address(&env::var_os("NOTIFY_SOCKET")?).ok()?;
    let socket = UnixDatagram::unbound().ok()?;
    let limit = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).map(Duration::from_micros);
    let every = limit.map_or(Duration::from_secs(86_400), |limit| limit / 2);
    let tell = Box::new(move || {
        // Whoever asked and does not listen any more needs no answer.
        let _ = socket.send_to_addr(b"READY=1\nWATCHDOG=1", &address);
    });
    Some(Beat { every, tell })
}

/// There is no systemd.
#[cfg(not(target_os = "linux"))]
pub(crate) fn beat() -> Option<Beat> {
    None
}

//! What systemd wants to hear (sd_notify(3)): that the agent serves, that its loop still goes round, that it ends. A
//! loop that hangs is silent, and is started again.

use agent::agent::Beat;

/// What to tell while it serves, if systemd asks for it.
#[cfg(target_os = "linux")]
pub(crate) fn beat() -> Option<Beat> {
    use std::env;
    use std::time::Duration;

    env::var_os("NOTIFY_SOCKET")?;
    let limit = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).map(Duration::from_micros);
    let every = limit.map_or(Duration::from_secs(86_400), |limit| limit / 2);
    Some(Beat { every, tell: Box::new(|| tell(b"READY=1\nWATCHDOG=1")) })
}

/// It stops on request.
pub(crate) fn stopping() {
    #[cfg(target_os = "linux")]
    tell(b"STOPPING=1");
}

/// Whoever asked and does not listen any more needs no answer.
#[cfg(target_os = "linux")]
fn tell(what: &[u8]) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    };
    if let (Ok(socket), Ok(address)) = (UnixDatagram::unbound(), address) {
        let _ = socket.send_to_addr(what, &address);
    }
}

/// There is no systemd.
#[cfg(not(target_os = "linux"))]
pub(crate) fn beat() -> Option<Beat> {
    None
}

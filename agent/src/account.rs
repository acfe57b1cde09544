//! Accounts of the operating system: the one of this process, and the one of a socket's peer.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Account;
#[cfg(windows)]
pub use windows::Account;

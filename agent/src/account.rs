//! Accounts of the operating system: who this process is, and who is at the other end of the socket.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Account;
#[cfg(windows)]
pub use windows::Account;

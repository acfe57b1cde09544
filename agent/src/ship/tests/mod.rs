//! The one socket against a server that behaves, and against every other kind.

mod answers;
mod older;
pub(super) mod pki;
mod server;
mod tls;
mod transfers;

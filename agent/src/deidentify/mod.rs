//! The wash room: `Raw` in, `Clean` out.

pub mod clean;

pub use clean::{Clean, Payload, Tray};

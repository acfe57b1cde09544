//! The wash room: `Raw` in, `Clean` out.

pub mod clean;
pub mod journal;
mod line;
pub mod usage;

pub use clean::{Clean, Payload, Tray};
pub use line::Refusal;

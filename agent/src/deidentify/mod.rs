//! The wash room: `Raw` in, `Clean` out.

pub mod case;
pub mod clean;
pub mod dicom;
pub mod journal;
mod line;
pub mod usage;

pub use clean::{Clean, Payload, Tray};
pub use line::Refusal;

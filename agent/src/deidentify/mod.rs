//! The wash room: `Raw` in, `Clean` out.

pub mod case;
pub mod check;
pub mod child;
pub mod clean;
pub mod dicom;
pub mod files;
pub mod identifiers;
pub mod journal;
mod keys;
mod line;
pub mod structured;
pub mod text;
pub mod usage;

pub use clean::{Clean, Payload, Tray};
pub use line::Refusal;

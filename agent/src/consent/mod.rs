//! The book by the door.

pub mod permit;

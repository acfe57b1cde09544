//! The book by the door.

pub mod permit;
pub mod vendor_request;

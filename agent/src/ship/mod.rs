//! Transport to the collector: what is sent, when, and through which one socket.

pub mod enrol;
pub mod exchange;
pub mod failure;
pub mod https;
pub mod pace;
pub mod parcel;
pub mod routes;
pub mod trust;
pub mod tus;
mod upload;

#[cfg(test)]
mod tests;

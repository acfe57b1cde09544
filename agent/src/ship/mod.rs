//! The window: what leaves the house, when, and through which one socket.

pub mod failure;
pub mod https;
pub mod pace;
pub mod trust;
mod upload;

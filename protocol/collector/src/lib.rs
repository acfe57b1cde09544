//! The reference collector.

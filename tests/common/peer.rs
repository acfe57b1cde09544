//! Programs of others that a test compares with, and a program that sees another time.

#[allow(unused_imports, reason = "each test uses its part")]
pub(crate) use test_support::peer::{Skipped, at, can, has, is_root, is_slow, need, node};

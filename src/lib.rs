//! The porch.

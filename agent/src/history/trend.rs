//! Drifts.

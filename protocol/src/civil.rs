//! Civil time: what Kathea's clock on the wall showed, coarsened to hours, days and ISO weeks.

use serde::{Deserialize, Serialize};

/// How coarse an entry's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// Civil hours since 1970-01-01T00.
    Hour,
    /// Civil days since 1970-01-01.
    Day,
    /// ISO 8601 weeks since the one that began on Monday 1969-12-29.
    Week,
}

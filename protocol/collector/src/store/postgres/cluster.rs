//! Where a store in PostgreSQL is, as the configuration says it.

use std::fmt;
use std::path::PathBuf;

use super::durability::Demand;
use crate::store::s3;

/// Where a store in PostgreSQL is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) url: Url,
    /// What has to be true before anything is acknowledged.
    pub(crate) demand: Demand,
    /// The authority of its servers' certificates; none: it is on this machine, without TLS.
    pub(crate) authority: Option<PathBuf>,
    /// Where several fronts have the bundles; none: one process has them in its data directory.
    pub(crate) bundles: Option<Bundles>,
}

/// Where several fronts have the bundles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bundles {
    /// In a directory that they share.
    Directory(PathBuf),
    /// In a bucket.
    Bucket(Box<s3::Settings>),
}

/// The URL of a cluster, which may hold a password: neither printed nor logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url(String);

impl Url {
    /// Of a text as an operator wrote it.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// For the connection alone.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url")
    }
}

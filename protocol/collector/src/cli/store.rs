//! `store`: whether what keeps the records is as it should be, and a copy into another engine.

use std::path::PathBuf;

use clap::Subcommand;
use time::OffsetDateTime;

use super::cluster::Cluster;
use super::data::{self, Data};
use super::output::{found, list, print};
use crate::failure::Failure;

/// What `store` does.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Ask a PostgreSQL cluster whether it would keep what it acknowledges, and commit a row to it; exit code 1 if not
    Cluster(Cluster),
    /// Copy everything to an empty place, between SQLite and PostgreSQL, and compare; neither may be served. Run it again
    /// after a cut
    Copy {
        /// The collector.toml of the collector to copy
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The collector.toml of the copy; its data directory is created, with the keys of the other one
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Check the pages and indexes of the database file; of a store in PostgreSQL, print how it keeps what it
    /// acknowledges. Exit code 1 if something is damaged, or is not as `store.durability` demands
    Check {
        #[command(flatten)]
        data: Data,
    },
}

impl Action {
    /// Does it.
    pub(super) fn run(self, now: OffsetDateTime) -> Result<(), Failure> {
        match self {
            Self::Cluster(cluster) => cluster.run(),
            Self::Copy { from, to } => {
                let compared = data::copy(Data::of_file(from), Data::of_file(to), now)?;
                list(|lines| lines.put(&compared))
            }
            Self::Check { data } => {
                let store = data.store()?;
                if let Some((checked, judged)) = store.cluster().transpose()? {
                    judged?;
                    return list(|lines| lines.put(&checked));
                }
                let damages = store.check()?;
                damages.iter().try_for_each(|damage| print(damage))?;
                found(damages.len() as u64, "damages in the database file; `verify` says what is lost")
            }
        }
    }
}

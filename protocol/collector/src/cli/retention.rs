//! `retention run`: erases what is over.

use clap::Subcommand;
use time::OffsetDateTime;

use super::output::list;
use crate::erasure::{self, Run};
use crate::failure::Failure;
use crate::store::Store;

/// What is done about data whose period is over.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Erase now what is over, or with --dry-run only print it
    Run {
        /// Only print what would be erased
        #[arg(long)]
        dry_run: bool,
        /// Erase even if it is more than one in twenty, or the clock jumped
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
}

impl Action {
    pub(super) fn run(self, store: &Store, now: OffsetDateTime) -> Result<(), Failure> {
        let Self::Run { dry_run, yes } = self;
        let run = match (dry_run, yes) {
            (true, _) => Run::Dry,
            (false, true) => Run::Confirmed,
            (false, false) => Run::Careful,
        };
        list(|lines| erasure::retention_alone(store, run, now, |over| lines.put(over)))
    }
}

//! The options of `keys`, and what they do.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use time::OffsetDateTime;

use super::data::Data;
use super::output::list;
use crate::failure::Failure;

/// What is done about the key store.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Copy the key store and its log to a new folder in DIR, and remove copies there that are a week old: keep no others.
    /// What opens the keys is not in it
    Backup {
        /// The folder of these backups, on another disk than the database's backups
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Go on without a key store that is lost for good: what was sealed under its keys can't be read any more, and
    /// `verify` names it
    Lost,
}

#[derive(Serialize)]
struct Written {
    name: String,
    removed: u64,
}

impl Action {
    /// Does it.
    pub(super) fn run(self, data: Data, now: OffsetDateTime) -> Result<(), Failure> {
        match self {
            Self::Backup { output } => {
                let (name, removed) = data.store()?.back_up_keys(&output, now)?;
                list(|lines| lines.put(&Written { name, removed }))
            }
            Self::Lost => data.store()?.forget_keys(now),
        }
    }
}

//! `backup` and `restore`: copies of the data directory.

use std::path::PathBuf;

use clap::Args;
use time::OffsetDateTime;

use super::data::Data;
use super::output::list;
use crate::failure::Failure;
use crate::store::backup;

/// What `backup` takes.
#[derive(Args)]
pub(super) struct Backup {
    #[command(flatten)]
    data: Data,
    /// A new directory
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl Backup {
    pub(super) fn run(self, now: OffsetDateTime) -> Result<(), Failure> {
        let manifest = backup::write(&self.data.store()?, &self.output, now)?;
        list(|lines| lines.put(&manifest.summary()))
    }
}

/// What `restore` takes.
#[derive(Args)]
pub(super) struct Restore {
    #[command(flatten)]
    data: Data,
    /// What `backup` wrote
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The key store of the lost machine, or what `keys backup` wrote; without it the one of the configuration
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The file that opens the key store, as `init` made it; without it the one of the configuration
    #[arg(long, value_name = "FILE")]
    seal_key: Option<PathBuf>,
    /// Restore although the log is lost of what was erased, withdrawn or revoked since the backup
    #[arg(long)]
    without_log: bool,
}

impl Restore {
    pub(super) fn run(self, now: OffsetDateTime) -> Result<(), Failure> {
        let (data, settings) = self.data.embedded()?;
        let (keys, seal_key) = (self.keys.as_deref(), self.seal_key.as_deref());
        let beside = backup::Beside { keys, seal_key, is_without_log: self.without_log };
        let (manifest, replayed) = backup::restore(&self.from, &data, &settings, beside, now)?;
        list(|lines| lines.put(&manifest.summary()).and_then(|()| lines.put(&replayed)))
    }
}

//! Where a command finds the data directory.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};

use super::Cli;
use crate::failure::Failure;
use crate::store::Store;
use crate::{config, pki};

/// The data directory, or the file that names it.
#[derive(Args)]
pub(super) struct Data {
    /// The collector's data directory
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    pub(super) data: Option<PathBuf>,
    /// Read options that are not given from this file, collector.toml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl Data {
    /// Of options that are good before and after a subcommand.
    pub(super) fn either(data: Option<PathBuf>, config: Option<PathBuf>) -> Self {
        if data.is_none() && config.is_none() { no_data() } else { Self { data, config } }
    }

    /// Its store, beside a running server or without one.
    pub(super) fn store(self) -> Result<Store, Failure> {
        Store::beside(&self.initialised()?)
    }

    /// The directory, if `init` made it: a mistyped name is an error and not an empty collector.
    pub(super) fn initialised(self) -> Result<PathBuf, Failure> {
        initialised(self.directory()?)
    }

    /// The directory, whether it is there or not.
    pub(super) fn directory(self) -> Result<PathBuf, Failure> {
        let by_file = || {
            let config = self.config.as_deref().map(config::File::read).transpose()?;
            let data = config.and_then(|config| config.data);
            data.ok_or_else(|| Failure::new("the configuration names no data directory: add data = \"DIR\""))
        };
        self.data.map_or_else(by_file, Ok)
    }
}

/// A directory that `init` made.
pub(super) fn initialised(data: PathBuf) -> Result<PathBuf, Failure> {
    if data.join(pki::CA).is_file() {
        return Ok(data);
    }
    let data = data.display();
    Err(Failure::new(format!("{data} is not a data directory of a collector; `init` creates one")))
}

/// An option that is good before and after a subcommand can't be demanded by the parser itself.
fn no_data() -> ! {
    Cli::command()
        .error(ErrorKind::MissingRequiredArgument, "name the data directory: --data DIR, or --config FILE")
        .exit()
}

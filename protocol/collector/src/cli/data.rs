//! Where a command finds the data directory.

use std::path::PathBuf;

use clap::Args;
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::store::keystore::places::Settings;
use crate::store::place::Place;
use crate::store::transfer::{self, Compared};
use crate::store::{Store, backup};
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
    pub(super) fn either(data: Option<PathBuf>, config: Option<PathBuf>) -> Option<Self> {
        (data.is_some() || config.is_some()).then_some(Self { data, config })
    }

    /// Of a configuration alone.
    pub(super) fn of_file(config: PathBuf) -> Self {
        Self { data: None, config: Some(config) }
    }

    /// Its store, beside a running server or without one.
    pub(super) fn store(self) -> Result<Store, Failure> {
        let (data, place, keys) = self.place()?;
        Store::beside(&initialised(data)?, &place, &keys)
    }

    /// The directory, and where its store and its keys are.
    fn place(self) -> Result<(PathBuf, Place, Settings), Failure> {
        let config = self.config.as_deref().map(config::File::read).transpose()?;
        let place = config.as_ref().map_or(Ok(Place::Embedded), config::File::place)?;
        let keys = config.as_ref().map(|config| config.keys.clone()).unwrap_or_default();
        Ok((named(self.data, config)?, place, keys))
    }

    /// The directory, if `init` made it: a mistyped name is an error and not an empty collector.
    pub(super) fn initialised(self) -> Result<PathBuf, Failure> {
        initialised(self.directory()?)
    }

    /// The directory, whether it is there or not.
    pub(super) fn directory(self) -> Result<PathBuf, Failure> {
        // Not where the store is: what needs no store needs no secret of the database.
        let config = self.config.as_deref().map(config::File::read).transpose()?;
        named(self.data, config)
    }

    /// The same, if its store is to be a database file.
    pub(super) fn embedded(self) -> Result<(PathBuf, Settings), Failure> {
        match self.place()? {
            (data, Place::Embedded, keys) => Ok((data, keys)),
            (_, Place::Postgres(_), _) => Err(Failure::new(
                "the configuration puts the store into PostgreSQL, and a backup is of a database file: restore it without \
                 [store], and move it with `store copy`; a cluster is restored by its own means",
            )),
        }
    }
}

/// What was typed wins over the configuration.
fn named(data: Option<PathBuf>, config: Option<config::File>) -> Result<PathBuf, Failure> {
    let data = data.or(config.and_then(|config| config.data));
    data.ok_or_else(|| Failure::new("the configuration names no data directory: add data = \"DIR\""))
}

/// Copies the store of a configuration to the place of another one, while neither is served.
pub(super) fn copy(from: Data, to: Data, now: OffsetDateTime) -> Result<Compared, Failure> {
    let ((from, place, keys), (to, other, its_keys)) = (from.place()?, to.place()?);
    let from = Store::open(&initialised(from)?, &place, &keys)?;
    backup::share_keys(from.data(), &to)?;
    from.share_key_store(&to, &other, &its_keys)?;
    transfer::copy(&from, &Store::open(&to, &other, &its_keys)?, now)
}

/// A directory that `init` made.
pub(super) fn initialised(data: PathBuf) -> Result<PathBuf, Failure> {
    if data.join(pki::CA).is_file() {
        return Ok(data);
    }
    let data = data.display();
    Err(Failure::new(format!("{data} is not a data directory of a collector; `init` creates one")))
}

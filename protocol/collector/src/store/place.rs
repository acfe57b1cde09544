//! Where the store of a data directory is: in its own database file, or in PostgreSQL.

use std::path::Path;

use super::postgres::{self, Cluster};
use super::sqlite::{connect, new_id};
use crate::disk::{self, Access};
use crate::failure::Failure;

/// Where a store is, by the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the data directory.
    #[default]
    Embedded,
    /// In PostgreSQL; the data directory holds bundles and keys.
    Postgres(Cluster),
}

/// The file that says that a data directory's store is in PostgreSQL, and which one.
const ENGINE: &str = "engine";

/// Refuses a place that is not the one that the data directory was used with: an empty store would be served in the
/// place of a full one.
pub(super) fn check(data: &Path, place: &Place) -> Result<(), Failure> {
    let claimed = claimed(data)?;
    match place {
        Place::Embedded if claimed.is_some() => Err(Failure::new(format!(
            "the store of {} is in PostgreSQL: name the configuration that says where with --config FILE",
            data.display()
        ))),
        Place::Postgres(_) if claimed.is_none() && exists(data)? => Err(Failure::new(format!(
            "the store of {} is {}, and the configuration names PostgreSQL; take a new data directory, or remove \
             [store] from the configuration",
            data.display(),
            connect::FILE
        ))),
        _ => Ok(()),
    }
}

fn exists(data: &Path) -> Result<bool, Failure> {
    connect::path(data).try_exists().map_err(Failure::at(data))
}

/// How a data directory belongs to a store in PostgreSQL: by a name that both have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) directory: String,
    /// The database has the name too. Before that it may be any empty one.
    pub(crate) is_confirmed: bool,
}

/// What the data directory says of itself.
fn claimed(data: &Path) -> Result<Option<Claim>, Failure> {
    let path = data.join(ENGINE);
    let Some(bytes) = disk::read(&path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| Failure::unreadable(&path))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["postgres", directory] => Ok(Some(Claim { directory: directory.to_owned(), is_confirmed: true })),
        ["postgres", directory, "new"] => {
            Ok(Some(Claim { directory: directory.to_owned(), is_confirmed: false }))
        }
        _ => Err(Failure::unreadable(&path)),
    }
}

/// Opens the store of a data directory in a cluster, which is made the first time.
pub(super) fn open(data: &Path, cluster: &Cluster) -> Result<(), Failure> {
    let write = |text: String| disk::write(&data.join(ENGINE), text.as_bytes(), Access::Private);
    let claim = match claimed(data)? {
        Some(claim) => claim,
        None => {
            // First here: a cut must not leave a database that no data directory may use.
            let directory = new_id()?;
            write(format!("postgres {directory} new\n"))?;
            Claim { directory, is_confirmed: false }
        }
    };
    postgres::prepare(cluster, &claim)?;
    if claim.is_confirmed { Ok(()) } else { write(format!("postgres {}\n", claim.directory)) }
}

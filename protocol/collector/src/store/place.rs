//! Where the store of a data directory is: in its own database file, or in PostgreSQL.

use std::path::Path;

use super::folder::Folder;
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

/// What the file says behind the name where the bundles are in a directory that several fronts share.
const SHARED: &str = "shared";

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
    /// The bundles are in another directory, which has this name too.
    is_elsewhere: bool,
}

impl Claim {
    fn text(&self) -> String {
        let more = match self {
            Self { is_confirmed: false, .. } => " new",
            Self { is_elsewhere: true, .. } => " shared",
            _ => "",
        };
        format!("postgres {}{more}\n", self.directory)
    }

    fn write(&self, directory: &Path) -> Result<(), Failure> {
        disk::write(&directory.join(ENGINE), self.text().as_bytes(), Access::Private)
    }
}

/// What the data directory says of itself.
pub(super) fn claimed(data: &Path) -> Result<Option<Claim>, Failure> {
    let path = data.join(ENGINE);
    let Some(bytes) = disk::read(&path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| Failure::unreadable(&path))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let claim = |directory: &str, is_confirmed, is_elsewhere| {
        Ok(Some(Claim { directory: directory.to_owned(), is_confirmed, is_elsewhere }))
    };
    match words[..] {
        ["postgres", directory] => claim(directory, true, false),
        ["postgres", directory, "new"] => claim(directory, false, false),
        ["postgres", directory, SHARED] => claim(directory, true, true),
        _ => Err(Failure::unreadable(&path)),
    }
}

/// Opens the store of a data directory in a cluster, which is made the first time; where its bundles are.
pub(super) fn open(data: &Path, cluster: &Cluster) -> Result<Folder, Failure> {
    let own = claimed(data)?;
    let Some(shared) = &cluster.bundles else {
        if own.as_ref().is_some_and(|own| own.is_elsewhere) {
            return Err(Failure::new(
                "the bundles of this store are in a directory that several fronts share: name it as store.bundles",
            ));
        }
        claim(data, own, cluster)?;
        return Ok(Folder::Own(data.to_owned()));
    };
    if own.as_ref().is_some_and(|own| !own.is_elsewhere) {
        return Err(Failure::new(format!(
            "the bundles of this store are in {0}: move bundles, uploads, policies and {ENGINE} from {0} to {1}",
            data.display(),
            shared.display()
        )));
    }
    let there = claimed(shared)?;
    if let Some(own) = &own
        && there.as_ref().is_none_or(|there| there.directory != own.directory)
    {
        return Err(Failure::new(format!(
            "{} is not the directory of this store's bundles: mount it, or correct store.bundles",
            shared.display()
        )));
    }
    let name = claim(shared, there, cluster)?;
    if own.is_none() {
        Claim { directory: name.clone(), is_confirmed: true, is_elsewhere: true }.write(data)?;
    }
    Ok(Folder::Shared { root: shared.clone(), name })
}

/// Sees that the store in a cluster is the one of the directory with its bundles; the name that both have.
fn claim(directory: &Path, claim: Option<Claim>, cluster: &Cluster) -> Result<String, Failure> {
    let mut claim = match claim {
        Some(claim) => claim,
        None => {
            // First here: a cut must not leave a database that no data directory may use.
            let claim = Claim { directory: new_id()?, is_confirmed: false, is_elsewhere: false };
            claim.write(directory)?;
            claim
        }
    };
    postgres::prepare(cluster, &claim)?;
    if !claim.is_confirmed {
        claim.is_confirmed = true;
        claim.write(directory)?;
    }
    Ok(claim.directory)
}

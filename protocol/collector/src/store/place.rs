//! Where the store of a data directory is: in its own database file, or in PostgreSQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::Folder;
use super::ids::new_id;
use super::objects::{self, Objects};
use super::postgres::{self, Bundles, Cluster};
use super::s3::{Bucket, If, Put};
use super::sqlite::connect;
pub(crate) use super::sqlite::connect::downgrade;
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

impl Place {
    /// Where the bundles are that several fronts share.
    pub(crate) fn shared_bundles(&self) -> Option<&Bundles> {
        match self {
            Self::Embedded => None,
            Self::Postgres(cluster) => cluster.bundles.as_ref(),
        }
    }
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

    fn read(bytes: Vec<u8>) -> Option<Self> {
        let text = String::from_utf8(bytes).ok()?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let (directory, is_confirmed, is_elsewhere) = match words[..] {
            ["postgres", directory] => (directory, true, false),
            ["postgres", directory, "new"] => (directory, false, false),
            ["postgres", directory, SHARED] => (directory, true, true),
            _ => return None,
        };
        Some(Self { directory: directory.to_owned(), is_confirmed, is_elsewhere })
    }

    fn write(&self, directory: &Path) -> Result<(), Failure> {
        disk::write(&directory.join(ENGINE), self.text().as_bytes(), Access::Private)
    }
}

/// What the data directory says of itself.
pub(super) fn claimed(data: &Path) -> Result<Option<Claim>, Failure> {
    let path = data.join(ENGINE);
    let Some(bytes) = disk::read(&path)? else { return Ok(None) };
    Claim::read(bytes).map(Some).ok_or_else(|| Failure::unreadable(&path))
}

/// What has the bundles, and says whose they are.
enum Holder {
    Directory(PathBuf),
    Bucket(Bucket),
}

impl Holder {
    fn of(bundles: &Bundles) -> Result<Self, Failure> {
        Ok(match bundles {
            Bundles::Directory(directory) => Self::Directory(directory.clone()),
            Bundles::Bucket(settings) => Self::Bucket(Bucket::new((**settings).clone())?),
        })
    }

    /// That it has the bundles of another store, or none.
    fn is_not_of_this_store(&self) -> Failure {
        let (what, remedy) = match self {
            Self::Directory(directory) => {
                (directory.display().to_string(), "mount it, or correct store.bundles")
            }
            Self::Bucket(bucket) => (bucket.address(""), "correct [store.s3]"),
        };
        Failure::new(format!("{what} is not the directory of this store's bundles: {remedy}"))
    }

    /// What to do with the bundles that a data directory has.
    fn has_to_take(&self, data: &Path) -> Failure {
        let data = data.display();
        Failure::new(match self {
            Self::Directory(directory) => format!(
                "the bundles of this store are in {data}: move bundles, uploads, policies, keys and {ENGINE} from {data} to {}",
                directory.display()
            ),
            Self::Bucket(_) => format!(
                "the bundles of this store are in {data}: copy the store with `store copy` to one with [store.s3]"
            ),
        })
    }

    fn folder(self, claim: Claim, data: &Path) -> Folder {
        match self {
            Self::Directory(root) => Folder::Shared { root, name: claim.directory },
            Self::Bucket(bucket) => Folder::Bucket(Arc::new(Objects::new(bucket, claim.text(), data))),
        }
    }

    fn claimed(&self) -> Result<Option<Claim>, Failure> {
        match self {
            Self::Directory(directory) => claimed(directory),
            Self::Bucket(bucket) => objects::claim(bucket)?.map_or(Ok(None), |bytes| {
                let wrong = || {
                    Failure::new("the bucket of store.s3 has an object engine that is not of this program")
                };
                Claim::read(bytes).map(Some).ok_or_else(wrong)
            }),
        }
    }

    /// Says that it is claimed. Of two that say it first at once, one gets an error.
    fn write(&self, claim: &Claim) -> Result<(), Failure> {
        match self {
            Self::Directory(directory) => claim.write(directory),
            Self::Bucket(bucket) => {
                let condition = if claim.is_confirmed { If::Whatever } else { If::Absent };
                match objects::write_claim(bucket, &claim.text(), condition)? {
                    Put::Done => Ok(()),
                    Put::Taken => {
                        Err(Failure::new("another front begins to use the bucket now; start again"))
                    }
                }
            }
        }
    }
}

/// Opens the store of a data directory in a cluster, which is made the first time; where its bundles are.
pub(super) fn open(data: &Path, cluster: &Cluster) -> Result<Folder, Failure> {
    let own = claimed(data)?;
    let Some(shared) = &cluster.bundles else {
        if own.as_ref().is_some_and(|own| own.is_elsewhere) {
            return Err(Failure::new(
                "the bundles of this store are where several fronts share them: name that as store.bundles or [store.s3]",
            ));
        }
        claim(&Holder::Directory(data.to_owned()), own, cluster)?;
        return Ok(Folder::Own(data.to_owned()));
    };
    let holder = Holder::of(shared)?;
    if own.as_ref().is_some_and(|own| !own.is_elsewhere) {
        return Err(holder.has_to_take(data));
    }
    if let (Some(own), Holder::Bucket(_)) = (&own, &holder) {
        // Whose the bucket is, is asked before its first use: a store whose bucket is away is served.
        let claim = Claim { is_elsewhere: false, ..own.clone() };
        postgres::prepare(cluster, &claim)?;
        return Ok(holder.folder(claim, data));
    }
    let there = holder.claimed()?;
    if let Some(own) = &own
        && there.as_ref().is_none_or(|there| there.directory != own.directory)
    {
        return Err(holder.is_not_of_this_store());
    }
    let claim = claim(&holder, there, cluster)?;
    if own.is_none() {
        Claim { is_elsewhere: true, ..claim.clone() }.write(data)?;
    }
    let folder = holder.folder(claim, data);
    folder.check().map(|()| folder)
}

/// Sees that the store in a cluster is the one of what has its bundles, by the name that both have.
fn claim(holder: &Holder, claim: Option<Claim>, cluster: &Cluster) -> Result<Claim, Failure> {
    let mut claim = match claim {
        Some(claim) => claim,
        None => {
            // First here: a cut must not leave a database that no data directory may use.
            let claim = Claim { directory: new_id()?, is_confirmed: false, is_elsewhere: false };
            holder.write(&claim)?;
            claim
        }
    };
    postgres::prepare(cluster, &claim)?;
    if !claim.is_confirmed {
        claim.is_confirmed = true;
        holder.write(&claim)?;
    }
    Ok(claim)
}

//! Where the bundles of a store are: in the data directory, in a directory that several fronts share, or in a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::objects::Objects;
use super::place;
use crate::failure::Failure;

/// Where the bundles of a store are.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    /// In the data directory, which one process serves.
    Own(PathBuf),
    /// In a directory that several fronts share, and that is the one of this name.
    Shared {
        /// The directory.
        root: PathBuf,
        /// What its file `engine` has to say.
        name: String,
    },
    /// In a bucket that several fronts share.
    Bucket(Arc<Objects>),
}

/// What the bytes of a bundle are.
pub(crate) enum Kept<'a> {
    /// Files below this directory.
    Files {
        /// The directory.
        root: &'a Path,
        /// Whether several processes write to it.
        is_shared: bool,
    },
    /// Objects.
    Objects(&'a Arc<Objects>),
}

impl Folder {
    /// How they are kept. A shared directory that is not mounted is empty, and what cannot be read now is not gone: its
    /// name is read each time. A bucket is asked once whose it is.
    pub(crate) fn kept(&self) -> Result<Kept<'_>, Failure> {
        match self {
            Self::Own(root) => Ok(Kept::Files { root, is_shared: false }),
            Self::Shared { root, name } => {
                let here = place::claimed(root)?.map(|claim| claim.directory);
                if here.as_ref() == Some(name) {
                    return Ok(Kept::Files { root, is_shared: true });
                }
                Err(Failure::new(format!(
                    "{} is not the directory of this store's bundles now: mount it",
                    root.display()
                )))
            }
            Self::Bucket(objects) => objects.check_first().map(|()| Kept::Objects(objects)),
        }
    }

    /// Whether bundles can be written there now.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Own(_) | Self::Shared { .. } => self.kept().map(drop),
            Self::Bucket(objects) => objects.check(),
        }
    }

    /// The directory that has `policies`: beside the bundles, or of each front where those are objects.
    pub(crate) fn texts(&self) -> Result<&Path, Failure> {
        match self {
            Self::Bucket(objects) => Ok(&objects.data),
            Self::Own(root) | Self::Shared { root, .. } => self.kept().map(|_| root.as_path()),
        }
    }
}

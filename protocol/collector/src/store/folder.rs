//! The directory that holds the bundles of a store: the data directory, or one that several fronts share.

use std::path::{Path, PathBuf};

use super::place;
use crate::failure::Failure;

/// Where the bundles of a store are.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Folder {
    /// The directory. A shared one that is not mounted is empty, and what cannot be read now is not gone: its name is
    /// read each time.
    pub(crate) fn root(&self) -> Result<&Path, Failure> {
        match self {
            Self::Own(root) => Ok(root),
            Self::Shared { root, name } => {
                let here = place::claimed(root)?.map(|claim| claim.directory);
                if here.as_ref() == Some(name) {
                    return Ok(root);
                }
                Err(Failure::new(format!(
                    "{} is not the directory of this store's bundles now: mount it",
                    root.display()
                )))
            }
        }
    }

    /// Whether several processes write to it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared { .. })
    }
}

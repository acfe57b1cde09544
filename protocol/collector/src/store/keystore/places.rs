//! Where the key store, its credential and the log of the things to do again are.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use crate::disk;
use crate::failure::Failure;
use crate::store::postgres::Bundles;

/// The name of the credential that systemd hands over.
const CREDENTIAL: &str = "seal-key";
/// The folder of a data directory, and of the directory that several fronts share.
const FOLDER: &str = "keys";

/// What a configuration says; what it does not say has a place of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The key store.
    pub(crate) directory: Option<PathBuf>,
    /// What wraps its keys.
    pub(crate) credential_file: Option<PathBuf>,
    /// What a restored database has to do again.
    pub(crate) log_file: Option<PathBuf>,
}

/// Where everything of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(super) directory: PathBuf,
    pub(super) credential: Credential,
    pub(super) log: PathBuf,
}

/// Where what wraps the keys is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    file: PathBuf,
    /// It is made where it is not there: nobody named a place for it.
    may_be_made: bool,
}

impl Settings {
    /// The places of the store of a data directory, whose bundles are elsewhere if several fronts share them.
    pub(crate) fn places(&self, data: &Path, bundles: Option<&Bundles>) -> Result<Places, Failure> {
        let directory = match (&self.directory, bundles) {
            (Some(directory), _) => directory.clone(),
            (None, None) => data.join(FOLDER),
            (None, Some(Bundles::Directory(shared))) => shared.join(FOLDER),
            (None, Some(Bundles::Bucket(_))) => {
                return Err(Failure::new(
                    "several fronts need one key store, and a bucket has none: name a directory that all of them share with \
                     keys.directory",
                ));
            }
        };
        let log = self.log_file.clone().unwrap_or_else(|| directory.join("log"));
        let credential = self.credential(data, &directory, bundles.is_some());
        Ok(Places { directory, credential, log })
    }

    /// The file that is named, else what systemd hands over, else what `init` made, else one in the key store.
    fn credential(&self, data: &Path, directory: &Path, is_shared: bool) -> Credential {
        if let Some(file) = &self.credential_file {
            return Credential { file: file.clone(), may_be_made: false };
        }
        let data = &fs::canonicalize(data).unwrap_or_else(|_| data.to_owned());
        let handed_over =
            std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(CREDENTIAL));
        // One front's own file opens nothing for the others.
        let outside = [handed_over, (!is_shared).then(|| beside(data))]
            .into_iter()
            .flatten()
            .find(|file| file.exists());
        match outside {
            Some(file) => Credential { file, may_be_made: false },
            None => Credential { file: directory.join("credential"), may_be_made: true },
        }
    }
}

/// Where `init` puts the credential if nothing was said: beside the data directory, under its name.
pub(crate) fn beside(data: &Path) -> PathBuf {
    let name = data.file_name().map(|name| name.to_string_lossy().into_owned());
    data.with_file_name(format!("{}-seal-key", name.as_deref().unwrap_or("collector")))
}

impl Credential {
    /// Where it is.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// For a sentence.
    pub(super) fn sentence(&self) -> String {
        self.file.display().to_string()
    }

    /// The secret.
    pub(super) fn read(&self) -> Result<[u8; 32], Failure> {
        let path = &self.file;
        let text = disk::read_secret(path)?.ok_or_else(|| {
            Failure::new(format!(
                "{}, which opens the key store, is not there: put it back, or name where it is with keys.credential_file",
                path.display()
            ))
        })?;
        let secret = HEXLOWER.decode(text.trim_ascii()).ok().and_then(|bytes| bytes.try_into().ok());
        secret.ok_or_else(|| Failure::unreadable(path))
    }

    /// The secret for a new key store.
    pub(super) fn make(&self) -> Result<[u8; 32], Failure> {
        if self.may_be_made && disk::read(&self.file)?.is_none() {
            let mut secret = [0; 32];
            crate::store::ids::random(&mut secret)?;
            let text = format!("{}\n", HEXLOWER.encode(&secret));
            disk::write(&self.file, text.as_bytes(), disk::Access::Private)?;
        }
        self.read()
    }

    /// Whether it lies in the directory of the keys that it opens.
    pub(super) fn is_beside_its_keys(&self) -> bool {
        self.may_be_made
    }
}

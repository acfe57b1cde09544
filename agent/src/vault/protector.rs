//! What protects the root key: the operating system, or, where the configuration says so, a file.

use std::path::{Path, PathBuf};

use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use super::data_key::{DataKey, KeyId};
use super::{VaultError, stored};
use crate::presence::{self, Presence};
use crate::{config, durable};

/// Name of the systemd credential that the package makes.
pub const CREDENTIAL: &str = "kathea-agent.root";
/// Name of the root key's file in the directory of keys.
pub(super) const ROOT: &str = "root";
const ROOT_LEN: usize = 32;

/// Where the root key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protector {
    /// A file of 32 random bytes beside the keys: keeps other accounts out, and gives everything to whoever
    /// takes the disk.
    File,
    /// Windows data protection in the scope of this account.
    Dpapi,
    /// This systemd credential, decrypted by the service manager (systemd.exec(5), `LoadCredentialEncrypted=`).
    Systemd(PathBuf),
}

impl Protector {
    /// What the configuration asks for. `credentials` is the directory that systemd gives the service, if it
    /// does.
    pub fn choose(asked: config::Protector, credentials: Option<&Path>) -> Result<Self, VaultError> {
        let credential = credentials.map(|directory| directory.join(CREDENTIAL));
        if let (config::Protector::Auto, Some(path)) = (asked, &credential)
            && presence::is_there(path).map_err(|error| VaultError::unreadable(path, &error))?
        {
            return Ok(Self::Systemd(path.clone()));
        }
        match (asked, credential) {
            (config::Protector::File, _) => Ok(Self::File),
            (config::Protector::Systemd, Some(path)) => Ok(Self::Systemd(path)),
            (config::Protector::Systemd, None) => Err(VaultError::NoCredential),
            (config::Protector::Auto | config::Protector::Dpapi, _) if cfg!(windows) => Ok(Self::Dpapi),
            (config::Protector::Auto, _) => Err(VaultError::NoProtector),
            (config::Protector::Dpapi, _) => Err(VaultError::NoDpapi),
        }
    }

    /// Its word in the configuration and in `status`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Dpapi => "dpapi",
            Self::Systemd(_) => "systemd",
        }
    }

    /// The root key; all but `systemd` make it at the first start, and anew when it is lost.
    pub(super) fn root(&self, keys: &Path, random: &dyn SecureRandom) -> Result<DataKey, VaultError> {
        let path = match self {
            Self::File | Self::Dpapi => &keys.join(ROOT),
            Self::Systemd(path) => path,
        };
        let read = presence::read(path).map_err(|error| VaultError::unreadable(path, &error))?;
        let found = match read.map(Zeroizing::new) {
            Presence::Found(bytes) => self.unwrap(bytes)?,
            Presence::Absent => None,
        };
        let found = found.and_then(|bytes| <[u8; ROOT_LEN]>::try_from(bytes.as_slice()).ok());
        match (found.map(Zeroizing::new), self) {
            (Some(secret), _) => Ok(root_key(secret)),
            (None, Self::Systemd(path)) => Err(VaultError::BadCredential(path.clone())),
            (None, Self::File | Self::Dpapi) => {
                let mut secret = Zeroizing::new([0; ROOT_LEN]);
                random.fill(secret.as_mut()).map_err(|_| VaultError::Crypto)?;
                let bytes = self.wrap(secret.as_ref(), random)?;
                stored::quarantine(path, random)
                    .and_then(|_| durable::replace(path, &bytes))
                    .map_err(|error| VaultError::unwritable(path, &error))?;
                Ok(root_key(secret))
            }
        }
    }

    fn unwrap(&self, bytes: Zeroizing<Vec<u8>>) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match self {
            #[cfg(windows)]
            Self::Dpapi => super::dpapi::unprotect(&bytes),
            _ => Ok(Some(bytes)),
        }
    }

    fn wrap(&self, secret: &[u8], random: &dyn SecureRandom) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match self {
            #[cfg(windows)]
            Self::Dpapi => super::dpapi::protect(secret, random).map(Zeroizing::new),
            _ => {
                let _ = random;
                Ok(Zeroizing::new(secret.to_vec()))
            }
        }
    }
}

fn root_key(secret: Zeroizing<[u8; ROOT_LEN]>) -> DataKey {
    DataKey::new(KeyId([0; 8]), secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(windows))]
    #[test]
    fn auto_never_falls_back_to_a_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Protector::choose(config::Protector::Auto, None), Err(VaultError::NoProtector));
        assert_eq!(
            Protector::choose(config::Protector::Auto, Some(dir.path())),
            Err(VaultError::NoProtector)
        );
        let advice = VaultError::NoProtector.to_string();
        assert!(advice.contains("protector = \"file\""), "{advice}");

        std::fs::write(dir.path().join(CREDENTIAL), [7; 32]).unwrap();
        let systemd = Protector::choose(config::Protector::Auto, Some(dir.path())).unwrap();
        assert_eq!(systemd.as_str(), "systemd");
    }

    #[test]
    fn a_credential_of_another_length_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(CREDENTIAL);
        let random = ring::rand::SystemRandom::new();
        let protector = Protector::Systemd(path.clone());
        for bytes in [vec![], vec![1; 31], vec![1; 33]] {
            std::fs::write(&path, bytes).unwrap();
            let refused = protector.root(dir.path(), &random).unwrap_err();
            assert_eq!(refused, VaultError::BadCredential(path.clone()));
        }
        std::fs::write(&path, [1; 32]).unwrap();
        protector.root(dir.path(), &random).unwrap();
    }
}

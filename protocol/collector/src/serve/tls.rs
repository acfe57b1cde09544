//! TLS 1.3 only, with a server certificate that can be replaced while connections are open.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use crate::failure::Failure;
use crate::pki::{self, ServerFiles};

/// Sessions that are kept for whoever comes again, some 2.4 KB each: a ticket is the name of one, so it stays small. With
/// rustls' 256 of two tickets each, the session of a device was gone after 128 others. Whose is gone has the whole handshake.
const SESSIONS: usize = 4096;

/// The certificate that new connections are shown.
#[derive(Debug)]
pub(super) struct ServerIdentity {
    data: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
}

#[derive(Clone, Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    not_after: i64,
}

impl ServerIdentity {
    pub(super) fn read(data: &Path) -> Result<Arc<Self>, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let current = RwLock::new(load(data, &provider)?);
        Ok(Arc::new(Self { data: data.to_owned(), provider, current }))
    }

    /// Reads the files again. While they do not fit each other, the certificate that was read before stays.
    pub(super) fn reload(&self) -> Result<Reloaded, Failure> {
        let read = load(&self.data, &self.provider)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.key.cert == read.key.cert {
            return Ok(Reloaded::Same);
        }
        *current = read;
        Ok(Reloaded::New)
    }

    /// End of the certificate's life, in seconds since 1970.
    pub(super) fn not_after(&self) -> i64 {
        self.current.read().unwrap_or_else(PoisonError::into_inner).not_after
    }
}

/// What a reload found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reloaded {
    Same,
    New,
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

fn load(data: &Path, provider: &CryptoProvider) -> Result<Current, Failure> {
    let files = ServerFiles::read(data)?;
    let not_after = files.not_after().unwrap_or(i64::MAX);
    let key = CertifiedKey::from_der(vec![files.certificate], files.key, provider).map_err(|_| {
        let key = pki::SERVER_KEY;
        Failure::new(format!(
            "server.pem is not of {key} in {}; `server-cert` makes both anew",
            data.display()
        ))
    })?;
    Ok(Current { key: Arc::new(key), not_after })
}

/// A client certificate is asked for, checked against the authority when it is shown, and not demanded: a device
/// that enrols has none yet.
pub(super) fn config(data: &Path, identity: Arc<ServerIdentity>) -> Result<Arc<ServerConfig>, Failure> {
    let path = data.join(pki::CA);
    let root = CertificateDer::from_pem_file(&path).map_err(|_| Failure::unreadable(&path))?;
    let build = || -> Result<ServerConfig, Box<dyn std::error::Error>> {
        let provider = identity.provider.clone();
        let mut roots = RootCertStore::empty();
        roots.add(root)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(identity);
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        // A device has one connection, and gets another ticket on the next: a second one is 81 bytes for nothing.
        config.send_tls13_tickets = 1;
        Ok(config)
    };
    let unusable = |error| Failure::new(format!("{} can't be used: {error}", path.display()));
    build().map(Arc::new).map_err(unusable)
}

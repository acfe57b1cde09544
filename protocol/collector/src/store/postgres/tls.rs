//! TLS to the servers of a cluster: 1.3 alone, their certificates by the authority that the configuration names, for the
//! host names of the URL.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::disk;
use crate::failure::Failure;

/// What makes TLS connections by an authority's file, which is read anew each time: it may have been renewed.
pub(super) fn connector(authority: &Path) -> Result<MakeRustlsConnect, Failure> {
    let unreadable = || Failure::new(format!("{} has no certificate in PEM", authority.display()));
    let bytes = disk::read(authority)?.ok_or_else(unreadable)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| Failure::new("TLS 1.3 cannot be used here"))?;
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Why there is no TLS connection, as far as it can be told.
pub(super) fn failure(error: &tokio_postgres::Error) -> Failure {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let refused = inner.downcast_ref().or_else(|| io.and_then(|inner| inner.downcast_ref()));
        if let Some(rustls::Error::InvalidCertificate(_)) = refused {
            return Failure::new(
                "its certificate is not good: not by the authority of store.ca_file, not for this host name, or over",
            );
        }
        cause = inner.source();
    }
    Failure::new("no TLS connection: no PostgreSQL that speaks TLS 1.3 answers there")
}

//! Trust and identity of the connection to the collector, checked as a whole before use.
//!
//! ureq takes unreadable roots in silence and panics on a key that is not its certificate's; both are found
//! here, by rustls itself.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::failure::BadSettings;

/// The device's certificate and key.
#[derive(Clone)]
pub struct Identity {
    /// The device's certificate first, then what leads to the root; PEM.
    pub chain_pem: Vec<u8>,
    /// The Ed25519 key, PKCS#8 DER (RFC 5958).
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// Every certificate in `pem`; at least one.
pub(super) fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

/// The vendor's roots, each of them usable.
pub(super) fn roots(ca_pem: &[u8]) -> Result<(Vec<CertificateDer<'static>>, RootCertStore), BadSettings> {
    let ders = certificates(ca_pem).ok_or(BadSettings::Ca)?;
    let mut store = RootCertStore::empty();
    for der in &ders {
        store.add(der.clone()).map_err(|_| BadSettings::Ca)?;
    }
    Ok((ders, store))
}

/// ring, with the cipher suites of TLS 1.3 alone.
pub(super) fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some());
    Arc::new(provider)
}

/// The identity's chain, if its first certificate is of its key.
pub(super) fn chain(identity: &Identity) -> Result<Vec<CertificateDer<'static>>, BadSettings> {
    let chain = certificates(&identity.chain_pem).ok_or(BadSettings::Chain)?;
    let key = PrivateKeyDer::Pkcs8(identity.pkcs8.to_vec().into());
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| BadSettings::Chain)?
        .with_root_certificates(RootCertStore::empty())
        .with_client_auth_cert(chain.clone(), key)
        .map_err(|_| BadSettings::KeyMismatch)?;
    Ok(chain)
}

/// Whether the identity is of its key and leads to one of the roots at `now` (seconds since 1970).
pub(super) fn leads_to_root(identity: &Identity, ca_pem: &[u8], now: u64) -> Result<(), BadSettings> {
    let (_, store) = roots(ca_pem)?;
    let chain = chain(identity)?;
    let (leaf, intermediates) = chain.split_first().ok_or(BadSettings::Chain)?;
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
    WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(|_| BadSettings::Ca)?
        .verify_client_cert(leaf, intermediates, now)
        .map(|_| ())
        .map_err(|_| BadSettings::Chain)
}

//! Certificates of every quality.

use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, PKCS_ED25519, date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;

/// A private CA.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Life {
    Now,
    Over,
    ToCome,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = named("Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for `host`.
    pub(crate) fn server(&self, host: &str, life: Life) -> Pair {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        let (from, to) = match life {
            Life::Now => (2020, 2100),
            Life::Over => (2020, 2021),
            Life::ToCome => (2098, 2100),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        Pair { chain: params.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }

    /// The chain of a device with this Ed25519 key.
    pub(crate) fn client(&self, pkcs8: &[u8]) -> String {
        self.client_until(pkcs8, 2100)
    }

    /// The chain of a device with this Ed25519 key, valid until the first day of a year.
    pub(crate) fn client_until(&self, pkcs8: &[u8], year: i32) -> String {
        let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ED25519).unwrap();
        let mut params = named("device");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(&key, &self.0).unwrap().pem() + &self.pem()
    }
}

/// A certificate of `host` that nobody else signed.
pub(crate) fn self_signed(host: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([host.to_owned()]).unwrap();
    Pair { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

/// A device's key, PKCS#8 DER.
pub(crate) fn device_key() -> zeroize::Zeroizing<Vec<u8>> {
    KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_der().into()
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

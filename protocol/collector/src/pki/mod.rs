//! The private CA: the identity in a certificate, and new certificates.

mod server;

use std::fs;
use std::path::{Path, PathBuf};

use protocol::{DeviceId, Digest};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, PublicKeyData,
    SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::disk::{self, Access};
use crate::failure::Failure;
pub(crate) use server::{Renewal, Renewed, SERVER, SERVER_KEY, ServerFiles, renew_server};

/// Life of a device's certificate; it renews at two thirds.
const DEVICE_DAYS: i64 = 90;
/// Life of the authority.
const AUTHORITY_DAYS: i64 = 3650;
/// Life of the server's certificate; `server-cert` renews it.
const SERVER_DAYS: i64 = 90;
/// A certificate begins this much earlier, for clocks that are behind.
const EARLIER: Duration = Duration::DAY;

/// The authority's certificate in a data directory.
pub(crate) const CA: &str = "ca.pem";
/// The authority's private key.
pub(crate) const CA_KEY: &str = "ca-key.pem";
/// Where systemd puts the files of `LoadCredential=`.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Signs certificates of devices.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// What leads from a device's certificate to the root, PEM. Nothing where the authority is the root: both ends have it,
    /// and each whole handshake would carry it (RFC 8446, section 4.4.2, lets it be left out).
    intermediate: String,
}

/// A certificate signing request whose signature was checked: its sender holds the private key.
pub(crate) struct SigningRequest(CertificateSigningRequestParams);

/// A device's new certificate.
pub(crate) struct Issued {
    /// The certificate and what leads to the root, PEM.
    pub(crate) chain: String,
    /// End of its life.
    pub(crate) not_after: OffsetDateTime,
}

impl SigningRequest {
    /// Reads PEM (RFC 2986). `None` if it is not a request, is not signed by its own key, or the key
    /// is not Ed25519.
    pub(crate) fn read(pem: &str) -> Option<Self> {
        let request = CertificateSigningRequestParams::from_pem(pem).ok()?;
        (request.public_key.algorithm() == &PKCS_ED25519).then_some(Self(request))
    }

    /// The raw public key (RFC 8032).
    pub(crate) fn public_key(&self) -> &[u8] {
        self.0.public_key.der_bytes()
    }

    /// The device that the key makes.
    pub(crate) fn device(&self) -> DeviceId {
        DeviceId::of_public_key(self.public_key())
    }
}

impl Authority {
    /// Reads the authority of a data directory.
    pub(crate) fn read(data: &Path) -> Result<Self, Failure> {
        let text = |path: &Path| fs::read_to_string(path).map_err(Failure::at(path));
        let certificate = text(&data.join(CA))?;
        let key_path = secret(data, CA_KEY);
        let key = KeyPair::from_pem(&text(&key_path)?).map_err(|_| Failure::unreadable(&key_path))?;
        let issuer =
            Issuer::from_ca_cert_pem(&certificate, key).map_err(|_| Failure::unreadable(&data.join(CA)))?;
        let intermediate = if is_root(&certificate) { String::new() } else { certificate };
        Ok(Self { issuer, intermediate })
    }

    /// A client certificate for the request's key. Nothing but the key is taken from the request.
    pub(crate) fn issue(&self, request: &SigningRequest, now: OffsetDateTime) -> Result<Issued, Failure> {
        let mut params = params(&request.device().to_string(), now, DEVICE_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params
            .signed_by(&request.0.public_key, &self.issuer)
            .map_err(|_| Failure::new("the CA could not sign; check ca.pem and ca-key.pem"))?;
        Ok(Issued { chain: leaf.pem() + &self.intermediate, not_after: params.not_after })
    }
}

/// Whether the first certificate is its own issuer.
fn is_root(pem: &str) -> bool {
    let Ok(der) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return false };
    X509Certificate::from_der(&der).is_ok_and(|(_, of)| of.subject().as_raw() == of.issuer().as_raw())
}

/// Writes a new authority and a server certificate for `hosts` (names and addresses) into `data`.
pub(crate) fn create(data: &Path, hosts: &[String], now: OffsetDateTime) -> Result<(), Failure> {
    let make = || {
        let key = KeyPair::generate()?;
        let mut ca = params("Kathea collector authority", now, AUTHORITY_DAYS);
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok((ca.self_signed(&key)?, key))
    };
    let (ca, ca_key): (Certificate, KeyPair) =
        make().map_err(|error: rcgen::Error| Failure::new(format!("no authority can be made: {error}")))?;
    disk::write(&data.join(CA_KEY), ca_key.serialize_pem().as_bytes(), Access::Private)?;
    disk::write(&data.join(CA), ca.pem().as_bytes(), Access::Public)?;
    let issuer =
        Issuer::from_ca_cert_pem(&ca.pem(), ca_key).map_err(|_| Failure::unreadable(&data.join(CA)))?;
    server::write(data, &issuer, &KeyPair::generate().map_err(no_key)?, hosts, now)
}

fn no_key(error: rcgen::Error) -> Failure {
    Failure::new(format!("no key can be made: {error}"))
}

/// A file with a secret: the one that systemd hands to the service, or else the one in the data directory.
fn secret(data: &Path, name: &str) -> PathBuf {
    let credential = std::env::var_os(CREDENTIALS).map(|dir| PathBuf::from(dir).join(name));
    credential.filter(|path| path.is_file()).unwrap_or_else(|| data.join(name))
}

fn params(common_name: &str, now: OffsetDateTime, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    // RFC 5280 4.1.2.2: never the same number twice, also for a key that comes again.
    let serial = Digest::of(format!("{common_name} {}", now.unix_timestamp_nanos()).as_bytes());
    params.serial_number = Some(SerialNumber::from_slice(&serial.to_bytes()[..16]));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - EARLIER;
    params.not_after = now + Duration::days(days);
    params
}

/// What a verified client certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Whose key it is for.
    pub(crate) device: DeviceId,
    /// End of its life, in seconds since 1970.
    pub(crate) not_after: i64,
}

impl Shown {
    /// Reads a verified client certificate; none if its key is not a device's.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let key = SubjectPublicKeyInfo::from_der(certificate.public_key().raw).ok()?;
        let device = DeviceId::of_public_key(key.der_bytes());
        let not_after = certificate.validity().not_after.timestamp();
        (key.algorithm() == &PKCS_ED25519).then_some(Self { device, not_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chain that a device gets of the authority in `data`.
    fn chain_of(data: &Path) -> usize {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        let request = SigningRequest::read(&csr.pem().unwrap()).unwrap();
        let issued = Authority::read(data).unwrap().issue(&request, OffsetDateTime::now_utc()).unwrap();
        issued.chain.matches("BEGIN CERTIFICATE").count()
    }

    #[test]
    fn a_chain_ends_below_the_root() {
        let data = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        create(data.path(), &["localhost".to_owned()], now).unwrap();
        assert_eq!(chain_of(data.path()), 1);

        // An authority below another root: who has only that root needs it.
        let [above, key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let mut ca = params("another root", now, AUTHORITY_DAYS);
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = Issuer::from_params(&ca, &above);
        let mut below = params("Kathea collector authority", now, AUTHORITY_DAYS);
        below.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        std::fs::write(data.path().join(CA), below.signed_by(&key, &root).unwrap().pem()).unwrap();
        std::fs::write(data.path().join(CA_KEY), key.serialize_pem()).unwrap();
        assert_eq!(chain_of(data.path()), 2);
    }
}

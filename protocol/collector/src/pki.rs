//! The private authority: who a certificate speaks for, and new certificates.

use std::fs;
use std::path::Path;

use protocol::{DeviceId, Digest};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ED25519, PublicKeyData,
    SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use time::{Duration, OffsetDateTime};

use crate::disk::{self, Access};
use crate::failure::Failure;

/// Life of a device's certificate; it renews at two thirds.
const DEVICE_DAYS: i64 = 90;
/// Life of the authority and of the server's certificate.
const SERVER_DAYS: i64 = 3650;
/// A certificate begins this much earlier, for clocks that are behind.
const EARLIER: Duration = Duration::DAY;

/// The authority's certificate in a data directory.
pub(crate) const CA: &str = "ca.pem";
/// The server's certificate.
pub(crate) const SERVER: &str = "server.pem";
/// The server's private key.
pub(crate) const SERVER_KEY: &str = "server-key.pem";
const CA_KEY: &str = "ca-key.pem";

/// Signs certificates of devices.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate signing request whose signature was checked: its sender holds the private key.
pub(crate) struct SigningRequest(CertificateSigningRequestParams);

/// A device's new certificate.
pub(crate) struct Issued {
    /// The certificate and the authority's, PEM.
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
        let text = |name| {
            let path = data.join(name);
            fs::read_to_string(&path).map_err(Failure::at(&path))
        };
        let certificate = text(CA)?;
        let key = KeyPair::from_pem(&text(CA_KEY)?).map_err(|_| Failure::unreadable(&data.join(CA_KEY)))?;
        let issuer =
            Issuer::from_ca_cert_pem(&certificate, key).map_err(|_| Failure::unreadable(&data.join(CA)))?;
        Ok(Self { issuer, certificate })
    }

    /// A client certificate for the request's key. Nothing but the key is taken from the request.
    pub(crate) fn issue(&self, request: &SigningRequest, now: OffsetDateTime) -> Result<Issued, Failure> {
        let mut params = params(&request.device().to_string(), now, DEVICE_DAYS);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params
            .signed_by(&request.0.public_key, &self.issuer)
            .map_err(|_| Failure::new("the authority could not sign; check ca.pem and ca-key.pem"))?;
        Ok(Issued { chain: leaf.pem() + &self.certificate, not_after: params.not_after })
    }
}

/// Writes a new authority and a server certificate for `hosts` (names and addresses) into `data`.
pub(crate) fn create(data: &Path, hosts: &[String], now: OffsetDateTime) -> Result<(), Failure> {
    let (ca, ca_key, server, server_key) = generate(hosts, now)
        .map_err(|error| Failure::new(format!("no certificate can be made: {error}; check --host")))?;
    disk::write(&data.join(CA_KEY), ca_key.serialize_pem().as_bytes(), Access::Private)?;
    disk::write(&data.join(SERVER_KEY), server_key.serialize_pem().as_bytes(), Access::Private)?;
    disk::write(&data.join(SERVER), server.pem().as_bytes(), Access::Public)?;
    disk::write(&data.join(CA), ca.pem().as_bytes(), Access::Public)
}

fn generate(
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<(Certificate, KeyPair, Certificate, KeyPair), rcgen::Error> {
    let (ca_key, server_key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut ca = params("Kathea collector authority", now, SERVER_DAYS);
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut server = params("Kathea collector", now, SERVER_DAYS);
    server.subject_alt_names = CertificateParams::new(hosts)?.subject_alt_names;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let root = ca.self_signed(&ca_key)?;
    let leaf = server.signed_by(&server_key, &Issuer::from_params(&ca, &ca_key))?;
    Ok((root, ca_key, leaf, server_key))
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

/// The device whose key a verified client certificate carries.
pub(crate) fn device_of(certificate: &CertificateDer<'_>) -> Option<DeviceId> {
    let spki = ParsedCertificate::try_from(certificate).ok()?.subject_public_key_info();
    let key = SubjectPublicKeyInfo::from_der(&spki).ok()?;
    (key.algorithm() == &PKCS_ED25519).then(|| DeviceId::of_public_key(key.der_bytes()))
}

//! The server's own certificate: made by `init`, renewed by `server-cert`, read again while the server runs.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SigningKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Authority, SERVER_DAYS, no_key, params, secret};
use crate::disk::{self, Access};
use crate::failure::Failure;

/// The server's certificate in a data directory.
pub(crate) const SERVER: &str = "server.pem";
/// The server's private key.
pub(crate) const SERVER_KEY: &str = "server-key.pem";
/// A certificate is due when a third of its life is left, as a device's.
const DUE: Duration = Duration::days(SERVER_DAYS / 3);

/// The server's certificate and key, as they are on the disk now.
pub(crate) struct ServerFiles {
    /// The certificate's DER.
    pub(crate) certificate: CertificateDer<'static>,
    /// Its private key.
    pub(crate) key: PrivateKeyDer<'static>,
}

impl ServerFiles {
    /// Reads both files of a data directory.
    pub(crate) fn read(data: &Path) -> Result<Self, Failure> {
        let certificate = read_certificate(data)?;
        let key_path = secret(data, SERVER_KEY);
        let text = fs::read(&key_path).map_err(Failure::at(&key_path))?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| Failure::unreadable(&key_path))?;
        Ok(Self { certificate, key })
    }

    /// End of the certificate's life, in seconds since 1970.
    pub(crate) fn not_after(&self) -> Option<i64> {
        not_after(&self.certificate)
    }
}

/// Whether `server-cert` did anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// A new certificate is in place; it ends then.
    Until(OffsetDateTime),
    /// More than a third of the life is left, and only a due one was to be renewed.
    NotDue,
}

/// What `server-cert` is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Renewal {
    /// Names and addresses instead of those that the certificate has.
    pub(crate) hosts: Vec<String>,
    /// With a new private key.
    pub(crate) new_key: bool,
    /// Only when a third of the life is left.
    pub(crate) if_due: bool,
}

/// Writes a new server certificate. A server that runs takes it within seconds.
pub(crate) fn renew_server(data: &Path, renewal: &Renewal, now: OffsetDateTime) -> Result<Renewed, Failure> {
    let old = read_certificate(data);
    let end = old.as_ref().ok().and_then(not_after);
    if renewal.if_due && end.is_some_and(|end| now.unix_timestamp() < end - DUE.whole_seconds()) {
        return Ok(Renewed::NotDue);
    }
    let hosts = if renewal.hosts.is_empty() { hosts(&old?) } else { renewal.hosts.clone() };
    if hosts.is_empty() {
        return Err(Failure::new("server.pem names no host; give one with --host"));
    }
    let authority = Authority::read(data)?;
    let key = if renewal.new_key {
        KeyPair::generate().map_err(no_key)?
    } else {
        let path = secret(data, SERVER_KEY);
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        KeyPair::from_pem(&text).map_err(|_| Failure::unreadable(&path))?
    };
    write(data, &authority.issuer, &key, &hosts, now)?;
    Ok(Renewed::Until(now + Duration::days(SERVER_DAYS)))
}

/// The key first: without its certificate it serves nobody, and `server-cert` again makes them fit.
pub(super) fn write(
    data: &Path,
    issuer: &Issuer<'_, impl SigningKey>,
    key: &KeyPair,
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let make = || {
        let mut server = params("Kathea collector", now, SERVER_DAYS);
        server.subject_alt_names = CertificateParams::new(hosts)?.subject_alt_names;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.signed_by(key, issuer)
    };
    let certificate = make()
        .map_err(|error| Failure::new(format!("no certificate can be created: {error}; check --host")))?;
    disk::write(&data.join(SERVER_KEY), key.serialize_pem().as_bytes(), Access::Private)?;
    disk::write(&data.join(SERVER), certificate.pem().as_bytes(), Access::Public)
}

fn read_certificate(data: &Path) -> Result<CertificateDer<'static>, Failure> {
    let path = data.join(SERVER);
    let text = fs::read(&path).map_err(Failure::at(&path))?;
    CertificateDer::from_pem_slice(&text).map_err(|_| Failure::unreadable(&path))
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// The names and addresses that a certificate is for.
fn hosts(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    use std::net::IpAddr;
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()?;
    Some(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{CA_KEY, create};

    const HOSTS: [&str; 4] = ["localhost", "127.0.0.1", "::1", "collector.example"];

    fn made(now: OffsetDateTime) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), &HOSTS.map(str::to_owned), now).unwrap();
        dir
    }

    fn days(count: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::days(20_000 + count)
    }

    #[test]
    fn a_renewal_keeps_names_and_key_and_lives_for_90_days() {
        let dir = made(days(0));
        let before = ServerFiles::read(dir.path()).unwrap();
        assert_eq!(before.not_after(), Some(days(90).unix_timestamp()));
        let due = Renewal { if_due: true, ..Renewal::default() };
        assert_eq!(renew_server(dir.path(), &due, days(59)).unwrap(), Renewed::NotDue);
        assert_eq!(renew_server(dir.path(), &due, days(61)).unwrap(), Renewed::Until(days(151)));
        let after = ServerFiles::read(dir.path()).unwrap();
        assert_eq!(after.not_after(), Some(days(151).unix_timestamp()));
        assert_eq!(after.key, before.key);
        assert_eq!(hosts(&after.certificate), HOSTS);
    }

    #[test]
    fn a_new_key_and_other_hosts_are_taken_and_half_a_renewal_is_mended_by_another() {
        let dir = made(days(0));
        let before = ServerFiles::read(dir.path()).unwrap();
        let other = Renewal { hosts: vec!["other.example".to_owned()], new_key: true, if_due: false };
        renew_server(dir.path(), &other, days(1)).unwrap();
        let after = ServerFiles::read(dir.path()).unwrap();
        assert!(after.key != before.key && hosts(&after.certificate) == ["other.example"]);
        // Cut between the two files: the certificate is of the old key.
        let key = KeyPair::generate().unwrap().serialize_pem();
        fs::write(dir.path().join(SERVER_KEY), &key).unwrap();
        renew_server(dir.path(), &Renewal::default(), days(2)).unwrap();
        let mended = ServerFiles::read(dir.path()).unwrap();
        let provider = rustls::crypto::ring::default_provider();
        let fits = rustls::sign::CertifiedKey::from_der(vec![mended.certificate], mended.key, &provider);
        assert!(fits.is_ok());
    }

    #[test]
    fn without_the_authority_s_key_nothing_is_written() {
        let dir = made(days(0));
        fs::remove_file(dir.path().join(CA_KEY)).unwrap();
        let before = fs::read(dir.path().join(SERVER)).unwrap();
        let error = renew_server(dir.path(), &Renewal::default(), days(80)).unwrap_err().to_string();
        assert!(error.contains(CA_KEY), "{error}");
        assert_eq!(fs::read(dir.path().join(SERVER)).unwrap(), before);
    }
}

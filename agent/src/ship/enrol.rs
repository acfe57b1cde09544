//! Enrolment: a one-time token and a certificate request become the device's certificate.

use std::fmt;

use protocol::DeviceId;
use protocol::reply::{EnrolReply, EnrolRequest, Problem};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, PKCS_ED25519, PublicKeyData, SignatureAlgorithm, SigningKey,
};

use super::exchange::{Exchange, Method, Outcome};
use super::failure::Failure;
use super::routes;
use super::trust::{self, Identity};

/// Why a device is not enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolError {
    /// No certificate request could be made.
    Request,
    /// 403: unknown, or older than a day.
    Token,
    /// 409: used before.
    Used,
    /// 410: the device was decommissioned.
    Retired,
    /// No answer.
    Failure(Failure),
    /// An answer that is none of a collector; its status.
    Answer(u16),
    /// The certificate that came back is not of this device's key, or of another device.
    NotOurs,
    /// It doesn't lead to the configured CA, or is not valid now.
    NotTrusted,
}

impl fmt::Display for EnrolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "no certificate request could be made from the device's key: run doctor",
            Self::Token => "the collector does not know this token, or it is too old: ask for a new one",
            Self::Used => "the token was used before: ask for a new one",
            Self::Retired => "this device was decommissioned: remove data_dir, then enrol it as a new one",
            Self::Failure(why) => return why.fmt(f),
            Self::Answer(status) => {
                return write!(f, "what answered ({status}) is no collector: check [collector] url and proxies");
            }
            Self::NotOurs => "the certificate that came back is not of this device's key: tell the vendor",
            Self::NotTrusted => {
                "the certificate that came back is not of the configured CA, or not valid at this computer's time: check [collector] ca and the clock"
            }
        })
    }
}

impl std::error::Error for EnrolError {}

/// `POST /v1/enrol`: the token, and a request (PKCS#10, RFC 2986) for a certificate of `public_key`, the raw
/// Ed25519 key (RFC 8032) that `sign` signs with.
pub fn enrol(
    token: &str,
    public_key: &[u8; 32],
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<Exchange, EnrolError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, DeviceId::of_public_key(public_key).to_string());
    let csr = params
        .serialize_request(&Requester { public_key, sign })
        .and_then(|request| request.pem())
        .map_err(|_| EnrolError::Request)?;
    let body = EnrolRequest { token: token.to_owned(), csr };
    Ok(Exchange { body: routes::to_json(&body), ..routes::json(Method::Post, "/v1/enrol".to_owned()) })
}

/// The identity that the answer gives, if it is of the device's key (`pkcs8`, and `device` that follows from it)
/// and leads to the vendor's CA at `now`, seconds since 1970.
pub fn enrolled(
    outcome: Outcome,
    device: DeviceId,
    pkcs8: &zeroize::Zeroizing<Vec<u8>>,
    ca_pem: &[u8],
    now: u64,
) -> Result<(Identity, EnrolReply), EnrolError> {
    let answer = outcome.map_err(EnrolError::Failure)?;
    let refused = || answer.json::<Problem>().is_some();
    let reply: EnrolReply = match answer.status {
        201 => answer.json().ok_or(EnrolError::Answer(201))?,
        403 if refused() => return Err(EnrolError::Token),
        409 if refused() => return Err(EnrolError::Used),
        410 if refused() => return Err(EnrolError::Retired),
        status => return Err(EnrolError::Answer(status)),
    };
    let identity = Identity { chain_pem: reply.chain.clone().into_bytes(), pkcs8: pkcs8.clone() };
    if reply.device_id != device || trust::chain(&identity).is_err() {
        return Err(EnrolError::NotOurs);
    }
    trust::leads_to_root(&identity, ca_pem, now).map_err(|_| EnrolError::NotTrusted)?;
    Ok((identity, reply))
}

/// Signs a request without handing the private key to the crate that writes it.
struct Requester<'a, S> {
    public_key: &'a [u8; 32],
    sign: S,
}

impl<S> PublicKeyData for Requester<'_, S> {
    fn der_bytes(&self) -> &[u8] {
        self.public_key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl<S: Fn(&[u8]) -> Vec<u8>> SigningKey for Requester<'_, S> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok((self.sign)(message))
    }
}

//! Enrolment: a one-time token and a certificate request become the device's certificate.

use protocol::DeviceId;
use protocol::reply::{EnrolReply, EnrolRequest, Problem, RenewRequest};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, PKCS_ED25519, PublicKeyData, SignatureAlgorithm, SigningKey,
};

use super::exchange::{Body, Exchange, Method, Outcome};
use super::failure::Failure;
use super::routes;
use super::trust::{self, Identity};
use crate::texts::{Said, Text};

crate::texts! {
    /// Why a certificate is not renewed, where no token was involved.
    enum NotRenewed {
        Refused =>
            "the collector no longer accepts this device: ask the vendor, then enrol it again",
            "leverandørens server godtager ikke længere enheden: spørg leverandøren, og tilmeld den igen";
    }
}

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

impl EnrolError {
    /// The same, where no token was involved.
    pub fn as_renewal(self) -> Said {
        match self {
            Self::Token => NotRenewed::Refused.said(),
            Self::Failure(why) => why.said(),
            other => other.said(),
        }
    }
}

crate::texts! { EnrolError {
    Self::Request =>
        "no certificate request could be made from the device's key: run doctor",
        "der kunne ikke laves en certifikatanmodning ud fra enhedens nøgle: kør doctor";
    Self::Token =>
        "the collector does not know this token, or it has expired: ask the vendor for a new one",
        "leverandørens server kender ikke denne engangskode, eller den er udløbet: bed leverandøren om en ny";
    Self::Used =>
        "the token was already used: ask the vendor for a new one",
        "engangskoden er allerede brugt: bed leverandøren om en ny";
    Self::Retired =>
        "this device was decommissioned: remove data_dir, then enrol it as a new one",
        "enheden er taget ud af brug: fjern data_dir, og tilmeld den som en ny enhed";
    Self::Failure(why) =>
        "{why}. Then run the same command again: the token stays valid on this computer for the rest of its day",
        "{why}. Kør derefter den samme kommando igen: engangskoden gælder for denne computer, til dens døgn er gået", why;
    Self::Answer(status) =>
        "the server that answered ({status}) is not a collector: check [collector] url and proxies",
        "den server, der svarede ({status}), er ikke leverandørens: kontrollér [collector] url og eventuelle proxyer", status;
    Self::NotOurs =>
        "the certificate that came back is not for this device's key: inform the vendor",
        "det certifikat, der kom tilbage, hører ikke til enhedens nøgle: giv leverandøren besked";
    Self::NotTrusted =>
        "the certificate that came back was not issued by the configured CA, or is not valid by this computer's clock: check [collector] ca and the clock",
        "det certifikat, der kom tilbage, er ikke udstedt af den angivne CA eller gælder ikke på computerens tidspunkt: kontrollér [collector] ca og uret";
} }

impl std::error::Error for EnrolError {}

/// `POST /v1/enrol`: the token, and a request (PKCS#10, RFC 2986) for a certificate of `public_key`, the raw
/// Ed25519 key (RFC 8032) that `sign` signs with.
pub fn enrol(
    token: &str,
    public_key: &[u8; 32],
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<Exchange, EnrolError> {
    let body = EnrolRequest { token: token.to_owned(), csr: signing_request(public_key, sign)? };
    Ok(Exchange {
        body: Body::Bytes(routes::to_json(&body)),
        ..routes::json(Method::Post, "/v1/enrol".to_owned())
    })
}

/// `POST /v1/enrol/renew`: another certificate for the same key.
pub fn renew(public_key: &[u8; 32], sign: impl Fn(&[u8]) -> Vec<u8>) -> Result<Exchange, EnrolError> {
    let body = RenewRequest { csr: signing_request(public_key, sign)? };
    Ok(Exchange {
        body: Body::Bytes(routes::to_json(&body)),
        ..routes::json(Method::Post, "/v1/enrol/renew".to_owned())
    })
}

fn signing_request(public_key: &[u8; 32], sign: impl Fn(&[u8]) -> Vec<u8>) -> Result<String, EnrolError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, DeviceId::of_public_key(public_key).to_string());
    params
        .serialize_request(&Requester { public_key, sign })
        .and_then(|request| request.pem())
        .map_err(|_| EnrolError::Request)
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

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
    use rustls::pki_types::pem::{PemObject, SectionKind};
    use zeroize::Zeroizing;

    use super::super::exchange::Answer;
    use super::super::tests::pki::{Authority, now};
    use super::*;

    struct Device {
        pkcs8: Zeroizing<Vec<u8>>,
        public: [u8; 32],
    }

    impl Device {
        fn new() -> Self {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
            let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
            let public =
                Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap().public_key().as_ref().try_into().unwrap();
            Self { pkcs8, public }
        }

        fn id(&self) -> DeviceId {
            DeviceId::of_public_key(&self.public)
        }

        fn read(&self, outcome: Outcome, ca: &Authority) -> Result<EnrolReply, EnrolError> {
            enrolled(outcome, self.id(), &self.pkcs8, ca.pem().as_bytes(), now()).map(|(_, reply)| reply)
        }
    }

    fn answer(status: u16, body: &impl serde::Serialize) -> Outcome {
        Ok(Answer { status, body: serde_json::to_vec(body).unwrap(), ..Answer::default() })
    }

    fn reply(device: DeviceId, chain: String) -> Outcome {
        answer(201, &EnrolReply { chain, device_id: device, not_after: "2027-01-01T00:00:00Z".into() })
    }

    #[test]
    fn the_request_is_signed_by_the_device_and_names_it() {
        let device = Device::new();
        let sign = |message: &[u8]| {
            Ed25519KeyPair::from_pkcs8(&device.pkcs8).unwrap().sign(message).as_ref().to_vec()
        };
        let exchange = enrol("token", &device.public, sign).unwrap();
        let request: EnrolRequest = serde_json::from_slice(exchange.body.bytes()).unwrap();
        assert_eq!((exchange.path.as_str(), request.token.as_str()), ("/v1/enrol", "token"));

        let (kind, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(request.csr.as_bytes()).unwrap();
        assert_eq!(kind, SectionKind::Csr);
        // SEQUENCE { SEQUENCE { version, subject, key, attributes }, algorithm, BIT STRING { signature } }
        assert_eq!((der[0], der[1], der[3]), (0x30, 0x81, 0x30));
        let info = &der[3..5 + usize::from(der[4])];
        let signature = &der[der.len() - 64..];
        UnparsedPublicKey::new(&ED25519, &device.public).verify(info, signature).unwrap();
        let name = device.id().to_string();
        assert!(info.windows(32).any(|window| window == name.as_bytes()));
        assert!(
            !exchange.body.bytes().windows(32).any(|window| window == &device.pkcs8[16..48]),
            "the private key"
        );
    }

    #[test]
    fn a_certificate_is_taken_only_for_our_key_and_from_our_ca() {
        let (device, other, ca) = (Device::new(), Device::new(), Authority::new());
        let chain = ca.client(&device.pkcs8);
        assert!(device.read(reply(device.id(), chain.clone()), &ca).is_ok());
        assert_eq!(device.read(reply(other.id(), chain.clone()), &ca), Err(EnrolError::NotOurs));
        let stranger = ca.client(&other.pkcs8);
        assert_eq!(device.read(reply(device.id(), stranger), &ca), Err(EnrolError::NotOurs));
        assert_eq!(device.read(reply(device.id(), "no PEM".into()), &ca), Err(EnrolError::NotOurs));
        assert_eq!(device.read(reply(device.id(), chain), &Authority::new()), Err(EnrolError::NotTrusted));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let (device, ca) = (Device::new(), Authority::new());
        let problem = |status| Problem { kind: "x".into(), title: "x".into(), status, rejected: vec![] };
        for (status, error) in [
            (403, EnrolError::Token),
            (409, EnrolError::Used),
            (410, EnrolError::Retired),
            (400, EnrolError::Answer(400)),
            (503, EnrolError::Answer(503)),
        ] {
            assert_eq!(device.read(answer(status, &problem(status)), &ca), Err(error));
        }
        for status in [200, 201, 302, 403, 404] {
            let error = device.read(answer(status, &"a page"), &ca).unwrap_err();
            assert_eq!(error, EnrolError::Answer(status), "a captive portal");
        }
        let cut = device.read(Err(Failure::Cut), &ca);
        assert_eq!(cut, Err(EnrolError::Failure(Failure::Cut)));
    }
}

//! Which endpoints are taken, and whose certificates.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

#[test]
fn an_endpoint_is_by_tls_or_on_this_machine() {
    for good in ["https://s3.eu-central-1.example", "https://10.0.0.1:8333/", "http://127.0.0.1:8333"] {
        assert!(Endpoint::read(good).is_some(), "{good}");
    }
    for bad in [
        "http://10.0.0.1:8333",
        "s3.example",
        "https://",
        "https://a/b",
        "https://user:word@host",
        "http://127.0.0.1.example:1",
    ] {
        assert!(Endpoint::read(bad).is_none(), "{bad}");
    }
}

/// Answers lists with an empty one, by a certificate for 127.0.0.1 whose authority is written to `ca`.
fn server(ca: &Path) -> SocketAddr {
    let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(ca, params.self_signed(&key).unwrap().pem()).unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&own, &Issuer::new(params, key)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let own = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let config = builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], own).unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(session, stream.unwrap());
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
            }
            let list = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{list}", list.len());
            let _ = stream.flush();
        }
    });
    address
}

#[test]
fn tls_is_by_the_authority_that_is_named_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, other, credentials) =
        (dir.path().join("ca"), dir.path().join("other"), dir.path().join("credentials"));
    std::fs::write(&credentials, "aws_access_key_id = A\naws_secret_access_key = b").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&credentials, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let address = server(&ca);
    server(&other);
    let ask = |authority: &Path| {
        let settings = Settings {
            endpoint: Endpoint::read(&format!("https://{address}")).unwrap(),
            region: "us-east-1".to_owned(),
            bucket: "bucket".to_owned(),
            prefix: String::new(),
            credentials: credentials.clone(),
            authority: Some(authority.to_owned()),
        };
        Bucket::new(settings).and_then(|bucket| bucket.list("a"))
    };
    assert_eq!(ask(&ca), Ok(Vec::new()));
    let said = ask(&other).unwrap_err().to_string();
    assert!(said.contains("its certificate is not good"), "{said}");
    let said = ask(&credentials).unwrap_err().to_string();
    assert!(said.contains("has no certificate in PEM"), "{said}");
}

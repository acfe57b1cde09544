//! A TLS server that is not the collector, and certificates of any kind that are signed by whom one likes.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};
use time::{Duration, OffsetDateTime};

use super::collector::Collector;

/// Signs certificates.
pub(crate) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// The collector's own.
    pub(crate) fn of(collector: &Collector) -> Self {
        let read = |name| fs::read_to_string(collector.data().join(name)).unwrap();
        let key = KeyPair::from_pem(&read("ca-key.pem")).unwrap();
        Self(Issuer::from_ca_cert_pem(&read("ca.pem"), key).unwrap())
    }

    /// One that nobody knows, whose certificate is written to `path`.
    pub(crate) fn unknown(path: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(path, params.self_signed(&key).unwrap().pem()).unwrap();
        Self(Issuer::new(params, key))
    }
}

/// Answers as the test asks.
pub(crate) struct Impostor {
    url: String,
    received: Arc<AtomicU64>,
}

impl Impostor {
    /// Answers every request with the same bytes, with a certificate of `authority` that ends so far from now.
    pub(crate) fn start(authority: &Authority, ends: Duration, answer: &'static [u8]) -> Self {
        Self::answering(authority, ends, move |_| answer.to_vec())
    }

    /// Answers each request by its head.
    pub(crate) fn answering(
        authority: &Authority,
        ends: Duration,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        params.not_before = OffsetDateTime::now_utc() - Duration::days(365);
        params.not_after = OffsetDateTime::now_utc() + ends;
        let certificate = params.signed_by(&key, &authority.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (config, received, answer) = (Arc::new(config), Arc::new(AtomicU64::new(0)), Arc::new(answer));
        let impostor = Self { url, received: Arc::clone(&received) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                stream.set_nodelay(true).unwrap();
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                thread::spawn(move || serve(stream, tls, &*answer, &received));
            }
        });
        impostor
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Bytes of HTTP that somebody sent.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }
}

/// Answers at the end of a head, and listens on: the answer comes before the body is read.
fn serve(
    mut stream: TcpStream,
    mut tls: ServerConnection,
    answer: &dyn Fn(&str) -> Vec<u8>,
    received: &AtomicU64,
) {
    let mut stream = Stream::new(&mut tls, &mut stream);
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(length) = stream.read(&mut buffer)
        && length > 0
    {
        received.fetch_add(length as u64, Ordering::SeqCst);
        request.extend_from_slice(&buffer[..length]);
        if let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            let answer = answer(&String::from_utf8_lossy(&request[..end]));
            request.clear();
            let _ = stream.write_all(&answer);
        }
    }
}

//! A server of one file: TLS on loopback, one thread a connection, and a behaviour that each test chooses.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

use super::pki::Pair;
use crate::ship::https::{Settings, Timeouts};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Tls = StreamOwned<ServerConnection, TcpStream>;

/// What a server saw of one request.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// False if the connection ended before Content-Length was reached.
    pub(crate) whole: bool,
    /// As it was negotiated.
    pub(crate) version: rustls::ProtocolVersion,
    /// Whether the handshake was a full one.
    pub(crate) handshake: Option<rustls::HandshakeKind>,
    /// Whether the server knows the client's certificate.
    pub(crate) has_identity: bool,
}

pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    seen: Receiver<Seen>,
    closed: Receiver<()>,
}

impl Server {
    /// Answers each request by `behave`; an error of it ends the connection.
    pub(crate) fn start(
        config: ServerConfig,
        behave: impl Fn(&mut Tls, &Seen) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let (seen_at, seen) = channel();
        let (closed_at, closed) = channel();
        let (config, behave) = (Arc::new(config), Arc::new(behave));
        let (address, connections) = listen(move |tcp| {
            serve(tcp, Arc::clone(&config), &*behave, &seen_at);
            let _ = closed_at.send(());
        });
        Self { address, connections, seen, closed }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).expect("a request")
    }

    /// Waits for the end of a connection; then tells whether any request of it is left unlooked at.
    pub(crate) fn nothing_more_seen(&self) -> bool {
        self.closed.recv_timeout(PATIENCE).expect("the end of a connection");
        self.seen.try_recv().is_err()
    }

    /// Settings for a client without an identity that trusts `ca_pem`, with the shipped timeouts.
    pub(crate) fn settings(&self, ca_pem: String) -> Settings {
        Settings {
            endpoints: vec![],
            url: self.url(),
            ca_pem: ca_pem.into_bytes(),
            identity: None,
            proxy: None,
            user_agent: "kathea-agent/0.1.0".into(),
            rate: u64::MAX,
            timeouts: Timeouts::default(),
            sleep: Box::new(|_| {}),
        }
    }
}

/// Accepts on loopback for ever, a thread a connection; returns where, and how many came.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, serve) = (Arc::clone(&connections), Arc::new(serve));
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            tcp.set_nodelay(true).unwrap();
            count.fetch_add(1, Ordering::AcqRel);
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(tcp));
        }
    });
    (address, connections)
}

/// A server that shows `pair`, wants a client certificate of `clients` if there is one, and speaks `versions`.
pub(crate) fn config(
    pair: &Pair,
    clients: Option<&str>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    builder.with_single_cert(chain, key).unwrap()
}

/// Both versions of TLS that are in use.
pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

/// A whole answer with these lines of head between status line and Content-Length.
pub(crate) fn respond(tls: &mut Tls, status: &str, head: &str, body: &str) -> io::Result<()> {
    write!(tls, "HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}", body.len())?;
    tls.flush()
}

/// Waits until the client hangs up.
pub(crate) fn stall(tls: &mut Tls) -> io::Result<()> {
    io::copy(tls, &mut io::sink()).map(|_| ())
}

fn serve(
    mut tcp: TcpStream,
    config: Arc<ServerConfig>,
    behave: &dyn Fn(&mut Tls, &Seen) -> io::Result<()>,
    seen_at: &Sender<Seen>,
) {
    let mut connection = ServerConnection::new(config).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut tcp).is_err() {
            // The alert, and then to the end, so that no reset overtakes it.
            let _ = connection.complete_io(&mut tcp);
            let _ = io::copy(&mut tcp, &mut io::sink());
            return;
        }
    }
    let mut tls = StreamOwned::new(connection, tcp);
    while let Some(seen) = read_request(&mut tls) {
        let goes_on = seen.whole && behave(&mut tls, &seen).is_ok();
        let _ = seen_at.send(seen);
        if !goes_on {
            return;
        }
    }
}

fn read_request(tls: &mut Tls) -> Option<Seen> {
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tls.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![];
    let _ = tls.take(length).read_to_end(&mut body);
    let whole = body.len() as u64 == length;
    let (version, handshake) = (tls.conn.protocol_version().unwrap(), tls.conn.handshake_kind());
    let has_identity = tls.conn.peer_certificates().is_some();
    Some(Seen { head, body, whole, version, handshake, has_identity })
}

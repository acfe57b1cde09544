//! Devices that are made of a number, and what they say to a collector: WIRE.md over TLS 1.3, nothing of the agent.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use protocol::ledger::{self, Entry, EventKind};
use protocol::{Batch, DeviceId, Digest, Epoch, Purpose};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use ring::signature::Ed25519KeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};

/// A PKCS#8 document of an Ed25519 key up to its 32 bytes (RFC 8410, 7).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// For everything that blocks: a collector that does not answer is a finding, not a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a collector is, and whom its devices trust.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    roots: Arc<RootCertStore>,
}

impl Place {
    pub(crate) fn new(address: SocketAddr, ca: &Path) -> io::Result<Self> {
        let ca = CertificateDer::from_pem_slice(&fs::read(ca)?).map_err(io::Error::other)?;
        let mut roots = RootCertStore::empty();
        roots.add(ca).map_err(io::Error::other)?;
        Ok(Self { address, roots: Arc::new(roots) })
    }
}

/// A device that a number makes, always the same.
pub(crate) struct Device {
    pkcs8: Vec<u8>,
    pub(crate) id: DeviceId,
    consent: String,
    tls: Arc<ClientConfig>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u32>,
    pub(crate) upload_offset: Option<u64>,
    pub(crate) body: Vec<u8>,
}

/// An open connection.
pub(crate) struct Connection(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Device {
    /// The device of `number`, with no certificate yet.
    pub(crate) fn new(place: &Place, number: u64) -> io::Result<Self> {
        let seed = Digest::of(format!("kathea load device {number}").as_bytes()).to_bytes();
        let pkcs8 = [&PKCS8[..], &seed[..]].concat();
        let id = DeviceId::of_public_key(key_pair(&pkcs8)?.public_key_raw());
        let consent = grant(id, &pkcs8)?;
        Ok(Self { tls: tls(place, None)?, pkcs8, id, consent })
    }

    /// Enrols with a one-time token, and shows the certificate from then on.
    pub(crate) fn enrol(&mut self, place: &Place, token: &str) -> io::Result<Answer> {
        let csr = CertificateParams::default().serialize_request(&key_pair(&self.pkcs8)?);
        let csr = csr.and_then(|csr| csr.pem()).map_err(io::Error::other)?;
        let body = serde_json::json!({"token": token, "csr": csr}).to_string();
        let answer = self.connect(place)?.ask("POST", "/v1/enrol", &[], body.as_bytes())?;
        if answer.status == 201 {
            let reply: serde_json::Value = serde_json::from_slice(&answer.body)?;
            self.show(place, reply["chain"].as_str().unwrap_or_default())?;
        }
        Ok(answer)
    }

    /// Shows this certificate from now on.
    pub(crate) fn show(&mut self, place: &Place, chain: &str) -> io::Result<()> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let key = PrivatePkcs8KeyDer::from(self.pkcs8.clone());
        self.tls = tls(place, Some((chain.map_err(io::Error::other)?, key.into())))?;
        Ok(())
    }

    /// It keeps what shortens its next handshake, as an agent does.
    pub(crate) fn resuming(mut self) -> Self {
        Arc::make_mut(&mut self.tls).resumption = rustls::client::Resumption::default();
        self
    }

    /// The key, for a certificate of another maker.
    pub(crate) fn key(&self) -> io::Result<KeyPair> {
        key_pair(&self.pkcs8)
    }

    /// A new connection, its handshake done.
    pub(crate) fn connect(&self, place: &Place) -> io::Result<Connection> {
        let mut socket = TcpStream::connect_timeout(&place.address, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        let name = ServerName::from(place.address.ip());
        let mut session = ClientConnection::new(self.tls.clone(), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Connection(BufReader::new(StreamOwned::new(session, socket))))
    }

    /// What a device does when it comes: its consent if it is new, and a batch. Gives the statuses.
    pub(crate) fn visit(&self, place: &Place, batch: &Batch, is_new: bool) -> io::Result<Vec<Answer>> {
        let mut connection = self.connect(place)?;
        let mut answers = Vec::new();
        if is_new {
            let path = format!("/v1/consents/{}", ledger::line_hash(&self.consent));
            answers.push(connection.ask("PUT", &path, &[], self.consent.as_bytes())?);
        }
        answers.push(connection.put(batch)?);
        Ok(answers)
    }

    /// Takes its consent back.
    pub(crate) fn withdraw(&self, place: &Place) -> io::Result<Answer> {
        let mut entry = test_support::entry(self.id, 1, Purpose::UsageStatistics, None, EventKind::Withdrawn);
        entry.header.previous = Some(ledger::line_hash(&self.consent));
        let line = signed(&entry, &self.pkcs8)?;
        let path = format!("/v1/consents/{}", ledger::line_hash(&line));
        self.connect(place)?.ask("PUT", &path, &[], line.as_bytes())
    }

    /// A batch of these records.
    pub(crate) fn records(&self, lo: u64, hi: u64) -> Batch {
        let epoch = Epoch { counter: 1, random: [7; 8] };
        test_support::batch(ledger::line_hash(&self.consent), epoch, lo, hi)
    }

    /// A batch of `count` records, the `index`th of this device.
    pub(crate) fn batch(&self, index: u64, count: u64) -> Batch {
        let lo = index * count;
        let epoch = Epoch { counter: 1, random: [7; 8] };
        let mut batch = test_support::batch(ledger::line_hash(&self.consent), epoch, lo, lo + count - 1);
        for record in &mut batch.records {
            record.at += u32::try_from(index % 1000).unwrap_or(0);
            record.attributes[0] %= 5000;
        }
        batch
    }
}

impl Connection {
    /// Sends a batch and does not wait for the answer.
    pub(crate) fn leave(mut self, batch: &Batch) -> io::Result<()> {
        let (path, digest, body) = parts(batch);
        self.send("PUT", &path, &[("Content-Digest", &digest)], &body)
    }

    /// Sends a batch as its route wants it.
    pub(crate) fn put(&mut self, batch: &Batch) -> io::Result<Answer> {
        let (path, digest, body) = parts(batch);
        self.ask("PUT", &path, &[("Content-Digest", &digest)], &body)
    }

    /// One request and its answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.send(method, path, headers, body)?;
        self.answer()
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: collector\r\nContent-Length: {}\r\n", body.len());
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.0.get_mut().write_all(&bytes)?;
        self.0.get_mut().flush()
    }

    /// Whether it resumed a session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.0.get_ref().conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The certificate that the collector showed.
    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        let shown = self.0.get_ref().conn.peer_certificates().and_then(<[_]>::first);
        shown.map(|certificate| certificate.to_vec()).unwrap_or_default()
    }

    /// Address and port of this end.
    pub(crate) fn own_address(&self) -> String {
        self.0.get_ref().sock.local_addr().map(|address| address.to_string()).unwrap_or_default()
    }

    /// Bytes as they are.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)?;
        self.0.get_mut().flush()
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let (mut length, mut retry_after, mut upload_offset) = (0, None, None);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            let Some((name, value)) = line.split_once(": ") else { break };
            match name {
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "retry-after" => retry_after = value.parse().ok(),
                "upload-offset" => upload_offset = value.parse().ok(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, retry_after, upload_offset, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// The route of a batch, its digest, and its bytes.
fn parts(batch: &Batch) -> (String, String, Vec<u8>) {
    let body = batch.encode();
    let digest = format!("sha-256=:{}:", BASE64.encode(&Digest::of(&body).to_bytes()));
    (format!("/v1/streams/{}/batches/{}", batch.header.purpose, batch.id()), digest, body)
}

fn key_pair(pkcs8: &[u8]) -> io::Result<KeyPair> {
    let key = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
    KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ED25519).map_err(io::Error::other)
}

fn tls(
    place: &Place,
    shown: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(place.roots.clone());
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(io::Error::other)?,
    };
    // Every visit is a whole handshake, as after a night.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

fn grant(device: DeviceId, pkcs8: &[u8]) -> io::Result<String> {
    signed(&test_support::entry(device, 0, Purpose::UsageStatistics, None, EventKind::Granted), pkcs8)
}

/// A ledger line, as it stands.
fn signed(entry: &Entry, pkcs8: &[u8]) -> io::Result<String> {
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
        .map_err(|_| io::Error::other("not a key of Ed25519"))?;
    ledger::write_line(entry, |bytes| key.sign(bytes).as_ref().to_vec()).map_err(io::Error::other)
}

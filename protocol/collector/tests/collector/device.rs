//! A device as the wire knows it: a key, a certificate, a ledger, batches. Nothing of the agent.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use protocol::bundle::Announcement;
use protocol::ledger::{self, Entry, EventKind};
use protocol::reply::names;
use protocol::stick::Stick;
use protocol::{Batch, DeviceId, Digest, Epoch, Purpose};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value as Json, json};
use ureq::http::Request;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::program::Collector;

pub(crate) struct Device {
    key: KeyPair,
    chain: String,
    agent: ureq::Agent,
    /// Hashes of its ledger entries by their positions.
    lines: Mutex<BTreeMap<u64, Digest>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Json,
    pub(crate) head: Option<String>,
    pub(crate) dated: bool,
}

impl Answer {
    /// Status and problem type.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status, self.body["type"].as_str().unwrap_or_default())
    }
}

impl Device {
    /// A device with a key of its own, not enrolled.
    pub(crate) fn new(collector: &Collector) -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let agent = agent(collector, None);
        Self { key, chain: String::new(), agent, lines: Mutex::default() }
    }

    /// An enrolled device.
    pub(crate) fn enrolled(collector: &Collector) -> Self {
        let mut device = Self::new(collector);
        device.enrol_by(collector, &collector.token());
        device
    }

    /// Enrols it by this token.
    pub(crate) fn enrol_by(&mut self, collector: &Collector, token: &str) {
        let answer = self.enrol(collector, token);
        assert_eq!(answer.status, 201, "{answer:?}");
        self.chain = answer.body["chain"].as_str().unwrap().to_owned();
        self.reconnect(collector);
    }

    /// Forgets its connections, and learns a new address.
    pub(crate) fn reconnect(&mut self, collector: &Collector) {
        self.agent = agent(collector, Some((&self.chain, &self.key)));
    }

    /// The same device on a connection of its own.
    pub(crate) fn on_another_connection(&self, collector: &Collector) -> Self {
        let key = KeyPair::try_from(self.key.serialized_der()).unwrap();
        let agent = agent(collector, Some((&self.chain, &self.key)));
        Self { key, chain: self.chain.clone(), agent, lines: Mutex::default() }
    }

    /// The same key on a connection without a certificate.
    pub(crate) fn without_certificate(&self, collector: &Collector) -> Self {
        let key = KeyPair::try_from(self.key.serialized_der()).unwrap();
        Self { key, chain: String::new(), agent: agent(collector, None), lines: Mutex::default() }
    }

    pub(crate) fn id(&self) -> DeviceId {
        DeviceId::of_public_key(self.key.public_key_raw())
    }

    pub(crate) fn csr(&self) -> String {
        CertificateParams::default().serialize_request(&self.key).unwrap().pem().unwrap()
    }

    pub(crate) fn enrol(&self, collector: &Collector, token: &str) -> Answer {
        self.post(collector, "/v1/enrol", &json!({"token": token, "csr": self.csr()}))
    }

    pub(crate) fn get(&self, collector: &Collector, path: &str) -> Answer {
        self.call(collector, "GET", path, &[], "")
    }

    pub(crate) fn post(&self, collector: &Collector, path: &str, body: &Json) -> Answer {
        self.call(collector, "POST", path, body.to_string().as_bytes(), "")
    }

    /// The ledger line of an answer for the purpose of usage statistics.
    pub(crate) fn ledger_line(&self, index: u64, kind: EventKind) -> String {
        self.line(index, Purpose::UsageStatistics, None, kind)
    }

    /// The ledger line of an answer for a support case.
    pub(crate) fn case_line(&self, index: u64, case: &str, kind: EventKind) -> String {
        self.line(index, Purpose::SupportCase, Some(case), kind)
    }

    fn line(&self, index: u64, purpose: Purpose, case: Option<&str>, kind: EventKind) -> String {
        let case = case.map(|case| case.parse().unwrap());
        let mut entry = test_support::entry(self.id(), index, purpose, case, kind);
        entry.header.previous = self.previous(index);
        // What a bundle of the tests says that it holds.
        entry.processing.manifest_sha256 = entry.processing.case.is_some().then(|| Digest::of(b"manifest"));
        self.sign(&entry)
    }

    /// The hash of its entry before this one; where it made none, of one that nobody knows.
    fn previous(&self, index: u64) -> Option<Digest> {
        let before = index.checked_sub(1)?;
        Some(self.lines.lock().unwrap().get(&before).copied().unwrap_or_else(|| Digest::of(b"not sent")))
    }

    /// The ledger line of this entry, as it stands.
    pub(crate) fn sign(&self, entry: &Entry) -> String {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(self.key.serialized_der()).unwrap();
        let line = ledger::write_line(entry, |bytes| key.sign(bytes).as_ref().to_vec()).unwrap();
        self.lines.lock().unwrap().entry(entry.header.index).or_insert_with(|| ledger::line_hash(&line));
        line
    }

    /// What goes beside a bundle of its own on a stick.
    pub(crate) fn stick(&self, bundle: Announcement, lines: Vec<String>) -> String {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(self.key.serialized_der()).unwrap();
        let sign = |bytes: &[u8]| key.sign(bytes).as_ref().to_vec();
        serde_json::to_string(&Stick::new(self.key.public_key_raw(), bundle, lines, sign)).unwrap()
    }

    pub(crate) fn put_consent(&self, collector: &Collector, line: &str) -> Answer {
        let path = format!("/v1/consents/{}", ledger::line_hash(line));
        self.call(collector, "PUT", &path, line.as_bytes(), "")
    }

    /// Uploads a grant and returns its hash.
    pub(crate) fn grant(&self, collector: &Collector) -> Digest {
        let line = self.ledger_line(0, EventKind::Granted);
        assert_eq!(self.put_consent(collector, &line).status, 201);
        ledger::line_hash(&line)
    }

    pub(crate) fn put_batch(&self, collector: &Collector, batch: &Batch) -> Answer {
        let body = batch.encode();
        let digest = content_digest(&body);
        self.call(collector, "PUT", &path(batch), &body, &digest)
    }

    /// Uploads a batch to whoever answers there; `None` if nobody does.
    pub(crate) fn try_put(&self, url: &str, batch: &Batch) -> Option<u16> {
        let body = batch.encode();
        let request = Request::builder()
            .method("PUT")
            .uri(url.to_owned() + &path(batch))
            .header(names::CONTENT_DIGEST, content_digest(&body))
            .body(&body[..])
            .unwrap();
        let mut response = self.agent.run(request).ok()?;
        response.body_mut().read_to_string().ok()?;
        Some(response.status().as_u16())
    }

    /// Uploads a batch and leaves before the answer, after so long.
    pub(crate) fn send_and_leave(&self, collector: &Collector, batch: &Batch, after: std::time::Duration) {
        let body = batch.encode();
        let request = Request::builder()
            .method("PUT")
            .uri(collector.url.clone() + &path(batch))
            .header(names::CONTENT_DIGEST, content_digest(&body))
            .body(&body[..])
            .unwrap();
        let request = self.agent.configure_request(request).timeout_global(Some(after)).build();
        // It ends by its time, unless the store was quicker.
        let _ = self.agent.run(request);
    }

    /// Sends a body that comes as slowly as `body` gives it; gives the status, if there is an answer.
    pub(crate) fn send_slowly(
        &self,
        collector: &Collector,
        path: &str,
        headers: &[(&str, &str)],
        body: impl std::io::Read,
    ) -> Option<u16> {
        let answer = self.send_from(collector, ("PATCH", path), headers, body);
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// Sends a body in chunks, as `body` gives it, to a method of a path.
    pub(crate) fn send_from(
        &self,
        collector: &Collector,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        mut body: impl std::io::Read,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let request = Request::builder().method(method).uri(collector.url.clone() + path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.agent.run(request.body(ureq::SendBody::from_reader(&mut body)).unwrap())
    }

    /// Asks with these headers; gives the answer as it is.
    pub(crate) fn ask(
        &self,
        collector: &Collector,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> ureq::http::Response<ureq::Body> {
        let uri = collector.url.clone() + path;
        let request = Request::builder().method(method).uri(uri);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        if body.is_empty() {
            self.agent.run(request.body(()).unwrap()).unwrap()
        } else {
            self.agent.run(request.body(body).unwrap()).unwrap()
        }
    }

    pub(crate) fn call(
        &self,
        collector: &Collector,
        method: &str,
        path: &str,
        body: &[u8],
        digest: &str,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(collector.url.clone() + path)
            .header(names::CONTENT_DIGEST, digest)
            .body(body)
            .unwrap();
        let mut response = self.agent.run(request).unwrap();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (head, dated) = (header(names::LEDGER_HEAD), header("date").is_some());
        let media = header("content-type").unwrap_or_default();
        let status = response.status().as_u16();
        assert_eq!(media == names::PROBLEM, status >= 400, "{media} {status}");
        let body = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
        Answer { status, body, head, dated }
    }
}

/// Device errors whose code is their own number.
pub(crate) fn batch(consent: Digest, counter: u64, lo: u64, hi: u64) -> Batch {
    test_support::batch(consent, Epoch { counter, random: [1; 8] }, lo, hi)
}

pub(crate) fn path(batch: &Batch) -> String {
    format!("/v1/streams/{}/batches/{}", batch.header.purpose, batch.id())
}

pub(crate) fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(&Digest::of(body).to_bytes()))
}

fn agent(collector: &Collector, client: Option<(&str, &KeyPair)>) -> ureq::Agent {
    let ca = fs::read(collector.data().join("ca.pem")).unwrap();
    let roots = RootCerts::new_with_certs(&[Certificate::from_pem(&ca).unwrap()]);
    let client = client.map(|(chain, key)| {
        let chain = ureq::tls::parse_pem(chain.as_bytes()).filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let key = PrivateKey::from_pem(key.serialize_pem().as_bytes()).unwrap();
        ClientCert::new_with_certs(&chain.collect::<Vec<_>>(), key)
    });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(roots)
        .client_cert(client)
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .https_only(true)
        .proxy(None)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .build();
    config.into()
}

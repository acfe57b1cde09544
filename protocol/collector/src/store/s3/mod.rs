//! One bucket of an S3 API: objects are put, read, listed and deleted, each within a time.
//!
//! ```text
//! sign         AWS Signature Version 4: pure
//! credentials  the file with the keys
//! answer       lists, and why a request was refused: pure
//! ```
//!
//! Path-style addresses, TLS 1.3 alone; without TLS only to this machine. Nothing is tried twice here: who asked tries again.

mod answer;
mod credentials;
mod sign;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use protocol::Digest;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, BodyReader, SendBody};

pub(crate) use answer::Object;
use credentials::Credentials;
use sign::{Signed, authorization, encoded};

use crate::disk;
use crate::failure::Failure;

/// To be connected, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// For one read or write of the socket.
const STEP: Duration = Duration::from_secs(10);
/// From the end of a request to the head of its answer: a server syncs an object before.
const ANSWER: Duration = Duration::from_secs(20);
/// For all of one request: a bundle of 4 GiB at 1.2 MB/s.
const WHOLE: Duration = Duration::from_secs(60 * 60);
/// Bytes of an answer that is no object.
const MAX_ANSWER: u64 = 4 << 20;

/// Where a bucket is. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) region: String,
    pub(crate) bucket: String,
    /// Before the name of each object: empty, or one that ends with `/`.
    pub(crate) prefix: String,
    /// The file with the keys.
    pub(crate) credentials: PathBuf,
    /// Who signs the certificates of the endpoint; none: it is on this machine, without TLS.
    pub(crate) authority: Option<PathBuf>,
}

/// The address of an S3: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    is_tls: bool,
    /// Host and port, as the header `Host` has them.
    host: String,
}

impl Endpoint {
    /// Of `https://HOST[:PORT]`, or of `http://` and an address of this machine.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (is_tls, host) = match text.strip_prefix("https://") {
            Some(host) => (true, host),
            None => (false, text.strip_prefix("http://")?),
        };
        let host = host.strip_suffix('/').unwrap_or(host);
        let is_host = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_here = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
        (is_host && !name.is_empty() && (is_tls || is_here)).then(|| Self { is_tls, host: host.to_owned() })
    }

    /// Whether it is reached by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }
}

/// Whether an object may be there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum If {
    /// It is put in the place of one that is there.
    Whatever,
    /// It is not put where one is there.
    Absent,
}

/// What became of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is kept.
    Done,
    /// Another one was there.
    Taken,
}

/// What is put: its bytes, how many they are, and their digest.
pub(crate) struct Load<'a> {
    pub(crate) bytes: &'a mut dyn Read,
    pub(crate) size: u64,
    pub(crate) sha256: Digest,
}

/// A bucket, and the connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    settings: Settings,
    agent: Agent,
}

impl Bucket {
    /// The bucket at this place. Nothing is asked of it yet.
    pub(crate) fn new(settings: Settings) -> Result<Self, Failure> {
        Self::with_patience(settings, ANSWER)
    }

    /// The same, waiting at most so long for an answer.
    pub(crate) fn with_patience(settings: Settings, patience: Duration) -> Result<Self, Failure> {
        let mut config = Agent::config_builder()
            .https_only(settings.endpoint.is_tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Never by what the environment says.
            .proxy(None)
            .user_agent("kathea-collector")
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(patience))
            .timeout_per_write(Some(STEP))
            .timeout_recv_response(Some(patience))
            .timeout_global(Some(WHOLE))
            .max_idle_age(STEP);
        if let Some(authority) = &settings.authority {
            config = config.tls_config(tls(authority)?);
        }
        Ok(Self { agent: Agent::new_with_config(config.build()), settings })
    }

    /// How an object is called elsewhere: `s3://BUCKET/KEY`.
    pub(crate) fn address(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.settings.bucket, self.settings.prefix)
    }

    /// Puts an object.
    pub(crate) fn put(&self, key: &str, load: Load<'_>, condition: If) -> Result<Put, Failure> {
        let more = if condition == If::Absent { vec![("if-none-match", "*")] } else { Vec::new() };
        let mut answer = self.ask("PUT", Some(key), &[], &more, Some(load))?;
        match (answer.status().as_u16(), condition) {
            (200 | 201 | 204, _) => Ok(Put::Done),
            (412, If::Absent) => Ok(Put::Taken),
            _ => Err(self.refused(&mut answer)),
        }
    }

    /// Puts a small object.
    pub(crate) fn put_bytes(&self, key: &str, bytes: &[u8], condition: If) -> Result<Put, Failure> {
        let (size, sha256) = (bytes.len() as u64, Digest::of(bytes));
        self.put(key, Load { bytes: &mut { bytes }, size, sha256 }, condition)
    }

    /// A small object; none if there is no such object.
    pub(crate) fn get(&self, key: &str, most: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Some(mut reader) = self.open(key, 0, most)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        read.map(|_| Some(bytes)).map_err(|_| self.wrong("it broke off"))
    }

    /// So many bytes of an object from `begin` on, as they come; none if there is no such object.
    pub(crate) fn open(
        &self,
        key: &str,
        begin: u64,
        length: u64,
    ) -> Result<Option<BodyReader<'static>>, Failure> {
        let range = format!("bytes={begin}-{}", (begin + length).saturating_sub(1));
        let mut answer = self.ask("GET", Some(key), &[], &[("range", &range)], None)?;
        match answer.status().as_u16() {
            // Without a range: it gave all of it.
            200 if begin > 0 => Err(self.refused(&mut answer)),
            // One byte more shows that there is more.
            200 | 206 => Ok(Some(answer.into_body().into_with_config().limit(length + 1).reader())),
            404 => self.absent(&mut answer).map(|()| None),
            _ => Err(self.refused(&mut answer)),
        }
    }

    /// Deletes an object, if it is there.
    pub(crate) fn delete(&self, key: &str) -> Result<(), Failure> {
        let mut answer = self.ask("DELETE", Some(key), &[], &[], None)?;
        match answer.status().as_u16() {
            200 | 202 | 204 => Ok(()),
            404 => self.absent(&mut answer),
            _ => Err(self.refused(&mut answer)),
        }
    }

    /// All objects whose names begin so, by name; without the prefix of the settings.
    pub(crate) fn list(&self, begin: &str) -> Result<Vec<Object>, Failure> {
        let prefix = format!("{}{begin}", self.settings.prefix);
        let (mut objects, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("list-type", "2"), ("prefix", &prefix)];
            query.extend(next.as_deref().map(|next| ("continuation-token", next)));
            let mut answer = self.ask("GET", None, &query, &[], None)?;
            if answer.status() != 200 {
                return Err(self.refused(&mut answer));
            }
            let body = self.body(&mut answer, MAX_ANSWER)?;
            let page = answer::page(&body).ok_or_else(|| self.wrong("its list cannot be read"))?;
            for mut object in page.objects {
                let key = object.key.strip_prefix(&self.settings.prefix);
                let key = key.filter(|key| key.starts_with(begin));
                object.key = key.ok_or_else(|| self.wrong("its list has what was not asked for"))?.to_owned();
                objects.push(object);
            }
            if page.next.is_none() {
                break;
            }
            if page.next == next {
                return Err(self.wrong("its list does not end"));
            }
            next = page.next;
        }
        objects.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(objects)
    }

    fn ask(
        &self,
        method: &str,
        key: Option<&str>,
        query: &[(&str, &str)],
        more: &[(&str, &str)],
        load: Option<Load<'_>>,
    ) -> Result<Response<Body>, Failure> {
        let Settings { endpoint, region, bucket, prefix, .. } = &self.settings;
        let credentials = Credentials::read(&self.settings.credentials)?;
        let key = key.map(|key| format!("{prefix}{key}")).unwrap_or_default();
        let path = encoded(&format!("/{bucket}/{key}"), true);
        let mut pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", encoded(value, false))).collect();
        pairs.sort();
        let query = pairs.join("&");
        let (at, sha256) =
            (OffsetDateTime::now_utc(), load.as_ref().map_or(Digest::of(b""), |load| load.sha256));
        let (time, payload) = (sign::time(at), HEXLOWER.encode(&sha256.to_bytes()));
        let mut headers: Vec<(&str, &str)> =
            vec![("host", &endpoint.host), ("x-amz-content-sha256", &payload), ("x-amz-date", &time)];
        headers.extend(credentials.token.as_deref().map(|token| ("x-amz-security-token", token)));
        headers.extend(more);
        headers.sort_unstable();
        let signed = Signed { method, path: &path, query: &query, headers: &headers, payload: &payload };
        let authorization = authorization(&signed, &credentials, region, at);
        let scheme = if endpoint.is_tls { "https" } else { "http" };
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{scheme}://{}{path}{mark}{query}", endpoint.host);
        let request =
            headers.iter().fold(Request::builder().method(method).uri(url), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = request.header("authorization", authorization);
        let unsent = |_| self.wrong("a request to it cannot be made");
        let answer = match load {
            None => self.agent.run(request.body(()).map_err(unsent)?),
            Some(Load { bytes, size, .. }) => {
                let request = request.header("content-length", size);
                self.agent.run(request.body(SendBody::from_reader(bytes)).map_err(unsent)?)
            }
        };
        answer.map_err(|error| self.unreached(&error))
    }

    fn body(&self, answer: &mut Response<Body>, most: u64) -> Result<Vec<u8>, Failure> {
        // One byte more shows that there is more.
        let body = answer.body_mut().with_config().limit(most + 1).read_to_vec();
        body.map_err(|error| self.unreached(&error))
    }

    /// Sees that it is the object that is not there, and not the bucket.
    fn absent(&self, answer: &mut Response<Body>) -> Result<(), Failure> {
        let body = self.body(answer, MAX_ANSWER)?;
        match answer::code(&body).as_deref() {
            Some("NoSuchKey") => Ok(()),
            _ => Err(answer::refused(&self.settings.endpoint.host, 404, &body)),
        }
    }

    fn refused(&self, answer: &mut Response<Body>) -> Failure {
        let body = self.body(answer, MAX_ANSWER).unwrap_or_default();
        answer::refused(&self.settings.endpoint.host, answer.status().as_u16(), &body)
    }

    fn unreached(&self, error: &ureq::Error) -> Failure {
        let certificate = match error {
            ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
            ureq::Error::Rustls(error) => Some(error),
            _ => None,
        };
        self.wrong(match (certificate, error) {
            (Some(rustls::Error::InvalidCertificate(_)), _) => {
                "its certificate is not good: not by the authority of store.s3.ca_file, not for this host name, or over"
            }
            (_, ureq::Error::Timeout(_)) => "it does not answer in time",
            (_, ureq::Error::HostNotFound) => "there is no such host",
            _ => "it cannot be reached, or broke off",
        })
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(format!("the S3 with the bundles, {}: {what}", self.settings.endpoint.host))
    }
}

/// TLS by the authorities in this file alone.
fn tls(authority: &std::path::Path) -> Result<TlsConfig, Failure> {
    let unreadable = || Failure::new(format!("{} has no certificate in PEM", authority.display()));
    let bytes = disk::read(authority)?.ok_or_else(unreadable)?;
    let (mut store, mut roots) = (RootCertStore::empty(), Vec::new());
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| unreadable())?;
        // A file of the system may have one that is not read here.
        if store.add(certificate.clone()).is_ok() {
            roots.push(Certificate::from_der(certificate.as_ref()).to_owned());
        }
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some());
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(provider))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build())
}

#[cfg(test)]
mod tests;

//! The only outgoing socket: HTTPS to the configured collector.
//!
//! TLS 1.3, the vendor's CA alone, mutual once the device is enrolled; no redirect is followed, no proxy is
//! taken from the environment, nothing is waited for without an end, and no answer is read beyond 64 KiB.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use protocol::bundle::tus;
use protocol::envelope::MAX_WIRE;
use protocol::reply::names;
use ureq::config::Config;
use ureq::http::{HeaderMap, Request, Uri, header, uri::Scheme};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, RustlsConnector, TcpConnector, Transport as Socket,
};
use ureq::{Agent, Error, Proxy, ProxyProtocol, SendBody};
use zeroize::Zeroizing;

use super::exchange::{Answer, Exchange, Method, Transport};
use super::failure::{BadSettings, Failure, Phase, TlsFailure};
use super::trust::{self, Identity};
use super::upload::{Upload, Withdrawn};
use crate::limits;

/// Where to, as whom, how fast.
pub struct Settings {
    /// `https://host[:port]`.
    pub url: String,
    /// The hosts that the policy allows; empty where it names none.
    pub endpoints: Vec<String>,
    /// The vendor's CA, or several during a roll-over; PEM.
    pub ca_pem: Vec<u8>,
    /// None before enrolment.
    pub identity: Option<Identity>,
    /// `http://[user:password@]host[:port]`; none is no proxy, whatever the environment says.
    pub proxy: Option<String>,
    /// `name/version`.
    pub user_agent: String,
    /// Bytes of body a second; at least 1.
    pub rate: u64,
    /// How long each phase may take.
    pub timeouts: Timeouts,
    /// What waits between two chunks: `std::thread::sleep`, but for tests.
    pub sleep: Box<dyn FnMut(Duration) + Send>,
}

/// How long each phase of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Finding the address.
    pub resolve: Duration,
    /// TCP, the proxy and the TLS handshake.
    pub connect: Duration,
    /// From the last byte sent to the head of the answer.
    pub reply: Duration,
    /// The answer's body.
    pub read: Duration,
    /// All together, beside what the rate needs for a body.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: limits::RESOLVE,
            connect: limits::CONNECT,
            reply: limits::REPLY_HEAD,
            read: limits::REPLY_BODY,
            whole: limits::EXCHANGE,
        }
    }
}

/// The connection to the collector, kept from one exchange to the next until [`Https::rest`].
pub struct Https {
    base: String,
    config: Config,
    agent: Option<Agent>,
    sessions: Sessions,
    rate: u64,
    sleep: Box<dyn FnMut(Duration) + Send>,
}

impl Https {
    /// Checks every setting; opens nothing.
    pub fn new(settings: Settings) -> Result<Self, BadSettings> {
        let rate = settings.rate.max(1);
        let timeouts = settings.timeouts;
        let whole = timeouts.whole + Duration::from_secs(MAX_WIRE as u64 / rate);
        let config = Agent::config_builder()
            .tls_config(tls(&settings)?)
            .proxy(settings.proxy.as_deref().map(proxy).transpose()?)
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(&settings.user_agent)
            .accept("")
            .accept_encoding("")
            .timeout_resolve(Some(timeouts.resolve))
            .timeout_connect(Some(timeouts.connect))
            .timeout_send_request(Some(timeouts.reply))
            .timeout_recv_response(Some(timeouts.reply))
            .timeout_recv_body(Some(timeouts.read))
            .timeout_global(Some(whole))
            .input_buffer_size(limits::CHUNK)
            .output_buffer_size(limits::CHUNK)
            .max_response_header_size(limits::CHUNK)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .build();
        Ok(Self {
            base: base(&settings.url, &settings.endpoints)?,
            config,
            agent: None,
            sessions: Sessions::default(),
            rate,
            sleep: settings.sleep,
        })
    }

    /// Asks, and waits for the answer whatever its status. After an error the connection is gone.
    pub fn exchange(&mut self, exchange: &Exchange) -> Result<Answer, Failure> {
        let (config, sessions) = (&self.config, &self.sessions);
        let agent = self.agent.get_or_insert_with(|| sessions.agent(config));
        let mut upload = Upload {
            from: (&exchange.body).into(),
            lease: exchange.lease.as_ref(),
            rate: self.rate,
            sleep: &mut *self.sleep,
        };
        let uri = format!("{}{}", self.base, exchange.path);
        // ureq and rustls panic where they hold something for impossible; a lost batch is sent again.
        let result = catch_unwind(AssertUnwindSafe(|| run(agent, uri, exchange, &mut upload)));
        let proxied = config.proxy().is_some();
        let result = result.unwrap_or(Err(None)).map_err(|error| match error {
            _ if exchange.lease.as_ref().is_some_and(|lease| !lease.stands()) => Failure::Withdrawn,
            Some(error) => classify(&error, proxied),
            None => Failure::Internal,
        });
        if result.is_err() {
            self.rest();
        }
        result
    }

    /// Closes the connection: nothing half-closed stays for the hours until the next drain. What shortens the next
    /// handshake stays in memory.
    pub fn rest(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.shutdown();
        }
    }
}

/// The TLS of all connections of one [`Https`]. It keeps the collector's session tickets (RFC 8446, section 2.2): the next
/// drain opens with one of them in place of two chains of certificates. Other settings begin with none.
#[derive(Clone, Debug, Default)]
struct Sessions(Arc<RustlsConnector>);

impl Sessions {
    /// A client without a connection; like ureq's own, but for its TLS.
    fn agent(&self, config: &Config) -> Agent {
        let connector =
            ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default()).chain(self.clone());
        Agent::with_parts(config.clone(), connector, DefaultResolver::default())
    }
}

impl<In: Socket> Connector<In> for Sessions {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        self.0.connect(details, chained)
    }
}

impl Transport for Https {
    fn exchange(&mut self, exchange: &Exchange) -> Result<Answer, Failure> {
        self.exchange(exchange)
    }

    fn rest(&mut self) {
        self.rest();
    }
}

fn run(
    agent: &Agent,
    uri: String,
    exchange: &Exchange,
    upload: &mut Upload<'_>,
) -> Result<Answer, Option<Error>> {
    if upload.lease.is_some_and(|lease| !lease.stands()) {
        return Err(Some(Error::Io(io::Error::other(Withdrawn))));
    }
    let mut request = Request::builder().method(exchange.method.as_str()).uri(uri);
    for (name, value) in &exchange.headers {
        request = request.header(*name, value);
    }
    let length = exchange.body.length();
    // Without a length ureq sends an empty body in chunks, and a server that does not read it closes the connection.
    if matches!(exchange.method, Method::Patch | Method::Put | Method::Post) {
        request = request.header(header::CONTENT_LENGTH, length);
    }
    let response = if length == 0 {
        agent.run(request.body(()).map_err(Error::Http)?)
    } else {
        agent.run(request.body(SendBody::from_reader(upload)).map_err(Error::Http)?)
    };
    let (parts, body) = response?.into_parts();
    let body = body.into_with_config().limit(limits::REPLY).read_to_vec()?;
    let text = |name: &str| text(&parts.headers, name);
    Ok(Answer {
        status: parts.status.as_u16(),
        content_type: text("content-type"),
        retry_after: text("retry-after"),
        date: text("date"),
        ledger_head: text(names::LEDGER_HEAD),
        invitations: text(names::INVITATIONS),
        news: text(names::NEWS),
        location: text("location"),
        upload_offset: text(tus::OFFSET),
        upload_length: text(tus::LENGTH),
        checksum_algorithms: text(tus::CHECKSUM_ALGORITHM),
        body,
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn base(url: &str, endpoints: &[String]) -> Result<String, BadSettings> {
    let uri = url.parse::<Uri>().map_err(|_| BadSettings::Url)?;
    let authority = uri.authority().ok_or(BadSettings::Url)?.as_str();
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.contains('@');
    if uri.scheme() != Some(&Scheme::HTTPS) || !bare {
        return Err(BadSettings::Url);
    }
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let is_it = |name: &String| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix('*').map_or(name == host, |below| host.ends_with(below))
    };
    if !endpoints.is_empty() && !endpoints.iter().any(is_it) {
        return Err(BadSettings::Endpoint);
    }
    Ok(format!("https://{authority}"))
}

fn proxy(url: &str) -> Result<Proxy, BadSettings> {
    let proxy = Proxy::new(url).map_err(|_| BadSettings::Proxy)?;
    // A SOCKS proxy would be ignored without the crate's feature for it, and the packets go straight out.
    if !matches!(proxy.protocol(), ProxyProtocol::Http) {
        return Err(BadSettings::Proxy);
    }
    Ok(proxy)
}

fn tls(settings: &Settings) -> Result<TlsConfig, BadSettings> {
    let (roots, _) = trust::roots(&settings.ca_pem)?;
    let owned = |der: &rustls::pki_types::CertificateDer<'_>| Certificate::from_der(der).to_owned();
    let roots = roots.iter().map(owned).collect::<Vec<_>>();
    let client = match &settings.identity {
        None => None,
        Some(identity) => {
            let chain = trust::chain(identity)?.iter().map(owned).collect::<Vec<_>>();
            // ureq keeps the name that PrivateKey::from_der wants to itself.
            let base64 = Zeroizing::new(BASE64.encode(&identity.pkcs8));
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", *base64);
            let key =
                PrivateKey::from_pem(Zeroizing::new(pem).as_bytes()).map_err(|_| BadSettings::KeyMismatch)?;
            Some(ClientCert::new_with_certs(&chain, key))
        }
    };
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(trust::provider())
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(client)
        .build())
}

fn classify(error: &Error, proxied: bool) -> Failure {
    match error {
        Error::Io(error) => classify_io(error, proxied),
        Error::Rustls(error) => Failure::Tls(classify_tls(error)),
        Error::Timeout(phase) => Failure::Timeout(match phase {
            ureq::Timeout::Resolve => Phase::Resolve,
            ureq::Timeout::Connect => Phase::Connect,
            ureq::Timeout::SendRequest | ureq::Timeout::SendBody => Phase::Send,
            ureq::Timeout::RecvResponse | ureq::Timeout::RecvBody => Phase::Reply,
            _ => Phase::Whole,
        }),
        Error::HostNotFound => Failure::Name,
        Error::ConnectionFailed => Failure::Connect,
        // "proxy server responded 407/407"
        Error::ConnectProxyFailed(text) => {
            Failure::Proxy(text.rsplit('/').next().and_then(|status| status.parse().ok()))
        }
        Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => Failure::TooLarge,
        Error::Protocol(_) | Error::Http(_) => Failure::NotHttp,
        Error::BodyStalled => Failure::Cut,
        _ => Failure::Internal,
    }
}

fn classify_io(error: &io::Error, proxied: bool) -> Failure {
    use io::ErrorKind::{
        AddrNotAvailable, BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkDown, NetworkUnreachable, NotConnected, PermissionDenied, TimedOut, UnexpectedEof, WriteZero,
    };
    if let Some(inner) = error.get_ref() {
        if inner.is::<Withdrawn>() {
            return Failure::Withdrawn;
        }
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            return Failure::Tls(classify_tls(error));
        }
    }
    match error.kind() {
        ConnectionRefused | TimedOut if proxied => Failure::Proxy(None),
        ConnectionRefused | TimedOut | HostUnreachable | NetworkUnreachable | NetworkDown
        | AddrNotAvailable | PermissionDenied => Failure::Connect,
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | NotConnected | WriteZero => {
            Failure::Cut
        }
        // A resolver's refusal has no kind of its own. On Windows it has a number (WSAHOST_NOT_FOUND to
        // WSANO_DATA), elsewhere it is the only error without one.
        _ if matches!(error.raw_os_error(), None | Some(11001..=11004)) => Failure::Name,
        _ => Failure::Connect,
    }
}

fn classify_tls(error: &rustls::Error) -> TlsFailure {
    use rustls::AlertDescription as Alert;
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => TlsFailure::Expired,
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => TlsFailure::NotYetValid,
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => TlsFailure::WrongName,
            // A self-signed certificate is of no CA either, by whatever name.
            _ => TlsFailure::UnknownCa,
        },
        rustls::Error::AlertReceived(alert) => match alert {
            Alert::ProtocolVersion | Alert::InsufficientSecurity => TlsFailure::Version,
            Alert::CertificateExpired => TlsFailure::ClientExpired,
            Alert::BadCertificate
            | Alert::CertificateRequired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::AccessDenied
            | Alert::UnknownCA
            | Alert::UnsupportedCertificate
            | Alert::DecryptError => TlsFailure::ClientRefused,
            _ => TlsFailure::Other,
        },
        rustls::Error::PeerIncompatible(_) => TlsFailure::Version,
        _ => TlsFailure::Other,
    }
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Https(..)")
    }
}

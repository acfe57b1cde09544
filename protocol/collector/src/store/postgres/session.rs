//! One connection to the host of a cluster that takes writes.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::Digest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cluster::Cluster;
use super::tls;
use crate::failure::Failure;

/// For a host to take the connection and to say whether it takes writes. The driver's own limit ends with the
/// socket: a host that takes the connection and is silent would hold it for ever.
const CONNECT: Duration = Duration::from_secs(3);
/// For each statement, and for the replicas to confirm a commit.
pub(super) const FLIGHT: Duration = Duration::from_secs(10);
const PORT: u16 = 5432;

/// A connection; closed when it is dropped.
pub(super) struct Session {
    /// Shared with what was sent and is not answered yet.
    client: Arc<Client>,
    /// Warnings that the server sent.
    warnings: Arc<AtomicU64>,
    driver: JoinHandle<()>,
    host: String,
    /// Of the advisory lock that writers take: of the schema that holds the tables.
    key: i64,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    /// The first host of the URL that answers and takes writes.
    pub(super) async fn open(cluster: &Cluster) -> Result<Self, Failure> {
        // What is wrong with it is not said: it may hold a password.
        let config: Config = cluster.url.text().parse().map_err(|_| {
            Failure::new(
                "not a PostgreSQL URL, as postgres://USER:PASSWORD@127.0.0.1:5432,127.0.0.1:5433/DATABASE",
            )
        })?;
        let hosts = hosts(&config, cluster.authority.is_some())?;
        let tls = cluster.authority.as_deref().map(tls::connector).transpose()?;
        let mut tried = Vec::new();
        for (host, port) in hosts {
            let name = format!("{host}:{port}");
            match timeout(CONNECT, Self::at(&config, &host, port, tls.clone(), &name)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(failure)) => tried.push(format!("{name}: {failure}")),
                Err(_) => tried.push(format!("{name}: no answer within {} s", CONNECT.as_secs())),
            }
        }
        Err(Failure::new(format!("no host of the cluster takes writes; {}", tried.join("; "))))
    }

    async fn at(
        config: &Config,
        host: &str,
        port: u16,
        tls: Option<MakeRustlsConnect>,
        name: &str,
    ) -> Result<Self, Failure> {
        let mut one = Config::new();
        one.host(host)
            .port(port)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(FLIGHT)
            // Never without TLS where TLS is wanted.
            .ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        one.application_name("kathea-collector");
        if let Some(user) = config.get_user() {
            one.user(user);
        }
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        if let Some(name) = config.get_dbname() {
            one.dbname(name);
        }
        let warnings = Arc::new(AtomicU64::new(0));
        let (client, driver) = match tls {
            Some(tls) => {
                let connected = one.connect(tls).await;
                let (client, connection) = connected.map_err(|error| match error.code() {
                    Some(_) => failure("no connection", &error),
                    None => tls::failure(&error),
                })?;
                (client, drive(connection, warnings.clone()))
            }
            None => {
                let connected = one.connect(NoTls).await;
                let (client, connection) = connected.map_err(|error| failure("no connection", &error))?;
                (client, drive(connection, warnings.clone()))
            }
        };
        let mut session = Self { client: Arc::new(client), warnings, driver, host: name.to_owned(), key: 0 };
        session.flight(session.client.batch_execute("SET synchronous_commit = 'on'")).await?;
        let row = session
            .one(
                "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', current_schema()::text",
            )
            .await?;
        let is = |at| row.try_get::<_, bool>(at).map_err(|error| failure("its state cannot be read", &error));
        if is(0)? || is(1)? {
            return Err(Failure::new("is a replica, or takes no writes"));
        }
        let schema: Option<String> =
            row.try_get(2).map_err(|error| failure("its state cannot be read", &error))?;
        let schema = schema.ok_or_else(|| {
            Failure::new("the account has no schema: GRANT CREATE ON SCHEMA public, or set search_path")
        })?;
        let digest = Digest::of(format!("kathea collector {schema}").as_bytes()).to_bytes();
        session.key = digest.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
        Ok(session)
    }

    /// Where it goes.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Of the advisory lock.
    pub(super) fn key(&self) -> i64 {
        self.key
    }

    /// Warnings that the server sent up to now.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::SeqCst)
    }

    /// Whether no warning came since there were `before`. A wait for a replica that somebody cancels is answered with
    /// success, and a warning before it.
    pub(super) fn unwarned(&self, before: u64) -> Result<(), Failure> {
        if self.warnings() == before {
            return Ok(());
        }
        Err(Failure::new(
            "the commit was answered with a warning: no replica is known to have it, so nothing is acknowledged",
        ))
    }

    /// What is said of a host that does not answer.
    pub(super) fn silent(&self) -> Failure {
        Failure::new(format!(
            "{} did not answer within {} s, or no replica confirmed: nothing is acknowledged",
            self.host,
            FLIGHT.as_secs()
        ))
    }

    /// The one row of a statement.
    pub(super) async fn one(&self, statement: &str) -> Result<Row, Failure> {
        self.flight(self.client.query_one(statement, &[])).await
    }

    /// Runs statements in a transaction. It is acknowledged only if this succeeds.
    pub(super) async fn commit(&self, statements: &str) -> Result<(), Failure> {
        self.flight(self.client.batch_execute("BEGIN")).await?;
        self.flight(self.client.batch_execute(statements)).await?;
        let before = self.warnings();
        self.flight(self.client.batch_execute("COMMIT")).await?;
        self.unwarned(before)
    }

    async fn flight<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        match timeout(FLIGHT, work).await {
            Ok(done) => done.map_err(|error| failure("a statement failed", &error)),
            Err(_) => Err(self.silent()),
        }
    }
}

/// Reads what comes from a server, and counts its warnings.
fn drive<S, T>(mut connection: Connection<S, T>, warnings: Arc<AtomicU64>) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notice(notice) = message
                // Not its word, which is another one in another language.
                && notice.parsed_severity() == Some(Severity::Warning)
            {
                warnings.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
}

/// The hosts in their order, each with its port. Without TLS all have to be this machine.
fn hosts(config: &Config, has_tls: bool) -> Result<Vec<(String, u16)>, Failure> {
    let ports = config.get_ports();
    let mut out = Vec::new();
    for (at, host) in config.get_hosts().iter().enumerate() {
        let name = match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        let is_local = name == "localhost"
            || name.starts_with('/')
            || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !is_local && !has_tls {
            return Err(Failure::new(format!(
                "{name} is another machine, and the connection is plain text: name the authority of its certificate as \
                 store.ca_file, or use the local end of a tunnel or of a balancer, as 127.0.0.1"
            )));
        }
        let port = ports.get(at).or(ports.first().filter(|_| ports.len() == 1)).copied();
        out.push((name, port.unwrap_or(PORT)));
    }
    if out.is_empty() { Err(Failure::new("the PostgreSQL URL names no host")) } else { Ok(out) }
}

/// Whether an error of this SQLSTATE leaves the connection useless: it is cut, the server ends, or it takes no writes any
/// more, which a demoted primary answers for ever.
pub(super) fn ends(code: &str) -> bool {
    code == "25006" || code.starts_with("57P0") || code.starts_with("08")
}

/// What went wrong, by PostgreSQL's code: its sentences may quote values.
pub(super) fn failure(what: &str, error: &Error) -> Failure {
    match error.code() {
        Some(code) => Failure::new(format!("{what} (SQLSTATE {})", code.code())),
        None if error.is_closed() => Failure::new(format!("{what}: the connection was closed")),
        None => Failure::new(format!("{what}: no PostgreSQL answers there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_its_port_and_is_this_machine() {
        let of = |url: &str| hosts(&url.parse().unwrap(), false).map_err(|failure| failure.to_string());
        let one = |host: &str, port| (host.to_owned(), port);
        assert_eq!(
            of("postgres://a@127.0.0.1:1,localhost:2,[::1]:3/d"),
            Ok(vec![one("127.0.0.1", 1), one("localhost", 2), one("::1", 3)])
        );
        assert_eq!(of("postgres://a@127.0.0.1/d"), Ok(vec![one("127.0.0.1", PORT)]));
        assert!(of("postgres://a@db.example/d").unwrap_err().contains("db.example is another machine"));
        assert!(of("postgres://a@127.0.0.1,10.0.0.7/d").unwrap_err().contains("10.0.0.7"));
        let remote = "postgres://a@db.example/d".parse().unwrap();
        assert_eq!(hosts(&remote, true).unwrap(), [one("db.example", PORT)]);
        assert!(of("postgres:///d").unwrap_err().contains("no host"));
    }
}

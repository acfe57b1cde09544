//! The listener: TLS 1.3 connections, how long each may take, and their end.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::failure::Failure;
use crate::pki::{self, Authority};
use crate::routes::{self, Collector, Peer, Turns};
use crate::store::Store;
use crate::upkeep;

/// From the TCP connection to the end of the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// For a request's head; a connection without a request for so long is closed.
const HEAD: Duration = Duration::from_secs(60);
/// For requests that are being answered when the collector is told to end.
const END: Duration = Duration::from_secs(10);
/// Connections at once; the next waits in the system's queue.
const CONNECTIONS: usize = 1024;
/// Requests that are being answered at once; each may hold an inflated batch of 8 MiB.
const WORKERS: usize = 32;
/// After a failed accept: descriptors are short, and come back as connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;

/// Serves a data directory until SIGTERM or SIGINT. Says where it listens on standard output first.
pub(crate) fn serve(data: &Path, listen: SocketAddr) -> Result<(), Failure> {
    let store = Arc::new(Store::open(data)?);
    upkeep::start(&store)?;
    let tls = tls(data)?;
    let router = routes::router(Arc::new(Collector {
        store,
        authority: Authority::read(data)?,
        turns: Turns::default(),
        completions: routes::completions(),
    }));

    let cannot_listen = |error: io::Error| Failure::new(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).map_err(cannot_listen)?;
    listener.set_nonblocking(true).map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    announce(address).map_err(|error| Failure::new(format!("standard output: {error}")))?;

    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(WORKERS)
        .build()
        .and_then(|runtime| runtime.block_on(accept(listener, tls, router)))
        .map_err(|error| Failure::new(format!("cannot serve: {error}")))
}

fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening https://{address}")?;
    out.flush()
}

/// TLS 1.3 alone. A client certificate is asked for, checked against the authority when it is shown,
/// and not demanded: a device that enrols has none yet.
fn tls(data: &Path) -> Result<TlsAcceptor, Failure> {
    let certificate = |name| {
        let path = data.join(name);
        CertificateDer::from_pem_file(&path).map_err(|_| Failure::unreadable(&path))
    };
    let key_path = data.join(pki::SERVER_KEY);
    let key = PrivateKeyDer::from_pem_file(&key_path).map_err(|_| Failure::unreadable(&key_path))?;
    let (root, server) = (certificate(pki::CA)?, certificate(pki::SERVER)?);
    let build = || -> Result<ServerConfig, Box<dyn std::error::Error>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(root)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()?;
        Ok(ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server], key)?)
    };
    let config = build().map_err(|error| {
        Failure::new(format!("the certificates of {} do not fit each other: {error}", data.display()))
    })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, router: Router) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = GracefulShutdown::new();
    let mut told_to_end = std::pin::pin!(told_to_end()?);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            // The peer's address is dropped here: nothing may keep it.
            (place, listener.accept().await.map(|(stream, _)| stream))
        };
        tokio::select! {
            () = &mut told_to_end => break,
            (place, stream) = next => match stream {
                Ok(stream) => {
                    let connection = connection(stream, tls.clone(), router.clone(), connections.watcher());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(END, connections.shutdown()).await;
    Ok(())
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, router: Router, watcher: Watcher) {
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else {
        log::debug!("a TLS handshake failed");
        return;
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let peer = Peer(certificates.and_then(<[_]>::first).and_then(pki::device_of));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if watcher.watch(connection).await.is_err() {
        log::debug!("a connection ended before its time");
    }
}

#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the collector can still be ended, only less gently.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

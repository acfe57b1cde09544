//! The server: its listeners, what they are made of, and its end.
//!
//! ```text
//! descriptors  how many sockets and files there may be
//! places       who may hold a connection
//! tls          the handshake, and the server's certificate
//! connection   one connection, from its handshake to its end
//! body         a request's body, and whether all of it came
//! admission    how much is worked on at once
//! operations   health and metrics, on a listener of their own
//! ```

pub(crate) mod admission;
mod body;
mod connection;
mod descriptors;
mod linger;
mod operations;
mod places;
mod tls;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::access::Access;
use crate::config::Serve;
use crate::failure::Failure;
use crate::fleet::Glance;
use crate::metrics::Metrics;
use crate::news::News;
use crate::pki::Authority;
use crate::routes::{self, Clock, Collector, Turns, Watch};
use crate::store::Store;
use crate::upkeep;
use admission::Admission;
use connection::Front;
use operations::Operations;
use places::{Capacity, Places};
use tls::{Reloaded, ServerIdentity};

/// Time for requests in progress when the collector is stopped.
const END: Duration = Duration::from_secs(10);
/// Threads that may wait for the disk.
const WORKERS: usize = 32;
/// Connections that the system holds until they are taken.
const BACKLOG: u32 = 1024;
/// After a failed accept: descriptors are short, and come back as connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at the server's certificate.
const RELOAD: Duration = Duration::from_secs(2);

/// Serves a data directory until SIGTERM or SIGINT. Says where it listens on standard output first.
pub(crate) fn serve(config: &Serve) -> Result<(), Failure> {
    crate::keys::refuse_age_identity(&config.data)?;
    let descriptors = descriptors::raise();
    let places = Places::new(Capacity::of_descriptors(descriptors));
    let store = Arc::new(Store::open(&config.data, &config.place, &config.keys)?);
    store.refuse_unfinished()?;
    if let Some(warning) = store.key_warning() {
        log::warn!("{warning}");
    }
    for flaw in store.policy_flaws()? {
        log::warn!("{flaw}");
    }
    upkeep::start(&store)?;
    let mut metrics = Metrics::new(store.times());
    if store.is_postgres() {
        metrics.show_cluster();
    }
    let metrics = Arc::new(metrics);
    metrics.set_descriptors(descriptors);
    let identity = ServerIdentity::read(&config.data)?;
    let tls = tls::config(&config.data, identity.clone())?;
    let cannot = |error: io::Error| Failure::new(format!("cannot serve: {error}"));
    let access =
        if config.access_log { Some(Access::stdout(metrics.clone()).map_err(cannot)?) } else { None };
    let admission = Admission::new();
    let collector = Arc::new(Collector {
        news: News::of(&store)?,
        store,
        authority: Authority::read(&config.data)?,
        turns: Turns::default(),
        completions: routes::completions(),
        clock: Clock::System,
        residency: config.residency.clone(),
    });
    let watch = Watch { admission: admission.clone(), metrics: metrics.clone(), access };
    let router = routes::router(collector.clone(), watch);
    let operations = Arc::new(Operations {
        collector,
        metrics: metrics.clone(),
        places: places.clone(),
        admission,
        identity: identity.clone(),
        ending: AtomicBool::new(false),
        glance: Glance::default(),
    });

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(WORKERS)
        .build()
        .map_err(cannot)?;
    runtime.block_on(async {
        let listener = listen(config.listen)?;
        let own = config.operations.map(listen).transpose()?;
        // Before anybody learns that it serves, and may tell it to end.
        let stop_signal = stop_signal().map_err(cannot)?;
        announce(&listener, own.as_ref())
            .map_err(|error| Failure::new(format!("standard output: {error}")))?;
        if let Some(own) = own {
            tokio::spawn(operations::serve(own, operations.clone()));
        }
        tokio::spawn(look_for_a_new_certificate(identity));
        let front = Arc::new(Front { tls, router, metrics });
        // As a task among the others, so that it can let the connections that it took go first.
        let stop = {
            let (operations, drain) = (operations.clone(), config.drain);
            async move {
                stop_signal.await;
                // A balancer that looks at `/readyz` sends nobody here any more; who comes meanwhile is served.
                operations.ending.store(true, Ordering::Relaxed);
                tokio::time::sleep(drain).await;
            }
        };
        let accepting = tokio::spawn(accept(listener, front, places, stop));
        accepting.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(cannot)
    })
}

fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Elsewhere it would let two servers have one address.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|error: io::Error| Failure::new(format!("cannot listen on {address}: {error}")))
}

fn announce(listener: &TcpListener, operations: Option<&TcpListener>) -> io::Result<()> {
    let mut lines = format!("listening https://{}\n", listener.local_addr()?);
    if let Some(operations) = operations {
        lines += &format!("operations http://{}\n", operations.local_addr()?);
    }
    // At once: who reads the first line alone may have closed its end before a second one is written.
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}

/// The next connection, on which an answer leaves at once: by default the first one would wait behind the session tickets
/// until the device has acknowledged them, 40 ms later.
async fn next(listener: &TcpListener) -> io::Result<TcpStream> {
    // The peer's address is dropped here: nothing may keep it.
    let (stream, _) = listener.accept().await?;
    // Without it everything is right, only slower.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn accept(
    listener: TcpListener,
    front: Arc<Front>,
    places: Arc<Places>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = next(&listener) => accepted,
        };
        match accepted {
            Ok(stream) => match places.enter().0 {
                Some(place) => {
                    tokio::spawn(connection::serve(stream, front.clone(), place, connections.watcher()));
                    // What it has said already is read before a flood of others takes its place.
                    tokio::task::yield_now().await;
                }
                None => front.metrics.turned_away(),
            },
            Err(_) => {
                front.metrics.accept_failed();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(END, connections.shutdown()).await;
    Ok(())
}

/// `server-cert` may have written another certificate: it is for new connections.
async fn look_for_a_new_certificate(identity: Arc<ServerIdentity>) {
    let mut said = None;
    loop {
        tokio::time::sleep(RELOAD).await;
        let identity = identity.clone();
        let Ok(reloaded) = tokio::task::spawn_blocking(move || identity.reload()).await else { continue };
        match reloaded {
            Ok(Reloaded::Same) => said = None,
            Ok(Reloaded::New) => log::warn!("the server's certificate was renewed"),
            Err(failure) => {
                // Once for each cause: the files are looked at every few seconds.
                let failure = failure.to_string();
                if said.as_ref() != Some(&failure) {
                    log::error!(
                        "the server's certificate can't be read, and the one before stays: {failure}"
                    );
                    said = Some(failure);
                }
            }
        }
    }
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
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
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the collector can still be ended, only less gently.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_does_not_wait_for_what_was_written_before_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (device, taken) = tokio::join!(TcpStream::connect(address), next(&listener));
            assert!(taken.unwrap().nodelay().unwrap());
            drop(device);
        });
    }
}

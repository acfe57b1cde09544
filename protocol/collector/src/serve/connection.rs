//! One connection from the TCP handshake to its end: its time limits and its place.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::body::{End, Watched};
use super::linger::{Early, Lingering};
use super::places::{Place, Vacancy};
use crate::metrics::{Handshake, Metrics};
use crate::pki::Shown;
use crate::problem::Problem;
use crate::routes::{Peer, SMALL_BODY};

/// From the TCP connection to the head of the first request, before a certificate is shown; and for its body.
const STRANGER: Duration = Duration::from_secs(5);
/// A device's connection without a request for so long is closed.
const HEAD: Duration = Duration::from_secs(60);
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;
/// The route, among the metrics, of what was refused before it had one.
const NOT_ROUTED: &str = "none";
/// Routes that take a body without a certificate.
const ENROLMENT: &str = "/v1/enrol";

/// What every connection works with.
pub(super) struct Front {
    pub(super) tls: Arc<ServerConfig>,
    pub(super) router: Router,
    pub(super) metrics: Arc<Metrics>,
}

/// Who is at the other end.
#[derive(Clone, Copy)]
enum Company {
    /// Showed no certificate.
    Stranger,
    /// Showed a device's certificate, and there was a place.
    Device(Shown),
    /// Showed a device's certificate while all places of devices were at work.
    TooMany,
}

/// Serves a connection until either end closes it, or another one needs its place.
pub(super) async fn serve(stream: TcpStream, front: Arc<Front>, place: Place, watcher: Watcher) {
    let (begun, place) = (Instant::now(), Arc::new(place));
    let outcome = tokio::select! {
        biased;
        () = place.displaced_by_another() => Err(Handshake::Displaced),
        shaken = tokio::time::timeout(STRANGER, shake_hands(stream, &front, &place)) => match shaken {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(_)) => Err(Handshake::Failed),
            Err(_) => Err(Handshake::TimedOut),
        },
    };
    let stream = match outcome {
        Ok(stream) => stream,
        Err(why) => return front.metrics.handshake(why),
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(Shown::read);
    let company = match shown {
        None => Company::Stranger,
        Some(shown) => match place.certify(shown.device) {
            Vacancy::None => Company::TooMany,
            Vacancy::Free => Company::Device(shown),
            Vacancy::Made => {
                front.metrics.displaced();
                Company::Device(shown)
            }
        },
    };
    front.metrics.handshake(if shown.is_some() { Handshake::Device } else { Handshake::Stranger });
    let head = match company {
        Company::Device(_) => HEAD,
        // Not zero, which would be no time at all for a request that is here already.
        _ => STRANGER.saturating_sub(begun.elapsed()).max(Duration::from_millis(100)),
    };
    tokio::select! {
        biased;
        () = place.displaced_by_another() => {}
        () = requests(stream, front, place.clone(), watcher, company, head) => {}
    }
}

async fn shake_hands(stream: TcpStream, front: &Front, place: &Place) -> io::Result<TlsStream<TcpStream>> {
    let greeting = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    place.greeted();
    greeting.into_stream(front.tls.clone()).await
}

async fn requests(
    stream: TlsStream<TcpStream>,
    front: Arc<Front>,
    place: Arc<Place>,
    watcher: Watcher,
    company: Company,
    head: Duration,
) {
    let router = TowerToHyperService::new(front.router.clone());
    let early = Early::default();
    let stream = Lingering::new(stream, early.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, front, place, begun) = (router.clone(), front.clone(), place.clone(), Instant::now());
        let early = early.clone();
        async move {
            let (parts, body) = request.into_parts();
            let (body, end) = Watched::new(body);
            let request = Request::from_parts(parts, Body::new(body));
            let answered = answer(router, &place, company, request, &end).await;
            if !end.has_come() {
                early.note();
            }
            Ok::<_, Infallible>(answered.unwrap_or_else(|problem| {
                // It never came as far as where the others are counted.
                let response = problem.into_response();
                front.metrics.answered(NOT_ROUTED, response.status().as_u16(), begun.elapsed());
                response
            }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(MAX_HEAD)
        .keep_alive(matches!(company, Company::Device(_)))
        .serve_connection(TokioIo::new(stream), service);
    if watcher.watch(connection).await.is_err() {
        log::debug!("a connection ended before its time");
    }
}

async fn answer(
    router: TowerToHyperService<Router>,
    place: &Arc<Place>,
    company: Company,
    mut request: Request<Body>,
    end: &End,
) -> Result<Response, Problem> {
    let peer = match company {
        Company::TooMany => return Err(Problem::Busy),
        Company::Stranger => {
            if request.uri().path().starts_with(ENROLMENT) {
                // Until all of it is here the connection is as good as a silent one.
                request = whole(request).await?;
            }
            Peer::STRANGER
        }
        Company::Device(shown) => Peer::at(shown, OffsetDateTime::now_utc()),
    };
    let _working = place.work();
    request.extensions_mut().insert(peer);
    let mut response = router.call(request).await.unwrap_or_else(|never| match never {});
    // A stranger also where the certificate ended on this connection: the next one is a new beginning.
    if peer == Peer::STRANGER || !end.has_come() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A stranger's request with its body in memory.
async fn whole(request: Request<Body>) -> Result<Request<Body>, Problem> {
    let (parts, body) = request.into_parts();
    // One byte more than a route takes, so that the route says which limit it was.
    match tokio::time::timeout(STRANGER, to_bytes(body, SMALL_BODY + 1)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(_)) => Err(Problem::TooLong),
        Err(_) => Err(Problem::Timeout),
    }
}

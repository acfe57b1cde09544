//! The operators' page, health and metrics for those who run the collector, on a listener of their own that only this machine reaches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::admission::Admission;
use super::places::Places;
use super::tls::ServerIdentity;
use crate::fleet::page::Question;
use crate::fleet::{self, Fleet, Glance};
use crate::metrics::{ClusterNow, MEDIA, Metrics, Moment};
use crate::routes::Collector;

/// Connections at once: a few scrapers, and a person.
const CONNECTIONS: usize = 16;
/// One connection in all; a scraper comes again.
const PATIENCE: Duration = Duration::from_secs(60);
/// For a request's head.
const HEAD: Duration = Duration::from_secs(5);
/// After a failed accept.
const PAUSE: Duration = Duration::from_millis(100);

/// What there is to say.
pub(super) struct Operations {
    pub(super) collector: Arc<Collector>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) places: Arc<Places>,
    pub(super) admission: Arc<Admission>,
    pub(super) identity: Arc<ServerIdentity>,
    pub(super) glance: Glance,
    /// It was asked to stop.
    pub(super) ending: AtomicBool,
}

/// Answers until the program ends.
pub(super) async fn serve(listener: TcpListener, operations: Arc<Operations>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let service = TowerToHyperService::new(router(operations));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok(stream) = super::next(&listener).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service);
            if !matches!(tokio::time::timeout(PATIENCE, connection).await, Ok(Ok(()))) {
                log::debug!("a connection for operations ended before its time");
            }
            drop(place);
        });
    }
}

fn router(operations: Arc<Operations>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(async || (StatusCode::NOT_FOUND, "/, /healthz, /readyz, /metrics\n"))
        .with_state(operations)
}

/// Whether devices would be served now.
async fn ready(State(operations): State<Arc<Operations>>) -> Response {
    if operations.ending.load(Ordering::Relaxed) {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "ending: it was asked to stop, and the requests that it has are finished\n",
        )
            .into_response();
    }
    let collector = operations.collector.clone();
    let checked = tokio::task::spawn_blocking(move || collector.store.ready(OffsetDateTime::now_utc())).await;
    match checked {
        Ok(Ok(())) => "ready\n".into_response(),
        // Which of several machines is wrong, and how; of a database file the log says it.
        Ok(Err(failure)) if operations.collector.store.is_postgres() => {
            log::error!("not ready: {failure}");
            let said = format!("the store can't be written: {failure}\n");
            (StatusCode::SERVICE_UNAVAILABLE, said).into_response()
        }
        Ok(Err(failure)) => {
            log::error!("not ready: {failure}");
            (StatusCode::SERVICE_UNAVAILABLE, "the store can't be written\n").into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store failed\n").into_response(),
    }
}

/// The fleet now; none, and the log says why, if the store can't be read.
async fn fleet(operations: &Arc<Operations>) -> Option<Arc<Fleet>> {
    let operations = operations.clone();
    let look = move || operations.glance.at(&operations.collector.store, Instant::now());
    match tokio::task::spawn_blocking(look).await.ok()? {
        Ok(fleet) => Some(fleet),
        Err(failure) => {
            log::error!("the fleet can't be looked at: {failure}");
            None
        }
    }
}

/// How a store in PostgreSQL keeps what it acknowledges now.
async fn cluster(operations: &Arc<Operations>) -> Option<ClusterNow> {
    let collector = operations.collector.clone();
    let look = move || {
        let durability = collector.store.durability()?;
        let found = collector.store.cluster()?;
        let (is_met, replicas) =
            found.map_or((false, 0), |(checked, judged)| (judged.is_ok(), checked.replicas));
        Some(ClusterNow { durability, is_met, replicas })
    };
    tokio::task::spawn_blocking(look).await.ok()?
}

/// The operators' page.
async fn page(
    State(operations): State<Arc<Operations>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Response {
    let Ok(Query(question)) = question else {
        return (StatusCode::BAD_REQUEST, "q is a text, sort a column of the page\n").into_response();
    };
    let Some(fleet) = fleet(&operations).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store can't be read\n").into_response();
    };
    let page = fleet::page::page(&fleet, &question, env!("CARGO_PKG_VERSION"), OffsetDateTime::now_utc());
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, page.into_string()).into_response()
}

async fn metrics(State(operations): State<Arc<Operations>>) -> Response {
    let (strangers, devices) = operations.places.count();
    let moment = Moment {
        at: OffsetDateTime::now_utc(),
        strangers,
        devices,
        in_flight: operations.admission.in_flight(),
        certificate_end: operations.identity.not_after(),
        cluster: cluster(&operations).await,
    };
    match operations.metrics.print(moment, fleet(&operations).await.as_deref()) {
        Ok(text) => ([(CONTENT_TYPE, MEDIA), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

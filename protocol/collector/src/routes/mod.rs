//! What a request means. A handler reads the request, hands it to a thread that may block on the
//! disk, and turns what the store says into a status.

mod batch;
mod bundle;
mod chunk;
mod enrol;
mod handler;
mod news;
mod observe;
mod privacy;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use protocol::envelope;
use protocol::reply::Capabilities;

use crate::problem::Problem;
use crate::store::{MAX_BUNDLE, rfc3339};
use handler::{Caller, active, json};
pub(crate) use handler::{Clock, Collector, Peer, SMALL_BODY, completions};
pub(crate) use observe::Watch;
pub(crate) use turns::Turns;

/// The route of batches.
const BATCHES: &str = "/v1/streams/{purpose}/batches/{id}";
/// A whole request, its body and the store's part included.
const DEADLINE: Duration = Duration::from_secs(120);
/// Likewise for a chunk of a bundle, or for reading a whole one once more.
const BUNDLE_DEADLINE: Duration = Duration::from_secs(300);

/// All routes. Requests carry a [`Peer`].
pub(crate) fn router(collector: Arc<Collector>, watch: Watch) -> Router {
    Router::new()
        .route("/v1/enrol", post(enrol::enrol))
        .route("/v1/enrol/renew", post(enrol::renew))
        .route("/v1/capabilities", get(capabilities))
        .route("/v1/consents/{hash}", put(batch::put_consent))
        .route("/v1/news", post(news::tell))
        .route("/v1/privacy/{name}", post(privacy::ask).get(privacy::look))
        .route("/v1/privacy/{ticket}/answer/{part}", get(privacy::part))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
        .route(BATCHES, put(batch::put_batch).layer(DefaultBodyLimit::max(envelope::MAX_WIRE)))
        .layer(middleware::from_fn(async |request, next| deadline(DEADLINE, request, next).await))
        .merge(
            bundle::routes().layer(middleware::from_fn(async |request, next| {
                deadline(BUNDLE_DEADLINE, request, next).await
            })),
        )
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(middleware::from_fn(move |request, next| watch.clone().observe(request, next)))
        .with_state(collector)
}

async fn deadline(limit: Duration, request: Request, next: Next) -> Response {
    let response = tokio::time::timeout(limit, next.run(request)).await;
    response.unwrap_or_else(|_| Problem::Timeout.into_response())
}

async fn capabilities(State(collector): State<Arc<Collector>>, caller: Caller) -> Response {
    active(collector, caller, |collector, _| {
        Ok(json(
            StatusCode::OK,
            &Capabilities {
                protocol: vec![1],
                time: rfc3339(collector.now()),
                max_batch: envelope::MAX_WIRE as u64,
                max_records: envelope::MAX_RECORDS as u64,
                max_bundle: MAX_BUNDLE,
                residency: collector.residency.clone(),
            },
        ))
    })
    .await
}

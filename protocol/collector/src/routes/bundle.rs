//! Support bundles: tus 1.0 with its extensions Creation and Checksum, and `complete`, which files a bundle.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use protocol::bundle::{self, Announcement, BundleReply, Complete, tus};
use protocol::{DeviceId, Digest};

use super::chunk::{self, Chunk};
use super::handler::{
    self, Body, Caller, Collector, Path, SMALL_BODY, active, json, read_json, refused, standing,
};
use crate::problem::Problem;
use crate::store::{Announced, MAX_BUNDLE, Standing};

const BUNDLES: &str = "/v1/bundles";

/// The routes of bundles.
pub(super) fn routes() -> Router<Arc<Collector>> {
    Router::new()
        .route(BUNDLES, post(create).options(offer))
        .route("/v1/bundles/{sha256}", patch(append).head(offset).options(offer))
        .layer(middleware::from_fn(speaks_tus))
        .route("/v1/bundles/{sha256}/complete", post(complete))
        .layer(DefaultBodyLimit::max(SMALL_BODY))
}

/// Every request and answer of tus names its version, but the question which versions there are.
async fn speaks_tus(request: Request, next: Next) -> Response {
    let is_question = request.method() == Method::OPTIONS;
    let spoken = request.headers().get(tus::RESUMABLE).is_some_and(|version| version == tus::VERSION);
    let mut response =
        if is_question || spoken { next.run(request).await } else { Problem::OtherTus.into_response() };
    let headers = response.headers_mut();
    headers.insert(tus::RESUMABLE, HeaderValue::from_static(tus::VERSION));
    headers.insert(tus::VERSIONS, HeaderValue::from_static(tus::VERSION));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}

/// `OPTIONS`: what this server can.
async fn offer(State(collector): State<Arc<Collector>>, caller: Caller) -> Response {
    active(collector, caller, |_, _| {
        let offers = [
            (tus::EXTENSION, "creation,checksum".to_owned()),
            (tus::MAX_SIZE, MAX_BUNDLE.to_string()),
            (tus::CHECKSUM_ALGORITHM, chunk::ALGORITHMS.to_owned()),
        ];
        Ok((StatusCode::NO_CONTENT, offers).into_response())
    })
    .await
}

/// `POST /v1/bundles`. Its body is empty, and read: it may come in chunks of which the last is late.
async fn create(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    headers: HeaderMap,
    _empty: Body,
) -> Response {
    active(collector, caller, move |collector, device| {
        let size = number(&headers, tus::LENGTH).ok_or(Problem::BadRequest)?;
        let metadata = headers.get(tus::METADATA).and_then(|value| value.to_str().ok());
        let announcement =
            metadata.and_then(|metadata| Announcement::read(metadata, size)).ok_or(Problem::BadRequest)?;
        if size == 0 || size > MAX_BUNDLE {
            return Err(Problem::TooLong);
        }
        collector.store.allows_bundle(device, &announcement, collector.now())?.map_err(refused)?;
        let location = format!("{BUNDLES}/{}", announcement.sha256);
        match collector.store.announce(device, &announcement, collector.now())? {
            Announced::Now | Announced::Before => {
                Ok((StatusCode::CREATED, [("location", location)]).into_response())
            }
            Announced::Conflict => Err(Problem::BundleConflict),
            Announced::Full => Err(Problem::LimitReached),
        }
    })
    .await
}

/// `HEAD /v1/bundles/{sha256}`
async fn offset(State(collector): State<Arc<Collector>>, caller: Caller, path: Path<String>) -> Response {
    let Ok(sha256) = named(path) else { return Problem::NotFound.into_response() };
    let turn = collector.turns.take(caller.0, sha256).await;
    active(collector, caller, move |collector, device| {
        let _turn = turn;
        let announced = allowed(collector, device, sha256)?;
        let offset = collector.store.offset(device, &announced)?;
        let (offset, length) = (offset.to_string(), announced.size.to_string());
        Ok((StatusCode::OK, [(tus::OFFSET, offset), (tus::LENGTH, length)]).into_response())
    })
    .await
}

/// `PATCH /v1/bundles/{sha256}`
async fn append(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let sha256 = named(path);
    let appended = async {
        let sha256 = sha256?;
        let is_chunk = parts.headers.get("content-type").is_some_and(|media| media == tus::CHUNK);
        if !is_chunk {
            return Err(Problem::NotAChunk);
        }
        let offset = number(&parts.headers, tus::OFFSET).ok_or(Problem::BadRequest)?;
        let checksum = chunk::Checksum::read(&parts.headers)?;
        let turn = collector.turns.take(caller.0, sha256).await;
        let begun = standing(collector.clone(), caller, move |collector, device, standing| {
            if standing == Standing::Retired {
                return Err(Problem::DeviceRetired);
            }
            let announced = allowed(collector, device, sha256)?;
            if collector.store.offset(device, &announced)? != offset {
                return Err(Problem::OffsetConflict);
            }
            let remaining = announced.size - offset;
            let part =
                if remaining == 0 { None } else { Some(collector.store.part_at(device, sha256, offset)?) };
            Ok(Chunk::new(part, offset, remaining.min(bundle::MAX_CHUNK), checksum, turn))
        });
        begun.await?.fill(body).await
    };
    let appended = appended.await;
    active(collector, caller, move |collector, device| {
        let offset = appended?.keep()?.to_string();
        if !collector.store.is_still_announced(device, sha256?)? {
            return Err(Problem::NotFound);
        }
        Ok((StatusCode::NO_CONTENT, [(tus::OFFSET, offset)]).into_response())
    })
    .await
}

/// `POST /v1/bundles/{sha256}/complete`
async fn complete(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<String>,
    body: Body,
) -> Response {
    let Ok(sha256) = named(path) else { return Problem::NotFound.into_response() };
    let turn = collector.turns.take(caller.0, sha256).await;
    // The whole file is read: few at a time, and those that wait hold no thread that a batch needs.
    let Ok(place) = collector.completions.clone().acquire_owned().await else {
        return Problem::Unavailable.into_response();
    };
    active(collector, caller, move |collector, device| {
        let (_turn, _place) = (turn, place);
        let complete: Complete = read_json(body)?;
        let announced = allowed(collector, device, sha256)?;
        let Announcement { size, .. } = announced;
        let is_whole = (complete == Complete { sha256, size })
            && collector.store.offset(device, &announced)? == size
            && collector.store.complete(device, &announced, collector.now())?;
        if !is_whole {
            return Err(Problem::BundleIncomplete);
        }
        let receipt = bundle::receipt(sha256);
        Ok(json(StatusCode::OK, &BundleReply { sha256, size, durable: true, receipt }))
    })
    .await
}

/// What the device announced under this digest, if its consent still stands.
fn allowed(collector: &Collector, device: DeviceId, sha256: Digest) -> Result<Announcement, Problem> {
    let announced = collector.store.announced(device, sha256)?.ok_or(Problem::NotFound)?;
    collector.store.allows_bundle(device, &announced, collector.now())?.map_err(refused)?;
    Ok(announced)
}

fn named(path: Path<String>) -> Result<Digest, Problem> {
    handler::path(path)?.parse().map_err(|_| Problem::NotFound)
}

fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()?.parse().ok()
}

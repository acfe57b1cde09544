//! Ledger entries, and the batches that they allow.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use protocol::reply::{BatchReply, ConsentReply, names};
use protocol::{Batch, DeviceId, Digest, Purpose, ledger};

use super::handler::{self, Body, Caller, Collector, Path, active, blocking, bytes, json};
use crate::problem::Problem;
use crate::store::{Answer, Kept, Put, Verdict};

/// Bytes of an envelope whose inflating may hold others up for too long.
const LARGE: usize = 16 << 10;
/// Largest position in a ledger that is kept.
const MAX_INDEX: u64 = i64::MAX as u64;

/// `PUT /v1/consents/{hash}`
pub(super) async fn put_consent(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<String>,
    body: Body,
) -> Response {
    active(collector, caller, |collector, device| {
        consent(collector, device, &handler::path(path)?, &bytes(body)?)
    })
    .await
}

/// `PUT /v1/streams/{purpose}/batches/{id}`. No thread waits for the store, so that many devices share one sync.
pub(super) async fn put_batch(
    State(collector): State<Arc<Collector>>,
    Caller(device): Caller,
    path: Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answered = async {
        let checked = if body.as_ref().is_ok_and(|body| body.len() > LARGE) {
            blocking(move || check(path, &headers, body)).await?
        } else {
            check(path, &headers, body)?
        };
        let Checked { put, reply } = checked;
        let answer = collector.store.put_batch(device, put, collector.now()).wait().await?;
        let Answer { verdict, head, invitations, enrolled, audits } = answer;
        let status = match verdict {
            Verdict::New(_) => Ok(StatusCode::CREATED),
            Verdict::Held => Ok(StatusCode::OK),
            Verdict::NotServed(standing) => return Err(handler::not_served(standing)),
            Verdict::Conflict => Err(Problem::BatchConflict),
            Verdict::Full(reached) => Err(handler::reached(reached)),
            Verdict::Refused(refused) => Err(handler::refused(refused)),
        };
        let response = status.map_or_else(Problem::into_response, |status| json(status, &reply));
        let offer = {
            let (collector, of) = (collector.clone(), (device, enrolled));
            move || Ok(collector.news.offer(&collector.store, of, audits)?)
        };
        // Only a new line of the audit is read, and only by the first who comes after it.
        let news = if collector.news.has(audits) { offer()? } else { blocking(offer).await? };
        Ok(handler::with_news(response, head, &invitations, news))
    };
    match answered.await {
        Ok(response) => response,
        // The request itself is wrong; the response still carries the device's news.
        Err(problem) => active(collector, Caller(device), move |_, _| Err(problem)).await,
    }
}

/// A batch that is what it says it is, and the answer that it gets if it is held.
struct Checked {
    put: Put,
    reply: BatchReply,
}

fn check(path: Path<(String, String)>, headers: &HeaderMap, body: Body) -> Result<Checked, Problem> {
    let (purpose, id) = handler::path(path)?;
    let purpose: Purpose = purpose.parse().map_err(|_| Problem::NotFound)?;
    let body = bytes(body)?;
    let digest = Digest::of(&body);
    if content_digest(headers) != Some(digest) {
        return Err(Problem::DigestMismatch);
    }
    let batch = Batch::decode(&body)?;
    let accepted = vec![(batch.lo, batch.hi())];
    let reply = BatchReply { batch: batch.id(), digest, durable: true, accepted, rejected: Vec::new() };
    if batch.header.purpose != purpose || reply.batch != id {
        return Err(Problem::NameMismatch);
    }
    let put = Put::new(&batch, digest, body.to_vec()).ok_or(Problem::BadBatch)?;
    Ok(Checked { put, reply })
}

fn consent(collector: &Collector, device: DeviceId, hash: &str, body: &Bytes) -> Result<Response, Problem> {
    let hash: Digest = hash.parse().map_err(|_| Problem::NotFound)?;
    let line = std::str::from_utf8(body).map_err(|_| Problem::BadConsent)?;
    if ledger::line_hash(line) != hash {
        return Err(Problem::DigestMismatch);
    }
    let enrolled = collector.store.device(device)?.ok_or(Problem::DeviceUnknown)?;
    let entry = ledger::read_line(line, &enrolled.key).map_err(|_| Problem::BadConsent)?;
    if entry.header.device != device || entry.header.index > MAX_INDEX {
        return Err(Problem::BadConsent);
    }
    let (status, expected) = match collector.store.put_consent(device, line, &entry, collector.now())? {
        Kept::Now { expected } => (StatusCode::CREATED, expected),
        Kept::Before { expected } => (StatusCode::OK, expected),
        Kept::Full(reached) => return Err(handler::reached(reached)),
        Kept::NotServed(standing) => return Err(handler::not_served(standing)),
    };
    Ok(json(status, &ConsentReply { hash, durable: true, expected: Some(expected) }))
}

/// The SHA-256 among the digests of a `Content-Digest` header (RFC 9530 section 2).
fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    let digests = headers.get(names::CONTENT_DIGEST)?.to_str().ok()?;
    let encoded = digests.split(',').find_map(|digest| digest.trim().strip_prefix("sha-256=:"))?;
    let bytes = BASE64.decode(encoded.strip_suffix(':')?.as_bytes()).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

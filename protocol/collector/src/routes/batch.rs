//! Ledger entries, and the batches that they allow.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use data_encoding::BASE64;
use protocol::reply::{BatchReply, ConsentReply, names};
use protocol::{Batch, DeviceId, Digest, Purpose, ledger};

use super::{Body, Caller, Collector, Path, active, bytes, json, now};
use crate::problem::Problem;
use crate::store::{Kept, Verdict};

/// `PUT /v1/consents/{hash}`
pub(super) async fn put_consent(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<String>,
    body: Body,
) -> Response {
    active(collector, caller, |collector, device| {
        consent(collector, device, &super::path(path)?, &bytes(body)?)
    })
    .await
}

/// `PUT /v1/streams/{purpose}/batches/{id}`
pub(super) async fn put_batch(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    active(collector, caller, move |collector, device| {
        let (purpose, id) = super::path(path)?;
        let purpose = purpose.parse().map_err(|_| Problem::NotFound)?;
        let body = bytes(body)?;
        let digest = Digest::of(&body);
        if content_digest(&headers) != Some(digest) {
            return Err(Problem::DigestMismatch);
        }
        batch(collector, device, purpose, &id, &body)
    })
    .await
}

fn consent(collector: &Collector, device: DeviceId, hash: &str, body: &Bytes) -> Result<Response, Problem> {
    let hash: Digest = hash.parse().map_err(|_| Problem::NotFound)?;
    let line = std::str::from_utf8(body).map_err(|_| Problem::BadConsent)?;
    if ledger::line_hash(line) != hash {
        return Err(Problem::DigestMismatch);
    }
    let enrolment = collector.store.enrolment(device)?.ok_or(Problem::DeviceUnknown)?;
    let entry = ledger::read_line(line, &enrolment.public_key()).map_err(|_| Problem::BadConsent)?;
    if entry.header.device != device {
        return Err(Problem::BadConsent);
    }
    let status = match collector.store.put_consent(device, line, entry, now())? {
        Kept::Now => StatusCode::CREATED,
        Kept::Before => StatusCode::OK,
        Kept::Full => return Err(Problem::LimitReached),
    };
    Ok(json(status, &ConsentReply { hash, durable: true }))
}

fn batch(
    collector: &Collector,
    device: DeviceId,
    purpose: Purpose,
    id: &str,
    body: &Bytes,
) -> Result<Response, Problem> {
    let batch = Batch::decode(body)?;
    if batch.header.purpose != purpose || batch.id() != id {
        return Err(Problem::NameMismatch);
    }
    let status = match collector.store.put_batch(device, &batch, body, now())? {
        Ok(Verdict::New) => StatusCode::CREATED,
        Ok(Verdict::Held) => StatusCode::OK,
        Ok(Verdict::Conflict) => return Err(Problem::BatchConflict),
        Ok(Verdict::Full) => return Err(Problem::LimitReached),
        Err(refused) => return Err(super::refused(refused)),
    };
    let reply = BatchReply {
        batch: batch.id(),
        digest: Digest::of(body),
        durable: true,
        accepted: vec![(batch.lo, batch.hi())],
        rejected: Vec::new(),
    };
    Ok(json(status, &reply))
}

/// The SHA-256 among the digests of a `Content-Digest` header (RFC 9530 section 2).
fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    let digests = headers.get(names::CONTENT_DIGEST)?.to_str().ok()?;
    let encoded = digests.split(',').find_map(|digest| digest.trim().strip_prefix("sha-256=:"))?;
    let bytes = BASE64.decode(encoded.strip_suffix(':')?.as_bytes()).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}

//! Requests about what was sent, which a device makes also when it sends nothing else any more.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::reply::PrivacyRequest;
use protocol::rights::PrivacyKind;

use super::handler::{self, Body, Caller, Collector, Path, enrolled, json, read_json};
use crate::problem::Problem;
use crate::store::Asked;
use crate::store::requests::Ticket;

/// `POST /v1/privacy/{kind}`
pub(super) async fn ask(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<String>,
    body: Body,
) -> Response {
    enrolled(collector, caller, |collector, device, _| {
        let kind = handler::path(path)?.parse().map_err(|_| Problem::NotFound)?;
        let request: PrivacyRequest = read_json(body)?;
        let kind =
            if kind == PrivacyKind::Restrict && request.objection { PrivacyKind::Object } else { kind };
        let ticket = Ticket::of(device, &request.request_id).ok_or(Problem::BadRequest)?;
        match collector.store.put_request(ticket, kind, &request, collector.now())? {
            Asked::Kept(reply) => Ok(json(StatusCode::ACCEPTED, &reply)),
            Asked::Conflict => Err(Problem::RequestConflict),
            Asked::Full => Err(Problem::LimitReached),
            Asked::NotServed(standing) => Err(handler::not_served(standing)),
        }
    })
    .await
}

/// `GET /v1/privacy/{ticket}/answer/{part}`, for the device whose ticket it is.
pub(super) async fn part(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<(String, u64)>,
) -> Response {
    enrolled(collector, caller, |collector, device, _| {
        let (ticket, part) = handler::path(path)?;
        let ticket = Ticket::read(&ticket).filter(|ticket| ticket.device == device);
        let part = collector.store.answer_part(ticket.ok_or(Problem::NotFound)?, part)?;
        let part = part.ok_or(Problem::NotFound)?;
        Ok((StatusCode::OK, [("content-type", "application/octet-stream")], part).into_response())
    })
    .await
}

/// `GET /v1/privacy/{ticket}`, for the device whose ticket it is.
pub(super) async fn look(
    State(collector): State<Arc<Collector>>,
    caller: Caller,
    path: Path<String>,
) -> Response {
    enrolled(collector, caller, |collector, device, _| {
        let ticket = Ticket::read(&handler::path(path)?).filter(|ticket| ticket.device == device);
        let reply = collector.store.request_state(ticket.ok_or(Problem::NotFound)?)?;
        reply.map(|reply| json(StatusCode::OK, &reply)).ok_or(Problem::NotFound)
    })
    .await
}

//! What a device is informed of beside its answers: use receipts and notices.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::reply::NewsRequest;

use super::handler::{Body, Caller, Collector, enrolled, json, read_json};
use crate::problem::Problem;

/// `POST /v1/news`
pub(super) async fn tell(State(collector): State<Arc<Collector>>, caller: Caller, body: Body) -> Response {
    enrolled(collector, caller, |collector, device, _| {
        let asked: NewsRequest = read_json(body)?;
        let known = collector.store.device(device)?.ok_or(Problem::DeviceUnknown)?;
        let of = (device, known.enrolled);
        let reply = collector.news.answer(&collector.store, of, &asked, collector.now())?;
        Ok(json(StatusCode::OK, &reply))
    })
    .await
}

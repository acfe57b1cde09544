//! Middleware of all requests: admission, metrics, access log.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::envelope;

use super::BATCHES;
use super::handler::{Peer, SMALL_BODY, now};
use crate::access::{Access, Line};
use crate::metrics::{Batch, Metrics};
use crate::serve::admission::Admission;

/// What stands for the route of a request that has none.
const NO_ROUTE: &str = "none";

/// Who watches.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) admission: Arc<Admission>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) access: Option<Access>,
}

impl Watch {
    /// Answers a request, or sends it away.
    pub(super) async fn observe(self, request: Request, next: Next) -> Response {
        let begun = Instant::now();
        let route =
            request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
        let device = request.extensions().get::<Peer>().and_then(|peer| peer.0);
        let method = request.method().clone();
        let records = (route == BATCHES).then(|| records(request.uri().path()));
        let response = match self.admission.admit(device, held(&request, &route)) {
            Ok(_admitted) => next.run(request).await,
            Err(problem) => problem.into_response(),
        };
        let (status, took) = (response.status(), begun.elapsed());
        self.metrics.answered(&route, status.as_u16(), took);
        if let Some(records) = records {
            let became = match status {
                StatusCode::CREATED => Batch::Stored,
                StatusCode::OK => Batch::Held,
                _ => Batch::Refused,
            };
            self.metrics.batch(became, records);
        }
        if let Some(access) = &self.access {
            access.put(Line::new(now(), device, &method, &route, status.as_u16(), took));
        }
        response
    }
}

/// Bytes of memory that the body will need: a chunk of a bundle goes to the disk frame by frame.
fn held(request: &Request, route: &str) -> usize {
    let most = if route == BATCHES { envelope::MAX_WIRE } else { SMALL_BODY };
    if request.method() == Method::PATCH {
        return most;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(most).min(most)
}

/// How many records the name of a batch says: `{epoch}-{lo}-{hi}`.
fn records(path: &str) -> u64 {
    let count = || {
        let (rest, high) = path.rsplit_once('-')?;
        let (_, low) = rest.rsplit_once('-')?;
        high.parse::<u64>().ok()?.checked_sub(low.parse().ok()?)?.checked_add(1)
    };
    count().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_s_name_says_how_many_records_it_has() {
        for (path, count) in [
            ("/v1/streams/usage_statistics/batches/00ff-0-499", 500),
            ("/v1/streams/usage_statistics/batches/00ff-7-7", 1),
            ("/v1/streams/usage_statistics/batches/00ff-8-7", 0),
            ("/v1/streams/usage_statistics/batches/00ff-0-18446744073709551615", 0),
            ("/v1/streams/usage_statistics/batches/nothing", 0),
        ] {
            assert_eq!(records(path), count, "{path}");
        }
    }

    #[test]
    fn a_body_counts_as_what_it_may_hold() {
        let request = |method: &str, length: Option<&str>| {
            let builder = Request::builder().method(method).uri("/");
            let builder = length.into_iter().fold(builder, |it, length| it.header(CONTENT_LENGTH, length));
            builder.body(axum::body::Body::empty()).unwrap()
        };
        assert_eq!(held(&request("PUT", Some("1000")), BATCHES), 1000);
        assert_eq!(held(&request("PUT", None), BATCHES), envelope::MAX_WIRE);
        assert_eq!(held(&request("PUT", Some("99999999999")), BATCHES), envelope::MAX_WIRE);
        assert_eq!(held(&request("POST", Some("nonsense")), "/v1/enrol"), SMALL_BODY);
        assert_eq!(held(&request("PATCH", Some("5000000")), "/v1/bundles/{sha256}"), SMALL_BODY);
    }
}

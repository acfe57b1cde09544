//! Enrolment by a one-time token, and renewal by the key itself.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::reply::{EnrolReply, EnrolRequest, RenewRequest};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Body, Collector, Peer, blocking, json, now, read_json};
use crate::pki::SigningRequest;
use crate::problem::Problem;
use crate::store::device::{Standing, rfc3339};
use crate::store::tokens::Redeemed;

/// How long after its certificate's end a device may still renew by the key alone: workstations
/// sleep for months.
const LATE_RENEWAL: Duration = Duration::days(365);

/// `POST /v1/enrol`
pub(super) async fn enrol(State(collector): State<Arc<Collector>>, body: Body) -> Response {
    blocking(move || {
        let EnrolRequest { token, csr } = read_json(body)?;
        let request = SigningRequest::read(&csr).ok_or(Problem::BadSigningRequest)?;
        if collector.store.standing(request.device())? == Standing::Revoked {
            return Err(Problem::DeviceRevoked);
        }
        match collector.store.redeem(&token, now())? {
            Redeemed::Now => certify(&collector, &request, now()),
            Redeemed::Before => Err(Problem::TokenUsed),
            Redeemed::Never => Err(Problem::BadToken),
        }
    })
    .await
    .unwrap_or_else(Problem::into_response)
}

/// `POST /v1/enrol/renew`. The request's signature proves the key; a certificate is wanted beside it
/// while it lives, because TLS refuses one that does not.
pub(super) async fn renew(
    State(collector): State<Arc<Collector>>,
    Extension(peer): Extension<Peer>,
    body: Body,
) -> Response {
    blocking(move || {
        let RenewRequest { csr } = read_json(body)?;
        let request = SigningRequest::read(&csr).ok_or(Problem::BadSigningRequest)?;
        let device = request.device();
        match collector.store.standing(device)? {
            Standing::Unknown => return Err(Problem::DeviceUnknown),
            Standing::Revoked => return Err(Problem::DeviceRevoked),
            Standing::Retired => return Err(Problem::DeviceRetired),
            Standing::Active => {}
        }
        let shown = match peer.0 {
            Some(shown) => shown == device,
            None => {
                let enrolment = collector.store.enrolment(device)?.ok_or(Problem::DeviceUnknown)?;
                let end = OffsetDateTime::parse(&enrolment.not_after, &Rfc3339);
                end.is_ok_and(|end| end <= now() && now() < end + LATE_RENEWAL)
            }
        };
        if !shown {
            return Err(Problem::CertificateRequired);
        }
        certify(&collector, &request, now())
    })
    .await
    .unwrap_or_else(Problem::into_response)
}

fn certify(
    collector: &Collector,
    request: &SigningRequest,
    now: OffsetDateTime,
) -> Result<Response, Problem> {
    let issued = collector.authority.issue(request, now)?;
    collector.store.enrol(request.public_key(), issued.not_after, now)?;
    let reply =
        EnrolReply { chain: issued.chain, device_id: request.device(), not_after: rfc3339(issued.not_after) };
    Ok(json(StatusCode::CREATED, &reply))
}

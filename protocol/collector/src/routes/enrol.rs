//! Enrolment by a one-time token, and renewal by the key itself.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::reply::{EnrolReply, EnrolRequest, RenewRequest};
use time::{Duration, OffsetDateTime};

use super::handler::{Body, Collector, Peer, blocking, json, read_json};
use crate::pki::{Issued, SigningRequest};
use crate::problem::Problem;
use crate::store::{Redeemed, Standing, rfc3339, time};

/// How long after its certificate's end a device may still renew by the key alone: workstations
/// sleep for months.
const LATE_RENEWAL: Duration = Duration::days(365);

/// `POST /v1/enrol`
pub(super) async fn enrol(State(collector): State<Arc<Collector>>, body: Body) -> Response {
    blocking(move || {
        let EnrolRequest { token, csr } = read_json(body)?;
        let request = SigningRequest::read(&csr).ok_or(Problem::BadSigningRequest)?;
        if collector.store.visit(request.device(), collector.now())?.standing == Standing::Revoked {
            return Err(Problem::DeviceRevoked);
        }
        let now = whole_micros(collector.now());
        // Looked at first: nobody without a good token makes the authority sign.
        let looked = collector.store.look_at_token(&token, request.public_key(), now)?;
        if let Some(used) = redeemed(looked)? {
            // The answer was lost: number and life follow from the time, so the certificate is the same one.
            return Ok(reply(collector.authority.issue(&request, used)?, &request));
        }
        let issued = collector.authority.issue(&request, now)?;
        let enrolled = collector.store.enrol(&token, request.public_key(), issued.not_after, now)?;
        redeemed(enrolled)?;
        Ok(reply(issued, &request))
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
        match collector.store.visit(device, collector.now())?.standing {
            Standing::Unknown => return Err(Problem::DeviceUnknown),
            Standing::Revoked => return Err(Problem::DeviceRevoked),
            Standing::Retired => return Err(Problem::DeviceRetired),
            Standing::Active => {}
        }
        let shown = match peer.0 {
            Some(shown) => shown == device,
            None => {
                let enrolled = collector.store.device(device)?.ok_or(Problem::DeviceUnknown)?;
                let end = time(enrolled.not_after);
                end <= collector.now() && collector.now() < end + LATE_RENEWAL
            }
        };
        if !shown {
            return Err(Problem::CertificateRequired);
        }
        let issued = collector.authority.issue(&request, collector.now())?;
        collector.store.renew(request.public_key(), issued.not_after, collector.now())?;
        Ok(reply(issued, &request))
    })
    .await
    .unwrap_or_else(Problem::into_response)
}

/// The time as the store keeps it.
fn whole_micros(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.microsecond() * 1000).unwrap_or(at)
}

/// When the same device used the token before, if it did.
fn redeemed(redeemed: Redeemed) -> Result<Option<OffsetDateTime>, Problem> {
    match redeemed {
        Redeemed::Now => Ok(None),
        Redeemed::Again(used) => Ok(Some(used)),
        Redeemed::Before => Err(Problem::TokenUsed),
        Redeemed::Never => Err(Problem::BadToken),
    }
}

fn reply(issued: Issued, request: &SigningRequest) -> Response {
    let not_after = rfc3339(issued.not_after);
    json(StatusCode::CREATED, &EnrolReply { chain: issued.chain, device_id: request.device(), not_after })
}

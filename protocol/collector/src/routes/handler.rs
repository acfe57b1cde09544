//! What every handler works with: the collector, the caller, the body, and what is said to each.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::reply::names;
use protocol::{DeviceId, Digest, Invitation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use super::turns::Turns;
use crate::news::News;
use crate::pki::{Authority, Shown};
use crate::problem::Problem;
use crate::store::rules::limits::Reached;
use crate::store::{Refused, Standing, Store, time};

/// Bytes of a body that is not a batch: many times the longest ledger line.
pub(crate) const SMALL_BODY: usize = 64 << 10;
/// What every handler works with.
pub(crate) struct Collector {
    pub(crate) store: Arc<Store>,
    pub(crate) authority: Authority,
    pub(crate) turns: Turns,
    /// Places for bundles that are being completed.
    pub(crate) completions: Arc<Semaphore>,
    /// Where the data is held.
    pub(crate) residency: String,
    pub(crate) clock: Clock,
    /// What devices are informed of.
    pub(crate) news: News,
}

/// What tells the collector the time.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The system.
    System,
    /// Whoever set it, in microseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Collector {
    pub(super) fn now(&self) -> OffsetDateTime {
        match &self.clock {
            Clock::System => now(),
            Clock::Set(at) => time(at.load(Ordering::Acquire)),
        }
    }
}

/// Half the processors, so that batches go on while large files are read.
pub(crate) fn completions() -> Arc<Semaphore> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new((processors / 2).max(1)))
}

/// The device that the connection's verified client certificate names, if it showed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(super) Option<DeviceId>);

impl Peer {
    /// Nobody that is known.
    pub(crate) const STRANGER: Self = Self(None);

    /// The device of a certificate that was good when the connection began. One that has ended since is none.
    pub(crate) fn at(shown: Shown, now: OffsetDateTime) -> Self {
        Self((now.unix_timestamp() <= shown.not_after).then_some(shown.device))
    }
}

/// The device of a connection that showed a certificate. It stands before the body in a handler's
/// arguments, so that of anybody else no body is read.
#[derive(Clone, Copy)]
pub(super) struct Caller(pub(super) DeviceId);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().and_then(|peer| peer.0);
        peer.map(Self).ok_or(Problem::CertificateRequired)
    }
}

/// A body that arrived whole and within its limit.
pub(super) type Body = Result<Bytes, BytesRejection>;
/// The names in a route.
pub(super) type Path<T> = Result<axum::extract::Path<T>, PathRejection>;

/// Runs `answer` for an enrolled device that is neither revoked nor retired.
pub(super) async fn active(
    collector: Arc<Collector>,
    caller: Caller,
    answer: impl FnOnce(&Collector, DeviceId) -> Result<Response, Problem> + Send + 'static,
) -> Response {
    enrolled(collector, caller, |collector, device, standing| match standing {
        Standing::Retired => Err(Problem::DeviceRetired),
        _ => answer(collector, device),
    })
    .await
}

/// Runs `answer` for an enrolled device that is not revoked, and adds the newest ledger entry that is
/// known of it, and the bundles that are asked of it.
pub(super) async fn enrolled(
    collector: Arc<Collector>,
    caller: Caller,
    answer: impl FnOnce(&Collector, DeviceId, Standing) -> Result<Response, Problem> + Send + 'static,
) -> Response {
    let answered = standing(collector, caller, |collector, device, standing| {
        let response = answer(collector, device, standing).unwrap_or_else(Problem::into_response);
        // The response also carries what it changed itself.
        let visit = collector.store.visit(device, collector.now())?;
        let of = (device, visit.enrolled);
        let news = collector.news.offer(&collector.store, of, visit.audits)?;
        Ok(with_news(response, visit.head, &visit.invitations, news))
    });
    answered.await.unwrap_or_else(Problem::into_response)
}

/// Adds what every answer to a device carries.
pub(super) fn with_news(
    mut response: Response,
    head: Option<(u64, Digest)>,
    invitations: &[Invitation],
    news: Option<String>,
) -> Response {
    if let Some(Ok(news)) = news.map(HeaderValue::try_from) {
        response.headers_mut().insert(names::NEWS, news);
    }
    if let Some((index, hash)) = head
        && let Ok(head) = HeaderValue::try_from(format!("{index}-{hash}"))
    {
        response.headers_mut().insert(names::LEDGER_HEAD, head);
    }
    if !invitations.is_empty()
        && let Ok(invitations) = HeaderValue::try_from(Invitation::header(invitations))
    {
        response.headers_mut().insert(names::INVITATIONS, invitations);
    }
    response
}

/// Runs `work` for an enrolled device that is not revoked.
pub(super) async fn standing<T: Send + 'static>(
    collector: Arc<Collector>,
    caller: Caller,
    work: impl FnOnce(&Collector, DeviceId, Standing) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    blocking(move || {
        let Caller(device) = caller;
        match collector.store.visit(device, collector.now())?.standing {
            standing @ (Standing::Active | Standing::Retired) => work(&collector, device, standing),
            standing => Err(not_served(standing)),
        }
    })
    .await
}

/// Why a device may not come.
pub(super) fn not_served(standing: Standing) -> Problem {
    match standing {
        Standing::Unknown => Problem::DeviceUnknown,
        Standing::Revoked => Problem::DeviceRevoked,
        Standing::Retired => Problem::DeviceRetired,
        // Not asked of a device that may.
        Standing::Active => Problem::Unavailable,
    }
}

/// What a device hears that reached a limit.
pub(super) fn reached(reached: Reached) -> Problem {
    match reached {
        Reached::Today => Problem::TooMany,
        Reached::ForGood => Problem::LimitReached,
    }
}

/// Runs `work` where waiting for the disk holds nobody else up.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Problem::Unavailable))
}

/// What the ledger says against a batch or a bundle.
pub(super) fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Unknown => Problem::ConsentRequired,
        Refused::Ended => Problem::ConsentWithdrawn,
        Refused::Restricted => Problem::ConsentRestricted,
        Refused::NotGiven => Problem::ConsentNotGiven,
        Refused::Expired => Problem::ConsentExpired,
        Refused::OtherPolicy => Problem::ConsentOtherPolicy,
        Refused::OtherRetention => Problem::ConsentOtherRetention,
        Refused::OtherManifest => Problem::ConsentOtherManifest,
        Refused::Broken => Problem::ConsentBroken,
    }
}

/// A body of this shape. What is wrong with it is not said: the words would quote it.
pub(super) fn read_json<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    serde_json::from_slice(&bytes(body)?).map_err(|_| Problem::BadRequest)
}

pub(super) fn path<T>(path: Path<T>) -> Result<T, Problem> {
    path.map(|axum::extract::Path(names)| names).map_err(|_| Problem::NotFound)
}

pub(super) fn bytes(body: Body) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLong,
        _ => Problem::BadRequest,
    })
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // The reply types have nothing that JSON can't say.
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [("content-type", "application/json")], body).into_response()
}

pub(super) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

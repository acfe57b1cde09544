//! What a request means. A handler reads the request, hands it to a thread that may block on the
//! disk, and turns what the store says into a status.

mod batch;
mod bundle;
mod chunk;
mod enrol;
mod news;
mod observe;
mod privacy;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use protocol::reply::{Capabilities, names};
use protocol::{DeviceId, Digest, Invitation, envelope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::news::News;
use crate::pki::{Authority, Shown};
use crate::problem::Problem;
use crate::store::rules::limits::Reached;
use crate::store::{MAX_BUNDLE, Refused, Standing, Store, rfc3339, time};
pub(crate) use observe::Watch;
pub(crate) use turns::Turns;

/// Bytes of a body that is not a batch: many times the longest ledger line.
pub(crate) const SMALL_BODY: usize = 64 << 10;
/// The route of batches.
const BATCHES: &str = "/v1/streams/{purpose}/batches/{id}";
/// A whole request, its body and the store's part included.
const DEADLINE: Duration = Duration::from_secs(120);
/// Likewise for a chunk of a bundle, or for reading a whole one once more.
const BUNDLE_DEADLINE: Duration = Duration::from_secs(300);

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
    fn now(&self) -> OffsetDateTime {
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
pub(crate) struct Peer(Option<DeviceId>);

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
struct Caller(DeviceId);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().and_then(|peer| peer.0);
        peer.map(Self).ok_or(Problem::CertificateRequired)
    }
}

/// A body that arrived whole and within its limit.
type Body = Result<Bytes, BytesRejection>;
/// The names in a route.
type Path<T> = Result<axum::extract::Path<T>, PathRejection>;

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

/// Runs `answer` for an enrolled device that is neither revoked nor retired.
async fn active(
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
async fn enrolled(
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
fn with_news(
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
async fn standing<T: Send + 'static>(
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
fn not_served(standing: Standing) -> Problem {
    match standing {
        Standing::Unknown => Problem::DeviceUnknown,
        Standing::Revoked => Problem::DeviceRevoked,
        Standing::Retired => Problem::DeviceRetired,
        // Not asked of a device that may.
        Standing::Active => Problem::Unavailable,
    }
}

/// What a device hears that reached a limit.
fn reached(reached: Reached) -> Problem {
    match reached {
        Reached::Today => Problem::TooMany,
        Reached::ForGood => Problem::LimitReached,
    }
}

/// Runs `work` where waiting for the disk holds nobody else up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Problem::Unavailable))
}

/// What the ledger says against a batch or a bundle.
fn refused(refused: Refused) -> Problem {
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
fn read_json<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    serde_json::from_slice(&bytes(body)?).map_err(|_| Problem::BadRequest)
}

fn path<T>(path: Path<T>) -> Result<T, Problem> {
    path.map(|axum::extract::Path(names)| names).map_err(|_| Problem::NotFound)
}

fn bytes(body: Body) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLong,
        _ => Problem::BadRequest,
    })
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // The reply types have nothing that JSON can't say.
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [("content-type", "application/json")], body).into_response()
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

//! The listener and the routes.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use agent::request::{Request as Question, SupportRequest};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use maud::{Markup, html};
use protocol::Digest;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::act::{self, Fields};
use crate::door::Shut;
use crate::files;
use crate::guard;
use crate::pages;
use crate::shell;
use crate::state::Window;
use crate::words::{failure, t};

/// Connections at once: one page needs three, a hundred tabs are refused one after the other.
const CONNECTIONS: usize = 64;
/// For a request's head, and for a connection that asks nothing.
const HEAD: Duration = Duration::from_secs(10);
/// After a failed accept.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks whether something changed, and whether the page is still there.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of a form: a contact, a case, some hundred chosen scans.
const FORM: usize = 64 << 10;

/// Answers until the page is gone.
pub(crate) async fn serve(listener: TcpListener, window: Arc<Window>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let service = TowerToHyperService::new(router(window.clone()));
    let mut look = tokio::time::interval(LOOK);
    loop {
        let place = places.clone().acquire_owned();
        let accepted = tokio::select! {
            accepted = async { (place.await, listener.accept().await) } => accepted,
            _ = look.tick() => {
                if window.life.is_over(Instant::now()) { return }
                continue;
            }
            _ = tokio::signal::ctrl_c() => return,
        };
        let (Ok(place), Ok((stream, _))) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            // How a connection ends does not matter: the page comes again.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(place);
        });
    }
}

fn router(window: Arc<Window>) -> Router {
    Router::new()
        .route(
            "/",
            get(async |State(window): Shared| Html(shell::shell(window.config.language).into_string())),
        )
        .route("/style.css", get(async || ([(CONTENT_TYPE, "text/css; charset=utf-8")], shell::STYLE)))
        .route(
            "/script.js",
            get(async || ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], shell::SCRIPT)),
        )
        .route("/icon.svg", get(async || ([(CONTENT_TYPE, "image/svg+xml")], shell::ICON)))
        .route("/api/exchange", post(exchange))
        .route("/api/live", get(live))
        .route("/page/{*name}", get(page))
        .route("/file/{*name}", get(file))
        .route("/do/{action}", post(act))
        .fallback(async || (StatusCode::NOT_FOUND, "there is no such page\n"))
        .layer(DefaultBodyLimit::max(FORM))
        .layer(middleware::from_fn_with_state(window.clone(), watched))
        .with_state(window)
}

type Shared = State<Arc<Window>>;

/// Nothing is answered past the guard, and every answer has the headers.
async fn watched(State(window): Shared, request: Request, next: Next) -> Response {
    let refused = guard::refusal(&window.door, request.method(), request.uri().path(), request.headers());
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => next.run(request).await,
    };
    shell::protect(response.headers_mut());
    response
}

/// The secret for the token, once.
async fn exchange(State(window): Shared, secret: String) -> Response {
    match window.door.exchange(&secret) {
        Ok(token) => token.into_response(),
        Err(Shut::Used) => (StatusCode::GONE, "this page was opened before\n").into_response(),
        Err(Shut::Wrong) => (StatusCode::FORBIDDEN, "this page is not valid\n").into_response(),
    }
}

async fn page(State(window): Shared, Path(name): Path<String>) -> Response {
    match blocking(move || pages::page(&window, &name)).await {
        Some(Some(page)) => Html(page.into_string()).into_response(),
        Some(None) => (StatusCode::NOT_FOUND, Html(not_found().into_string())).into_response(),
        None => broken(),
    }
}

async fn file(State(window): Shared, Path(name): Path<String>) -> Response {
    match blocking(move || files::file(&window, &name)).await {
        Some(Some(Ok((media, bytes)))) => ([(CONTENT_TYPE, media)], bytes).into_response(),
        Some(Some(Err(why))) => {
            (StatusCode::CONFLICT, Html(html! { div { (failure(&why)) } }.into_string())).into_response()
        }
        Some(None) => (StatusCode::NOT_FOUND, Html(not_found().into_string())).into_response(),
        None => broken(),
    }
}

async fn act(
    State(window): Shared,
    Path(action): Path<String>,
    fields: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let Ok(Form(fields)) = fields else {
        let said = t(
            "What was typed is too long, or no form of this page. Nothing was changed: shorten it.",
            "Det skrevne er for langt eller ikke en formular fra siden. Intet er ændret: afkort det.",
        );
        return (StatusCode::BAD_REQUEST, Html(html! { div { p { (said) } } }.into_string())).into_response();
    };
    match blocking(move || act::act(&window, &action, &Fields(fields))).await {
        Some(Some((true, said))) => Html(said.into_string()).into_response(),
        Some(Some((false, said))) => (StatusCode::CONFLICT, Html(said.into_string())).into_response(),
        Some(None) => (StatusCode::NOT_FOUND, Html(not_found().into_string())).into_response(),
        None => broken(),
    }
}

/// A line a second: a mark that changes when something did, and whether somebody came with the secret again.
async fn live(State(window): Shared) -> Response {
    let (tell, reported) = mpsc::channel::<Bytes>(1);
    window.life.came();
    let leaving = Leaving(window.clone());
    tokio::spawn(async move {
        let _leaving = leaving;
        loop {
            let looked = window.clone();
            let Some(mark) = blocking(move || mark(&looked)).await else { return };
            let tried = if window.door.was_tried_again() { "again" } else { "once" };
            if tell.send(Bytes::from(format!("{mark} {tried}\n"))).await.is_err() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    Response::new(Body::new(Live(reported)))
}

/// A digest of everything that the pages show and that changes of itself.
fn mark(window: &Window) -> Digest {
    let ask = |question: Question| window.agent.ask::<serde_json::Value>(&question);
    let (status, list) = (ask(Question::Status), ask(Question::Support(SupportRequest::List)));
    let progress = window.jobs.look(&window.agent);
    let (begun, came) = (window.jobs.begun(), window.jobs.came());
    Digest::of(format!("{status:?} {list:?} {begun} {progress:?} {came:?}").as_bytes())
}

/// A stream of the page, until it is closed.
struct Live(mpsc::Receiver<Bytes>);

impl HttpBody for Live {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// Counts the stream out, however it ends.
struct Leaving(Arc<Window>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.life.left(Instant::now());
    }
}

/// Questions to the service wait: on a thread of their own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn not_found() -> Markup {
    html! { div { p { (t("There is no such page.", "Siden findes ikke.")) } } }
}

fn broken() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "the window failed: open it again, and tell the vendor\n")
        .into_response()
}

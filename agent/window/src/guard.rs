//! Which requests are answered at all. Any program of this computer can connect, and so can any page that the user's
//! browser shows: what is no page of this program, or does not know the token, gets nothing.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};

use crate::door::Door;

/// The header of the token.
pub(crate) const TOKEN: &str = "x-kathea-token";

/// Who may ask for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// What holds nothing: the empty page, its style and script, the exchange.
    Nothing,
    /// Everything else.
    Token,
}

/// What a path needs.
pub(crate) fn needs(path: &str) -> Needs {
    match path {
        "/" | "/style.css" | "/script.js" | "/icon.svg" | "/api/exchange" => Needs::Nothing,
        _ => Needs::Token,
    }
}

/// Why a request is refused, by its status and in a sentence for whoever reads the answer.
pub(crate) fn refusal(
    door: &Door,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<(StatusCode, &'static str)> {
    let port = door.port();
    // A name that was made to lead here (DNS rebinding) is still in `Host`.
    if one(headers, HOST.as_str()) != Some(&format!("127.0.0.1:{port}")) {
        return Some((StatusCode::MISDIRECTED_REQUEST, "this is no address of the window\n"));
    }
    let origin = headers.contains_key(ORIGIN).then(|| one(headers, ORIGIN.as_str()));
    let own = format!("http://127.0.0.1:{port}");
    let is_foreign = match origin {
        Some(origin) => origin != Some(&own),
        None => method != Method::GET,
    };
    if is_foreign {
        return Some((StatusCode::FORBIDDEN, "only the window's own page may ask\n"));
    }
    let is_known = || one(headers, TOKEN).is_some_and(|token| door.knows(token));
    if needs(path) == Needs::Token && !is_known() {
        return Some((StatusCode::UNAUTHORIZED, "the window was opened elsewhere: open it again\n"));
    }
    None
}

/// The header, if it is there once and readable.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_the_page_with_the_token_is_answered() {
        let door = Door::open(4711).unwrap();
        let text = std::fs::read_to_string(door.page()).unwrap();
        let secret = text.split_once("/#").unwrap().1.split('"').next().unwrap().to_owned();
        let token = door.exchange(&secret).unwrap();
        let (get, post) = (Method::GET, Method::POST);
        let own = ("origin", "http://127.0.0.1:4711");
        let host = ("host", "127.0.0.1:4711");
        let known = (TOKEN, token.as_str());
        let ask = |method: &Method, path: &str, said: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in said {
                headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            }
            refusal(&door, method, path, &headers).map_or(200, |(status, _)| status.as_u16())
        };
        for (expected, method, path, said) in [
            (200, &get, "/", &[host][..]),
            (200, &get, "/page/start", &[host, known]),
            (200, &post, "/do/grant", &[host, own, known]),
            (421, &get, "/", &[]),
            (421, &get, "/", &[("host", "localhost:4711")]),
            (421, &get, "/", &[("host", "attacker.example:4711")]),
            (421, &get, "/", &[("host", "127.0.0.1:4712")]),
            (421, &get, "/page/start", &[host, ("host", "attacker.example"), known]),
            (403, &post, "/do/grant", &[host, known]),
            (403, &post, "/do/grant", &[host, ("origin", "null"), known]),
            (403, &post, "/api/exchange", &[host, ("origin", "http://attacker.example")]),
            (403, &get, "/page/start", &[host, ("origin", "http://127.0.0.1:4712"), known]),
            (403, &get, "/page/start", &[host, own, own, known]),
            (401, &get, "/page/start", &[host]),
            (401, &get, "/page/start", &[host, (TOKEN, "guessed")]),
            (401, &get, "/page/start", &[host, (TOKEN, "guessed"), known]),
            (401, &get, "/page/start", &[host, (TOKEN, &secret)]),
            (401, &post, "/do/grant", &[host, own]),
            (401, &get, "/anything/else", &[host]),
        ] {
            assert_eq!(ask(method, path, said), expected, "{method} {path} {said:?}");
        }
    }
}

//! One exchange with the collector: request, response, and the meaning of its status.

use std::fmt;
use std::fs::File;
use std::time::Duration;

use protocol::Digest;
use protocol::reply::{Problem, names};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::failure::{Failure, TlsFailure};
use super::pace::Reply;
use crate::consent::permit::Lease;

/// What is done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Ask.
    Get,
    /// Ask for what the answer's head says.
    Head,
    /// Ask what can be done.
    Options,
    /// Add to it.
    Patch,
    /// Store under a name of the device's choosing; again is the same.
    Put,
    /// Ask for something to be done.
    Post,
}

impl Method {
    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Post => "POST",
        }
    }
}

/// One question to the collector.
pub struct Exchange {
    /// What is done.
    pub method: Method,
    /// From `/v1` on.
    pub path: String,
    /// Beside Host, User-Agent and Content-Length.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Body,
    /// What must stand for the body to be sent to its end.
    pub lease: Option<Lease>,
}

/// What an exchange sends.
pub enum Body {
    /// Held in memory; empty: none.
    Bytes(Vec<u8>),
    /// So many bytes of a file, from where it stands.
    Part(File, u64),
}

impl Body {
    /// Bytes of it.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Part(_, length) => *length,
        }
    }

    /// What is held of it in memory.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Part(..) => &[],
        }
    }
}

/// One answer of the collector.
#[derive(Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// As it was written.
    pub content_type: Option<String>,
    /// As it was written (RFC 9110, 10.2.3).
    pub retry_after: Option<String>,
    /// As it was written (RFC 9110, 6.6.1).
    pub date: Option<String>,
    /// As it was written; [`names::LEDGER_HEAD`].
    pub ledger_head: Option<String>,
    /// As it was written; [`names::INVITATIONS`].
    pub invitations: Option<String>,
    /// As it was written; [`names::NEWS`].
    pub news: Option<String>,
    /// As it was written (RFC 9110, 10.2.2).
    pub location: Option<String>,
    /// As it was written; [`protocol::bundle::tus::OFFSET`].
    pub upload_offset: Option<String>,
    /// As it was written; [`protocol::bundle::tus::LENGTH`].
    pub upload_length: Option<String>,
    /// As it was written; [`protocol::bundle::tus::CHECKSUM_ALGORITHM`].
    pub checksum_algorithms: Option<String>,
    /// At most [`crate::limits::REPLY`] bytes.
    pub body: Vec<u8>,
}

/// What an exchange came to.
pub type Outcome = Result<Answer, Failure>;

/// Carries exchanges to the collector. Outside a simulation it is [`super::https::Https`].
pub trait Transport: Send {
    /// Asks, and waits for the answer whatever its status.
    fn exchange(&mut self, exchange: &Exchange) -> Outcome;

    /// Lets go of the connection until the next exchange.
    fn rest(&mut self);
}

impl Answer {
    /// The body as JSON, if it is said to be JSON and has this shape (WIRE.md, section 2). Unknown fields are of a
    /// later version, and ignored.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        let media = self.content_type.as_deref().unwrap_or("application/json");
        let media = media.split(';').next().unwrap_or_default().trim();
        let said = ["application/json", "application/problem+json"];
        if !said.iter().any(|kind| media.eq_ignore_ascii_case(kind)) {
            return None;
        }
        serde_json::from_slice(&self.body).ok()
    }

    /// The collector's clock, seconds since 1970.
    pub fn clock(&self) -> Option<i64> {
        http_date(self.date.as_deref()?)
    }

    /// Index and hash of the newest ledger entry that the collector knows for this device.
    pub fn ledger_head(&self) -> Option<(u64, Digest)> {
        let (index, hash) = self.ledger_head.as_deref()?.split_once('-')?;
        Some((index.parse().ok()?, hash.parse().ok()?))
    }

    /// How long to stay away. A date counts from the collector's own clock, because this one may be wrong; a
    /// number beyond all numbers is a long time.
    fn retry_after(&self) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
        }
        let seconds = http_date(text)?.saturating_sub(self.clock()?);
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// A page for people: no collector answers so, whatever the status says.
    fn is_page(&self) -> bool {
        self.content_type.as_deref().is_some_and(|media| media.to_ascii_lowercase().contains("html"))
    }
}

/// What an outcome without a success means to the pace. Successes have a shape of their own for each route.
pub(super) fn refusal(outcome: &Outcome) -> Reply {
    let answer = match outcome {
        Err(Failure::Tls(TlsFailure::ClientRefused)) => return Reply::Unauthorised,
        Err(_) => return Reply::Failed,
        Ok(answer) if answer.is_page() => return Reply::Failed,
        Ok(answer) => answer,
    };
    match answer.status {
        400 | 422 => {
            let problem: Option<Problem> = answer.json();
            let rejected = problem.map(|problem| problem.rejected).unwrap_or_default();
            Reply::Refused { rejected: rejected.iter().map(|record| record.seq).collect() }
        }
        403 if answer.json().is_some_and(|problem: Problem| problem.kind.starts_with("consent_")) => {
            Reply::ConsentRefused
        }
        401 | 403 => Reply::Unauthorised,
        409 => Reply::Conflict,
        410 => Reply::Retired,
        413 => Reply::TooLarge,
        415 | 426 => Reply::Unsupported,
        428 => Reply::ConsentRequired,
        429 | 503 => answer.retry_after().map_or(Reply::Failed, Reply::Busy),
        _ => Reply::Failed,
    }
}

/// A page for people, whatever its status: what no collector answers.
pub(super) fn is_page(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(Answer::is_page)
}

/// `sha-256=:BASE64:` of `body` (RFC 9530).
pub(super) fn content_digest(digest: Digest) -> (&'static str, String) {
    let base64 = data_encoding::BASE64.encode(&digest.to_bytes());
    (names::CONTENT_DIGEST, format!("sha-256=:{base64}:"))
}

/// The form that every sender must use (RFC 9110, 5.6.7); its two obsolete ones are not read.
fn http_date(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc2822).ok().map(OffsetDateTime::unix_timestamp)
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({:?} {}, {} bytes)", self.method, self.path, self.body.length())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.into(), ..Answer::default() }
    }

    #[test]
    fn every_status_has_its_meaning() {
        let named = r#"{"type":"bad","title":"t","status":422,"rejected":[{"seq":7,"code":"x"}]}"#;
        let table = [
            (400, "", Reply::Refused { rejected: vec![] }),
            (422, named, Reply::Refused { rejected: vec![7] }),
            (422, "not json", Reply::Refused { rejected: vec![] }),
            (401, "", Reply::Unauthorised),
            (403, "", Reply::Unauthorised),
            (403, r#"{"type":"device_revoked","title":"","status":403}"#, Reply::Unauthorised),
            (403, r#"{"type":"consent_withdrawn","title":"","status":403}"#, Reply::ConsentRefused),
            (409, "", Reply::Conflict),
            (410, "", Reply::Retired),
            (413, "", Reply::TooLarge),
            (415, "", Reply::Unsupported),
            (426, "", Reply::Unsupported),
            (428, "", Reply::ConsentRequired),
            (429, "", Reply::Failed),
            (503, "", Reply::Failed),
        ];
        for (status, body, reply) in table {
            assert_eq!(refusal(&Ok(answer(status, body))), reply, "{status} {body}");
        }
        for status in [
            100, 200, 201, 204, 206, 301, 302, 304, 307, 308, 402, 404, 405, 408, 418, 451, 500, 502, 504,
            511, 599,
        ] {
            assert_eq!(refusal(&Ok(answer(status, ""))), Reply::Failed, "{status}");
        }
    }

    #[test]
    fn a_page_is_no_answer_whatever_its_status() {
        for status in 100..600 {
            let page =
                Answer { content_type: Some("text/HTML; charset=utf-8".into()), ..answer(status, "<html>") };
            assert_eq!(refusal(&Ok(page)), Reply::Failed, "{status}");
        }
    }

    #[test]
    fn failures_keep_everything_but_a_refused_certificate_stops() {
        assert_eq!(refusal(&Err(Failure::Tls(TlsFailure::ClientRefused))), Reply::Unauthorised);
        for failure in [
            Failure::Cut,
            Failure::Tls(TlsFailure::ClientExpired),
            Failure::Name,
            Failure::Tls(TlsFailure::UnknownCa),
            Failure::Proxy(Some(407)),
        ] {
            assert_eq!(refusal(&Err(failure)), Reply::Failed, "{failure}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_its_forms() {
        let busy = |retry_after: &str, date: Option<&str>| {
            let date = date.map(str::to_owned);
            refusal(&Ok(Answer { retry_after: Some(retry_after.into()), date, ..answer(503, "") }))
        };
        let now = Some("Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(busy("120", None), Reply::Busy(Duration::from_secs(120)));
        assert_eq!(busy("99999999999999999999999", None), Reply::Busy(Duration::from_secs(u64::MAX)));
        assert_eq!(busy("Sun, 22 Nov 2026 10:02:00 GMT", now), Reply::Busy(Duration::from_secs(120)));
        assert_eq!(busy("Sun, 22 Nov 2026 09:00:00 GMT", now), Reply::Busy(Duration::ZERO));
        for nonsense in ["-5", "", "soon", "1.5", "0x10", "Sun, 99 Nov 2026 10:02:00 GMT"] {
            assert_eq!(busy(nonsense, now), Reply::Failed, "{nonsense}");
        }
        assert_eq!(busy("Sun, 22 Nov 2026 10:02:00 GMT", None), Reply::Failed, "no clock to compare with");
    }

    #[test]
    fn the_ledger_head_is_read_strictly() {
        let hash = Digest::of(b"line");
        let head = |text: String| Answer { ledger_head: Some(text), ..Answer::default() }.ledger_head();
        assert_eq!(head(format!("7-{hash}")), Some((7, hash)));
        for bad in
            [format!("-1-{hash}"), format!("7{hash}"), "7-00".into(), format!("7-{hash}0"), String::new()]
        {
            assert_eq!(head(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn nothing_that_is_printed_has_content() {
        let exchange = Exchange {
            method: Method::Post,
            path: "/v1/enrol".into(),
            headers: vec![("x", "secret".into())],
            body: Body::Bytes(b"secret".to_vec()),
            lease: None,
        };
        assert_eq!(format!("{exchange:?}"), "Exchange(Post /v1/enrol, 6 bytes)");
        assert_eq!(format!("{:?}", answer(200, "secret")), "Answer(200, 6 bytes)");
    }
}

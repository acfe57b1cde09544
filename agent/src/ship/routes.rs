//! Small exchanges with the collector: the request, and what is accepted as a response.

use protocol::Digest;
use protocol::reply::{
    Capabilities, ConsentReply, EnrolReply, NewsReply, NewsRequest, PrivacyReply, PrivacyRequest,
};
use protocol::rights::PrivacyKind;
use serde::Serialize;

use super::exchange::{Answer, Body, Exchange, Method, Outcome, is_page, refusal};
use super::pace::Reply;

/// `GET /v1/capabilities`.
pub fn capabilities() -> Exchange {
    bare(Method::Get, "/v1/capabilities".to_owned())
}

/// What the collector can do; otherwise what its answer means.
pub fn read_capabilities(outcome: &Outcome) -> Result<Capabilities, Reply> {
    success(outcome, 200)
}

/// The answer to a [`super::pace::Step::Probe`]. The collector must hold data where the policy says, if it says a place.
pub fn probed(outcome: &Outcome, place: Option<&str>) -> Reply {
    match read_capabilities(outcome) {
        Ok(capabilities) if place.is_none_or(|place| capabilities.residency == place) => Reply::Welcome,
        Ok(_) => Reply::Elsewhere,
        Err(reply) => reply,
    }
}

/// The answer to a renewal: whether a certificate came.
pub fn renewed(outcome: &Outcome) -> Reply {
    success::<EnrolReply>(outcome, 201).map_or_else(|reply| reply, |_| Reply::Welcome)
}

/// `PUT /v1/consents/{hash}`: the ledger's line as it stands.
pub fn consent(line: &str) -> Exchange {
    let hash = protocol::ledger::line_hash(line);
    Exchange { body: Body::Bytes(line.into()), ..json(Method::Put, format!("/v1/consents/{hash}")) }
}

/// Whether the collector has that line for good.
pub fn consent_stored(outcome: &Outcome, hash: Digest) -> Reply {
    let reply: Result<ConsentReply, Reply> = success(outcome, 201).or_else(|_| success(outcome, 200));
    match reply {
        Ok(reply) if reply.durable && reply.hash == hash => one(),
        Ok(_) => Reply::Failed,
        Err(reply) => never_dropped(reply),
    }
}

/// The position in the ledger that the collector expected in place of a line, or below one that it knew: what is missing
/// from there on it has lost. A line that is sent again because its answer was lost is known already.
pub fn consent_expected(answer: &Answer) -> Option<u64> {
    answer.json::<ConsentReply>().filter(|_| matches!(answer.status, 200 | 201))?.expected
}

/// `POST /v1/privacy/{kind}`. An objection is a restriction that has to be answered: a collector that knows no more than
/// that restricts.
pub fn privacy(kind: PrivacyKind, request: &PrivacyRequest) -> Exchange {
    let kind = if kind == PrivacyKind::Object { PrivacyKind::Restrict } else { kind };
    Exchange { body: Body::Bytes(to_json(request)), ..json(Method::Post, format!("/v1/privacy/{kind}")) }
}

/// Whether the vendor has the request, and under which ticket.
pub fn privacy_taken(outcome: &Outcome) -> (Reply, Option<PrivacyReply>) {
    match success(outcome, 202) {
        // Without a ticket that can be asked about, nobody would learn when it is done.
        Ok(PrivacyReply { ticket: name, .. }) if ticket(&name).is_none() => (Reply::Failed, None),
        Ok(reply) => (one(), Some(reply)),
        Err(reply) => (never_dropped(reply), None),
    }
}

/// `GET /v1/privacy/{ticket}`; none if the ticket can't be part of a path.
pub fn ticket(ticket: &str) -> Option<Exchange> {
    let plain = ticket.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !ticket.is_empty()).then(|| bare(Method::Get, format!("/v1/privacy/{ticket}")))
}

/// `GET /v1/privacy/{ticket}/answer/{part}`; none if the ticket can't be part of a path.
pub fn answer_part(name: &str, part: u64) -> Option<Exchange> {
    let Exchange { path, .. } = ticket(name)?;
    Some(bare(Method::Get, format!("{path}/answer/{part}")))
}

/// Whether this is a part of so many bytes.
pub fn is_part(answer: &Answer, length: u64) -> bool {
    let media = answer.content_type.as_deref().unwrap_or_default();
    answer.status == 200 && media == "application/octet-stream" && answer.body.len() as u64 == length
}

/// The answer to the question for a part. One that the vendor has no longer says nothing against the vendor.
pub fn part_taken(outcome: &Outcome, length: u64) -> Reply {
    match outcome {
        Ok(answer) if is_part(answer, length) || answer.status == 404 && !is_page(outcome) => Reply::Welcome,
        other => never_dropped(refusal(other)),
    }
}

/// How far the request is; otherwise what the answer means.
pub fn read_ticket(outcome: &Outcome) -> Result<PrivacyReply, Reply> {
    success(outcome, 200)
}

/// `POST /v1/news`.
pub fn news(request: &NewsRequest) -> Exchange {
    Exchange { body: Body::Bytes(to_json(request)), ..json(Method::Post, "/v1/news".to_owned()) }
}

/// What is new; otherwise what the answer means.
pub fn read_news(outcome: &Outcome) -> Result<NewsReply, Reply> {
    success(outcome, 200)
}

/// Whether the collector answered at all, be it that it has no such route: then it is not asked the same again.
pub fn is_news_answered(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(|answer| answer.status < 500 && answer.status != 429)
}

/// What the answer means to the schedule. One that does not know the question holds no request of the clinic up.
pub fn news_asked(outcome: &Outcome) -> Reply {
    match read_news(outcome) {
        Ok(_) => Reply::Welcome,
        Err(reply @ (Reply::Busy(_) | Reply::Unauthorised | Reply::Retired)) => reply,
        Err(reply) => {
            if is_news_answered(outcome) {
                Reply::Welcome
            } else {
                reply
            }
        }
    }
}

/// An answer of this status and shape.
pub(super) fn success<T: serde::de::DeserializeOwned>(outcome: &Outcome, status: u16) -> Result<T, Reply> {
    match outcome {
        Ok(answer) if answer.status == status => answer.json().ok_or(Reply::Failed),
        other => Err(refusal(other)),
    }
}

/// A JSON request without its body yet.
pub(super) fn json(method: Method, path: String) -> Exchange {
    Exchange { headers: vec![("content-type", "application/json".to_owned())], ..bare(method, path) }
}

/// `body` as JSON. Strings, numbers and hashes have no way to fail.
pub(super) fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

pub(super) fn bare(method: Method, path: String) -> Exchange {
    Exchange { method, path, headers: vec![], body: Body::Bytes(vec![]), lease: None }
}

fn one() -> Reply {
    Reply::Acknowledged { records: 1, rejected: vec![] }
}

/// A "no" of the clinic is never given up: what would cost a record of usage only costs time here.
fn never_dropped(reply: Reply) -> Reply {
    match reply {
        Reply::Refused { .. } | Reply::TooLarge | Reply::Conflict | Reply::ConsentRequired => Reply::Failed,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Purpose;

    use super::super::exchange::Answer;
    use super::super::failure::Failure;
    use super::*;

    fn answer(status: u16, body: &str) -> Outcome {
        Ok(Answer { status, body: body.into(), ..Answer::default() })
    }

    #[test]
    fn a_consent_is_stored_only_if_the_collector_names_it_and_kept_it() {
        let line = r#"{"entry":{},"signature":""}"#;
        let hash = protocol::ledger::line_hash(line);
        let exchange = consent(line);
        assert_eq!(
            (exchange.path.as_str(), exchange.body.bytes()),
            (format!("/v1/consents/{hash}").as_str(), line.as_bytes())
        );

        let body = |hash: Digest, durable| format!(r#"{{"hash":"{hash}","durable":{durable}}}"#);
        assert_eq!(consent_stored(&answer(201, &body(hash, true)), hash), one());
        assert_eq!(consent_stored(&answer(200, &body(hash, true)), hash), one());
        for (status, body) in [
            (201, body(hash, false)),
            (200, body(Digest::of(b"other"), true)),
            (202, body(hash, true)),
            (200, String::new()),
            (400, String::new()),
            (409, String::new()),
            (413, String::new()),
        ] {
            assert_eq!(consent_stored(&answer(status, &body), hash), Reply::Failed, "{status} {body}");
        }
        assert_eq!(consent_stored(&answer(410, ""), hash), Reply::Retired);
    }

    #[test]
    fn what_a_collector_lost_is_shown_by_the_answer_to_a_known_line_too() {
        let hash = Digest::of(b"line");
        let said = |status, more: &str| {
            let body = format!(r#"{{"hash":"{hash}","durable":true{more}}}"#);
            consent_expected(&answer(status, &body).unwrap())
        };
        assert_eq!((said(201, r#","expected":7"#), said(200, r#","expected":7"#)), (Some(7), Some(7)));
        assert_eq!(
            (said(200, ""), said(404, r#","expected":7"#)),
            (None, None),
            "an older collector, a failure"
        );
    }

    #[test]
    fn a_request_is_taken_with_a_ticket_or_kept() {
        let request = PrivacyRequest {
            request_id: "00".repeat(16),
            purposes: vec![Purpose::UsageStatistics],
            case: None,
            ledger_sha256: Digest::of(b"line"),
            first_received: None,
            recipient: None,
            objection: false,
        };
        let exchange = privacy(PrivacyKind::Withdraw, &request);
        assert_eq!(exchange.path, "/v1/privacy/withdraw");
        assert_eq!(serde_json::from_slice::<PrivacyRequest>(exchange.body.bytes()).unwrap(), request);

        let (reply, taken) = privacy_taken(&answer(202, r#"{"ticket":"t-1","state":"open"}"#));
        assert_eq!((reply, taken.map(|taken| taken.ticket)), (one(), Some("t-1".to_owned())));
        for status in [200, 400, 404, 409, 413, 422, 428, 500] {
            let (reply, taken) = privacy_taken(&answer(status, r#"{"ticket":"t-1","state":"open"}"#));
            assert_eq!((reply, taken), (Reply::Failed, None), "{status}");
        }
    }

    #[test]
    fn a_ticket_that_is_no_name_is_not_taken_nor_asked_for() {
        assert_eq!(ticket("t-1").unwrap().path, "/v1/privacy/t-1");
        for bad in ["", "../x", "a b", "a/b", "a?b", "æ", "a\r\nX: y"] {
            assert!(ticket(bad).is_none(), "{bad}");
            let body = serde_json::json!({"ticket": bad, "state": "open"}).to_string();
            assert_eq!(privacy_taken(&answer(202, &body)), (Reply::Failed, None), "{bad}");
        }
    }

    #[test]
    fn a_probe_is_welcome_only_if_it_is_answered_in_full() {
        let body = r#"{"protocol":[1],"time":"","max_batch":1,"max_records":1,"max_bundle":1,"residency":"EEA","new":1}"#;
        assert_eq!(probed(&answer(200, body), None), Reply::Welcome);
        assert_eq!(probed(&answer(200, body), Some("EEA")), Reply::Welcome);
        assert_eq!(probed(&answer(200, body), Some("CH")), Reply::Elsewhere);
        assert_eq!(probed(&answer(200, "{}"), Some("EEA")), Reply::Failed);
        assert_eq!(probed(&answer(403, ""), Some("EEA")), Reply::Unauthorised);
        assert_eq!(probed(&Err(Failure::Cut), None), Reply::Failed);
    }
}

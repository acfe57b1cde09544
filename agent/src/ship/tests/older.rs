//! An older version's talk, `protocol/tests/golden/talk-1.ndjson`: this agent understands all that its collector answered.

use std::time::Duration;

use protocol::bundle::{Announcement, tus};
use protocol::reply::{BatchReply, EnrolReply, names};
use protocol::{Batch, Digest};
use test_support::talk::{Exchange, bytes, talk};

use crate::ship::exchange::{Answer, Outcome};
use crate::ship::pace::Reply;
use crate::ship::routes;
use crate::ship::tus::{StepResult, Upload};

fn outcome(said: &Exchange) -> Outcome {
    let header = |name: &str| said.answer_headers.get(name).cloned();
    Ok(Answer {
        status: said.status,
        content_type: header("content-type"),
        ledger_head: header(names::LEDGER_HEAD),
        location: header("location"),
        upload_offset: header(tus::OFFSET),
        upload_length: header(tus::LENGTH),
        checksum_algorithms: header(tus::CHECKSUM_ALGORITHM),
        body: bytes(&said.answer),
        ..Answer::default()
    })
}

/// Whether the answer is understood as the success that it was; `upload` is the bundle that is on its way.
fn is_understood(said: &Exchange, upload: &mut Option<Upload>) -> bool {
    let outcome = outcome(said);
    let answer = outcome.as_ref().unwrap();
    let parts: Vec<&str> = said.path.trim_start_matches("/v1/").split('/').collect();
    match (said.method.as_str(), parts.as_slice()) {
        ("POST", ["enrol"]) => answer
            .json::<EnrolReply>()
            .is_some_and(|reply| reply.chain.contains("BEGIN CERTIFICATE") && answer.status == 201),
        ("GET", ["capabilities"]) => routes::probed(&outcome, Some("EEA")) == Reply::Welcome,
        ("PUT", ["consents", hash]) => {
            let stored = routes::consent_stored(&outcome, hash.parse().unwrap());
            matches!(stored, Reply::Acknowledged { .. }) && answer.ledger_head().is_some()
        }
        ("PUT", ["streams", _, "batches", id]) => {
            let sent = bytes(&said.body);
            let batch = Batch::decode(&sent).unwrap();
            answer.json::<BatchReply>().is_some_and(|reply| {
                reply.durable
                    && reply.batch == *id
                    && reply.digest == Digest::of(&sent)
                    && reply.accepted == [(batch.lo, batch.hi())]
            })
        }
        ("POST", ["privacy", _]) => routes::privacy_taken(&outcome).1.is_some(),
        ("GET", ["privacy", _]) => routes::read_ticket(&outcome).is_ok(),
        (_, ["bundles", ..]) => {
            let upload = upload.get_or_insert_with(|| Upload::new(announced(), None, 1 << 20));
            match upload.apply(upload.next(), &outcome, Duration::from_secs(1)) {
                StepResult::GoesOn | StepResult::Further => true,
                StepResult::Settled(receipt) => said.path.ends_with("/complete") && !receipt.is_empty(),
                StepResult::Refused | StepResult::Setback(_) => false,
            }
        }
        _ => false,
    }
}
/// The bundle that is announced in the talk.
fn announced() -> Announcement {
    let talk = talk();
    let said = talk.iter().find(|said| said.method == "POST" && said.path == "/v1/bundles").unwrap();
    let size = said.headers[tus::LENGTH].parse().unwrap();
    Announcement::read(&said.headers[tus::METADATA], size).unwrap()
}

#[test]
fn an_older_collectors_answers_are_understood() {
    let mut upload = None;
    for said in talk() {
        assert!(is_understood(&said, &mut upload), "{} {}: {}", said.method, said.path, said.answer);
    }
}

#[test]
fn an_answer_that_says_something_else_is_not_understood() {
    let changed = |part: &str, from: &str, to: &str| {
        let mut said = talk().into_iter().find(|said| said.path.contains(part)).unwrap();
        let answer = said.answer.as_str().unwrap();
        assert!(answer.contains(from), "{answer}");
        said.answer = answer.replace(from, to).into();
        is_understood(&said, &mut None)
    };
    assert!(changed("/v1/consents/", "\"durable\":true", "\"durable\":true,\"later\":{}"), "control");
    assert!(!changed("/v1/consents/", "\"durable\":true", "\"durable\":false"));
    assert!(!changed("/batches/", "\"accepted\"", "\"taken\""));
    assert!(!changed("/v1/privacy/", "\"ticket\"", "\"number\""));
    assert!(!changed("/v1/capabilities", "EEA", "Mars"));
}

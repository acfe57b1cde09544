//! An older version's talk, `protocol/tests/golden/talk-1.ndjson`: this collector takes all that its agent said, in the same
//! order, and answers what its collector answered, with more fields at most.

use std::collections::BTreeMap;

use kathea_collector::{InProcess, Question};
use serde_json::Value as Json;
use test_support::talk::{Exchange, bytes, talk};

/// What each collector draws, signs or counts from a moment of its own.
const OWN: [&str; 5] = ["chain", "not_after", "ticket", "receipt", "revocable_until"];

/// What `old` says and `new` does not.
fn lacks(old: &Json, new: &Json, at: &str) -> Vec<String> {
    match (old, new) {
        (Json::Object(old), Json::Object(new)) => {
            let field = |(name, old): (&String, &Json)| {
                let at = format!("{at}.{name}");
                new.get(name).map_or_else(|| vec![format!("{at} is missing")], |new| lacks(old, new, &at))
            };
            old.iter().flat_map(field).collect()
        }
        (Json::String(_), Json::String(_)) if OWN.iter().any(|own| at.ends_with(&format!(".{own}"))) => {
            vec![]
        }
        _ if old == new => vec![],
        _ => vec![format!("{at}: {old}, and now {new}")],
    }
}

/// Asks a new collector all of `talk`, and gives each answer that differs.
fn differing(talk: &[Exchange]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("collector");
    InProcess::create(&data, talk[0].at).unwrap();
    let collector = InProcess::open(&data, talk[0].at).unwrap();
    // What the older collector drew, and what this one drew in its place.
    let mut drawn = BTreeMap::from([(String::new(), collector.token().unwrap())]);
    let (mut chain, mut wrong) = (None::<Vec<u8>>, Vec::new());
    for said in talk {
        collector.set_time(said.at);
        let mut body = bytes(&said.body);
        if said.path == "/v1/enrol" {
            let mut request: Json = serde_json::from_slice(&body).unwrap();
            request["token"] = drawn[""].clone().into();
            body = serde_json::to_vec(&request).unwrap();
        }
        let path = drawn.iter().skip(1).fold(said.path.clone(), |path, (old, new)| path.replace(old, new));
        let question = Question {
            chain_pem: chain.as_deref(),
            method: &said.method,
            path: &path,
            headers: said.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            body,
        };
        let answer = collector.ask(question).unwrap().unwrap();
        let what = format!("{} {}", said.method, said.path);
        if answer.status != said.status {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            wrong.push(format!("{what}: {}, and now {} {body}", said.status, answer.status));
            continue;
        }
        let headers: BTreeMap<_, _> = answer.headers.iter().cloned().collect();
        for (name, old) in &said.answer_headers {
            let new = headers.get(name).map_or("", String::as_str);
            if name == "location" {
                drawn.insert(old.clone(), new.to_owned());
            } else if new != old && name != "content-length" {
                wrong.push(format!("{what}: {name}: {old}, and now {new}"));
            }
        }
        let old = serde_json::from_slice::<Json>(&bytes(&said.answer)).unwrap_or_default();
        let new = serde_json::from_slice::<Json>(&answer.body).unwrap_or_default();
        wrong.extend(lacks(&old, &new, &what));
        for own in ["ticket", "chain"] {
            if let (Some(old), Some(new)) = (old[own].as_str(), new[own].as_str()) {
                drawn.insert(old.to_owned(), new.to_owned());
            }
        }
        if let Some(new) = new["chain"].as_str() {
            chain = Some(new.as_bytes().to_vec());
        }
    }
    wrong
}

#[test]
fn an_older_agent_is_answered_as_its_own_collector_answered_it() {
    let talk = talk();
    for part in ["/v1/enrol", "/v1/consents/", "/batches/", "/v1/bundles", "/v1/privacy/erase"] {
        assert!(talk.iter().any(|said| said.path.contains(part)), "nothing of {part}");
    }
    assert_eq!(differing(&talk), [""; 0]);
}

#[test]
fn a_talk_that_went_otherwise_is_noticed() {
    let mut other = talk();
    let of = |part: &str| talk().iter().position(|said| said.path.contains(part)).unwrap();
    let (consent, batch) = (of("/v1/consents/"), of("/batches/"));
    other[consent].answer = r#"{"hash":"00","durable":true,"more":1}"#.into();
    other[batch].status = 202;
    let wrong = differing(&other);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(
        wrong[0].contains(".hash: ") && wrong[1].contains(".more is missing") && wrong[2].contains("202")
    );
}

//! Answers to requests to see what is held: sealed for the device that asked, fetched by it alone, kept for thirty days.

use std::io::Read;

use protocol::Digest;
use protocol::answer::{First, PART, SealedAnswer};
use protocol::ledger::EventKind;
use serde_json::{Value as Json, json};

use crate::device::{Device, batch};
use crate::program::Collector;
use crate::{rows, stored};

fn request(digit: &str, recipient: Option<&str>) -> Json {
    let mut request = json!({"request_id": digit.repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64)});
    if let Some(recipient) = recipient {
        request["recipient"] = json!(recipient);
    }
    request
}

fn ask(device: &Device, collector: &Collector, request: &Json) -> String {
    let answer = device.post(collector, "/v1/privacy/access", request);
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.body["ticket"].as_str().unwrap().to_owned()
}

fn look(device: &Device, collector: &Collector, ticket: &str) -> Json {
    device.get(collector, &format!("/v1/privacy/{ticket}")).body
}

/// A part, or the status that came in its place.
fn part(device: &Device, collector: &Collector, ticket: &str, part: u64) -> Result<Vec<u8>, u16> {
    let path = format!("/v1/privacy/{ticket}/answer/{part}");
    let mut response = device.ask(collector, "GET", &path, &[], &[]);
    match response.status().as_u16() {
        200 => Ok(response.body_mut().read_to_vec().unwrap()),
        status => Err(status),
    }
}

/// The whole answer, opened.
fn fetched(device: &Device, collector: &Collector, ticket: &str, key: &age::x25519::Identity) -> Vec<Json> {
    let sealed: SealedAnswer =
        serde_json::from_value(look(device, collector, ticket)["sealed"].clone()).unwrap();
    let parts = sealed.size.div_ceil(PART);
    let all: Vec<u8> =
        (0..parts).flat_map(|number| part(device, collector, ticket, number).unwrap()).collect();
    assert_eq!((all.len() as u64, Digest::of(&all)), (sealed.size, sealed.sha256));
    assert_eq!(part(device, collector, ticket, parts), Err(404));
    let mut text = String::new();
    let opened = age::Decryptor::new(all.as_slice()).unwrap();
    opened.decrypt(std::iter::once(key as _)).unwrap().read_to_string(&mut text).unwrap();
    let first: First = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(first.answers(ticket, device.id()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_answer_is_for_the_device_that_asked_and_goes_after_thirty_days() {
    let mut collector = Collector::start();
    let (device, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 499)).status, 201);
    let key = age::x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    let ticket = ask(&device, &collector, &request("a", Some(&recipient)));
    assert_eq!(part(&device, &collector, &ticket, 0), Err(404), "nothing is there yet");
    // The recipient is part of the request: nobody gives another one under its name.
    let swapped = request("a", Some(&age::x25519::Identity::generate().to_public().to_string()));
    assert_eq!(device.post(&collector, "/v1/privacy/access", &swapped).status, 409);

    collector.lines_of_text("requests", &["--answer", &ticket]);
    assert_eq!(look(&device, &collector, &ticket)["state"], "done");
    let lines = fetched(&device, &collector, &ticket, &key);
    assert_eq!(lines.iter().filter(|line| line["what"] == "record").count(), 500);
    assert_eq!(part(&other, &collector, &ticket, 0), Err(404), "another device's");
    assert_eq!(part(&device, &collector, &ticket, u64::MAX), Err(404));
    collector.kill_and_restart();
    let (device, _other) = (device.on_another_connection(&collector), other);
    assert_eq!(fetched(&device, &collector, &ticket, &key).len(), lines.len(), "it is kept over a restart");
    assert_eq!(collector.findings("verify"), Vec::<Json>::new());
    assert!(collector.fails("requests", &["--answer", &ticket]).contains("only an open request"));

    // One answer for each device: an earlier one goes with a later.
    let second = ask(&device, &collector, &request("b", Some(&recipient)));
    collector.lines_of_text("requests", &["--answer", &second]);
    assert_eq!(part(&device, &collector, &ticket, 0), Err(404));
    assert!(look(&device, &collector, &ticket).get("sealed").is_none());
    fetched(&device, &collector, &second, &key);

    for (days, is_there) in [(29, true), (2, false)] {
        let set = format!("made = made - {days} * 86400000000");
        stored::set(collector.data(), "response", &set, &rows::of(device.id()));
        collector.lines("retention", &["run"]);
        assert_eq!(part(&device, &collector, &second, 0).is_ok(), is_there, "{days}");
    }
    assert_eq!(look(&device, &collector, &second)["state"], "done");
    assert_eq!(collector.findings("verify"), Vec::<Json>::new());
}

#[test]
fn a_known_ledger_line_is_answered_with_what_is_missing_below_it() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let lines: Vec<String> =
        [EventKind::Granted, EventKind::Withdrawn, EventKind::Granted, EventKind::Restricted]
            .into_iter()
            .zip(0..)
            .map(|(kind, index)| device.ledger_line(index, kind))
            .collect();
    let put = |index: usize| {
        let answer = device.put_consent(&collector, &lines[index]);
        (answer.status, answer.body["expected"].clone())
    };
    assert_eq!(put(0), (201, json!(0)));
    // The withdrawal is lost with a backup, and so is the first answer to the line behind it.
    assert_eq!((put(2), put(2)), ((201, json!(1)), (200, json!(1))));
    assert_eq!((put(1), put(2), put(0)), ((201, json!(3)), (200, json!(2)), (200, json!(0))));
    assert_eq!((put(3), put(3)), ((201, json!(3)), (200, json!(3))));
}

#[test]
fn a_request_without_a_recipient_or_with_none_stays_open() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let old = ask(&device, &collector, &request("a", None));
    assert!(collector.fails("requests", &["--answer", &old]).contains("an older one"));
    let wrong = ask(&device, &collector, &request("b", Some("age1nobody")));
    assert!(collector.fails("requests", &["--answer", &wrong]).contains("names no age recipient"));
    for ticket in [&old, &wrong] {
        assert_eq!(look(&device, &collector, ticket)["state"], "open");
        collector.lines_of_text("requests", &["--done", ticket]);
        let said = look(&device, &collector, ticket);
        assert_eq!((&said["state"], said.get("sealed")), (&json!("done"), None));
    }
}

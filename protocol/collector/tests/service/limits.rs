//! What one device, or all of them at once, can make the collector hold; and certificates that have ended.

use std::fs;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use time::OffsetDateTime;

use crate::fleet::{Answer, Connection, Device};
use crate::server::Server;

/// A batch's head that promises a body of so many bytes, none of which comes.
fn promise(connection: &mut Connection, bytes: usize) {
    let path = format!("/v1/streams/usage_statistics/batches/{}-0-9", "0".repeat(32));
    let head = format!("PUT {path} HTTP/1.1\r\nHost: c\r\nContent-Length: {bytes}\r\n\r\n");
    connection.say(head.as_bytes()).unwrap();
}

fn comes_again(answer: &Answer, status: u16, kind: &str) {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, body["type"].as_str()), (status, Some(kind)));
    assert!(answer.retry_after.is_some_and(|seconds| (30..=300).contains(&seconds)), "{answer:?}");
}

#[test]
fn one_device_with_many_requests_at_once_is_asked_to_retry_and_others_are_served() {
    let server = Server::configured(None, "[operations]\nlisten = \"127.0.0.1:0\"\n");
    let [greedy, other] = server.devices(2).try_into().ok().unwrap();
    let mut open: Vec<_> = (0..6).map(|_| greedy.connect(&server.place).unwrap()).collect();
    open.iter_mut().for_each(|connection| promise(connection, 1 << 20));
    until(|| server.metric("kathea_collector_requests_in_flight") == Some(6.0));
    let mut one_more = greedy.connect(&server.place).unwrap();
    comes_again(&one_more.ask("GET", "/v1/capabilities", &[], b"").unwrap(), 429, "too_many_requests");
    let answers = other.visit(&server.place, &other.batch(0, 10), true).unwrap();
    assert!(answers.iter().all(|answer| answer.status == 201));
    drop(open);
    until(|| one_more.ask("GET", "/v1/capabilities", &[], b"").unwrap().status == 200);
}

#[test]
fn bodies_that_never_come_are_bounded_and_small_requests_still_pass() {
    let server = Server::configured(None, "[operations]\nlisten = \"127.0.0.1:0\"\n");
    let devices = server.devices(8);
    let mut open = Vec::new();
    for device in &devices[..7] {
        for _ in 0..5 {
            let mut connection = device.connect(&server.place).unwrap();
            promise(&mut connection, 1 << 20);
            open.push(connection);
        }
    }
    // 32 MiB in all: three of the 35 were asked to retry.
    until(|| server.metric("kathea_collector_requests_in_flight") == Some(32.0));
    let last = &devices[7];
    let mut connection = last.connect(&server.place).unwrap();
    promise(&mut connection, 1 << 20);
    comes_again(&connection.answer().unwrap(), 503, "busy");
    let mut connection = last.connect(&server.place).unwrap();
    assert_eq!(connection.ask("GET", "/v1/capabilities", &[], b"").unwrap().status, 200);
}

#[test]
fn a_certificate_that_ends_is_refused_on_the_connection_it_opened() {
    let server = Server::start(None);
    let mut device = server.devices(1).remove(0);
    let end = OffsetDateTime::now_utc() + Duration::from_secs(3);
    device.show(&server.place, &short_lived(&server, &device, end)).unwrap();
    let mut connection = device.connect(&server.place).unwrap();
    let mut idle = device.connect(&server.place).unwrap();
    let mut ask = || connection.ask("GET", "/v1/capabilities", &[], b"").map(|answer| answer.status);
    assert_eq!(ask().unwrap(), 200);
    let refused = loop {
        match ask().unwrap() {
            200 => assert!(OffsetDateTime::now_utc() < end + Duration::from_secs(2), "still served"),
            status => break status,
        }
    };
    assert_eq!(refused, 401);
    assert!(OffsetDateTime::now_utc() >= end.truncate_to_second());
    assert!(ask().is_err(), "the connection was closed");
    // Nor by another one that was open all the time, for what it could send.
    assert_eq!(idle.put(&device.batch(0, 10)).unwrap().status, 401);
    // A new one is refused by TLS.
    assert!(device.visit(&server.place, &device.batch(0, 10), true).is_err());
}

/// A certificate of the collector's authority for a device's key that ends soon.
fn short_lived(server: &Server, device: &Device, end: OffsetDateTime) -> String {
    let read = |name: &str| fs::read_to_string(server.data().join(name)).unwrap();
    let (ca, key) = (read("ca.pem"), KeyPair::from_pem(&read("ca-key.pem")).unwrap());
    let issuer = Issuer::from_ca_cert_pem(&ca, key).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, device.id.to_string());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = end - Duration::from_secs(3600);
    params.not_after = end;
    params.signed_by(&device.key().unwrap(), &issuer).unwrap().pem() + &ca
}

#[test]
fn the_limit_of_descriptors_is_raised_at_the_start() {
    let server = Server::configured(Some("-S -n 128"), "[operations]\nlisten = \"127.0.0.1:0\"\n");
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    let words: Vec<_> = line.split_whitespace().collect();
    let hard: u64 = words[4].parse().unwrap();
    assert_eq!(words[3], hard.min(8192).to_string(), "{line}");
    assert!(hard > 128);
    assert_eq!(server.metric("kathea_collector_descriptors_limit"), Some(hard.min(8192) as f64));
}

#[test]
fn what_is_sent_on_after_a_refusal_is_read_for_a_while_only() {
    let server = Server::configured(None, "[operations]\nlisten = \"127.0.0.1:0\"\n");
    let [silent, loud] = server.devices(2).try_into().ok().unwrap();
    let [mut silent, mut loud] = [silent, loud].map(|device| {
        let mut connection = device.connect(&server.place).unwrap();
        connection.say(b"PUT /v1/nothing HTTP/1.1\r\nHost: c\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
        assert_eq!(connection.answer().unwrap().status, 404);
        connection
    });
    // A chunk of 5 MiB may be on its way; the rest is what both ends buffer.
    let taken = (0..1 << 16).take_while(|_| loud.say(&[0; 16 << 10]).is_ok()).count() << 14;
    assert!((5 << 20..32 << 20).contains(&taken), "{taken}");
    // Without a look at it: the processor is for the other tests.
    std::thread::sleep(Duration::from_millis(4_800));
    until(|| server.metric("kathea_collector_connections{kind=\"device\"}") == Some(0.0));
    assert!(silent.answer().is_err());
}

/// Looks again and again.
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited too long");
        std::thread::yield_now();
    }
}

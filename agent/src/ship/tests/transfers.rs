//! What goes out: only to the end while the consent stands, and only through the proxy that was configured.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use super::pki::{Authority, Life};
use super::server::{BOTH, Server, config, listen, respond};
use crate::consent::permit::Lease;
use crate::ship::exchange::{Body, Exchange, Method};
use crate::ship::failure::{BadSettings, Failure};
use crate::ship::https::{Https, Settings};
use crate::ship::routes;

fn serving() -> (Server, Settings) {
    let ca = Authority::new();
    let config = config(&ca.server("127.0.0.1", Life::Now), None, BOTH);
    let server = Server::start(config, |tls, _| respond(tls, "200 OK", "", "{}"));
    let settings = server.settings(ca.pem());
    (server, settings)
}

fn upload(body: Vec<u8>, lease: Option<Lease>) -> Exchange {
    Exchange { method: Method::Put, path: "/v1/x".into(), headers: vec![], body: Body::Bytes(body), lease }
}

#[test]
fn a_body_arrives_whole_and_with_its_length() {
    let (server, settings) = serving();
    let body = (0..1_000_000u32).map(|i| i as u8).collect::<Vec<_>>();
    let mut https = Https::new(settings).unwrap();
    assert_eq!(https.exchange(&upload(body.clone(), None)).unwrap().status, 200);
    let seen = server.seen();
    assert!(seen.whole && seen.body == body);
    assert!(!seen.head.contains("chunked") && !seen.head.contains("expect"), "{}", seen.head);
    assert_eq!(https.exchange(&upload(Vec::new(), None)).unwrap().status, 200);
    let seen = server.seen();
    assert!(!seen.head.contains("chunked") && seen.head.contains("content-length: 0"), "{}", seen.head);
}

#[test]
fn a_withdrawal_stops_an_upload_between_two_chunks() {
    let (server, settings) = serving();
    let live = Arc::new(AtomicBool::new(true));
    let (flag, mut pauses) = (Arc::clone(&live), 0);
    let sleep = Box::new(move |_| {
        pauses += 1;
        flag.store(pauses <= 4, Ordering::Release);
    });
    let mut https = Https::new(Settings { rate: 64 << 10, sleep, ..settings }).unwrap();
    let lease = Lease::watching(Arc::clone(&live));
    let failure = https.exchange(&upload(vec![7; 1 << 20], Some(lease))).unwrap_err();
    assert_eq!(failure, Failure::Withdrawn);
    let seen = server.seen();
    assert!(!seen.whole && seen.body.len() <= 4 * (16 << 10), "{} bytes", seen.body.len());
    assert!(server.nothing_more_seen(), "the connection is closed");
}

#[test]
fn after_a_withdrawal_nothing_is_even_connected() {
    let (server, settings) = serving();
    let lease = Lease::watching(Arc::new(AtomicBool::new(false)));
    let failure = Https::new(settings).unwrap().exchange(&upload(vec![7; 100], Some(lease))).unwrap_err();
    assert_eq!((failure, server.connections()), (Failure::Withdrawn, 0));
}

#[test]
fn an_address_where_nobody_is_says_so() {
    let (_server, settings) = serving();
    let ca_pem = settings.ca_pem;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // A label of 64 characters is refused by the resolver itself, without a packet.
    let unknown = format!("https://{}.invalid", "x".repeat(64));
    for (url, failure) in [(format!("https://{closed}"), Failure::Connect), (unknown, Failure::Name)] {
        let (_server, settings) = serving();
        let mut https = Https::new(Settings { url, ca_pem: ca_pem.clone(), ..settings }).unwrap();
        assert_eq!(https.exchange(&routes::capabilities()).unwrap_err(), failure);
    }
}

/// A proxy that answers CONNECT with `status`, and tunnels if it is 200; what passed is kept.
fn proxy(status: &'static str, target: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let passed = Arc::new(Mutex::new(vec![]));
    let kept = Arc::clone(&passed);
    let (address, _) = listen(move |mut client| {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
        kept.lock().unwrap().extend_from_slice(head.as_bytes());
        let _ = write!(client, "HTTP/1.1 {status}\r\n\r\n");
        if !status.starts_with("200") {
            return;
        }
        let mut upstream = TcpStream::connect(&target).unwrap();
        let (mut back, mut down) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let _ = io::copy(&mut back, &mut down);
            let _ = down.shutdown(Shutdown::Both);
        });
        let mut copied = vec![0; 4096];
        while let Ok(n @ 1..) = io::Read::read(&mut reader, &mut copied) {
            kept.lock().unwrap().extend_from_slice(&copied[..n]);
            upstream.write_all(&copied[..n]).unwrap();
        }
        let _ = upstream.shutdown(Shutdown::Both);
    });
    (format!("http://user:secret@{address}"), passed)
}

#[test]
fn a_configured_proxy_tunnels_and_reads_nothing() {
    let (server, settings) = serving();
    let (url, passed) = proxy("200 OK", server.url().replace("https://", ""));
    let mut https = Https::new(Settings { proxy: Some(url), ..settings }).unwrap();
    let body = b"only the collector reads this".to_vec();
    assert_eq!(https.exchange(&upload(body.clone(), None)).unwrap().status, 200);
    assert_eq!(server.seen().body, body);
    let passed = passed.lock().unwrap();
    assert!(passed.starts_with(b"CONNECT ") && passed.len() > 500);
    assert!(!passed.windows(body.len()).any(|window| window == body));
}

#[test]
fn a_proxy_that_refuses_is_named_and_never_gone_around() {
    for (status, failure) in
        [("407 Authenticate", Failure::Proxy(Some(407))), ("403 Forbidden", Failure::Proxy(Some(403)))]
    {
        let (server, settings) = serving();
        let (url, _) = proxy(status, String::new());
        let mut https = Https::new(Settings { proxy: Some(url), ..settings }).unwrap();
        let failed = https.exchange(&routes::capabilities()).unwrap_err();
        assert_eq!((failed, server.connections()), (failure, 0));
        assert!(!format!("{failed} {failed:?} {https:?}").contains("secret"));
    }
    let (server, settings) = serving();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut https = Https::new(Settings { proxy: Some(format!("http://{closed}")), ..settings }).unwrap();
    let failed = https.exchange(&routes::capabilities()).unwrap_err();
    assert_eq!((failed, server.connections()), (Failure::Proxy(None), 0));
}

#[test]
fn a_proxy_that_would_be_ignored_is_an_error_at_the_start() {
    for bad in ["", "socks5://127.0.0.1:1080", "ftp://x", "::", "http://"] {
        let (_server, settings) = serving();
        let error = Https::new(Settings { proxy: Some(bad.into()), ..settings }).err();
        assert_eq!(error, Some(BadSettings::Proxy), "{bad}");
    }
}

/// What a process with a hijacked environment does; run by the test below.
#[test]
fn a_proxy_in_the_environment_is_ignored_here() {
    let (_server, settings) = serving();
    assert_eq!(Https::new(settings).unwrap().exchange(&routes::capabilities()).unwrap().status, 200);
    if std::env::var("HTTPS_PROXY").is_ok() {
        let default = ureq::config::Config::default();
        assert!(default.proxy().is_some_and(|proxy| proxy.is_from_env()), "what ureq does if it is let");
    }
}

#[test]
fn a_proxy_in_the_environment_is_ignored() {
    let (came_at, came) = channel();
    let (hijacker, _) = listen(move |_| {
        let _ = came_at.send(());
    });
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "ship::tests::transfers::a_proxy_in_the_environment_is_ignored_here"]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"] {
        command.env(name, format!("http://{hijacker}"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert!(came.try_recv().is_err(), "the environment's proxy was used");
}

//! Answers of every kind: none is followed, believed beyond its shape, waited for without an end, or read whole
//! because it says so.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::pki::{Authority, Life};
use super::server::{BOTH, Seen, Server, Tls, config, respond, stall};
use crate::ship::exchange::Outcome;
use crate::ship::failure::{Failure, Phase};
use crate::ship::https::{Https, Settings, Timeouts};
use crate::ship::pace::Reply;
use crate::ship::routes;

/// Long enough for a handshake on a busy machine, short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

fn serving(behave: impl Fn(&mut Tls, &Seen) -> io::Result<()> + Send + Sync + 'static) -> (Server, Settings) {
    let ca = Authority::new();
    let server = Server::start(config(&ca.server("127.0.0.1", Life::Now), None, BOTH), behave);
    let settings = server.settings(ca.pem());
    (server, settings)
}

fn asked(behave: impl Fn(&mut Tls, &Seen) -> io::Result<()> + Send + Sync + 'static) -> Outcome {
    let (_server, settings) = serving(behave);
    Https::new(settings).unwrap().exchange(&routes::capabilities())
}

fn asked_in_a_hurry(behave: impl Fn(&mut Tls, &Seen) -> io::Result<()> + Send + Sync + 'static) -> Outcome {
    let (_server, settings) = serving(behave);
    let timeouts = Timeouts { reply: SHORT, read: SHORT, ..Timeouts::default() };
    Https::new(Settings { timeouts, ..settings }).unwrap().exchange(&routes::capabilities())
}

#[test]
fn a_captive_portal_is_no_welcome() {
    let page = |status: &'static str| {
        asked(move |tls, _| respond(tls, status, "content-type: text/html\r\n", "<html>Sign in</html>"))
    };
    for status in ["200 OK", "403 Forbidden", "410 Gone", "503 Busy"] {
        assert_eq!(routes::probed(&page(status), None), Reply::Failed, "{status}");
    }
}

#[test]
fn a_redirect_is_an_answer_and_never_followed() {
    let (elsewhere, _) = serving(|tls, _| respond(tls, "200 OK", "", "{}"));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("location: {}/v1/capabilities\r\n", elsewhere.url());
        let outcome = asked(move |tls, _| respond(tls, status, &location, ""));
        assert_eq!(routes::probed(&outcome, None), Reply::Failed);
        assert_eq!(outcome.unwrap().status.to_string(), status[..3]);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn what_an_answer_says_in_its_head_is_handed_on() {
    let head = "retry-after: 120\r\ndate: Sun, 22 Nov 2026 10:00:00 GMT\r\ntelemetry-ledger-head: 3-x\r\n";
    let answer = asked(move |tls, _| respond(tls, "503 Busy", head, "later")).unwrap();
    assert_eq!(
        (answer.status, answer.retry_after.as_deref(), answer.body.as_slice()),
        (503, Some("120"), &b"later"[..])
    );
    assert_eq!((answer.clock(), answer.ledger_head.as_deref()), (Some(1_795_341_600), Some("3-x")));
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let outcome = asked(|tls, _| {
        write!(tls, "HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n")?;
        loop {
            tls.write_all(&[b' '; 16_384])?;
        }
    });
    assert_eq!(outcome.unwrap_err(), Failure::TooLarge);

    let outcome = asked(|tls, _| {
        write!(tls, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        loop {
            write!(tls, "1000\r\n{}\r\n", " ".repeat(0x1000))?;
        }
    });
    assert_eq!(outcome.unwrap_err(), Failure::TooLarge);

    let outcome = asked(|tls, _| {
        write!(tls, "HTTP/1.1 200 OK\r\n")?;
        loop {
            write!(tls, "x-filler: {}\r\n", "x".repeat(100))?;
        }
    });
    let failure = outcome.unwrap_err();
    assert!(matches!(failure, Failure::TooLarge | Failure::NotHttp), "{failure:?}");
}

#[test]
fn an_answer_that_never_comes_or_drips_is_given_up() {
    let begun = Instant::now();
    assert_eq!(asked_in_a_hurry(|tls, _| stall(tls)).unwrap_err(), Failure::Timeout(Phase::Reply));

    let outcome = asked_in_a_hurry(|tls, _| {
        write!(tls, "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n ")?;
        stall(tls)
    });
    assert_eq!(outcome.unwrap_err(), Failure::Timeout(Phase::Reply));

    for head in ["HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n"] {
        let outcome = asked_in_a_hurry(move |tls, _| {
            write!(tls, "{head}")?;
            // A byte every ten milliseconds: what a read that finds nothing waits.
            tls.sock.set_read_timeout(Some(Duration::from_millis(10)))?;
            loop {
                write!(tls, " ")?;
                if matches!(tls.read(&mut [0; 16]), Ok(0)) {
                    return Ok(());
                }
            }
        });
        assert_eq!(outcome.unwrap_err(), Failure::Timeout(Phase::Reply));
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_answer_that_is_cut_is_no_answer() {
    for begun in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{",
    ] {
        let outcome = asked(move |tls, _| {
            write!(tls, "{begun}")?;
            tls.flush()?;
            Err(io::ErrorKind::Other.into())
        });
        assert_eq!(outcome.unwrap_err(), Failure::Cut, "after {begun:?}");
    }
}

#[test]
fn what_is_not_http_is_no_answer() {
    let outcome = asked(|tls, _| {
        write!(tls, "220 mail.example ESMTP\r\n\r\n")?;
        stall(tls)
    });
    assert_eq!(outcome.unwrap_err(), Failure::NotHttp);
}

#[test]
fn a_connection_serves_a_drain_and_is_closed_after_it() {
    let (server, settings) = serving(|tls, _| respond(tls, "200 OK", "", "{}"));
    let mut https = Https::new(settings).unwrap();
    for _ in 0..5 {
        https.exchange(&routes::capabilities()).unwrap();
        server.seen();
    }
    assert_eq!(server.connections(), 1);
    https.rest();
    assert!(server.nothing_more_seen(), "the server sees the end at once");
    https.exchange(&routes::capabilities()).unwrap();
    assert_eq!(server.connections(), 2);
}

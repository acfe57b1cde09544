//! The service as Kathea and the service manager see it: an answered line is durable, a scan that runs holds
//! back what is sent, and the service ends on a signal and starts after it was killed.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::peer;
use crate::common::relay::Relay;
use crate::common::totals::Totals;
use crate::common::workstation::Workstation;
use crate::common::{Random, seeded, until};
use serde_json::Value as Json;

/// A connection to the local socket.
struct Socket(BufReader<UnixStream>);

impl Socket {
    fn of(workstation: &Workstation) -> Self {
        Self(BufReader::new(UnixStream::connect(workstation.socket()).unwrap()))
    }

    /// Sends one line and waits for its answer.
    fn ask(&mut self, line: &str) -> Json {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.0.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

fn route() -> (Collector, Relay, Workstation, Random) {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    (collector, relay, workstation, seeded())
}

#[test]
fn a_line_that_was_answered_survives_a_kill() {
    let (collector, relay, workstation, mut random) = route();
    workstation.configure(&relay.url(), "https://127.0.0.1:1");
    let mut outbox = Outbox::new(random.clone());
    for _ in 0..5 {
        let service = workstation.serve();
        let mut socket = Socket::of(&workstation);
        for _ in 0..random.within(1, 40) {
            let line = if random.percent(50) { outbox.device_error() } else { outbox.exposure() };
            assert_eq!(socket.ask(&line)["ok"], true);
        }
        assert_eq!(socket.ask(r#"{"event":"device.error"}"#)["error"], "missing_attribute");
        // A request that is misspelt is no lost event.
        assert_eq!(socket.ask(r#"{"request":"statsu"}"#)["error"], "usage");
        assert_eq!(socket.ask(r#"{"requst":"status"}"#)["error"], "usage");
        service.kill();
    }
    workstation.configure("https://127.0.0.1:1", &relay.url());
    workstation.expect(0, &["run", "--once", "--close"]);
    let mut export = collector.export();
    export.retain(|line| line["kind"] != "state"); // the workstation's own
    Totals::exported(&export).assert_are(&outbox.expected);
    assert_eq!(workstation.status()["dropped"], serde_json::json!({"missing_attribute": 5}));
}

#[test]
fn nothing_is_sent_while_a_scan_runs() {
    let (collector, relay, workstation, random) = route();
    let service = workstation.serve();
    until("the consent is sent", || workstation.status()["waiting"]["requests"]["records"] == 0);
    let mut socket = Socket::of(&workstation);
    assert_eq!(socket.ask(r#"{"request":"busy"}"#)["ok"], true);
    let bytes = relay.bytes();
    let mut outbox = Outbox::new(random);
    outbox.fill(&workstation, 1000, 100, Outbox::device_error);
    until("all is taken in", || workstation.status()["waiting"]["usage"]["records"] == 1000);
    assert_eq!((relay.bytes(), collector.export().len()), (bytes, 0));

    assert_eq!(socket.ask(r#"{"request":"idle"}"#)["ok"], true);
    until("all is sent", || workstation.status()["sent"]["usage_statistics"]["records"] == 1000);
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
    service.kill();
}

#[test]
fn it_ends_on_a_signal_and_starts_after_it_was_killed() {
    let (_collector, _relay, workstation, _) = route();
    workstation.serve().kill();
    assert!(workstation.socket().exists(), "a killed service leaves its socket behind");
    assert_eq!(workstation.status()["service"], "stopped");

    let mut service = workstation.serve();
    assert_eq!(workstation.status()["service"], "running");
    test_support::signal(service.id(), "TERM");
    until("the service ends", || service.ended());
    assert_eq!(service.code(), Some(0));
    assert!(!workstation.socket().exists());
}

#[test]
fn the_documented_example_is_answered() {
    if !peer::has("python3") {
        return;
    }
    let (_collector, _relay, workstation, _) = route();
    let _service = workstation.serve();
    let text = include_str!("../../protocol/SOCKET.md");
    let example = text.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let socket = workstation.socket();
    let example = example.replace("/run/kathea-agent/kathea.sock", socket.to_str().unwrap());
    let output = Command::new("python3").args(["-c", &example]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{'ok': True}\n", "{:?}", output.stderr);
}

/// The next word to the service manager; none if it does not come within `patience`.
fn notified(manager: &UnixDatagram, patience: Duration) -> Option<String> {
    manager.set_read_timeout(Some(patience)).unwrap();
    let mut message = [0; 100];
    let length = manager.recv(&mut message).ok()?;
    Some(String::from_utf8(message[..length].to_vec()).unwrap())
}

#[test]
fn the_service_manager_gets_progress_and_nothing_while_the_loop_hangs() {
    const BEAT: Duration = Duration::from_millis(500);
    const PATIENCE: Duration = Duration::from_secs(60);
    const GOES_ROUND: &str = "READY=1\nWATCHDOG=1";
    let real = Collector::start();
    let workstation = Workstation::new("https://127.0.0.1:1", &real.ca());
    let name = workstation.path().join("notify");
    let manager = UnixDatagram::bind(&name).unwrap();
    let mut service = workstation.agent(&["run"]);
    service.env("NOTIFY_SOCKET", &name).env("WATCHDOG_USEC", (2 * BEAT).as_micros().to_string());
    let mut service = service.stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..4 {
        assert_eq!(notified(&manager, PATIENCE).unwrap(), GOES_ROUND, "with nothing to do it still says so");
    }

    // The loop waits for a file that does not come: what the clock showed is a pipe that nobody writes to.
    let clock = workstation.data().join("clock.json");
    let _ = std::fs::remove_file(&clock);
    assert!(Command::new("mkfifo").arg(&clock).status().unwrap().success());
    workstation.leave("wakes.ndjson", b"{}\n");
    until("a loop that hangs is silent", || notified(&manager, 4 * BEAT).is_none());
    std::fs::write(&clock, "{}").unwrap();
    assert_eq!(notified(&manager, PATIENCE).unwrap(), GOES_ROUND);
    test_support::signal(service.id(), "TERM");
    assert_eq!(service.wait().unwrap().code(), Some(0));
    while notified(&manager, PATIENCE).unwrap() != "STOPPING=1" {}
}

//! `doctor` against what is broken in practice: the right line fails and names the remedy, and the exit code says so.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use common::collector::Collector;
use common::workstation::Workstation;
use serde_json::Value as Json;

fn healthy() -> (Collector, Workstation) {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    fs::create_dir_all(workstation.outbox()).unwrap();
    (collector, workstation)
}

/// The lines that fail, with what to do.
fn failing(workstation: &Workstation) -> Vec<(String, String)> {
    let output = workstation.run(&["doctor", "--json"]);
    let checks: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    let word = |check: &Json, key: &str| check[key].as_str().unwrap().to_owned();
    let failed = checks.iter().filter(|check| check["result"] == "fail");
    let failed = failed.map(|check| (word(check, "check"), word(check, "remedy"))).collect::<Vec<_>>();
    assert_eq!(output.status.code(), Some(i32::from(!failed.is_empty())));
    failed
}

fn fails_at(workstation: &Workstation, check: &str, remedy: &str) {
    let failed = failing(workstation);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].0 == check && failed[0].1.contains(remedy), "{failed:?}");
}

/// Writes one key of the configuration anew.
fn set(workstation: &Workstation, key: &str, value: &str) {
    let text = fs::read_to_string(workstation.config()).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with(&format!("{key} ")));
    let line = format!("{key} = \"{value}\"");
    let lines = kept.flat_map(|kept| [Some(kept.to_owned()), (kept == "[collector]").then(|| line.clone())]);
    fs::write(workstation.config(), lines.flatten().collect::<Vec<_>>().join("\n")).unwrap();
}

/// A proxy that answers every request so.
fn proxy(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn where_all_is_well_nothing_fails() {
    let (_collector, workstation) = healthy();
    assert_eq!(failing(&workstation), []);
    let _service = workstation.serve();
    assert_eq!(failing(&workstation), []);
}

#[test]
fn the_step_that_is_broken_is_named() {
    let (_collector, workstation) = healthy();
    let url = fs::read_to_string(workstation.config()).unwrap();
    set(&workstation, "url", "https://127.0.0.1:1");
    fails_at(&workstation, "connection", "firewall");
    set(&workstation, "url", "https://no-such-host.invalid:8443");
    fails_at(&workstation, "name", "DNS");
    set(&workstation, "url", "http://127.0.0.1:1");
    fails_at(&workstation, "collector", "https://host:port");
    fs::write(workstation.config(), &url).unwrap();

    let other = Collector::start();
    set(&workstation, "url", &format!("https://{}", other.address()));
    fails_at(&workstation, "tls", "inspection proxy");
    fs::write(workstation.config(), url.replace("ca = ", "cert = ")).unwrap();
    fails_at(&workstation, "configuration", "collector.");
}

#[test]
fn a_proxy_that_does_not_let_it_through_is_named() {
    let (_collector, workstation) = healthy();
    for (answer, remedy) in [
        ("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n", "NTLM is not supported"),
        (
            "HTTP/1.1 403 No\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<html>no!",
            "allow the collector",
        ),
    ] {
        set(&workstation, "proxy", &proxy(answer));
        fails_at(&workstation, "proxy", remedy);
    }
    set(&workstation, "proxy", "http://127.0.0.1:1");
    fails_at(&workstation, "proxy", "[collector] proxy");
}

#[test]
fn a_folder_that_is_missing_open_or_copied_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let (_collector, workstation) = healthy();
    fs::remove_dir(workstation.outbox()).unwrap();
    fails_at(&workstation, "outbox", "[kathea] outbox");
    fs::create_dir(workstation.outbox()).unwrap();

    fs::set_permissions(workstation.data(), fs::Permissions::from_mode(0o755)).unwrap();
    fails_at(&workstation, "data_dir", "chmod 700");
    fs::set_permissions(workstation.data(), fs::Permissions::from_mode(0o700)).unwrap();

    let machine = workstation.data().join("machine");
    if machine.exists() {
        fs::write(machine, format!("00 {}\n", "0".repeat(64))).unwrap();
        fails_at(&workstation, "device", "enrol with a token of its own");
    } else {
        assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "no /etc/machine-id");
        eprintln!("SKIPPED: this system has no /etc/machine-id");
    }
}

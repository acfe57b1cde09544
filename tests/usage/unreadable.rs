//! A disk that does not give a file once (EIO, as strace injects it): no identity, no consent and no record is lost, it is
//! said, and the next try does it. A key that was read and does not verify is kept, with what was sealed under it.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what the tests share is outside of `#[test]` functions"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::workstation::Workstation;
use crate::common::{peer, seeded};
use serde_json::{Value as Json, json};

const NOWHERE: &str = "https://127.0.0.1:1";
/// Events that lie in the outbox of one.
const MORE: usize = 40;
const EVENTS: usize = 520;

/// A granted workstation on which 520 events wait, and its collector's address.
fn waiting() -> (Collector, String, Workstation) {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    workstation.expect(0, &["run", "--once"]);
    workstation.configure(&url, NOWHERE);
    Outbox::new(seeded()).fill(&workstation, EVENTS, EVENTS, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    (collector, url, workstation)
}

/// The agent, with the first `call` that concerns `path` failing; none if no call of this kind came.
fn with_eio(workstation: &Workstation, call: &str, path: &Path, args: &[&str]) -> Option<Output> {
    with_eio_when(workstation, call, "1", path, args)
}

/// Likewise, with those calls failing that `when` says, as strace counts them.
fn with_eio_when(
    workstation: &Workstation,
    call: &str,
    when: &str,
    path: &Path,
    args: &[&str],
) -> Option<Output> {
    let agent = workstation.agent(args);
    let log = workstation.path().join("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-q", "-o"]).arg(&log).arg("-P").arg(path);
    strace
        .arg("-e")
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:error=EIO:when={when}"));
    let output =
        strace.arg(agent.get_program()).args(agent.get_args()).env_remove("RUST_LOG").output().unwrap();
    let fired = fs::read_to_string(log).unwrap_or_default().contains("(INJECTED)");
    fired.then_some(output)
}

/// What `status` must say whatever happened before.
fn facts(status: &Json) -> Json {
    json!([status["device"], status["consent"], status["dropped"], status["waiting"]["usage"]["records"]])
}

fn key(workstation: &Workstation, of: &str) -> PathBuf {
    let names = fs::read_dir(workstation.data().join("keys")).unwrap().flatten().map(|entry| entry.path());
    let is_one = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(of);
    names.into_iter().find(is_one).unwrap()
}

#[test]
fn one_read_that_fails_costs_no_identity_no_consent_and_no_record() {
    if !peer::has("strace") {
        return;
    }
    let (collector, url, workstation) = waiting();
    let data = workstation.data();
    let before = facts(&workstation.status());
    let mut fired = 0;
    let small = [
        "format",
        "keys/root",
        "keys/device.key",
        "ledger.head",
        "ledger.ndjson",
        "tally.json",
        "clock.json",
    ];
    let rest = ["machine", "spool/usage.a", "spool/usage.b", "spool/usage/0/db", "certificate.pem"];
    let named = small.into_iter().chain(rest).map(|name| data.join(name));
    for path in named.chain([key(&workstation, "usage"), key(&workstation, "rights")]) {
        for call in ["openat", "read", "statx"] {
            for args in [["status", "--json"].as_slice(), &["run", "--once"]] {
                let Some(output) = with_eio(&workstation, call, &path, args) else { continue };
                fired += 1;
                let where_ = format!("{args:?}, {call} of {}", path.display());
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let shown = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(!said.contains("panicked"), "{where_}: {said}");
                // The size of a file is only a hint to the standard library, which reads on without it.
                let is_reported = !said.is_empty() || shown.contains("cannot be") || call == "statx";
                assert!(is_reported, "{where_}: nothing is said\n{shown}");
                assert_eq!(facts(&workstation.status()), before, "{where_}: {said}");
            }
        }
    }
    println!("{fired} reads failed");
    assert!(fired > 40, "{fired}");
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), EVENTS, "{EVENTS} of {EVENTS}");
}

#[test]
fn a_sector_that_never_comes_back_costs_nothing_that_is_read_from_another_disk() {
    if !peer::has("strace") {
        return;
    }
    let (collector, url, workstation) = waiting();
    let data = workstation.data();
    let before = facts(&workstation.status());
    Outbox::new(seeded()).fill(&workstation, MORE, MORE, Outbox::device_error);
    let named = [
        "format",
        "keys/root",
        "keys/device.key",
        "ledger.head",
        "ledger.ndjson",
        "tally.json",
        "clock.json",
    ];
    let rest = ["machine", "spool/usage.a", "spool/usage/0/db"];
    let named = named.into_iter().chain(rest).map(|name| data.join(name));
    let mut fired = 0;
    for path in named.chain([key(&workstation, "usage")]) {
        for call in ["openat", "read,pread64"] {
            for _ in 0..2 {
                let args = ["run", "--once"];
                let Some(output) = with_eio_when(&workstation, call, "1+", &path, &args) else { continue };
                fired += 1;
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let where_ = format!("{call} of {}", path.display());
                assert!(!said.contains("panicked") && !output.status.success(), "{where_}: {said}");
                assert!(said.contains("cannot be"), "{where_}: nothing is said\n{said}");
            }
            // What lies in the outbox may have been taken in meanwhile: one of two copies of the numbering is enough.
            let mut now = facts(&workstation.status());
            if now[3] == EVENTS + MORE {
                now[3] = EVENTS.into();
            }
            assert_eq!(now, before, "{call} of {}", path.display());
        }
    }
    println!("{fired} runs on a disk that never gives a file");
    assert!(fired > 30, "{fired}");
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), EVENTS + MORE);
}

#[test]
fn a_withdrawal_that_could_not_read_the_registry_erases_nothing_and_works_the_next_time() {
    if !peer::has("strace") {
        return;
    }
    let (_collector, _url, workstation) = waiting();
    let before = facts(&workstation.status());
    let withdraw = ["consent", "withdraw", "usage_statistics"];
    for name in ["ledger.ndjson", "ledger.head"] {
        let path = workstation.data().join(name);
        let output = with_eio(&workstation, "openat", &path, &withdraw).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // It is read once more before anybody is refused.
        assert!(output.status.success() || said.contains("cannot be read now"), "{said}");
        if output.status.success() {
            break;
        }
        assert_eq!(facts(&workstation.status()), before);
    }
    workstation.expect(0, &withdraw);
    let status = workstation.status();
    assert_eq!(status["consent"]["usage_statistics"], "withdrawn");
    assert_eq!(status["dropped"], json!({"withdrawn": EVENTS}));
}

#[test]
fn a_damaged_key_costs_nothing_that_is_not_got_back_with_it() {
    let (collector, url, workstation) = waiting();
    let before = facts(&workstation.status());
    workstation.configure(NOWHERE, &url);
    let path = key(&workstation, "usage");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[20] ^= 1;
    fs::write(&path, flipped).unwrap();
    for _ in 0..2 {
        workstation.expect(3, &["run", "--once", "--close"]);
        let status = workstation.status();
        assert_eq!(facts(&status), before, "what waits for its key goes on waiting");
        assert!(status["problems"].to_string().contains("set aside"), "{status}");
    }
    assert_eq!(collector.export().len(), 0);
    assert!(!path.exists() && workstation.keys("quarantine-usage") == 1);

    // What comes meanwhile is sealed under another key, and sent.
    Outbox::new(seeded()).fill(&workstation, 30, 30, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    assert_eq!(collector.export().len(), 30);
    fs::write(&path, whole).unwrap();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), EVENTS + 30, "{EVENTS} of {EVENTS}");
    assert_eq!(workstation.status()["dropped"], json!({}));
}

#[test]
fn a_damaged_identity_erases_nothing_and_comes_back_with_its_file() {
    let (collector, url, workstation) = waiting();
    Outbox::new(seeded()).fill(&workstation, 50, 50, Outbox::device_error);
    workstation.configure(NOWHERE, &url);
    let before = workstation.status();
    let path = workstation.data().join("keys").join("device.key");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[1..]).unwrap();
    workstation.run(&["run", "--once", "--close"]);
    let status = workstation.status();
    assert_ne!(status["device"], before["device"]);
    assert_eq!((&status["waiting"]["usage"]["records"], &status["dropped"]), (&json!(EVENTS), &json!({})));
    assert_eq!((workstation.in_outbox(), collector.export().len()), (1, 0));
    assert!(status["problems"].as_array().unwrap().len() >= 3, "{status}");

    fs::write(&path, whole).unwrap();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(workstation.status()["device"], before["device"]);
    assert_eq!(collector.export().len(), EVENTS + 50, "of the waiting and of the outbox");
}

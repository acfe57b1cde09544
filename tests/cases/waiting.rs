//! Waiting at the command line: until the vendor has a bundle, with rate and time left; Ctrl-C, which cancels in the
//! service what is being gathered and never what was consented to; colour on a terminal.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use crate::common::bundle;
use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::terminal::Terminal;
use crate::common::{peer, seeded, until};
use serde_json::{Value as Json, json};

/// Bytes of the bundle, in three chunks, and its rate: some seconds.
const SIZE: usize = 12 << 20;

/// A clinic whose sealed bundle waits, and the bundle's name. The agent does not run.
fn waiting(collector: &Collector) -> (Clinic, String) {
    let clinic = Clinic::of(collector, &format!("https://{}", collector.address()));
    clinic.workstation.configure("1 GiB/s", "4 MiB/s");
    let consent = bundle::open_case(&clinic.workstation, "CASE-1");
    bundle::queue(&clinic.workstation, "CASE-1", consent, SIZE, &mut seeded());
    let id = bundle::status(&clinic.workstation)["id"].as_str().unwrap().to_owned();
    (clinic, id)
}

/// One line to the service, and its answer.
fn ask(clinic: &Clinic, line: &str) -> Json {
    let mut end = UnixStream::connect(clinic.workstation.socket()).unwrap();
    writeln!(end, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(end).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// The agent in the background. It takes Ctrl-C as at a terminal, also where who runs the tests ignores it.
fn begin(clinic: &Clinic, args: &[&str]) -> Child {
    let agent = clinic.workstation.agent(args);
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(agent.get_program()).args(agent.get_args());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ctrl-C to a process of this test, and what it wrote.
fn interrupt(child: Child) -> (Option<i32>, String) {
    test_support::signal(child.id(), "INT");
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_list_that_is_watched_shows_rate_and_time_left_until_it_is_delivered() {
    let collector = Collector::start();
    let (clinic, id) = waiting(&collector);
    let _service = clinic.workstation.serve();
    let shown = clinic.workstation.expect(0, &["support", "list", "--watch"]);
    let last = shown.lines().last().unwrap();
    assert!(last.starts_with(&format!("{id}  CASE-1  sent  100 %")), "{shown}");
    assert!(shown.lines().any(|line| line.contains(" MB/s, ") && line.ends_with(" left")), "{shown}");
    // Over: it ends at once, for programs too.
    let row: Json =
        serde_json::from_str(&clinic.workstation.expect(0, &["support", "list", "--watch", "--json"]))
            .unwrap();
    assert_eq!((&row["state"], &row["id"]), (&json!("sent"), &json!(id)));
}

#[test]
fn sending_waits_for_the_receipt_and_ctrl_c_ends_the_waiting_alone() {
    let collector = Collector::start();
    let (clinic, id) = waiting(&collector);
    let _service = clinic.workstation.serve();
    for args in [&["support", "send", &id, "--wait"][..], &["support", "list", "--watch"]] {
        let child = begin(&clinic, args);
        until("it is being sent", || clinic.list()["bundles"][0]["state"] == "sending");
        let (code, _) = interrupt(child);
        assert_ne!(code, Some(0), "{args:?} did not end as done");
    }
    let words = clinic.workstation.run(&["support", "send", &id, "--wait"]);
    let words = String::from_utf8(words.stderr).unwrap();
    assert!(words.contains("Delivered: the vendor confirmed it."), "it went on by itself: {words}");
    let row: Json = clinic.workstation.json(&["support", "send", &id, "--wait", "--json"]);
    assert_eq!(row["state"], "sent");
    assert_eq!(collector.lines("bundles", &[]).len(), 1);
}

#[test]
fn ctrl_c_cancels_in_the_service_what_is_being_gathered() {
    let clinic = Clinic::new();
    let _service = clinic.workstation.serve();
    // A scan runs: gathering waits, so there is something to cancel.
    assert_eq!(ask(&clinic, r#"{"request":"busy"}"#)["ok"], true);
    let copy = clinic.text("copy");
    let args = ["support", "preview", "--case", "CASE-1", "--reason", "error", "--last-scan", "-o", &copy];
    let child = begin(&clinic, &args);
    let progress = r#"{"request":"support","action":"progress"}"#;
    until("the service gathers", || ask(&clinic, progress)["working"] == true);
    let (code, words) = interrupt(child);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("collecting was stopped: nothing was kept"), "{words}");
    until("the service has stopped", || ask(&clinic, progress)["working"] != true);
    assert_eq!((&clinic.list()["drafts"], clinic.path("copy/manifest.json").exists()), (&json!([]), false));
    // Negative control: without Ctrl-C the same call makes a draft.
    assert_eq!(ask(&clinic, r#"{"request":"idle"}"#)["ok"], true);
    clinic.workstation.expect(0, &args);
    assert_eq!(clinic.list()["drafts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_contact_prints_what_the_vendor_asks_for_and_ctrl_c_leaves_the_service_well() {
    let collector = Collector::start();
    let clinic = Clinic::of(&collector, &format!("https://{}", collector.address()));
    clinic.workstation.grant();
    let device = clinic.workstation.status()["device"].as_str().unwrap().to_owned();
    let service = clinic.workstation.serve();
    collector.command("ask", &["--device", &device, "--case", "CASE-7", "--reason", "error"]);
    assert_eq!(
        clinic.workstation.json(&["contact", "--json"]),
        json!([{"case": "CASE-7", "reason": "error"}])
    );
    drop(service);
    // Nobody is at the other end: it waits for a minute, or for Ctrl-C.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let from = format!("https://{}", collector.address());
    clinic.workstation.configure(&from, &format!("https://{}", silent.local_addr().unwrap()));
    let _service = clinic.workstation.serve();
    let child = begin(&clinic, &["contact"]);
    let _connection = silent.accept().unwrap();
    let (code, words) = interrupt(child);
    assert!(code != Some(0) && words.is_empty(), "{code:?} {words}");
    assert_eq!(clinic.workstation.status()["service"], "running");
}

#[test]
fn colour_is_for_a_terminal_and_no_color_is_respected() {
    if !peer::has("script") {
        return;
    }
    let clinic = Clinic::new();
    let agent = clinic.workstation.agent(&["status"]);
    let shown = |variables: &[&str]| {
        let mut command = Command::new("env");
        command.args(["-u", "NO_COLOR"]).args(variables).arg(agent.get_program()).args(agent.get_args());
        let (code, shown) = Terminal::start(&command).end();
        assert_eq!(code, Some(0), "{shown}");
        shown
    };
    let painted = shown(&["TERM=xterm"]);
    assert!(painted.contains("\u{1b}[1mConsent\u{1b}[0m") && painted.contains("\u{1b}[33munset\u{1b}[0m"));
    for plain in [&["NO_COLOR=1"], &["TERM=dumb"]] {
        assert!(!shown(plain).contains('\u{1b}'), "{plain:?}");
    }
    assert!(!clinic.workstation.expect(0, &["status"]).contains('\u{1b}'), "a pipe is no terminal");
}

#[test]
fn a_withdrawal_that_asks_for_erasure_does_not_advise_it() {
    let clinic = Clinic::new();
    clinic.workstation.grant();
    let without = clinic.workstation.expect(0, &["consent", "withdraw", "usage_statistics", "--by", "owner"]);
    assert!(without.contains("--erase"), "negative control: {without}");
    clinic.workstation.grant();
    let with = ["consent", "withdraw", "usage_statistics", "--erase", "--by", "owner"];
    let with = clinic.workstation.expect(0, &with);
    assert!(with.contains("usage_statistics") && !with.contains("--erase"), "{with}");
}

//! A support case from end to end with the real programs: previewed, said yes to, sealed, sent through cuts and a
//! kill, and opened at the vendor's with the standard tools; or carried there on a stick.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::fs;
use std::process::Command;

use common::bundle::status;
use common::collector::Collector;
use common::kathea::workplace;
use common::relay::Relay;
use common::workstation::Workstation;
use common::{peer, seeded, until};
use serde_json::Value as Json;
use time::OffsetDateTime;

const NOWHERE: &str = "https://127.0.0.1:1";

struct Route {
    collector: Collector,
    relay: Relay,
    workstation: Workstation,
}

impl Route {
    /// An enrolled workstation with logs and scans that says yes to nothing, and seals to its collector's key.
    fn new() -> Self {
        let collector = Collector::start();
        let relay = Relay::to(collector.address());
        let workstation = Workstation::new(&relay.url(), &collector.ca());
        let (logs, scans) = (workstation.path().join("logs"), workstation.path().join("scans"));
        workstation.configure("logs = []", &format!("logs = [{logs:?}]"));
        workstation.configure("scans = []", &format!("scans = [{scans:?}]"));
        let sample = fs::read_to_string(collector.data().join("agent.toml")).unwrap();
        let support = &sample[sample.find("[support]").unwrap()..];
        workstation.configure("[keys]", &format!("{support}\n[keys]"));
        workplace::write(&logs, &scans, OffsetDateTime::now_utc(), &mut seeded()).unwrap();
        workstation.enroll(&collector.token());
        Self { collector, relay, workstation }
    }

    /// Gives the draft's digest, and the bundle as `support list` shows it.
    fn create(&self) -> (String, Json) {
        let copy = self.workstation.path().join("copy");
        let copy = copy.to_str().unwrap();
        let preview = [
            "support",
            "preview",
            "--case",
            "CASE-1",
            "--reason",
            "error",
            "--last-scan",
            "--json",
            "-o",
            copy,
        ];
        let draft = self.workstation.json(&preview);
        let (id, digest) = (draft["draft"].as_str().unwrap(), draft["digest"].as_str().unwrap());
        self.workstation.json(&["support", "create", id, "--yes", digest, "--by", "owner", "--json"]);
        let listed = self.workstation.json(&["support", "list", "--json"]);
        assert_eq!(listed["bundles"].as_array().unwrap().len(), 1);
        (digest.to_owned(), listed["bundles"][0].clone())
    }

    fn received(&self) -> Json {
        let listed = self.collector.lines("bundles", &[]);
        assert_eq!(listed.len(), 1);
        listed[0].clone()
    }
}

#[test]
fn what_was_said_yes_to_is_what_the_vendor_opens() {
    let route = Route::new();
    route.relay.cut(&[5_000, 6_000, 7_000]);
    let service = route.workstation.serve();
    let (digest, bundle) = route.create();
    until("the line was cut", || route.relay.cuts() > 0);
    service.kill();
    let service = route.workstation.serve();
    until("it is sent", || status(&route.workstation)["state"] == "sent");
    service.kill();
    let received = route.received();
    assert_eq!((&received["sha256"], &received["size"]), (&bundle["sha256"], &bundle["size"]));
    assert_eq!(received["case"], "CASE-1");
    assert_eq!(status(&route.workstation)["receipt"], received["id"]);
    if !peer::has("age") {
        return;
    }
    let (key, path) = (route.collector.data().join("age-identity.txt"), received["path"].as_str().unwrap());
    let line = format!("age -d -i {} {path} | tar -xzO manifest.json | sha256sum", key.display());
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    let opened = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        opened.split(' ').next(),
        Some(digest.as_str()),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn what_came_on_a_stick_is_not_sent_again_and_is_settled_here() {
    let route = Route::new();
    route.workstation.configure(&route.relay.url(), NOWHERE);
    let (_, bundle) = route.create();
    let stick = route.workstation.path().join("stick.age");
    let id = bundle["id"].as_str().unwrap();
    route.workstation.expect(0, &["support", "export", id, "-o", stick.to_str().unwrap()]);
    route.collector.command("bundles", &["import", stick.to_str().unwrap()]);
    assert_eq!(route.received()["device"], Json::Null);

    route.workstation.configure(NOWHERE, &route.relay.url());
    let before = route.relay.bytes();
    route.workstation.expect(0, &["run", "--once"]);
    let sent = route.relay.bytes() - before;
    let size = bundle["size"].as_u64().unwrap();
    println!("{sent} bytes to settle a bundle of {size}");
    assert_eq!(status(&route.workstation)["state"], "sent");
    assert_eq!(route.received()["device"], route.workstation.status()["device"]);
    assert_eq!(route.received()["sha256"], bundle["sha256"]);
}

//! A support case from end to end with the real programs: previewed, said yes to, sealed, sent through cuts and
//! kills, and opened at the vendor's with the standard tools; or carried there on a stick.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::common::bundle::status;
use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::relay::Relay;
use crate::common::{Random, peer, seeded, until};
use serde_json::Value as Json;

const NOWHERE: &str = "https://127.0.0.1:1";
const CASE: &str = "CASE-1";

struct Route {
    collector: Collector,
    relay: Relay,
    clinic: Clinic,
}

impl Route {
    fn new() -> Self {
        let collector = Collector::start();
        let relay = Relay::to(collector.address());
        let clinic = Clinic::of(&collector, &relay.url());
        Self { collector, relay, clinic }
    }

    /// Gives the draft's digest, and the bundle as `support list` shows it.
    fn create(&self) -> (String, Json) {
        let draft = self.clinic.preview(CASE, &["--scans", &self.clinic.text("scans/0004")]);
        self.clinic.create(&draft);
        let listed = self.clinic.list();
        assert_eq!(listed["bundles"].as_array().unwrap().len(), 1);
        (draft["digest"].as_str().unwrap().to_owned(), listed["bundles"][0].clone())
    }

    fn received(&self) -> Json {
        let listed = self.collector.lines("bundles", &[]);
        assert_eq!(listed.len(), 1);
        listed[0].clone()
    }

    /// What a shell says to `line`, where `KEY` is the vendor's key and `FILE` what was received.
    fn at_the_vendor(&self, line: &str) -> String {
        let key = self.collector.age_identity();
        let line = line.replace("KEY", key.to_str().unwrap());
        let file = self.clinic.path("received.age");
        if !file.exists() {
            self.collector.hand_on(&self.received(), &file);
        }
        let line = line.replace("FILE", file.to_str().unwrap());
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// So many lines of numbers that hardly get shorter by compression.
fn trace(lines: usize, random: &mut Random) -> String {
    let mut text = String::new();
    for at in 0..lines {
        let mut number = || f64::from(random.within(0, 999_999)) / 1000.0;
        let _ = writeln!(text, "{at},{:.3},{:.3},{:.3},{:.3}", number(), number(), number(), number());
    }
    text
}

#[test]
fn what_was_said_yes_to_is_what_the_vendor_opens_through_fifty_cuts_and_five_kills() {
    const CUTS: u64 = 50;
    const KILLS: u64 = 5;
    /// The smallest chunk: no smaller part is lost by a cut than this, and no larger one here.
    const CHUNK: u64 = 64 << 10;
    let route = Route::new();
    let mut random = seeded();
    fs::write(route.clinic.path("scans/0004/volume.motion.csv"), trace(200_000, &mut random)).unwrap();
    let (digest, bundle) = route.create();
    let size = bundle["size"].as_u64().unwrap();

    // More cuts than are wanted: a connection that a kill ends takes its cut with it.
    let cuts: Vec<u64> = (0..CUTS + 2 * KILLS).map(|_| random.within(10_000, 70_000).into()).collect();
    let before = route.relay.bytes();
    let sent = || route.relay.bytes() - before;
    route.relay.cut(&cuts);
    let agent = &route.clinic.workstation;
    for kill in 1..=KILLS {
        let service = agent.serve();
        until("some of it is sent", || sent() > kill * size / 8);
        assert_eq!(status(agent)["state"], "sending");
        service.kill();
    }
    let service = agent.serve();
    until("all of it is sent", || status(agent)["state"] == "sent");
    service.kill();
    let again = sent() - size;
    let cuts = route.relay.cuts();
    println!("{size} bytes; {again} beside its own, in {cuts} cuts and {KILLS} kills");
    assert!(cuts >= CUTS, "{cuts}");
    assert!(again < (cuts + KILLS) * CHUNK, "{again}");

    let received = route.received();
    assert_eq!((&received["sha256"], &received["size"]), (&bundle["sha256"], &bundle["size"]));
    assert_eq!((received["case"].as_str(), &status(agent)["receipt"]), (Some(CASE), &received["id"]));
    if !peer::has("age") || !peer::has("tar") {
        return;
    }
    let opened = route.at_the_vendor("age -d -i KEY FILE | tar -xzO manifest.json | sha256sum");
    assert_eq!(opened.split(' ').next(), Some(digest.as_str()));
    let manifest = route.clinic.manifest(CASE);
    let files = manifest["files"].as_array().unwrap();
    let listed = files.iter().map(|file| format!("{} {}", file["bytes"], file["name"].as_str().unwrap()));
    let names = route.at_the_vendor("age -d -i KEY FILE | tar -tvz | awk '{ print $3, $6 }'");
    assert_eq!(names.lines().skip(1).map(str::to_owned).collect::<Vec<_>>(), listed.collect::<Vec<_>>());
    assert!(names.lines().next().unwrap().ends_with(" manifest.json"), "{names}");
}

#[test]
fn what_came_on_a_stick_is_not_sent_again_and_is_settled_here() {
    let route = Route::new();
    let agent = &route.clinic.workstation;
    agent.configure(&route.relay.url(), NOWHERE);
    let (_, bundle) = route.create();
    let stick = route.clinic.text("stick.age");
    let id = bundle["id"].as_str().unwrap();
    agent.expect(0, &["support", "export", id, "-o", &stick]);
    assert!(fs::exists(format!("{stick}.consent")).unwrap());
    // The workstation never met the collector: whose it is, and that the clinic said yes, the stick says.
    route.collector.command("bundles", &["import", &stick]);
    assert_eq!(route.received()["device"], agent.status()["device"]);
    assert_eq!(route.received()["case"], CASE);
    let proof = &route.collector.lines("bundles", &["proof", route.received()["id"].as_str().unwrap()])[0];
    assert_eq!(proof["device"], agent.status()["device"]);
    assert_eq!(route.collector.lines("proof", &["--all"]).pop().unwrap()["valid"], 1);

    agent.configure(NOWHERE, &route.relay.url());
    let before = route.relay.bytes();
    agent.expect(0, &["run", "--once"]);
    let sent = route.relay.bytes() - before;
    let size = bundle["size"].as_u64().unwrap();
    println!("{sent} bytes to settle a bundle of {size}");
    assert_eq!(status(agent)["state"], "sent");
    assert_eq!(route.received()["device"], agent.status()["device"]);
    assert_eq!(route.received()["sha256"], bundle["sha256"]);
}

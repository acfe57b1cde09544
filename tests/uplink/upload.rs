//! A sealed bundle on its way: whole, whatever the server forgets or says, settled by nothing but the right receipt,
//! and stopped by a no.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::bundle::{file_in, open_case, queue, status};
use crate::common::collector::Collector;
use crate::common::impostor::{Authority, Impostor};
use crate::common::relay::Relay;
use crate::common::workstation::Workstation;
use crate::common::{Random, seeded, until};
use crate::rows;
use protocol::Digest;
use serde_json::json;

const CASE: &str = "CASE-1042";

struct Route {
    collector: Collector,
    relay: Relay,
    workstation: Workstation,
    consent: Digest,
    random: Random,
}

impl Route {
    /// A workstation without any other yes than to the case, which the collector knows of.
    fn new() -> Self {
        let collector = Collector::start();
        let relay = Relay::to(collector.address());
        let workstation = Workstation::new(&relay.url(), &collector.ca());
        workstation.enroll(&collector.token());
        let consent = open_case(&workstation, CASE);
        workstation.expect(0, &["run", "--once"]);
        Self { collector, relay, workstation, consent, random: seeded() }
    }

    fn queue(&mut self, size: usize) -> Vec<u8> {
        queue(&self.workstation, CASE, self.consent, size, &mut self.random)
    }

    /// What the collector keeps of the one device's bundle.
    fn kept(&self) -> PathBuf {
        file_in(&self.collector.data().join("uploads"), ".part")
    }

    fn assert_arrived(&self, bytes: &[u8]) {
        let listed = self.collector.lines("bundles", &[]);
        assert_eq!(listed.len(), 1);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bundle.age");
        self.collector.hand_on(&listed[0], &file);
        assert_eq!(fs::read(file).unwrap(), bytes);
        let bundle = status(&self.workstation);
        assert_eq!((&bundle["state"], &bundle["sha256"]), (&json!("sent"), &listed[0]["sha256"]));
        assert_eq!((&bundle["offset"], &listed[0]["case"]), (&json!(bytes.len()), &json!(CASE)));
        let sealed = fs::read_dir(self.workstation.data().join("bundles")).unwrap().flatten();
        assert_eq!(sealed.filter(|entry| entry.path().extension().unwrap() == "age").count(), 0);
    }
}

#[test]
fn a_whole_bundle_goes_through_one_connection() {
    let mut route = Route::new();
    let bytes = route.queue(12 << 20);
    let connections = route.relay.connections();
    route.workstation.expect(0, &["run", "--once"]);
    assert_eq!(route.relay.connections(), connections + 1);
    route.assert_arrived(&bytes);
}

#[test]
fn a_server_that_loses_the_upload_or_a_part_of_it_gets_it_again() {
    let mut route = Route::new();
    let bytes = route.queue(2 << 20);
    let mut stored = 0;
    while stored == 0 {
        route.relay.cut(&[1 << 20, 10_000, 10_000]);
        route.workstation.expect(3, &["run", "--once"]);
        stored = fs::metadata(route.kept()).unwrap().len();
    }
    let bundle = status(&route.workstation);
    assert_eq!(bundle["state"], "sending");
    assert!(bundle["offset"].as_u64().unwrap() <= stored);

    fs::write(route.kept(), &bytes[..70_000]).unwrap();
    route.relay.cut(&[500_000, 10_000, 10_000]);
    route.workstation.expect(3, &["run", "--once"]);
    assert!(fs::metadata(route.kept()).unwrap().len() > 70_000);

    assert_eq!(rows::open(route.collector.data()).execute("DELETE FROM upload", []).unwrap(), 1);
    fs::remove_file(route.kept()).unwrap();
    route.workstation.expect(0, &["run", "--once"]);
    route.assert_arrived(&bytes);
}

#[test]
fn what_came_to_be_there_damaged_is_sent_again_from_the_beginning() {
    let mut route = Route::new();
    let bytes = route.queue(2 << 20);
    let mut stored = Vec::new();
    while stored.len() <= 1000 {
        route.relay.cut(&[1 << 20, 10_000, 10_000]);
        route.workstation.expect(3, &["run", "--once"]);
        stored = fs::read(route.kept()).unwrap();
    }
    let part = route.kept();
    stored[1000] ^= 1;
    fs::write(&part, stored).unwrap();
    route.workstation.expect(3, &["run", "--once"]);
    assert_eq!(route.collector.lines("bundles", &[]).len(), 0);
    route.workstation.expect(0, &["run", "--once"]);
    route.assert_arrived(&bytes);
}

#[test]
fn what_this_disk_damaged_is_not_sent_for_ever() {
    let mut route = Route::new();
    let mut bytes = route.queue(100_000);
    let sealed = file_in(&route.workstation.data().join("bundles"), ".age");
    bytes[1000] ^= 1;
    fs::write(&sealed, &bytes).unwrap();
    let ended = route.workstation.run(&["run", "--once"]);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("a bundle cannot be read"), "{said}");
    assert_eq!(status(&route.workstation)["state"], "failed");
    assert_eq!(route.collector.lines("bundles", &[]).len(), 0);

    bytes[1000] ^= 1;
    fs::write(&sealed, &bytes).unwrap();
    let id = sealed.file_stem().unwrap().to_str().unwrap();
    route.workstation.expect(0, &["support", "send", id]);
    route.workstation.expect(0, &["run", "--once"]);
    route.assert_arrived(&bytes);
}

#[test]
fn a_server_that_lies_settles_nothing() {
    let mut route = Route::new();
    let bytes = route.queue(1 << 20);
    let sha256 = Digest::of(&bytes);
    let offset = |offset: u64| format!("200 OK\r\nupload-offset: {offset}\r\ncontent-length: 0\r\n\r\n");
    let reply = |sha256: Digest, size: usize, durable: bool| {
        let body = json!({"sha256": sha256, "size": size, "durable": durable, "receipt": "r"}).to_string();
        format!("200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let page = "200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>".to_owned();
    // What is answered to HEAD, to PATCH, to `complete`.
    let lies = [
        [offset(u64::MAX), offset(7), page.clone()],
        [offset(0), offset(u64::MAX), page.clone()],
        [offset(0), offset(0), page.clone()],
        [offset(1 << 20), offset(0), reply(Digest::of(b"other"), bytes.len(), true)],
        [offset(1 << 20), offset(0), reply(sha256, bytes.len() - 1, true)],
        [offset(1 << 20), offset(0), reply(sha256, bytes.len(), false)],
        [offset(1 << 20), offset(0), page.clone()],
        [page.clone(), page.clone(), page],
    ];
    let mut url = route.relay.url();
    let authority = Authority::of(&route.collector);
    for [head, patch, complete] in lies {
        let answer = move |request: &str| {
            let answer = match request.split(' ').next() {
                Some("OPTIONS") => "204 No Content\r\n\r\n",
                Some("HEAD") => &head,
                Some("PATCH") => &patch,
                _ if request.contains("/complete ") => &complete,
                _ => "201 Created\r\nlocation: /v1/bundles/x\r\ncontent-length: 0\r\n\r\n",
            };
            format!("HTTP/1.1 {answer}").into_bytes()
        };
        let impostor = Impostor::answering(&authority, time::Duration::days(1), answer);
        route.workstation.configure(&url, impostor.url());
        impostor.url().clone_into(&mut url);
        route.workstation.expect(3, &["run", "--once"]);
        assert_ne!(status(&route.workstation)["state"], "sent");
        assert!(file_in(&route.workstation.data().join("bundles"), ".age").is_file());
    }
    route.workstation.configure(&url, &route.relay.url());
    route.workstation.expect(0, &["run", "--once"]);
    route.assert_arrived(&bytes);
}

#[test]
fn a_no_stops_the_upload_within_a_second() {
    let mut route = Route::new();
    let bytes = route.queue(8 << 20);
    route.workstation.configure("1 GiB/s", "256 KiB/s");
    let service = route.workstation.serve();
    until("it is being sent", || route.relay.bytes() > 300_000);
    route.workstation.expect(0, &["consent", "withdraw", "support_case", "--case", CASE]);
    let withdrawn = Instant::now();
    until("the vendor is informed", || !route.collector.lines("requests", &[]).is_empty());
    let stored = || fs::metadata(route.kept()).unwrap().len();
    until("a second has passed", || withdrawn.elapsed() > Duration::from_secs(1));
    let (after, kept) = (route.relay.bytes(), stored());
    // Were anything still to come, 256 KiB would by then.
    until("another second has passed", || withdrawn.elapsed() > Duration::from_secs(2));
    assert_eq!((route.relay.bytes(), stored()), (after, kept));
    let last = route.relay.last().unwrap().saturating_duration_since(withdrawn);
    println!(
        "{kept} of {} bytes had gone; the last, of the request too, {last:?} after the answer",
        bytes.len()
    );
    assert!(kept < bytes.len() as u64 / 2 && last < Duration::from_secs(1));
    assert_eq!(route.workstation.status()["bundles"], json!([]));
    service.kill();
}

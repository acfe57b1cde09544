//! Whoever answers in the collector's place, and whatever is wrong with the keys: nothing that waits is deleted,
//! no payload goes to a stranger, the reason is said, and everything arrives when it is mended.

use std::fs;

use crate::common::collector::Collector;
use crate::common::impostor::{Authority, Impostor};
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::seeded;
use crate::common::totals::Totals;
use crate::common::workstation::Workstation;
use time::Duration;

const EVENTS: usize = 300;
const YEAR: Duration = Duration::days(365);
/// What a hotel's network answers to everything.
const LOGIN_PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 26\r\n\r\n<html>Please log in</html>";

/// A workstation with events that wait, and a collector that could take them.
struct Waiting {
    collector: Collector,
    workstation: Workstation,
    outbox: Outbox,
    url: String,
}

impl Waiting {
    fn new() -> Self {
        let collector = Collector::start();
        let url = format!("https://{}", collector.address());
        let workstation = Workstation::granted(&collector, &url);
        let mut outbox = Outbox::new(seeded());
        outbox.fill(&workstation, EVENTS, 50, Outbox::device_error);
        Self { collector, workstation, outbox, url }
    }

    /// Runs the agent with what is wrong: everything waits, and the words say why.
    fn stays(&self, why: &str) {
        for _ in 0..2 {
            let output = self.workstation.run(&["run", "--once"]);
            let words = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{words}");
            assert!(words.contains(why), "{words}");
        }
        assert_eq!(self.workstation.status()["waiting"]["usage"]["records"], EVENTS);
        assert_eq!(self.workstation.status()["sent"], serde_json::json!({}));
    }

    /// With everything mended, everything arrives.
    fn arrives(&self) {
        self.workstation.expect(0, &["run", "--once"]);
        Totals::exported(&self.collector.export()).assert_are(&self.outbox.expected);
    }
}

#[test]
fn a_login_page_of_a_strange_network_gets_nothing() {
    let waiting = Waiting::new();
    let authority = Authority::unknown(&waiting.workstation.path().join("unknown.pem"));
    let portal = Impostor::start(&authority, YEAR, LOGIN_PAGE);
    waiting.workstation.configure(&waiting.url, portal.url());
    waiting.stays("CA");
    assert_eq!(portal.received(), 0);
    waiting.workstation.configure(portal.url(), &waiting.url);
    waiting.arrives();
}

#[test]
fn a_login_page_under_the_vendors_own_ca_is_no_acknowledgement() {
    let waiting = Waiting::new();
    let portal = Impostor::start(&Authority::of(&waiting.collector), YEAR, LOGIN_PAGE);
    waiting.workstation.configure(&waiting.url, portal.url());
    waiting.stays("log in");
    assert!(portal.received() > 0, "a certificate of the vendor's is trusted, its page is not");
    waiting.workstation.configure(portal.url(), &waiting.url);
    waiting.arrives();
}

#[test]
fn an_expired_certificate_gets_nothing() {
    let waiting = Waiting::new();
    let server = Impostor::start(&Authority::of(&waiting.collector), -Duration::days(1), LOGIN_PAGE);
    waiting.workstation.configure(&waiting.url, server.url());
    waiting.stays("expired");
    assert_eq!(server.received(), 0);
    waiting.workstation.configure(server.url(), &waiting.url);
    waiting.arrives();
}

#[test]
fn a_ca_that_is_not_the_vendors_is_the_end_of_it() {
    let waiting = Waiting::new();
    let ca = waiting.collector.ca();
    let other = waiting.workstation.path().join("other.pem");
    let _ = Authority::unknown(&other);
    waiting.workstation.configure(ca.to_str().unwrap(), other.to_str().unwrap());
    waiting.stays("CA");
    waiting.workstation.configure(other.to_str().unwrap(), ca.to_str().unwrap());
    waiting.arrives();
}

#[test]
fn a_ca_that_cannot_be_read_is_said_at_the_start() {
    let waiting = Waiting::new();
    let ca = waiting.collector.ca();
    let other = waiting.workstation.path().join("other.pem");
    waiting.workstation.configure(ca.to_str().unwrap(), other.to_str().unwrap());
    waiting.stays("nothing can be sent");
    for broken in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no PEM"] {
        fs::write(&other, broken).unwrap();
        waiting.stays("nothing can be sent");
        let problems = waiting.workstation.status()["problems"].to_string();
        assert!(problems.contains("CA"), "{problems}");
    }
    waiting.workstation.configure(other.to_str().unwrap(), ca.to_str().unwrap());
    waiting.arrives();
}

#[test]
fn a_certificate_of_another_key_is_said_at_the_start() {
    let waiting = Waiting::new();
    let other = Workstation::granted(&waiting.collector, &waiting.url);
    let certificate = |of: &Workstation| of.data().join("certificate.pem");
    let own = fs::read(certificate(&waiting.workstation)).unwrap();
    fs::copy(certificate(&other), certificate(&waiting.workstation)).unwrap();
    waiting.stays("nothing can be sent");
    let problems = waiting.workstation.status()["problems"].to_string();
    assert!(problems.contains("certificate"), "{problems}");
    fs::write(certificate(&waiting.workstation), own).unwrap();
    waiting.arrives();
}

#[test]
fn a_root_key_that_cannot_be_read_ends_the_start_and_changes_nothing() {
    let waiting = Waiting::new();
    waiting.workstation.configure(&waiting.url, "https://127.0.0.1:1");
    waiting.stays("no server answers");
    let root = waiting.workstation.data().join("keys").join("root");
    let aside = root.with_extension("aside");
    fs::rename(&root, &aside).unwrap();
    // What even an administrator can't read as a file.
    fs::create_dir(&root).unwrap();
    for command in [&["run", "--once"][..], &["status"], &["consent", "list"]] {
        let output = waiting.workstation.run(command);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("key") && !words.contains("panicked"), "{words}");
    }
    fs::remove_dir(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    waiting.workstation.configure("https://127.0.0.1:1", &waiting.url);
    waiting.arrives();
}

#[test]
fn a_revoked_device_keeps_what_it_has() {
    let waiting = Waiting::new();
    let device = waiting.workstation.status()["device"].as_str().unwrap().to_owned();
    waiting.collector.command("revoke", &[&device]);
    waiting.stays("refuses this device");
    assert_eq!(waiting.collector.export().len(), 0);
}

#[test]
fn a_token_enrols_once() {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let token = collector.token();
    let [first, second] = [(); 2].map(|()| Workstation::new(&url, &collector.ca()));
    first.enroll(&token);
    for (code, wrong) in [(1, token.as_str()), (1, "a made-up token"), (2, "\n")] {
        let file = second.path().join("token");
        fs::write(&file, wrong).unwrap();
        second.expect(code, &["enroll", "--token-file", file.to_str().unwrap()]);
        assert_eq!(second.status()["enrolled"], false);
    }
    second.enroll(&collector.token());
    assert_eq!(second.status()["enrolled"], true);
    assert_eq!(collector.lines("devices", &[]).len(), 2);
}

/// The collector enrolled the device, and its answer did not come: the token is not burnt for this device.
#[test]
fn an_enrolment_whose_answer_was_lost_is_repeated_with_the_same_token() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let [first, second] = [(); 2].map(|()| Workstation::new(&relay.url(), &collector.ca()));
    let token = collector.token();
    let file = first.path().join("token");
    fs::write(&file, &token).unwrap();
    let enroll = ["enroll", "--token-file", file.to_str().unwrap()];
    relay.lose(&[2]);
    let output = first.run(&enroll);
    assert!(!output.status.success(), "{output:?}");
    assert_eq!((relay.lost(), collector.lines("devices", &[]).len()), (1, 1), "the collector has it");
    assert_eq!(first.status()["enrolled"], false);
    // For another device it is used.
    second.expect(1, &enroll);
    first.enroll(&token);
    assert_eq!(first.status()["enrolled"], true);
    assert_eq!(collector.lines("devices", &[]).len(), 1);
}

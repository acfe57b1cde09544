//! Support bundles: resumed at the server's offset, filed once however they came, never without a yes.

use std::fs;
use std::io::{self, Read};
use std::sync::mpsc;

use data_encoding::BASE64;
use protocol::bundle::{Announcement, tus};
use protocol::ledger::{self, EventKind};
use protocol::{DeviceId, Digest};
use serde_json::{Value as Json, json};

use crate::device::Device;
use crate::program::{Collector, attempt};

const CASE: &str = "CASE-1042";

/// A device with a yes for the case, and a sealed file of 100,000 bytes.
pub(crate) struct Sender {
    pub(crate) device: Device,
    pub(crate) file: Vec<u8>,
    pub(crate) announcement: Announcement,
}

/// Status, and the answer's headers.
pub(crate) type Said = (u16, ureq::http::HeaderMap);

impl Sender {
    pub(crate) fn new(collector: &Collector) -> Self {
        let device = Device::enrolled(collector);
        let line = device.case_line(0, CASE, EventKind::Granted);
        assert_eq!(device.put_consent(collector, &line).status, 201);
        Self::of(device, ledger::line_hash(&line))
    }

    fn of(device: Device, consent: Digest) -> Self {
        let mut file = test_support::SEALED.to_vec();
        file.extend(device.id().to_bytes().iter().cycle().take(100_000 - file.len()));
        let announcement = Announcement {
            case: CASE.parse().unwrap(),
            size: file.len() as u64,
            sha256: Digest::of(&file),
            manifest_sha256: Digest::of(b"manifest"),
            consents: vec![consent],
        };
        Self { device, file, announcement }
    }

    pub(crate) fn path(&self) -> String {
        format!("/v1/bundles/{}", self.announcement.sha256)
    }

    fn ask(
        &self,
        collector: &Collector,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Said {
        let headers = [&[(tus::RESUMABLE, tus::VERSION)], headers].concat();
        let (parts, _) = self.device.ask(collector, method, path, &headers, body).into_parts();
        assert_eq!(parts.headers[tus::RESUMABLE], tus::VERSION);
        (parts.status.as_u16(), parts.headers)
    }

    pub(crate) fn create(&self, collector: &Collector) -> u16 {
        let (size, metadata) = (self.announcement.size.to_string(), self.announcement.metadata());
        let headers = [(tus::LENGTH, &*size), (tus::METADATA, &*metadata)];
        let (status, headers) = self.ask(collector, "POST", "/v1/bundles", &headers, b"");
        assert_eq!(status == 201, headers.get("location").is_some_and(|path| path == &self.path()));
        status
    }

    pub(crate) fn offset(&self, collector: &Collector) -> Option<u64> {
        let (status, headers) = self.ask(collector, "HEAD", &self.path(), &[], b"");
        (status == 200).then(|| headers[tus::OFFSET].to_str().unwrap().parse().unwrap())
    }

    pub(crate) fn append(
        &self,
        collector: &Collector,
        from: usize,
        to: usize,
        checksum: Option<&str>,
    ) -> Said {
        let offset = from.to_string();
        let mut headers = vec![("content-type", tus::CHUNK), (tus::OFFSET, &*offset)];
        headers.extend(checksum.map(|checksum| (tus::CHECKSUM, checksum)));
        self.ask(collector, "PATCH", &self.path(), &headers, &self.file[from..to])
    }

    pub(crate) fn complete(&self, collector: &Collector) -> (u16, Json) {
        let body = json!({"sha256": self.announcement.sha256, "size": self.announcement.size});
        let answer = self.device.post(collector, &format!("{}/complete", self.path()), &body);
        (answer.status, answer.body)
    }
}

#[test]
fn a_bundle_with_another_manifest_than_was_shown_is_refused() {
    let collector = Collector::start();
    let mut sender = Sender::new(&collector);
    let shown = sender.announcement.manifest_sha256;
    sender.announcement.manifest_sha256 = Digest::of(b"another");
    assert_eq!(sender.create(&collector), 403);
    sender.announcement.manifest_sha256 = shown;
    assert_eq!(sender.create(&collector), 201, "the very same with the manifest that was shown");
}

#[test]
fn a_bundle_goes_on_where_it_stopped_and_is_filed_sealed() {
    let mut collector = Collector::start();
    let mut sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    assert_eq!(sender.offset(&collector), Some(0));
    let (status, headers) = sender.append(&collector, 0, 40_000, None);
    assert_eq!((status, headers[tus::OFFSET].to_str().unwrap()), (204, "40000"));
    assert_eq!(sender.complete(&collector).0, 409);
    assert_eq!(collector.lines("bundles", &[]).len(), 0);

    collector.kill_and_restart();
    sender.device.reconnect(&collector);
    assert_eq!(sender.create(&collector), 201, "once more is the same upload");
    assert_eq!(sender.offset(&collector), Some(40_000));
    assert_eq!(sender.append(&collector, 30_000, 50_000, None).0, 409);
    assert_eq!(sender.append(&collector, 40_000, 100_000, None).0, 204);
    let (status, reply) = sender.complete(&collector);
    let sha256 = sender.announcement.sha256.to_string();
    let receipt = &sha256[..32];
    let expected = json!({"sha256": sha256, "size": 100_000, "durable": true, "receipt": receipt});
    assert_eq!((status, &reply), (200, &expected));
    assert_eq!(sender.complete(&collector), (200, expected), "the answer may have been lost");
    assert_eq!(sender.offset(&collector), Some(100_000));

    let listed = collector.lines("bundles", &[]);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["id"], &listed[0]["sha256"]), (&json!(receipt), &json!(sha256)));
    assert_eq!((&listed[0]["case"], &listed[0]["size"]), (&json!(CASE), &json!(100_000)));
    assert_eq!(listed[0]["device"], sender.device.id().to_string());
    assert_eq!(collector.bundle(&listed[0]), sender.file);
}

#[test]
fn what_is_offered_is_what_is_checked() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    let (status, headers) = sender.ask(&collector, "OPTIONS", "/v1/bundles", &[], b"");
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!((status, header(tus::VERSIONS), header(tus::EXTENSION)), (204, "1.0.0", "creation,checksum"));
    assert_eq!(header(tus::CHECKSUM_ALGORITHM), "sha1,sha256");

    assert_eq!(sender.create(&collector), 201);
    let checksum = |bytes: &[u8]| format!("sha256 {}", BASE64.encode(&Digest::of(bytes).to_bytes()));
    let right = checksum(&sender.file[..1000]);
    assert_eq!(sender.append(&collector, 0, 1000, Some(&checksum(b"other"))).0, tus::CHECKSUM_MISMATCH);
    assert_eq!(sender.offset(&collector), Some(0), "thrown away");
    assert_eq!(sender.append(&collector, 0, 1000, Some(&right)).0, 204);
    for bad in ["sha256", "sha256 !", "md5 AAAA", ""] {
        assert_eq!(sender.append(&collector, 1000, 2000, Some(bad)).0, 400, "{bad}");
    }
    // FIPS 180-4 for the empty message.
    let empty = "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    assert_eq!(sender.append(&collector, 1000, 1000, Some(empty)).0, 204);
    assert_eq!(sender.offset(&collector), Some(1000));
}

#[test]
fn bytes_that_are_not_what_was_announced_are_never_filed() {
    let collector = Collector::start();
    let mut sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    sender.file[50_000] ^= 1;
    assert_eq!(sender.append(&collector, 0, 100_000, None).0, 204);
    let (status, problem) = sender.complete(&collector);
    assert_eq!((status, &problem["type"]), (409, &json!("bundle_incomplete")));
    assert_eq!(sender.offset(&collector), Some(0), "from the beginning");
    sender.file[50_000] ^= 1;
    assert_eq!(sender.append(&collector, 0, 100_000, None).0, 204);
    assert_eq!(sender.complete(&collector).0, 200);
}

/// A body that stops half-way until the test lets it continue.
pub(crate) struct Stalling<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many bytes are left then.
    pub(crate) stall_at: usize,
    pub(crate) stalled: mpsc::Sender<()>,
    pub(crate) go_on: mpsc::Receiver<()>,
}

impl Read for Stalling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.len() == self.stall_at {
            let _ = (self.stalled.send(()), self.go_on.recv());
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let length = buffer.len().min(self.bytes.len() - self.stall_at);
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

#[test]
fn a_device_that_comes_back_is_not_kept_waiting_by_its_own_dead_connection() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    let ((stalled, has_stalled), (stop, go_on)) = (mpsc::channel(), mpsc::channel());
    let file = sender.file.clone();
    let body = Stalling { bytes: &file, stall_at: 30_000, stalled, go_on };
    let dead = sender.device.on_another_connection(&collector);
    let (path, collector) = (sender.path(), &collector);
    std::thread::scope(|scope| {
        let first = scope.spawn(move || {
            let headers = [
                (tus::RESUMABLE, tus::VERSION),
                ("content-type", tus::CHUNK),
                (tus::OFFSET, "0"),
                ("content-length", "100000"),
            ];
            dead.send_slowly(collector, &path, &headers, body)
        });
        // Dropped also where an assertion fails: the first request ends then, and with it the test.
        let stop = stop;
        has_stalled.recv().unwrap();
        // The collector may begin with the first request only after it was asked: then it is asked again.
        let appended = (0..5).find_map(|_| {
            let arrived = sender.offset(collector).unwrap() as usize;
            assert!(arrived <= 70_000);
            let status = sender.append(collector, arrived, 100_000, None).0;
            assert!(status == 204 || status == 409, "{status}");
            (status == 204).then_some(())
        });
        assert_eq!(appended, Some(()));
        assert_eq!(sender.complete(collector).0, 200);
        stop.send(()).unwrap();
        first.join().unwrap();
    });
    assert_eq!(collector.bundle(&collector.lines("bundles", &[])[0]), sender.file);
}

#[test]
fn what_is_not_tus_is_refused() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    let path = sender.path();
    let ask = |method, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        sender.device.ask(&collector, method, path, headers, body).status().as_u16()
    };
    assert_eq!(ask("HEAD", &path, &[], b""), 412);
    assert_eq!(ask("HEAD", &path, &[(tus::RESUMABLE, "2.0.0")], b""), 412);
    let tus = |method, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        sender.ask(&collector, method, path, headers, body).0
    };
    assert_eq!(tus("PATCH", &path, &[(tus::OFFSET, "0")], b"x"), 415);
    assert_eq!(tus("PATCH", &path, &[("content-type", tus::CHUNK)], b"x"), 400);
    assert_eq!(tus("PATCH", &path, &[("content-type", tus::CHUNK), (tus::OFFSET, "-1")], b"x"), 400);
    assert_eq!(tus("HEAD", "/v1/bundles/..%2f..%2fca.pem", &[], b""), 404);
    assert_eq!(tus("HEAD", &format!("/v1/bundles/{}", Digest::of(b"no")), &[], b""), 404);
    assert_eq!(tus("POST", "/v1/bundles", &[(tus::LENGTH, "7")], b""), 400);
    let metadata = sender.announcement.metadata();
    for (length, status) in [("0", 413), ("x", 400), ("99999999999", 413), ("7", 409)] {
        let headers = [(tus::LENGTH, length), (tus::METADATA, &*metadata)];
        assert_eq!(tus("POST", "/v1/bundles", &headers, b""), status, "{length}");
    }
    // One byte more than was announced.
    let mut longer = Sender { file: [&*sender.file, b"x"].concat(), ..sender };
    assert_eq!(longer.append(&collector, 0, 100_001, None).0, 413);
    longer.file.pop();
    let offset = longer.offset(&collector).unwrap() as usize;
    assert_eq!(longer.append(&collector, offset, 100_000, None).0, 204);
    assert_eq!(longer.complete(&collector).0, 200);
}

#[test]
fn nothing_is_taken_without_a_yes_for_the_case_nor_from_another_device() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let line = device.case_line(0, CASE, EventKind::Granted);
    let sender = Sender::of(device, ledger::line_hash(&line));
    assert_eq!(sender.create(&collector), 428);
    assert_eq!(sender.device.put_consent(&collector, &line).status, 201);
    let mut other_case = Sender::new(&collector);
    other_case.announcement.case = "CASE-7".parse().unwrap();
    assert_eq!(other_case.create(&collector), 403);
    assert_eq!(sender.create(&collector), 201);
    let stranger = Sender { device: Device::enrolled(&collector), ..Sender::new(&collector) };
    let stranger =
        Sender { file: sender.file.clone(), announcement: sender.announcement.clone(), ..stranger };
    assert_eq!(stranger.offset(&collector), None);
    assert_eq!(stranger.append(&collector, 0, 1000, None).0, 404);

    assert_eq!(sender.append(&collector, 0, 1000, None).0, 204);
    let end = sender.device.case_line(1, CASE, EventKind::Withdrawn);
    assert_eq!(sender.device.put_consent(&collector, &end).status, 201);
    assert_eq!(sender.append(&collector, 1000, 2000, None).0, 403);
    assert_eq!(sender.complete(&collector).0, 403);
    assert_eq!((sender.create(&collector), sender.offset(&collector)), (403, None));
}

#[test]
fn a_stick_and_the_wire_bring_the_same_bundle_once() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    let stick = tempfile::tempdir().unwrap();
    let file = stick.path().join("bundle.age");
    fs::write(&file, &sender.file).unwrap();
    let import =
        |path: &std::path::Path| attempt(collector.data(), "bundles", &["import", path.to_str().unwrap()]);
    for _ in 0..2 {
        let output = import(&file);
        let receipt = protocol::bundle::receipt(sender.announcement.sha256);
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), receipt);
    }
    let listed = collector.lines("bundles", &[]);
    assert_eq!((listed.len(), &listed[0]["device"], &listed[0]["case"]), (1, &Json::Null, &Json::Null));

    // The workstation, once it has a network, hears that all is there.
    assert_eq!(sender.create(&collector), 201);
    assert_eq!(sender.offset(&collector), Some(100_000));
    assert_eq!(sender.complete(&collector).0, 200);
    let listed = collector.lines("bundles", &[]);
    assert_eq!((listed.len(), &listed[0]["case"]), (1, &json!(CASE)));
    assert!(import(&file).status.success());
    assert_eq!(collector.lines("bundles", &[]), listed);

    fs::write(&file, "plain text").unwrap();
    assert_eq!(import(&file).status.code(), Some(1));
    assert_eq!(import(&stick.path().join("none")).status.code(), Some(1));
    let nowhere = std::process::Command::new(env!("CARGO_BIN_EXE_kathea-collector")).arg("bundles").output();
    assert_eq!(nowhere.unwrap().status.code(), Some(2));
}

#[test]
fn an_invitation_is_sent_until_the_bundle_arrives() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    let id = sender.device.id().to_string();
    let invitations = || {
        let answer = sender.device.ask(&collector, "GET", "/v1/capabilities", &[], b"");
        answer.headers().get("telemetry-wishes").map(|invitations| invitations.to_str().unwrap().to_owned())
    };
    assert_eq!(invitations(), None);
    let ask = |device: &str, reason: &str| {
        let args = ["--device", device, "--case", CASE, "--reason", reason];
        attempt(collector.data(), "ask", &args).status.code().unwrap()
    };
    assert_eq!(ask(&id, "curiosity"), 2);
    assert_eq!(ask(&DeviceId::from_bytes([7; 16]).to_string(), "error"), 1);
    assert_eq!(ask(&id, "error"), 0);
    assert_eq!(invitations().as_deref(), Some("CASE-1042 error"));
    assert_eq!(sender.create(&collector), 201);
    assert_eq!(sender.append(&collector, 0, 100_000, None).0, 204);
    assert_eq!(sender.complete(&collector).0, 200);
    assert_eq!(invitations(), None);
}

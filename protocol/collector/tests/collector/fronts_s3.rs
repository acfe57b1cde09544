//! Several fronts with their bundles in a bucket: one that does on demand what others do by accident, and SeaweedFS,
//! which looks at signatures.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use test_support::or_skip;

use crate::bundles::Sender;
use crate::device::{Device, batch};
use crate::fake_s3::{FakeS3, Mood};
use crate::fronts_uploads::slow_writer;
use crate::program::{Collector, attempt, serve_fails};
use crate::seaweed::{Seaweed, settings};
use crate::server::Server;

/// Two fronts and their directory with the credentials.
struct Fronts {
    one: Collector,
    other: Collector,
    more: String,
    dir: tempfile::TempDir,
}

impl Fronts {
    fn start(server: &Server, endpoint: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let more = more(dir.path(), endpoint);
        let url = server.database("fleet", &server.own());
        let one = Collector::front(None, "", &url, &more);
        let other = Collector::front(Some(one.data()), "", &url, &more);
        Self { one, other, more, dir }
    }
}

fn more(dir: &Path, endpoint: &str) -> String {
    format!("durability = \"managed\"\n{}[operations]\nlisten = \"127.0.0.1:0\"", settings(dir, endpoint))
}

fn address(bundle: &Json) -> &str {
    bundle["path"].as_str().unwrap()
}

/// An upload over both fronts with a kill, `verify`, `bundles get` and an erasure.
fn life_of_a_bundle(fronts: &mut Fronts) {
    let mut sender = Sender::new(&fronts.one);
    assert_eq!(sender.create(&fronts.one), 201);
    assert_eq!(sender.append(&fronts.one, 0, 40_000, None).0, 204);
    fronts.one.kill_and_restart();
    sender.device.reconnect(&fronts.one);
    assert_eq!(sender.offset(&fronts.other), Some(40_000));
    assert_eq!(sender.append(&fronts.other, 30_000, 50_000, None).0, 409);
    assert_eq!(sender.complete(&fronts.other).0, 409);
    assert_eq!(sender.append(&fronts.other, 40_000, 70_000, None).0, 204);
    assert_eq!(sender.append(&fronts.one, 70_000, 100_000, None).0, 204);
    assert_eq!((sender.complete(&fronts.one).0, sender.complete(&fronts.other).0), (200, 200));
    assert_eq!(sender.offset(&fronts.other), Some(100_000));
    let listed = fronts.other.lines("bundles", &[]);
    assert!(
        listed.len() == 1 && address(&listed[0]).starts_with("s3://bundles-of-all/kathea/bundles/"),
        "{listed:?}"
    );
    let copy = fronts.dir.path().join("bundle.age");
    fronts.other.lines_of_text(
        "bundles",
        &[
            "get",
            listed[0]["id"].as_str().unwrap(),
            copy.to_str().unwrap(),
            "--to",
            "Example Vendor",
            "--why",
            "support",
        ],
    );
    assert!(std::fs::read(&copy).unwrap() == sender.file);
    assert_eq!(fronts.one.findings("verify").len(), 0);

    // One that came late to an upload that is filed, or that was erased meanwhile.
    let late = Sender::new(&fronts.one);
    assert_eq!(late.create(&fronts.one), 201);
    let status = slow_writer(&fronts.one, &late, &[0xff; 70_000], &[], || {
        assert_eq!(late.append(&fronts.other, 0, 100_000, None).0, 204);
        assert_eq!(late.complete(&fronts.other).0, 200);
        false
    });
    // Cut where the S3 was so slow that its time was over.
    assert!(status.is_none_or(|status| status == 409), "{status:?}");
    let erased = Sender::new(&fronts.one);
    assert_eq!(erased.create(&fronts.one), 201);
    let status = slow_writer(&fronts.one, &erased, &[0xff; 70_000], &[], || {
        fronts.other.lines("erase", &["--device", &erased.device.id().to_string()]);
        false
    });
    assert!(status.is_none_or(|status| status >= 400), "{status:?}");
    for sender in [&sender, &late] {
        fronts.other.lines("erase", &["--device", &sender.device.id().to_string()]);
        assert_eq!(sender.offset(&fronts.one), None);
    }
    assert_eq!((fronts.one.lines("bundles", &[]).len(), fronts.one.findings("verify").len()), (0, 0));
}

#[test]
fn fronts_share_their_bundles_in_a_bucket() {
    let server = or_skip!(Server::start(&[]));
    let s3 = FakeS3::start();
    let mut fronts = Fronts::start(&server, &format!("http://{}", s3.address));
    life_of_a_bundle(&mut fronts);
    assert_eq!(s3.keys(), ["kathea/engine"], "nothing of it is left");

    // Damage and loss are named, and a bucket of another store is never used.
    let (first, second) = (Sender::new(&fronts.one), Sender::new(&fronts.one));
    for sender in [&first, &second] {
        let done = (sender.create(&fronts.one), sender.append(&fronts.one, 0, 100_000, None).0);
        assert_eq!((done, sender.complete(&fronts.other).0), ((201, 204), 200));
    }
    let keys: Vec<String> = s3.keys().into_iter().filter(|key| key.contains("bundles")).collect();
    s3.change(&keys[0], |mut bytes| {
        bytes[70_000] ^= 1;
        Some(bytes)
    });
    s3.change(&keys[1], |_| None);
    let found = fronts.other.findings("verify");
    assert!(
        found.len() == 2
            && found.iter().all(|it| it["what"].as_str().unwrap().contains("is gone or was changed"))
    );

    let another = server.database("another", &server.own());
    let data = fronts.dir.path().join("another");
    crate::program::make_front(&data, Some(fronts.one.data()));
    crate::engine::configure(&data, &another, &fronts.more);
    let said = serve_fails(&data);
    assert!(said.contains("the database is empty"), "{said}");
    s3.change("kathea/engine", |_| Some(b"postgres another\n".to_vec()));
    assert!(fronts.one.asks("/readyz").1.contains("is of another store"));
    fronts.other.kill_and_restart();
    assert!(fronts.other.asks("/readyz").1.contains("is of another store"));
    assert!(fronts.other.fails("bundles", &[]).contains("is of another store"));
}

#[test]
fn an_s3_that_misbehaves_gets_nothing_acknowledged() {
    let server = or_skip!(Server::start(&[]));
    let s3 = FakeS3::start();
    let mut fronts = Fronts::start(&server, &format!("http://{}", s3.address));
    let front = &fronts.one;
    let sender = Sender::new(front);
    assert_eq!((sender.create(front), sender.append(front, 0, 30_000, None).0), (201, 204));
    let keys = s3.keys();
    for (mood, says) in [
        (Mood::Busy, "503 SlowDown"),
        (Mood::Skewed, "clock of this machine"),
        (Mood::RefusesConditions, "If-None-Match"),
        (Mood::CutsAnswers, "broke off"),
    ] {
        s3.is_in(mood);
        let (status, headers) = sender.append(front, 30_000, 60_000, None);
        let after: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(status == 503 && (30..=300).contains(&after), "{mood:?}: {status}");
        let (status, said) = front.asks("/readyz");
        assert!(status == 503 && said.contains(says) && !said.contains("secret-word"), "{mood:?}: {said}");
        s3.is_in(Mood::Well);
        assert_eq!(front.asks("/readyz").0, 200);
        if mood != Mood::CutsAnswers {
            assert_eq!((s3.keys(), sender.offset(front)), (keys.clone(), Some(30_000)), "{mood:?}");
        }
    }
    // It had kept the chunk, and only its answer was cut.
    assert_eq!(sender.offset(&fronts.other), Some(60_000));
    assert_eq!(sender.append(front, 60_000, 100_000, None).0, 204);
    s3.is_in(Mood::CutsObjects);
    assert_eq!(sender.complete(front).0, 503);
    s3.is_in(Mood::Busy);
    assert_eq!(sender.complete(front).0, 503);
    assert_eq!(front.fails("bundles", &[]).matches("503 SlowDown").count(), 1, "not taken for gone");
    s3.is_in(Mood::Well);
    assert_eq!(sender.complete(&fronts.other).0, 200);
    assert_eq!(front.findings("verify").len(), 0);
    // Batches need no bucket, nor does a front that starts, nor what ends a consent.
    s3.is_in(Mood::Busy);
    fronts.one.kill_and_restart();
    let device = Device::enrolled(&fronts.one);
    let consent = device.grant(&fronts.one);
    assert_eq!(device.put_batch(&fronts.one, &batch(consent, 1, 0, 4)).status, 201);
    assert!(attempt(fronts.one.data(), "revoke", &[&device.id().to_string()]).status.success());
    assert_eq!(fronts.one.asks("/readyz").0, 503);
}

#[test]
fn a_store_is_copied_into_a_bucket_and_out_of_it() {
    let server = or_skip!(Server::start(&[]));
    let s3 = FakeS3::start();
    let mut collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!((sender.create(&collector), sender.append(&collector, 0, 100_000, None).0), (201, 204));
    assert_eq!(sender.complete(&collector).0, 200);
    collector.end();
    let dir = tempfile::tempdir().unwrap();
    let own = |name: &str, text: String| -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let from = own("from.toml", format!("data = {:?}\n", collector.data()));
    let there = dir.path().join("there");
    crate::engine::configure(
        &there,
        &server.database("there", &server.own()),
        &more(dir.path(), &format!("http://{}", s3.address)),
    );
    let back = dir.path().join("back");
    let back_config = own("back.toml", format!("data = {back:?}\n"));
    let copy = |from: &Path, to: &Path| {
        let output = Command::new(crate::program::PROGRAM)
            .args(["store", "copy", "--from"])
            .arg(from)
            .arg("--to")
            .arg(to)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let there_config = there.with_extension("toml");
    copy(&from, &there_config);
    assert_eq!(s3.keys().len(), 2, "{:?}", s3.keys());
    assert!(attempt(&there, "verify", &[]).status.success());
    copy(&there_config, &back_config);
    let listed = attempt(&back, "bundles", &[]).stdout;
    let listed: Json = serde_json::from_slice(&listed).unwrap();
    let out = dir.path().join("bundle.age");
    let of =
        [listed["id"].as_str().unwrap(), out.to_str().unwrap(), "--to", "Example Vendor", "--why", "support"];
    assert!(attempt(&back, "bundles", &[&["get"][..], &of].concat()).status.success());
    assert!(std::fs::read(&out).unwrap() == sender.file);
}

#[test]
fn a_real_s3_takes_the_signatures_and_keeps_its_conditions() {
    let server = or_skip!(Server::start(&[]));
    let s3 = or_skip!(Seaweed::start());
    let mut fronts = Fronts::start(&server, &format!("http://127.0.0.1:{}", s3.port));
    assert_eq!(fronts.one.asks("/readyz"), (200, "ready\n".to_owned()));
    life_of_a_bundle(&mut fronts);
    let wrong = fronts.dir.path().join("s3");
    std::fs::write(&wrong, "aws_access_key_id = an-id\naws_secret_access_key = another-word\n").unwrap();
    let (status, said) = fronts.one.asks("/readyz");
    assert!(status == 503 && said.contains("store.s3.credentials_file"), "{said}");
}

//! Several collectors in front of one store: what one of them learns the others obey at once, and nothing is done twice.

use std::path::Path;

use protocol::ledger::EventKind;
use serde_json::json;
use tempfile::TempDir;
use test_support::or_skip;

use crate::bundles::Sender;
use crate::device::{Device, batch};
use crate::engine;
use crate::fronts_uploads::slow_writer;
use crate::program::{Collector, attempt, make_front, serve_fails};
use crate::server::Server;

/// Two fronts, and the directory that both have bundles in.
pub(crate) struct Fronts {
    pub(crate) one: Collector,
    pub(crate) other: Collector,
    pub(crate) shared: TempDir,
    pub(crate) url: String,
}

impl Fronts {
    pub(crate) fn start(server: &Server) -> Self {
        let shared = tempfile::tempdir().unwrap();
        let url = server.database("fleet", &server.own());
        let more = more(shared.path());
        let one = Collector::front(None, "", &url, &more);
        let other = Collector::front(Some(one.data()), "", &url, &more);
        Self { one, other, shared, url }
    }
}

pub(crate) fn more(shared: &Path) -> String {
    format!(
        "durability = \"managed\"\nbundles = \"{}\"\n[operations]\nlisten = \"127.0.0.1:0\"",
        shared.display()
    )
}

#[test]
fn what_one_front_learns_the_other_obeys_at_once() {
    let server = or_skip!(Server::start(&[]));
    let Fronts { one, other, .. } = &Fronts::start(&server);
    let device = Device::enrolled(one);
    let consent = device.grant(one);
    assert_eq!(device.put_batch(other, &batch(consent, 1, 0, 4)).status, 201);
    assert_eq!(device.put_batch(one, &batch(consent, 1, 0, 9)).status, 201);
    assert_eq!(device.put_batch(other, &batch(consent, 1, 3, 9)).status, 200);
    let withdrawn = device.ledger_line(1, EventKind::Withdrawn);
    let answer = device.put_consent(one, &withdrawn);
    assert_eq!(answer.status, 201);
    let late = device.put_batch(other, &batch(consent, 1, 10, 14));
    assert_eq!((late.problem(), &late.head), ((403, "consent_withdrawn"), &answer.head));
    let _ = device.get(one, "/v1/capabilities");
    assert!(attempt(one.data(), "revoke", &[&device.id().to_string()]).status.success());
    assert_eq!(
        device.get(other, "/v1/capabilities").problem(),
        (403, "device_revoked"),
        "also an open connection"
    );

    let restricted = Device::enrolled(other);
    let consent = restricted.grant(other);
    assert_eq!(restricted.put_batch(other, &batch(consent, 1, 0, 4)).status, 201);
    assert_eq!(other.lines("export", &[]).len(), 15);
    let request = json!({"request_id": "a".repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64)});
    assert_eq!(restricted.post(one, "/v1/privacy/restrict", &request).status, 202);
    assert_eq!(other.lines("export", &[]).len(), 10, "hidden from the moment that it is kept");

    // An erasure by a command at the other front takes the bytes of a bundle that came here.
    let sender = Sender::new(one);
    assert_eq!((sender.create(one), sender.append(one, 0, 100_000, None).0), (201, 204));
    assert_eq!(sender.complete(other).0, 200);
    let path = one.lines("bundles", &[])[0]["path"].as_str().unwrap().to_owned();
    assert!(Path::new(&path).exists());
    other.lines("erase", &["--device", &sender.device.id().to_string()]);
    assert!(!Path::new(&path).exists() && one.lines("bundles", &[]).is_empty());
    assert_eq!(sender.offset(one), None, "nothing of it is here");
    assert_eq!(one.findings("verify").len(), 0);
}

#[test]
fn the_same_batches_at_both_fronts_are_stored_once_and_a_token_enrols_once() {
    let server = or_skip!(Server::start(&[]));
    let Fronts { one, other, .. } = &Fronts::start(&server);
    let device = Device::enrolled(one);
    let consent = device.grant(one);
    let there = device.on_another_connection(other);
    std::thread::scope(|scope| {
        for (who, front) in [(&device, one), (&there, other)] {
            scope.spawn(move || {
                for n in 0..20 {
                    let answer = who.put_batch(front, &batch(consent, 1, n * 5, n * 5 + 4));
                    assert!([200, 201].contains(&answer.status), "{answer:?}");
                }
            });
        }
    });
    assert_eq!(other.lines("export", &[]).len(), 100);

    let token = one.token();
    let (first, second) = (Device::new(one), Device::new(other));
    let statuses = std::thread::scope(|scope| {
        let here = scope.spawn(|| first.enrol(one, &token).status);
        [second.enrol(other, &token).status, here.join().unwrap()]
    });
    assert!(statuses == [201, 409] || statuses == [409, 201], "{statuses:?}");
    assert_eq!(one.findings("verify").len(), 0);
}

#[test]
fn the_audit_of_several_processes_is_one_chain_and_retention_is_carried_out_once() {
    let server = or_skip!(Server::start(&[]));
    let Fronts { one, other, .. } = &Fronts::start(&server);
    let device = Device::enrolled(one);
    let consent = device.grant(one);
    assert_eq!(device.put_batch(one, &batch(consent, 1, 0, 4)).status, 201);
    std::thread::scope(|scope| {
        for front in [one, other] {
            for _ in 0..4 {
                scope.spawn(move || assert_eq!(front.lines("export", &[]).len(), 5));
            }
        }
    });
    // `audit` fails where a line does not follow the one before.
    assert_eq!(other.lines("audit", &[]).len(), 8);

    one.age(device.id(), 740);
    // Both would have planned it before either begins.
    let mut holding =
        server.session("fleet", "BEGIN; LOCK TABLE envelope IN SHARE MODE; SELECT pg_sleep(3); COMMIT");
    server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
    let run = |front: &Collector| attempt(front.data(), "retention", &["run", "--yes"]);
    let outputs = std::thread::scope(|scope| {
        let here = scope.spawn(|| run(one));
        [run(other), here.join().unwrap()]
    });
    assert!(holding.wait().unwrap().success());
    let said: Vec<String> =
        outputs.iter().map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).collect();
    let audited = one.lines("audit", &[]);
    let counts: Vec<_> =
        audited.iter().filter(|line| line["deed"] == "retention").map(|line| line["count"].clone()).collect();
    assert_eq!(counts, [json!(5)], "{said:?}");
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1, "{said:?}");
    assert!(said.concat().contains("another process does the daily upkeep"), "{said:?}");
    assert_eq!(one.findings("verify").len(), 0);
}

#[test]
fn a_front_without_the_shared_directory_is_refused_and_one_that_is_gone_loses_nothing() {
    let server = or_skip!(Server::start(&[]));
    let mut fronts = Fronts::start(&server);
    let sender = Sender::new(&fronts.one);
    assert_eq!(sender.create(&fronts.one), 201);
    assert_eq!(sender.append(&fronts.one, 0, 40_000, None).0, 204);

    // Not mounted: an empty directory is there in its place.
    let (here, away) = (fronts.shared.path().to_owned(), fronts.shared.path().with_extension("away"));
    std::fs::rename(&here, &away).unwrap();
    std::fs::create_dir(&here).unwrap();
    assert_eq!(sender.append(&fronts.one, 40_000, 50_000, None).0, 503);
    assert_eq!((sender.offset(&fronts.other), sender.complete(&fronts.other).0), (None, 503));
    let (status, said) = fronts.one.asks("/readyz");
    assert!(status == 503 && said.contains("mount it"), "{status} {said}");
    let data = fronts.other.data().to_owned();
    fronts.other.end();
    let said = serve_fails(&data);
    assert!(said.contains("is not the directory of this store's bundles"), "{said}");
    assert_eq!(std::fs::read_dir(&here).unwrap().count(), 0, "nothing was written there");
    std::fs::remove_dir(&here).unwrap();
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(sender.offset(&fronts.one), Some(40_000));
    assert_eq!(fronts.one.asks("/readyz").0, 200);

    // Without its name in the configuration, and another front before its directory is mounted.
    engine::configure(&data, &fronts.url, "durability = \"managed\"");
    assert!(serve_fails(&data).contains("name that as store.bundles"));
    std::fs::remove_file(data.with_extension("toml")).unwrap();
    assert!(serve_fails(&data).contains("is in PostgreSQL"));
    let dir = tempfile::tempdir().unwrap();
    let (new, empty) = (dir.path().join("new"), dir.path().join("empty"));
    std::fs::create_dir(&empty).unwrap();
    make_front(&new, Some(fronts.one.data()));
    engine::configure(&new, &fronts.url, &more(&empty));
    assert!(serve_fails(&new).contains("of another data directory"));
    engine::configure(&new, &fronts.url, "durability = \"managed\"");
    assert!(serve_fails(&new).contains("of another data directory"));
}

#[test]
fn a_store_of_one_process_becomes_one_of_several() {
    let server = or_skip!(Server::start(&[]));
    let url = server.database("fleet", &server.own());
    let mut alone = Collector::in_postgres(&url, "durability = \"managed\"");
    let mut sender = Sender::new(&alone);
    assert_eq!((sender.create(&alone), sender.append(&alone, 0, 100_000, None).0), (201, 204));
    assert_eq!(sender.complete(&alone).0, 200);
    alone.end();
    let shared = tempfile::tempdir().unwrap();
    let data = alone.data().to_owned();
    engine::configure(&data, &url, &more(shared.path()));
    let said = serve_fails(&data);
    assert!(said.contains("move bundles, uploads, policies, keys and engine from"), "{said}");
    for name in ["bundles", "uploads", "policies", "keys", "engine"] {
        if data.join(name).exists() {
            std::fs::rename(data.join(name), shared.path().join(name)).unwrap();
        }
    }
    // What opens the keys is every front's.
    let seal_key = data.with_file_name(format!("{}-seal-key", data.file_name().unwrap().to_string_lossy()));
    std::fs::rename(seal_key, shared.path().join("keys/credential")).unwrap();
    alone.restart();
    sender.device.reconnect(&alone);
    let other = Collector::front(Some(&data), "", &url, &more(shared.path()));
    assert_eq!(sender.offset(&other), Some(100_000));
    assert_eq!(other.lines("bundles", &[]).len(), 1);
    assert_eq!(other.findings("verify").len(), 0);
}

#[test]
fn a_front_that_is_asked_to_stop_is_not_ready_first_then_ends_what_it_has() {
    let server = or_skip!(Server::start(&[]));
    let shared = tempfile::tempdir().unwrap();
    let url = server.database("fleet", &server.own());
    let mut one = Collector::front(None, "drain_seconds = 8", &url, &more(shared.path()));
    let sender = Sender::new(&one);
    assert_eq!(sender.create(&one), 201);
    let newcomer = sender.device.on_another_connection(&one);
    assert_eq!(one.asks("/readyz").0, 200);
    // An upload that takes longer than the time in which others may come.
    let status = slow_writer(&one, &sender, &sender.file[..70_000], &[], || {
        one.tell("TERM");
        let ending = (0..10_000).find_map(|_| Some(one.asks("/readyz")).filter(|(status, _)| *status == 503));
        assert!(ending.unwrap().1.contains("ending: it was asked to stop"));
        assert_eq!(newcomer.get(&one, "/v1/capabilities").status, 200, "who comes meanwhile is served");
        let address = one.url.strip_prefix("https://").unwrap();
        while std::net::TcpStream::connect(address).is_ok() {
            std::thread::yield_now();
        }
        false
    });
    assert_eq!(status, Some(204), "what it has is finished");
    assert!(one.serving().wait().unwrap().success());
    let other = Collector::front(Some(one.data()), "", &url, &more(shared.path()));
    assert_eq!(sender.offset(&other), Some(70_000));
}

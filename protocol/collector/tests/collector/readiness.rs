//! A database that can't be written: nothing is acknowledged, `/readyz` says why, and devices come back spread.

use test_support::or_skip;

use crate::device::{Device, batch, content_digest, path};
use crate::program::Collector;
use crate::server::Server;

const MORE: &str = "durability = \"managed\"\n[operations]\nlisten = \"127.0.0.1:0\"";

/// What a device hears while something is wrong, and what `/readyz` says of it.
fn refused(collector: &Collector, device: &Device, consent: protocol::Digest) -> String {
    let batch = batch(consent, 1, 5, 9);
    let body = batch.encode();
    let digest = content_digest(&body);
    let answer = device.ask(collector, "PUT", &path(&batch), &[("content-digest", &digest)], &body);
    let after: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(answer.status() == 503 && (30..=300).contains(&after), "{} {after}", answer.status());
    let (status, said) = collector.asks("/readyz");
    assert_eq!(status, 503, "{said}");
    assert!(!said.contains("secret-word"), "{said}");
    let (status, metrics) = collector.asks("/metrics");
    let gauge = metrics.lines().find(|line| line.starts_with("kathea_collector_store_acknowledges")).unwrap();
    // A read-only database meets the demand; only a write shows that.
    assert!(
        status == 200
            && (gauge.ends_with(" 0") || said.contains("25006") || said.contains("takes no writes")),
        "{gauge} {said}"
    );
    said
}

#[test]
fn what_is_wrong_with_the_database_is_said_and_nothing_is_acknowledged() {
    let mut server = or_skip!(Server::start(&[]));
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), MORE);
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    assert_eq!(collector.asks("/readyz"), (200, "ready\n".to_owned()));

    // A later collector has changed the tables beside this one.
    let change =
        |to: &str| server.session("fleet", &format!("UPDATE meta SET value = {to} WHERE name = 'schema'"));
    assert!(change("'9' || value").wait().unwrap().success());
    let said = refused(&collector, &device, consent);
    assert!(said.contains("schema 9") && said.contains("is of a later kathea-collector"), "{said}");
    assert!(change("substr(value, 2)").wait().unwrap().success());
    assert_eq!(collector.asks("/readyz").0, 200);

    server.set("default_transaction_read_only", "on");
    let said = refused(&collector, &device, consent);
    assert!(said.contains("25006") || said.contains("takes no writes"), "{said}");
    server.set("default_transaction_read_only", "");
    server.until("SELECT current_setting('default_transaction_read_only')", "off");

    server.kill();
    let said = refused(&collector, &device, consent);
    assert!(said.contains("no host of the cluster takes writes") || said.contains("closed"), "{said}");
    server.restart_ended();
    let ready = (0..100).find(|_| collector.asks("/readyz").0 == 200);
    assert!(ready.is_some(), "it finds the database again");
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 9)).status, 201, "it was not there");
    assert_eq!(collector.lines("export", &[]).len(), 10);
}

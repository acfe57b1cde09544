//! The same on PostgreSQL, which is backed up and restored by its own means: the server does again what the log has
//! before it serves.

use std::fs;

use protocol::ledger::EventKind;
use test_support::or_skip;

use crate::device::{Device, batch};
use crate::program::Collector;
use crate::server::Server;
use crate::stored;

#[test]
fn a_cluster_that_was_set_back_forgets_no_erasure_no_withdrawal_and_no_revocation() {
    let server = or_skip!(Server::start(&[]));
    let url = server.database("fleet", &server.own());
    let mut collector = Collector::in_postgres(&url, "durability = \"managed\"");
    let devices: Vec<(Device, _)> = (0..4)
        .map(|_| {
            let device = Device::enrolled(&collector);
            let consent = device.grant(&collector);
            assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
            (device, consent)
        })
        .collect();
    let count = |collector: &Collector, what: &str| {
        stored::number(collector.data(), &format!("SELECT count({what}) FROM envelope"))
    };
    assert_eq!(count(&collector, "seal"), 4);
    collector.end();
    let copy = |from: &str, to: &str| {
        let made = server.sql(&format!("CREATE DATABASE {to} TEMPLATE {from}"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    copy("fleet", "backup");
    collector.restart();
    let [mut erased, mut withdrawn, mut revoked, mut stays] =
        <[(Device, protocol::Digest); 4]>::try_from(devices).unwrap_or_else(|_| panic!("four devices"));
    for (device, _) in [&mut erased, &mut withdrawn, &mut revoked, &mut stays] {
        device.reconnect(&collector);
    }
    assert_eq!(collector.lines("erase", &["--device", &erased.0.id().to_string()])[0]["records"], 5);
    let line = withdrawn.0.ledger_line(1, EventKind::Withdrawn);
    assert_eq!(withdrawn.0.put_consent(&collector, &line).status, 201);
    collector.lines_of_text("revoke", &[&revoked.0.id().to_string()]);
    let key = collector.data().join("keys/devices").join(erased.0.id().to_string());
    assert!(fs::read(key).unwrap()[50..142].iter().all(|byte| *byte == 0), "its key is overwritten");
    collector.end();

    assert!(server.sql("DROP DATABASE fleet").status.success());
    copy("backup", "fleet");
    assert_eq!(count(&collector, "seal"), 4, "the row is there, and nothing opens it");
    collector.restart();
    assert_eq!(count(&collector, "seal"), 3);
    let exported = collector.lines("export", &[]);
    assert!(exported.len() == 15 && exported.iter().all(|line| line["device"] != erased.0.id().to_string()));
    for (device, _) in [&mut withdrawn, &mut revoked, &mut stays] {
        device.reconnect(&collector);
    }
    let next = |(device, consent): &(Device, _)| device.put_batch(&collector, &batch(*consent, 1, 5, 9));
    assert_eq!(next(&withdrawn).problem(), (403, "consent_withdrawn"));
    assert_eq!(next(&revoked).problem(), (403, "device_revoked"));
    assert_eq!(next(&stays).status, 201);
    // Who read and did what since the backup is in no other place, and said to be lost.
    let found = collector.findings("verify");
    assert!(found.len() == 1 && found[0]["what"].as_str().unwrap().contains("its end was cut"), "{found:?}");
}

//! What was erased stays known, so that it is never stored again, and nothing of it is left on the disk.

use std::fs;

use protocol::Value;
use serde_json::json;
use test_support::Random;

use crate::device::{Device, batch};
use crate::program::Collector;

#[test]
fn the_same_batch_after_an_erasure_is_known_and_not_stored() {
    let mut collector = Collector::start();
    let mut device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let first = batch(consent, 1, 0, 9);
    assert_eq!(device.put_batch(&collector, &first).status, 201);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 10, 19)).status, 201);
    let id = device.id().to_string();
    assert_eq!(collector.lines("erase", &["--device", &id])[0]["records"], 20);
    let known = device.put_batch(&collector, &first);
    assert_eq!((known.status, &known.body["accepted"]), (200, &json!([[0, 9]])));
    // From a restored disk: the same numbers in other batches, also when the server was started again.
    collector.kill_and_restart();
    device.reconnect(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 14)).status, 200);
    assert_eq!(collector.lines("export", &[]).len(), 0);
    let wider = device.put_batch(&collector, &batch(consent, 1, 15, 24));
    assert_eq!((wider.status, &wider.body["accepted"]), (201, &json!([[15, 24]])));
    let seqs: Vec<_> =
        collector.lines("export", &[]).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [20, 21, 22, 23, 24]);
    assert_eq!(collector.lines("verify", &[]).len(), 0, "an erasure is no loss");
}

#[test]
fn an_erasure_in_the_middle_of_a_stream_is_no_loss_and_bytes_do_not_stay() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let mut marks = Random::new(0x5eed_5eed_0001);
    for round in 0..40 {
        let mut batch = batch(consent, 1, round * 5, round * 5 + 4);
        // Numbers that are found again wherever they lie: deflate keeps the bytes of those that it can't shorten.
        for record in &mut batch.records {
            record.value = Value::Count(marks.next() | 1 << 63);
        }
        assert_eq!(device.put_batch(&collector, &batch).status, 201);
    }
    let bodies: Vec<Vec<u8>> = {
        let sql = crate::rows::open(collector.data());
        let mut statement = sql.prepare("SELECT body FROM envelope").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(bodies.len(), 40);
    // Every third one came long ago; the first and the last are among those that stay.
    let aged = "UPDATE envelope SET received = received - 740 * 86400000000 WHERE n % 3 = 2";
    assert!(crate::rows::open(collector.data()).execute(aged, []).unwrap() > 10);
    assert_eq!(collector.lines("retention", &["run", "--yes"])[0]["records"], 65);
    assert_eq!(collector.lines("export", &[]).len(), 135);
    let findings = collector.findings("verify");
    assert_eq!(findings.len(), 0, "{findings:?}");
    let id = device.id().to_string();
    assert_eq!(collector.lines("erase", &["--device", &id])[0]["records"], 135);
    assert_eq!(collector.findings("verify").len(), 0);
    let all: Vec<u8> = ["collector.db", "collector.db-wal"]
        .iter()
        .flat_map(|name| fs::read(collector.data().join(name)).unwrap_or_default())
        .collect();
    let left = bodies.iter().filter(|body| {
        let middle = &body[body.len() / 3..][..24];
        all.windows(middle.len()).any(|window| window == middle)
    });
    assert_eq!(left.count(), 0, "nothing of what was erased is in the database or its log");
}

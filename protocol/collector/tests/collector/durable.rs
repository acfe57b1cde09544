//! What was acknowledged is there after the process was killed.

use crate::device::{Device, batch};
use crate::program::Collector;

#[test]
fn acknowledged_records_survive_a_kill_after_each_reply() {
    let mut collector = Collector::start();
    let mut device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    for round in 0..10 {
        let batch = batch(consent, 1, round * 5, round * 5 + 6);
        assert_eq!(device.put_batch(&collector, &batch).status, 201);
        collector.kill_and_restart();
        device.reconnect(&collector);
        assert_eq!(device.put_batch(&collector, &batch).status, 200);
    }
    let seqs: Vec<_> =
        collector.lines("export", &[]).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (0..52).collect::<Vec<_>>());
}

#[test]
fn a_used_token_stays_used_and_a_device_enrolled() {
    let mut collector = Collector::start();
    let mut device = Device::enrolled(&collector);
    let token = collector.token();
    let other = Device::new(&collector);
    assert_eq!(other.enrol(&collector, &token).status, 201);
    collector.kill_and_restart();
    device.reconnect(&collector);
    assert_eq!(device.get(&collector, "/v1/capabilities").status, 200);
    assert_eq!(device.enrol(&collector, &token).problem(), (409, "token_used"));
}

//! Requests about what was sent: one ticket each, for the device that asked.

use serde_json::json;

use crate::device::{Device, batch};
use crate::program::Collector;

fn request(digit: &str) -> serde_json::Value {
    json!({
        "request_id": digit.repeat(32),
        "purposes": ["usage_statistics"],
        "ledger_sha256": "0".repeat(64),
    })
}

#[test]
fn a_request_has_one_ticket_until_it_is_done() {
    let collector = Collector::start();
    let (device, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let first = device.post(&collector, "/v1/privacy/erase", &request("a"));
    assert_eq!((first.status, &first.body["state"]), (202, &json!("open")));
    assert_eq!(device.post(&collector, "/v1/privacy/erase", &request("a")).body, first.body);
    let conflict = device.post(&collector, "/v1/privacy/access", &request("a"));
    assert_eq!(conflict.problem(), (409, "request_conflict"));

    let ticket = first.body["ticket"].as_str().unwrap();
    let look = |who: &Device| who.get(&collector, &format!("/v1/privacy/{ticket}"));
    assert_eq!((look(&device).status, look(&device).body), (200, first.body.clone()));
    assert_eq!(look(&other).problem(), (404, "not_found"));

    let listed = collector.lines("requests", &[]);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["ticket"], &listed[0]["kind"]), (&json!(ticket), &json!("erase")));
    let refused = collector.fails("requests", &["--done", ticket]);
    assert!(refused.contains("erase --ticket"), "{refused}");
    assert_eq!(look(&device).body["state"], "open");
    collector.lines("erase", &["--ticket", ticket, "--at-once", "--why", "by letter"]);
    assert_eq!(look(&device).body["state"], "done");
    assert_eq!(collector.lines("requests", &[])[0]["state"], "done");
}

#[test]
fn what_is_not_a_request_is_refused() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let post = |path: &str, body| device.post(&collector, path, &body);
    assert_eq!(post("/v1/privacy/forget", request("a")).problem(), (404, "not_found"));
    assert_eq!(post("/v1/privacy/erase", json!({})).problem(), (400, "bad_request"));
    let mut escape = request("a");
    escape["request_id"] = "../../../tmp/x".into();
    assert_eq!(post("/v1/privacy/erase", escape).problem(), (400, "bad_request"));
    let long = json!({"padding": "x".repeat(70_000)});
    assert_eq!(post("/v1/privacy/erase", long).problem(), (413, "too_long"));
    assert_eq!(device.get(&collector, "/v1/privacy/none").problem(), (404, "not_found"));
    assert_eq!(collector.lines("requests", &[]).len(), 0);
}

#[test]
fn after_a_withdrawal_nothing_more_is_taken_also_after_a_restart() {
    let mut collector = Collector::start();
    let mut device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 1)).status, 201);
    assert_eq!(device.post(&collector, "/v1/privacy/withdraw", &request("b")).status, 202);
    let late = batch(consent, 1, 2, 3);
    assert_eq!(device.put_batch(&collector, &late).problem(), (403, "consent_withdrawn"));
    collector.kill_and_restart();
    device.reconnect(&collector);
    assert_eq!(device.put_batch(&collector, &late).problem(), (403, "consent_withdrawn"));
    assert_eq!(collector.lines("export", &[]).len(), 2);
}

#[test]
fn a_decommissioned_device_is_gone_but_hears_of_its_request() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let batch = batch(device.grant(&collector), 1, 0, 1);
    let ask = || device.post(&collector, "/v1/privacy/decommission", &request("c"));
    assert_eq!(ask().status, 202);
    assert_eq!(device.put_batch(&collector, &batch).problem(), (410, "device_retired"));
    assert_eq!(device.get(&collector, "/v1/capabilities").problem(), (410, "device_retired"));
    assert_eq!(ask().status, 202);
    assert_eq!(collector.lines("devices", &[])[0]["standing"], "retired");
}

//! The export for analysts: each batch once, from one cursor to the next, in files of one entry and month.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use protocol::{Digest, Record, Value};
use serde_json::{Value as Json, json};

use crate::device::{Device, batch};
use crate::program::{Collector, attempt, restore};

/// Days since 1970 of 2026-11-01, and months.
const NOVEMBER: (u32, u32) = (20_758, 682);
const INVENTORY: u16 = 39;
const EXPOSURES: u16 = 1;

struct Exported {
    dir: tempfile::TempDir,
    cursor: String,
    records: u64,
}

impl Exported {
    fn new(collector: &Collector, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("out");
        let said = &collector.lines("export", &[&["-o", to.to_str().unwrap()], args].concat())[0];
        let cursor = said["cursor"].as_str().unwrap().to_owned();
        Self { cursor, records: said["records"].as_u64().unwrap(), dir }
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let dir = fs::read_dir(self.dir.path().join("out")).unwrap().map(Result::unwrap);
        dir.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
    }

    fn lines(&self, name: &str) -> Vec<Json> {
        let text = fs::read_to_string(self.dir.path().join("out").join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A batch of one record.
fn one(
    consent: Digest,
    number: u64,
    entry: u16,
    at: u32,
    attributes: &[u64],
    value: Value,
) -> protocol::Batch {
    let mut batch = batch(consent, 1, number, number);
    batch.records = vec![Record { entry, at, attributes: attributes.to_vec(), value }];
    batch
}

fn version(major: u64, minor: u64) -> u64 {
    major << 48 | minor << 32
}

#[test]
fn each_batch_is_exported_once_from_cursor_to_cursor() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let put = |lo, hi| assert_eq!(device.put_batch(&collector, &batch(consent, 1, lo, hi)).status, 201);
    put(0, 4);
    let first = Exported::new(&collector, &["--since", "start"]);
    assert_eq!(first.records, 5);
    put(5, 9);
    put(10, 14);
    let second = Exported::new(&collector, &["--since", &first.cursor]);
    assert_eq!(second.records, 10);
    put(15, 19);
    let again = Exported::new(&collector, &["--since", &first.cursor, "--until", &second.cursor]);
    assert_eq!((again.files(), &again.cursor), (second.files(), &second.cursor), "the same bytes twice");
    let third = Exported::new(&collector, &["--since", &second.cursor]);
    assert_eq!(third.records, 5);
    let seqs: Vec<u64> = [first, second, third]
        .iter()
        .flat_map(|part| part.lines("device.error-2027-01.ndjson"))
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (0..20).collect::<Vec<_>>());
    let none =
        Exported::new(&collector, &["--device", &device.id().to_string(), "--purpose", "support_case"]);
    assert_eq!((none.records, none.files().len()), (0, 0));
    assert_eq!(Exported::new(&collector, &["--entry", "device.error"]).records, 20);
    assert!(
        collector
            .fails("export", &["-o", "/nowhere/at/all", "--entry", "device.mistake"])
            .contains("catalog")
    );
    let code = |args: &[&str]| attempt(collector.data(), "export", args).status.code();
    assert_eq!(code(&["--since", "start"]), Some(2), "nowhere to write to");
    assert_eq!(code(&["-o", "x", "--since", "yesterday"]), Some(2));
    let last = collector.lines("audit", &[]).into_iter().rev().find(|line| line["deed"] == "export").unwrap();
    assert_eq!(last["count"], 20);
}

#[test]
fn a_month_carries_the_one_version_that_held_or_says_that_it_is_mixed() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    let (day, month) = NOVEMBER;
    let inventory = |at, component, major, minor| {
        (INVENTORY, at, vec![component, version(major, minor), 0], Value::Plain)
    };
    let count = |month, count| (EXPOSURES, month, vec![0, 0], Value::Count(count));
    let records = [
        inventory(day - 40, 0, 3, 1),
        inventory(day - 40, 1, 7, 0),
        inventory(day + 10, 0, 3, 1),
        inventory(day + 12, 1, 7, 2),
        count(month - 1, 11),
        count(month, 12),
        count(month + 1, 13),
        count(month - 9, 14),
    ];
    for (number, (entry, at, attributes, value)) in records.into_iter().enumerate() {
        let batch = one(consent, number as u64, entry, at, &attributes, value);
        assert_eq!(device.put_batch(&collector, &batch).status, 201);
    }
    let exported = Exported::new(&collector, &[]);
    let names = exported.files();
    let entry =
        names.keys().find(|name| name.ends_with("-2026-11.ndjson") && !name.starts_with("software")).unwrap();
    let line = &exported.lines(entry)[0];
    assert_eq!(
        (&line["count"], &line["granularity"], &line["at"]),
        (&json!(12), &json!("month"), &json!("2026-11"))
    );
    assert_eq!(line["period_start"], "2026-11-01T00:00:00");
    assert_eq!(line["period_end"], "2026-12-01T00:00:00");
    let versions = |month: &str| {
        let line = exported.lines(&entry.replace("2026-11", month))[0].clone();
        (line["kathea_version"].clone(), line["firmware_version"].clone(), line["agent_version"].clone())
    };
    assert_eq!(versions("2026-11"), (json!("3.1.0"), json!("mixed"), Json::Null));
    assert_eq!(versions("2026-10"), (json!("3.1.0"), json!("7.0.0"), Json::Null));
    assert_eq!(versions("2026-12"), (json!("3.1.0"), json!("7.2.0"), Json::Null));
    assert_eq!(versions("2026-02"), (Json::Null, Json::Null, Json::Null), "before anything was said");
    let devices = collector.lines("devices", &[]);
    assert_eq!(devices[0]["versions"], json!({"kathea": "3.1.0", "x1_firmware": "7.2.0"}));
    // What was erased is not joined either.
    collector.lines("erase", &["--device", &device.id().to_string()]);
    assert_eq!(crate::stored::number(collector.data(), "SELECT count(*) FROM version"), 0);
}

#[test]
fn a_label_is_shown_to_operators_and_never_exported() {
    let collector = Collector::start();
    let token = collector.lines_of_text("token", &["--label", "Odense, clinic 2"])[0].clone();
    let mut device = Device::new(&collector);
    device.enrol_by(&collector, &token);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let label = || collector.lines("devices", &[])[0]["label"].clone();
    assert_eq!(label(), "Odense, clinic 2");
    let id = device.id().to_string();
    collector.lines("label", &[&id, "Aarhus"]);
    assert_eq!(label(), "Aarhus");
    let exported = Exported::new(&collector, &[]);
    let all: Vec<u8> = exported.files().into_values().flatten().collect();
    let plain = attempt(collector.data(), "export", &[]).stdout;
    for bytes in [&all, &plain] {
        assert!(bytes.len() > 500 && !String::from_utf8_lossy(bytes).contains("Aarhus"));
    }
    assert_eq!(collector.lines("devices", &[])[0]["agent"], "0.1.0");
    assert!(collector.fails("label", &[&id, "two\nlines"]).contains("one line"));
    assert!(collector.fails("label", &[&"0".repeat(32), "x"]).contains("not enrolled"));
    collector.lines("label", &[&id, ""]);
    assert_eq!(label(), Json::Null);
}

#[test]
fn a_cursor_of_a_store_that_was_restored_is_refused() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let cursor = Exported::new(&collector, &[]).cursor;
    let elsewhere = tempfile::tempdir().unwrap();
    let (backup, data) = (elsewhere.path().join("backup"), elsewhere.path().join("data"));
    collector.lines("backup", &["-o", backup.to_str().unwrap()]);
    assert!(restore(collector.data(), &backup, &data, &[]).status.success());
    let out = elsewhere.path().join("out");
    let export = |data: &Path| attempt(data, "export", &["-o", out.to_str().unwrap(), "--since", &cursor]);
    let refused = export(&data);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("restored"));
    assert!(export(collector.data()).status.success());
}

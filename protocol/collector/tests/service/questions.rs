//! The ten questions of packaging/collector/questions.md, asked by DuckDB of a fleet whose answers are known.

use std::fs;
use std::process::Command;

use protocol::catalog::{Attribute, Catalog};
use protocol::{Batch, Record, Value};
use serde_json::{Value as Json, json};
use test_support::{or_skip, peer};

use crate::fleet::Device;
use crate::peers;
use crate::server::Server;

/// Runs each block of SQL of a page in the folder of an export; a list of results, each a list of rows.
const ASK: &str = "
import json, os, re, sys
import duckdb
page = open(sys.argv[1], encoding='utf-8').read()
os.chdir(sys.argv[2])
out = []
for block in re.findall(r'^```sql\\n(.*?)^```', page, re.S | re.M):
    out.append([list(row) for row in duckdb.sql(block).fetchall()])
print(json.dumps(out, default=str))
";

/// May 2026, as months, and its first day.
const MAY: u32 = 56 * 12 + 4;
const MAY_1: u32 = 20_574;

/// Writes records by the catalog's names.
#[derive(Default)]
pub(crate) struct Month(Vec<Record>);

impl Month {
    /// One record of `entry`: words, numbers and versions in the order of the entry.
    pub(crate) fn add(&mut self, entry: &str, at: u32, attributes: &[&str], value: Value) {
        let entry = Catalog::built_in().entries().find(|known| known.name == entry).unwrap();
        assert_eq!(entry.attributes.len(), attributes.len(), "{}", entry.name);
        let attributes = entry.attributes.iter().zip(attributes);
        let value_of = |(attribute, text): (&Attribute, &&str)| match text.parse::<u64>() {
            Ok(number) => attribute.kind.check_number(number).unwrap(),
            Err(_) => attribute.kind.check_text(text).unwrap(),
        };
        let attributes = attributes.map(value_of).collect();
        self.0.push(Record { entry: entry.number, at, attributes, value });
    }

    pub(crate) fn version(&mut self, day: u32, component: &str, version: &str, last_update: &str) {
        self.add("software.inventory", day, &[component, version, last_update], Value::Plain);
    }

    pub(crate) fn batch(self, device: &Device) -> Batch {
        Batch { records: self.0, ..device.batch(0, 1) }
    }
}

/// Of one device: its versions, and how many of everything.
fn month(firmware: &str, kathea: &str, retakes: u64, crash: bool, overdue: bool) -> Month {
    let mut month = Month::default();
    // Known from before the month on: the versions hold all of it.
    for day in [MAY_1 - 40, MAY_1 + 20] {
        month.version(day, "x1_firmware", firmware, "ok");
        month.version(day, "kathea", kathea, if crash { "failed" } else { "ok" });
    }
    month.add("exposure.count", MAY, &["cbct", "completed"], Value::Count(200));
    month.add("exposure.count", MAY, &["cbct", "aborted"], Value::Count(5));
    if retakes > 0 {
        month.add("exposure.retake", MAY, &["cbct", "motion"], Value::Count(retakes - 1));
        month.add("exposure.retake", MAY, &["cbct", "positioning"], Value::Count(1));
    }
    let hour = MAY_1 * 24 + 9;
    let repeats = if firmware == "2.0" { "4" } else { "1" };
    month.add("device.error", hour, &["4096", "generator", "error", repeats], Value::Plain);
    if firmware != "2.0" {
        month.add("device.error", hour + 1, &["77", "network", "warn", "6"], Value::Plain);
    }
    for day in 0..4 {
        month.add("kathea.start", MAY_1 + day, &["cold"], buckets("kathea.start", 1));
    }
    if crash {
        month.add("kathea.crash", hour, &["viewer_3d", "12345", kathea], Value::Plain);
        month.add("kathea.crash", hour + 2, &["viewer_3d", "12345", kathea], Value::Plain);
    }
    month.add("calibration.age", MAY_1, &["geometry", "29", "pass"], Value::Plain);
    let (days, last) = if overdue { ("44", "warn") } else { ("2", "pass") };
    month.add("calibration.age", MAY_1 + 15, &["geometry", days, last], Value::Plain);
    let (gpu, place) = if crash { ("no", 6) } else { ("yes", 1) };
    month.add(
        "reconstruction.duration",
        MAY,
        &["medium", "normal", gpu],
        buckets("reconstruction.duration", place),
    );
    month.add("export.outcome", MAY, &["pacs", "ok", "below_200"], Value::Count(90));
    month.add("export.outcome", MAY, &["pacs", "timeout", "below_200"], Value::Count(10));
    month.add("export.outcome", MAY, &["viewer", "ok", "below_50"], Value::Count(7));
    let free = if overdue { "below_10" } else { "more" };
    month.add("host.resources", MAY_1 + 3, &["scans", free, "ok", "32", "50", "40"], Value::Plain);
    for (at, exposures) in [(MAY - 1, "1000"), (MAY, if crash { "1700" } else { "1300" })] {
        month.add("tube.lifetime", at, &[exposures, "12", "3"], Value::Plain);
    }
    month
}

/// Ten observations, all of them in the bucket of this place.
fn buckets(entry: &str, place: usize) -> Value {
    let entry = Catalog::built_in().entries().find(|known| known.name == entry).unwrap();
    let mut counts = vec![0; entry.bounds.len() + 1];
    counts[place] = 10;
    Value::Buckets(counts)
}

#[test]
fn the_ten_questions_are_answered_rightly() {
    let python = or_skip!(peer::python("duckdb"));
    let server = Server::start(None);
    let devices = server.devices(3);
    let months = [
        month("2.0", "5.0.1", 10, false, true),
        month("2.1", "5.0.1", 4, false, false),
        month("2.1", "5.1.0", 0, true, false),
    ];
    for (device, month) in devices.iter().zip(months) {
        let answers = device.visit(&server.place, &month.batch(device), true).unwrap();
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    }
    let export = server.data().with_file_name("export");
    server.run("export", &["-o", export.to_str().unwrap(), "--to", "Example Vendor", "--why", "quality"]);
    let output = Command::new(&python)
        .args(["-c", ASK])
        .arg(peers::package("questions.md"))
        .arg(&export)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    let [id, _, last] = [0, 1, 2].map(|index: usize| devices[index].id.to_string());
    let mut others: Vec<_> = devices[..2].iter().map(|device| device.id.to_string()).collect();
    others.sort();
    let expected = [
        json!([["2.0.0", "2026-05", 200, 10, 5.0], ["2.1.0", "2026-05", 400, 4, 1.0]]),
        json!([["cbct", "motion", 12, 85.7], ["cbct", "positioning", 2, 14.3]]),
        json!([[77, 0.0, 600.0], [4096, 400.0, 100.0]]),
        json!([["5.0.1", 8, 8, 100.0], ["5.1.0", 4, 3, 75.0]]),
        json!([[id, "geometry", 44, "warn"]]),
        json!([["no", 10, 300, 300], ["yes", 20, 10, 10]]),
        json!([["pacs", 300, 30, 10.0], ["viewer", 21, 0, 0.0]]),
        json!([[id, "scans", "below_10", "ok"]]),
        json!([[last, 1700, 700, 3], [others[0], 1300, 300, 3], [others[1], 1300, 300, 3]]),
        json!([
            ["kathea", "5.0.1", 2, 0],
            ["kathea", "5.1.0", 1, 1],
            ["x1_firmware", "2.0.0", 1, 0],
            ["x1_firmware", "2.1.0", 2, 0],
        ]),
    ];
    assert_eq!(answers.len(), expected.len());
    for (number, (answer, expected)) in answers.iter().zip(&expected).enumerate() {
        assert_eq!(answer, expected, "question {}", number + 1);
    }
    assert!(fs::read_dir(&export).unwrap().count() > 8);
}

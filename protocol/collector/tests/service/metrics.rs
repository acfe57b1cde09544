//! Health, readiness, metrics and the access log of a server that devices visited.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::peers;
use crate::server::Server;

const OPERATIONS: &str = "[operations]\nlisten = \"127.0.0.1:0\"\n";

/// Reads OpenMetrics with the parser of Prometheus' own client for Python, and prints its samples as JSON.
const PARSER: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
print(json.dumps([[f.name, f.type, s.name, s.labels, s.value] for f in families for s in f.samples]))
";

fn parsed(python: &str, text: &str) -> Vec<Json> {
    let mut parser = Command::new(python);
    let mut parser =
        parser.args(["-c", PARSER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    parser.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = parser.wait_with_output().unwrap();
    assert!(output.status.success(), "not OpenMetrics:\n{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_happened_is_counted_and_no_device_is_named() {
    let mut server = Server::configured(None, OPERATIONS);
    assert_eq!(server.operations("/healthz").0, 200);
    assert_eq!(server.operations("/readyz").0, 200);
    assert_eq!(server.operations("/v1/capabilities").0, 404);
    let devices = server.devices(3);
    for device in &devices {
        let answers = device.visit(&server.place, &device.batch(0, 40), true).unwrap();
        assert!(answers.iter().all(|answer| answer.status == 201));
        assert_eq!(device.visit(&server.place, &device.batch(0, 40), false).unwrap()[0].status, 200);
    }
    let copy = server.data().with_file_name("copy");
    server.run("backup", &["-o", copy.to_str().unwrap()]);
    for (sample, value) in [
        ("kathea_collector_batches_total{result=\"stored\"}", 3.0),
        ("kathea_collector_batches_total{result=\"held\"}", 3.0),
        ("kathea_collector_records_total", 120.0),
        ("kathea_collector_handshakes_total{result=\"stranger\"}", 3.0),
        ("kathea_collector_handshakes_total{result=\"device\"}", 6.0),
        ("kathea_collector_requests_total{route=\"/v1/enrol\",status=\"201\"}", 3.0),
    ] {
        assert_eq!(server.metric(sample), Some(value), "{sample}");
    }
    let (_, head, text) = server.operations("/metrics");
    assert!(head.to_ascii_lowercase().contains("content-type: application/openmetrics-text"), "{head}");
    assert!(text.ends_with("# EOF\n"));
    for device in &devices {
        assert!(!text.contains(&device.id.to_string()));
    }
    if let Some(python) = peers::python() {
        let samples = parsed(&python, &text);
        let batches = samples.iter().find(|sample| sample[2] == "kathea_collector_batches_total");
        assert_eq!(batches.unwrap()[1], "counter");
        assert!(samples.iter().any(|sample| sample[1] == "histogram"));
        for sample in &samples {
            let labels = sample[3].as_object().unwrap();
            let known = ["result", "kind", "route", "status", "le", "standing", "operation", "task"];
            assert!(labels.keys().all(|label| known.contains(&label.as_str())), "{sample}");
        }
    }
    // Rules about figures that are not there would never fire.
    let rules = std::fs::read_to_string(peers::package("alerts.yml")).unwrap();
    let named = rules.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    for name in named.filter(|word| word.starts_with("kathea_collector_")) {
        let family = name.trim_end_matches("_bucket").trim_end_matches("_total");
        assert!(text.contains(&format!("# TYPE {family} ")), "{name} is not in /metrics");
    }
    assert!(server.end());
}

#[test]
fn the_access_log_has_a_line_for_each_request_and_nothing_of_its_content() {
    let mut server = Server::configured(None, "[log]\naccess = true\n");
    let device = server.devices(1).remove(0);
    device.visit(&server.place, &device.batch(0, 10), true).unwrap();
    let mut odd = device.connect(&server.place).unwrap();
    assert_eq!(odd.ask("JANE", "/v1/jane-doe", &[], b"").unwrap().status, 404);
    let address = odd.own_address();
    assert!(server.end());
    let lines: Vec<Json> =
        server.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["method"].as_str().unwrap(),
                line["route"].as_str().unwrap(),
                line["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("POST", "/v1/enrol", 201),
            ("PUT", "/v1/consents/{hash}", 201),
            ("PUT", "/v1/streams/{purpose}/batches/{id}", 201),
            ("other", "none", 404),
        ]
    );
    let id = device.id.to_string();
    assert_eq!((lines[0].get("device"), lines[1]["device"].as_str()), (None, Some(id.as_str())));
    for line in &lines {
        let text = line.to_string().to_ascii_lowercase();
        assert!(line["milliseconds"].is_u64() && line["at"].is_string());
        assert_eq!(line.as_object().unwrap().len(), if line.get("device").is_some() { 6 } else { 5 });
        assert!(!text.contains("jane") && !text.contains("127.0.0.1") && !text.contains(&address), "{text}");
    }
}

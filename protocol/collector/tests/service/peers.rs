//! Programs of others that judge what the collector and its package say.

use std::path::PathBuf;
use std::process::Command;

use test_support::peer;

/// Runs a peer, or says that it is not there; under `REQUIRE_PEERS` it has to be.
pub(crate) fn run(program: &str, args: &[&str]) -> Option<String> {
    match Command::new(program).args(args).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(output.status.success(), "{program} {args:?}: {said}");
            Some(said)
        }
        Err(error) => missing(&format!("{program}: {error}")),
    }
}

/// The Python that has the parser of OpenMetrics.
pub(crate) fn python() -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import prometheus_client.openmetrics.parser"]).output();
    match has {
        Ok(output) if output.status.success() => Some(python),
        _ => missing("Python with the package prometheus_client"),
    }
}

/// Says aloud that a peer is not there; where it is required, the test fails.
pub(crate) fn missing<T>(what: &str) -> Option<T> {
    peer::can(false, what);
    None
}

/// A file of the package.
pub(crate) fn package(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packaging/collector").join(name)
}

#[test]
fn the_alert_rules_are_taken_by_prometheus_and_fire_when_they_should() {
    let [rules, tests] = ["alerts.yml", "alerts_test.yml"].map(|name| package(name).display().to_string());
    if !peer::has("promtool") {
        return;
    }
    let checked = run("promtool", &["check", "rules", &rules]).unwrap_or_default();
    assert!(checked.contains("rules found"), "{checked}");
    run("promtool", &["test", "rules", &tests]);
    // A rule that nobody tried would pass there.
    let tried = std::fs::read_to_string(tests).unwrap();
    let rules = std::fs::read_to_string(rules).unwrap();
    let names: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 5);
    for name in names {
        let quiet = format!("alertname: {name}, exp_alerts: []");
        let fires = format!("{{alertname=\"{name}\"}}', value: 1");
        assert!(tried.contains(&quiet) && tried.contains(&fires), "{name} is not tried in alerts_test.yml");
    }
}

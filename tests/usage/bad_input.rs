//! Bad lines and bad files cost themselves, each counted by its reason; all else goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::totals::Totals;
use crate::common::workstation::Workstation;
use crate::common::{install, seeded, until};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

fn granted() -> (Collector, Workstation) {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    (collector, workstation)
}

/// A time `ahead` of now, in seconds.
fn at(ahead: i64) -> String {
    (OffsetDateTime::now_utc() + time::Duration::seconds(ahead)).format(&Rfc3339).unwrap()
}

/// Lines that are refused, by the reason that each must be counted under.
fn bad_lines() -> Vec<(&'static str, Vec<u8>)> {
    let (now, late) = (at(1), at(49 * 3600));
    let line = |event: &str, at: &str, rest: &str| format!(r#"{{"event":"{event}","at":"{at}",{rest}}}"#);
    let error = |rest: &str| line("device.error", &now, &format!(r#""severity":"stop","repeats":3,{rest}"#));
    let good = r#""code":1,"subsystem":"motion""#;
    let all = r#""code":1,"subsystem":"motion","severity":"stop","repeats":3"#;
    let text = [
        ("not_json", r#"{"event":"device.error""#.to_owned()),
        ("not_json", "[1,2,3]".to_owned()),
        ("not_json", "\0\0\0\0".to_owned()),
        ("not_json", error(good).replace("motion", "mo\0tion")),
        ("not_json", error(good) + "}"),
        ("not_json", "{".repeat(4000)),
        ("unknown_event", line("device.explosion", &now, all)),
        ("unknown_attribute", error(&format!(r#"{good},"patient":"no""#))),
        ("missing_attribute", error(r#""code":1"#)),
        ("missing_attribute", r#"{"event":"device.error"}"#.to_owned()),
        ("missing_attribute", format!(r#"{{"at":"{now}"}}"#)),
        ("repeated_attribute", error(&format!(r#"{good},"code":2"#))),
        ("repeated_attribute", error(&format!(r#"{good},"event":"device.error""#))),
        ("bad_type", error(r#""code":"1","subsystem":"motion""#)),
        ("bad_type", error(r#""code":1.5,"subsystem":"motion""#)),
        ("bad_type", error(r#""code":[1],"subsystem":"motion""#)),
        ("bad_type", error(r#""code":1,"subsystem":7"#)),
        ("bad_type", error(r#""code":1,"subsystem":null"#)),
        ("out_of_range", error(r#""code":65536,"subsystem":"motion""#)),
        ("out_of_range", error(r#""code":-1,"subsystem":"motion""#)),
        ("out_of_range", error(r#""code":1e300,"subsystem":"motion""#)),
        ("out_of_range", error(r#""code":1,"subsystem":"she moved when I said not to""#)),
        ("bad_time", line("device.error", "yesterday", all)),
        ("bad_time", line("device.error", "2026-11-22T10:00:00", all)),
        ("bad_time", line("device.error", &late, all)),
        ("bad_time", line("device.error", "1969-12-31T23:59:59Z", all)),
        ("before_grant", line("device.error", "1970-01-01T00:00:00Z", all)),
        ("before_grant", line("device.error", "2026-01-01T00:00:00+01:00", all)),
        ("too_long", "x".repeat(10 << 20)),
        ("too_long", error(good) + &" ".repeat(8192)),
    ];
    let text = text.into_iter().map(|(reason, line)| (reason, line.into_bytes()));
    let bytes = [&b"\xff\xfe{}"[..], b"{\"event\":\"\xc3\x28\"}", b"\x80"];
    text.chain(bytes.map(|bytes| ("not_utf8", bytes.to_vec()))).collect()
}

#[test]
fn each_bad_line_costs_itself_and_is_counted_by_its_reason() {
    let (collector, workstation) = granted();
    let mut outbox = Outbox::new(seeded());
    let (mut text, mut dropped) = (Vec::new(), BTreeMap::new());
    for (reason, line) in bad_lines() {
        *dropped.entry(reason.to_owned()).or_insert(0) += 1;
        text.extend_from_slice(&line);
        text.extend_from_slice(b"\n\r\n\n");
        text.extend_from_slice((outbox.device_error() + "\r\n").as_bytes());
    }
    text.extend_from_slice(outbox.device_error().as_bytes());
    text.extend_from_slice(b"\n");
    workstation.leave("mixed.ndjson", text);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(workstation.status()["dropped"], json!(dropped));
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
    assert_eq!(reported_to_the_vendor(&workstation, &collector), dropped);
    assert_eq!(reported_to_the_vendor(&workstation, &collector), dropped, "once");
}

/// The service starts, and so counts its day; what the vendor then knows of lines that were dropped, by reason.
fn reported_to_the_vendor(workstation: &Workstation, collector: &Collector) -> BTreeMap<String, u64> {
    let service = workstation.serve();
    until("it looked at itself", || workstation.status()["waiting"]["open"]["records"] != 0);
    service.kill();
    workstation.expect(0, &["run", "--once", "--close"]);
    let mut reported = BTreeMap::new();
    for line in collector.export().iter().filter(|line| line["entry"] == "agent.health") {
        let measure = line["attributes"]["measure"].as_str().unwrap();
        if let Some(reason) = measure.strip_prefix("dropped_") {
            *reported.entry(reason.to_owned()).or_insert(0) += line["count"].as_u64().unwrap();
        }
    }
    reported
}

#[test]
fn the_log_tells_line_and_column_of_what_was_refused_and_no_content() {
    let (_collector, workstation) = granted();
    workstation.leave("a.ndjson", "\n\n{\"event\": nonsense}\n");
    let output = workstation.agent(&["run", "--once"]).env("RUST_LOG", "debug").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("line 3 column 12 refused: not_json"), "{log}");
    assert!(!log.contains("nonsense"));
}

#[test]
fn what_only_looks_like_a_file_is_left_and_counted_once() {
    let (collector, workstation) = granted();
    let mut outbox = Outbox::new(seeded());
    fs::create_dir(workstation.outbox().join("directory.ndjson")).unwrap();
    let elsewhere = workstation.path().join("elsewhere");
    fs::write(&elsewhere, outbox.device_error() + "\n").unwrap();
    outbox.expected = Totals::default();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&elsewhere, workstation.outbox().join("link.ndjson")).unwrap();
    workstation.leave("empty.ndjson", "");
    workstation.leave("other.txt", "left alone");
    outbox.fill(&workstation, 100, 50, Outbox::device_error);
    for _ in 0..3 {
        workstation.expect(0, &["run", "--once"]);
    }
    let odd = if cfg!(unix) { 2 } else { 1 };
    assert_eq!(workstation.status()["dropped"], json!({"not_a_file": odd}));
    assert_eq!(workstation.in_outbox(), odd + 1);
    assert!(elsewhere.exists());
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
}

#[test]
fn a_file_that_is_still_being_written_waits() {
    let (collector, workstation) = granted();
    let mut outbox = Outbox::new(seeded());
    let path = workstation.outbox().join("growing.ndjson");
    let (first, second) = (outbox.device_error() + "\n", outbox.device_error() + "\n");
    let (begun, rest) = second.split_at(second.len() / 2);
    fs::write(&path, first.clone() + begun).unwrap();
    workstation.expect(0, &["run", "--once"]);
    assert!(path.exists() && collector.export().is_empty());
    fs::write(&path, first + begun + rest).unwrap();
    workstation.expect(0, &["run", "--once"]);
    assert!(!path.exists());
    assert_eq!(workstation.status()["dropped"], json!({}));
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
}

/// Everything but the outbox belongs to an account of its own, and so does the agent.
#[cfg(unix)]
fn as_another_account(workstation: &Workstation, args: &[&str]) -> Command {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;

    let mut agent = workstation.agent(args);
    fs::set_permissions(workstation.outbox(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::metadata(workstation.path()).unwrap().uid() == 0 {
        // The collector's directory is its own account's alone, so the certificate lies beside the agent, as at a clinic.
        let (config, ca) = (workstation.path().join("agent.toml"), workstation.path().join("ca.pem"));
        let text = fs::read_to_string(&config).unwrap();
        let named = text.lines().find_map(|line| line.strip_prefix("ca = \"")?.strip_suffix('"')).unwrap();
        if Path::new(named) != ca {
            fs::copy(named, &ca).unwrap();
        }
        fs::write(&config, text.replace(named, &ca.to_string_lossy())).unwrap();
        let program = workstation.path().join("agent");
        install(agent.get_program(), &program);
        let own = Command::new("chown").arg("-R").arg(NOBODY.to_string()).arg(workstation.path()).status();
        assert!(own.unwrap().success());
        chown(workstation.outbox(), Some(0), None).unwrap();
        let mut as_nobody = Command::new(program);
        as_nobody.args(agent.get_args()).uid(NOBODY).gid(NOBODY).current_dir("/");
        agent = as_nobody;
    }
    agent
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_removed_is_taken_once_and_no_reason_to_turn_in_circles() {
    let (collector, workstation) = granted();
    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, 500, 10, Outbox::device_error);
    outbox.fill(&workstation, 500, 10, Outbox::exposure);
    for _ in 0..2 {
        let output = as_another_account(&workstation, &["run", "--once", "--close"]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words}");
        assert_eq!(workstation.in_outbox(), 100);
    }
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
}

#[test]
fn the_running_service_goes_on_after_bad_lines() {
    let (collector, workstation) = granted();
    let mut outbox = Outbox::new(seeded());
    let service = workstation.serve();
    for (number, (_, line)) in bad_lines().into_iter().enumerate() {
        workstation.leave(&format!("bad-{number}.ndjson"), [line.as_slice(), b"\n"].concat());
    }
    outbox.fill(&workstation, 200, 20, Outbox::device_error);
    until("all good lines are sent", || workstation.status()["sent"]["usage_statistics"]["records"] == 200);
    let dropped = workstation.status()["dropped"].clone();
    let counted: u64 = dropped.as_object().unwrap().values().filter_map(|count| count.as_u64()).sum();
    assert_eq!(counted, bad_lines().len() as u64, "{dropped}");
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
    service.kill();
}

//! What goes wrong around a support case: a yes that is taken back at the worst moment, a disk that fills up, files
//! that nobody expected, a caller who is somebody else. A clear error, nothing in clear, and the next try works.

#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::common::clinic::{Clinic, step};
use crate::common::{peer, until};
use serde_json::{Value as Json, json};

/// Names of what lies in a folder of the agent's.
fn left(clinic: &Clinic, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(clinic.workstation.data().join(folder)).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A trace of so many lines beside the scan `0004`.
fn write_trace(clinic: &Clinic, lines: u32) {
    let mut text = String::new();
    for at in 0..lines {
        let _ = writeln!(text, "{at},{},{}", at.wrapping_mul(2_654_435_761) % 99_991, at % 977);
    }
    fs::write(clinic.path("scans/0004/volume.motion.csv"), text).unwrap();
}

fn create(clinic: &Clinic, draft: &Json) -> Command {
    let (id, digest) = (draft["draft"].as_str().unwrap(), draft["digest"].as_str().unwrap());
    clinic.workstation.agent(&["support", "create", id, "--yes", digest, "--by", "owner"])
}

#[test]
fn a_no_between_the_preview_and_the_yes_takes_the_draft_with_it() {
    let clinic = Clinic::new();
    clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
    let draft = clinic.preview("CASE-1", &["--last-scan"]);
    clinic.workstation.expect(0, &["consent", "withdraw", "support_case", "--case", "CASE-1"]);
    let output = create(&clinic, &draft).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((left(&clinic, "drafts"), left(&clinic, "bundles")), (vec![], vec![]));
    let bundle = clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
    assert_eq!(clinic.opened(&bundle)[0].0, "manifest.json");
}

#[test]
fn a_no_while_it_is_sealed_leaves_nothing() {
    let clinic = Clinic::new();
    write_trace(&clinic, 300_000);
    let _service = clinic.workstation.serve();
    let draft = clinic.preview("CASE-1", &["--scans", &clinic.text("scans/0004")]);
    let sealing = create(&clinic, &draft).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    until("it is being sealed", || left(&clinic, "bundles").iter().any(|name| name.ends_with(".tmp")));
    clinic.workstation.expect(0, &["consent", "withdraw", "support_case", "--case", "CASE-1"]);
    let ended = sealing.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(4), "{}", String::from_utf8_lossy(&ended.stderr));
    until("the part is gone", || left(&clinic, "bundles").is_empty());
    assert_eq!(left(&clinic, "drafts"), Vec::<String>::new());
    assert_eq!(clinic.list(), json!({"drafts": [], "bundles": []}));
    write_trace(&clinic, 10);
    clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
}

#[test]
fn a_disk_that_fills_up_while_it_is_gathered_costs_the_draft_only() {
    let clinic = Clinic::new();
    clinic.preview("CASE-1", &[]);
    // A disk of its own below `drafts`, of half a megabyte, which nobody but this command sees.
    let drafts = clinic.workstation.data().join("drafts");
    let within = |line: &str| {
        let mount = format!("mount -t tmpfs -o size=512k tmpfs {} && {line}", drafts.display());
        Command::new("unshare").args(["-rm", "sh", "-c", &mount]).output().unwrap()
    };
    if !peer::has("unshare") || !peer::can(within("true").status.success(), "nothing can be mounted here") {
        return;
    }
    write_trace(&clinic, 100_000);
    let copy = clinic.text("copy");
    let scan = clinic.text("scans/0004");
    let args = ["support", "preview", "--case", "CASE-2", "--reason", "error", "--scans", &scan, "-o", &copy];
    let agent = clinic.workstation.agent(&args);
    let words: Vec<_> = std::iter::once(agent.get_program()).chain(agent.get_args()).collect();
    let line = words.join(std::ffi::OsStr::new(" "));
    let output =
        within(&format!("{}; code=$?; ls -A {} >&2; exit $code", line.to_str().unwrap(), drafts.display()));
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(
        words.trim_end().ends_with("the disk is full: nothing was kept; free some disk space and try again"),
        "{words}"
    );
    assert!(!clinic.path("copy").exists());
    clinic.preview("CASE-2", &["--scans", &scan]);
}

#[test]
fn files_that_nobody_expected_are_named_and_the_rest_is_gathered() {
    let clinic = Clinic::new();
    // Five gigabytes between lines of last year and those of today.
    let log = clinic.path("logs/kathea.log");
    let lines = fs::read(&log).unwrap();
    let mut large = File::create(&log).unwrap();
    large
        .write_all("2025-11-21 10:32:11.000 [INFO] generator(1042): ready\n".repeat(100).as_bytes())
        .unwrap();
    large.seek(SeekFrom::Start(5 << 30)).unwrap();
    large.write_all(b"\n").unwrap();
    large.write_all(&lines).unwrap();
    drop(large);
    fs::write(clinic.path("logs/kathea-2.log"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    fs::write(clinic.path("logs/kathea-3.log"), "").unwrap();
    fs::write(clinic.path("logs/calibration.json"), "{\"type\":").unwrap();
    fs::write(clinic.path("scans/0002/volume.dcm"), "no scan").unwrap();
    let draft = clinic.preview("CASE-1", &["--since", "2h"]);
    let manifest = clinic.manifest("CASE-1");
    let logs = step(&manifest, "kathea_logs");
    assert_eq!((&logs["outcome"], &logs["files"]), (&json!("cut"), &json!(1)), "{logs}");
    assert_eq!(logs["refused"], json!({"other_format": 1}), "{logs}");
    let scans = step(&manifest, "scans");
    assert_eq!((&scans["outcome"], &scans["files"]), (&json!("cut"), &json!(4)), "{scans}");
    let gathered =
        clinic.workstation.expect(0, &["support", "show", word(&draft, "draft"), "logs/kathea-0001.log"]);
    assert!(gathered.contains("exposure started") && gathered.len() < 2 * lines.len(), "{}", gathered.len());
    for wrong in [&["support", "close", "CASE-9"][..], &["support", "show", "0badcafe", "manifest.json"]] {
        let output = clinic.workstation.run(wrong);
        assert!(output.status.code() != Some(0) && !output.stderr.is_empty(), "{wrong:?}");
    }
    clinic.create(&draft);
}

#[test]
fn another_account_gets_nothing_from_outside_of_the_roots() {
    let clinic = Clinic::new();
    if !peer::is_root() {
        return;
    }
    for open in ["", "logs", "outbox"] {
        fs::set_permissions(clinic.path(open), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(clinic.workstation.config(), fs::Permissions::from_mode(0o644)).unwrap();
    let _service = clinic.workstation.serve();
    let copy = clinic.text("copy");
    for path in ["/etc", "/proc/1", &clinic.text("logs")] {
        let args =
            ["support", "preview", "--case", "CASE-1", "--reason", "error", "--logs", path, "-o", &copy];
        let output = clinic.workstation.agent(&args).uid(65534).gid(65534).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(4) && words.contains("not_allowed"), "{path}: {words}");
    }
    assert_eq!(left(&clinic, "drafts"), Vec::<String>::new());
}

fn word<'a>(value: &'a Json, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

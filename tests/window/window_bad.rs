//! What goes wrong under an open page: two engineers at once, a service that restarts, a full disk. Each gets a clear
//! sentence, and nothing is lost.

#![cfg(unix)]

use std::process::{Command, Stdio};

use crate::common::clinic::Clinic;
use crate::common::window::{Opened, status};
use crate::common::{peer, until};
use serde_json::{Value as Json, json};

/// One line to the service, and its answer.
fn ask(clinic: &Clinic, line: &str) -> Json {
    use std::io::{BufRead, BufReader, Write};
    let mut end = std::os::unix::net::UnixStream::connect(clinic.workstation.socket()).unwrap();
    writeln!(end, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(end).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn is_working(clinic: &Clinic) -> bool {
    ask(clinic, r#"{"request":"support","action":"progress"}"#)["working"] == true
}

fn drafts(clinic: &Clinic) -> Vec<Json> {
    clinic.list()["drafts"].as_array().unwrap().clone()
}

#[test]
fn the_second_engineer_learns_who_is_first_and_both_get_their_draft() {
    let clinic = Clinic::new();
    let _service = clinic.workstation.serve();
    let (first, second) = (Opened::new(&clinic), Opened::new(&clinic));
    // A scan runs, so the first one's work waits, and they meet.
    assert_eq!(ask(&clinic, r#"{"request":"busy"}"#)["ok"], true);
    let begun = first.click("preview", "case=CASE-1&reason=error&scans=none");
    assert_eq!(status(&begun), 200, "{begun}");
    let refused = second.click("preview", "case=CASE-2&reason=error&scans=none");
    assert!(status(&refused) != 200 && refused.contains("It was not done."), "{refused}");
    assert!(refused.contains("already collecting or sealing for a case"), "{refused}");
    assert_eq!(ask(&clinic, r#"{"request":"idle"}"#)["ok"], true);
    until("the first draft is made", || drafts(&clinic).len() == 1 && !is_working(&clinic));
    assert_eq!(status(&second.click("preview", "case=CASE-2&reason=error&scans=none")), 200);
    until("the second draft is made", || drafts(&clinic).len() == 2 && !is_working(&clinic));
    for page in [&first, &second] {
        let shown = page.get("case");
        assert!(shown.contains("CASE-1") && shown.contains("CASE-2"), "both see both: {shown}");
    }

    // One erases what the other is about to send.
    let draft = drafts(&clinic)[0]["draft"].as_str().unwrap().to_owned();
    assert_eq!(status(&second.click("discard", &format!("id={draft}"))), 200);
    let late = first.click("create", &format!("draft={draft}&yes=0011223344556677&by=owner"));
    assert!(status(&late) != 200 && late.contains("no draft of this name"), "{late}");
    assert_eq!(
        (drafts(&clinic).len(), clinic.list()["bundles"].clone()),
        (1, json!([])),
        "the other one stays"
    );
}

#[test]
fn a_service_that_restarts_under_the_page_loses_nothing() {
    let clinic = Clinic::new();
    let service = clinic.workstation.serve();
    let page = Opened::new(&clinic);
    assert_eq!(status(&page.click("preview", "case=CASE-1&reason=error&scans=none&contact=Reception")), 200);
    until("the draft is made", || drafts(&clinic).len() == 1 && !is_working(&clinic));
    service.kill();
    let gone = page.get("start");
    assert!(status(&gone) == 200 && gone.contains("The service is not running"), "{gone}");
    let refused = page.click("deny", "purpose=usage_statistics");
    assert!(status(&refused) != 200 && refused.contains("The service is not running"), "{refused}");
    assert_eq!(clinic.workstation.status()["consent"]["usage_statistics"], "unset", "nothing was answered");

    let _service = clinic.workstation.serve();
    let back = page.get("case");
    assert!(status(&back) == 200 && back.contains("CASE-1"), "the draft is there: {back}");
    assert_eq!(status(&page.click("deny", "purpose=usage_statistics")), 200);
    assert_eq!(clinic.workstation.status()["consent"]["usage_statistics"], "denied");
}

/// Bytes of a file, or of the files in a folder.
fn size(path: &std::path::Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| size(&entry.path())).sum(),
        Err(_) => std::fs::metadata(path).map_or(0, |facts| facts.len()),
    }
}

#[test]
fn on_a_full_disk_the_page_says_so_and_what_was_there_stays() {
    let clinic = Clinic::new();
    let kept = clinic.preview("CASE-1", &[]);
    let drafts_dir = clinic.workstation.data().join("drafts");
    let run = clinic.workstation.agent(&["run"]);
    let words: Vec<_> = std::iter::once(run.get_program()).chain(run.get_args()).collect();
    // The service alone sees a disk that holds what is there, and one page more.
    let pages =
        std::fs::read_dir(&drafts_dir).unwrap().flatten().map(|entry| size(&entry.path()).div_ceil(4096));
    let size = (pages.sum::<u64>() + 1) * 4;
    let script = format!(
        "cp -a \"$0\" \"$0.was\" && mount -t tmpfs -o size={size}k tmpfs \"$0\" && cp -a \"$0.was/.\" \"$0\" && \
         rm -r \"$0.was\" && exec \"$@\""
    );
    let within = |what: &[&std::ffi::OsStr]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]).arg(&drafts_dir).args(what);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let probe = clinic.path("probe");
    std::fs::create_dir(&probe).unwrap();
    let mut may = Command::new("unshare");
    may.args([
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs tmpfs \"$0\" && mountpoint -q \"$0\"",
    ]);
    let may = may.arg(&probe).status().is_ok_and(|status| status.success());
    if !peer::can(may, "this account may not mount a small disk") {
        return;
    }
    let mut service = within(&words).spawn().unwrap();
    until("the service listens", || {
        std::os::unix::net::UnixStream::connect(clinic.workstation.socket()).is_ok()
    });
    let page = Opened::new(&clinic);
    assert_eq!(status(&page.click("preview", "case=CASE-2&reason=error&scans=last")), 200);
    until("the work is over", || !is_working(&clinic));
    let shown = page.get("case");
    assert!(shown.contains("It was not done."), "{shown}");
    assert!(shown.contains("no space is left on the disk") || shown.contains("the disk is full"), "{shown}");
    let draft = kept["draft"].as_str().unwrap();
    assert!(shown.contains(draft), "the draft that was there stays: {shown}");
    let manifest = clinic.workstation.run(&["support", "show", draft, "manifest.json"]);
    assert!(manifest.status.success() && !manifest.stdout.is_empty(), "it can still be read");
    service.kill().unwrap();
    service.wait().unwrap();
}

//! What the vendor says of itself, with the real programs at both ends: who reads a clinic's data is on the clinic's pages
//! after the next contact, and a signed notice is in `status` and in the window.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::clinic::Clinic;
use crate::common::collector::{self, Collector};
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::seeded;
use crate::common::window::Opened;
use crate::common::workstation::Workstation;
use serde_json::{Value as Json, json};
use test_support::{or_skip, peer};

/// The entry of the collector's own key, from the configuration that `init` made.
fn use_key(collector: &Collector) -> String {
    let text = fs::read_to_string(collector.data().join("agent.toml")).unwrap();
    let entry = text.lines().find_map(|line| line.strip_prefix("keys = [")).unwrap();
    entry.strip_suffix(']').unwrap().to_owned()
}

/// A new key for notices beside the workstation: its file, and its entry.
fn notice_key(workstation: &Workstation) -> (String, String) {
    let file = workstation.path().join("notices.pem").to_str().unwrap().to_owned();
    let made =
        Command::new(collector::program()).args(["signing-key", "-o", &file, "--signs", "notice"]).output();
    (file, String::from_utf8(made.unwrap().stdout).unwrap().trim().to_owned())
}

/// Trusts these keys.
fn trust(workstation: &Workstation, entries: &[&str]) {
    workstation.configure("[keys]", &format!("[vendor]\nkeys = [{}]\n[keys]", entries.join(", ")));
}

/// Something is sent, so that the vendor answers.
fn contact(workstation: &Workstation) {
    Outbox::new(seeded()).fill(workstation, 5, 5, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
}

/// What `privacy export` has of it.
fn held(workstation: &Workstation) -> Json {
    let out = workstation.path().join("held");
    workstation.expect(0, &["privacy", "export", "--force", "-o", out.to_str().unwrap()]);
    let text = fs::read_to_string(out.join("held.json")).unwrap();
    serde_json::from_str::<Json>(&text).unwrap()["held"]["news"].clone()
}

/// Signs a notice about a breach with this number.
fn notice(workstation: &Workstation, key: &str, number: u64) -> String {
    let file = workstation.path().join(format!("notice-{number}.toml"));
    let until = time::OffsetDateTime::now_utc() + time::Duration::days(90);
    let until = until.truncate_to_second().format(&time::format_description::well_known::Rfc3339).unwrap();
    let text = format!(
        "number = {number}\nkind = \"breach\"\nuntil = \"{until}\"\nen = \"A stick <b>was</b> lost.\"\n\
         da = \"En nøgle blev væk.\"\n"
    );
    fs::write(&file, text).unwrap();
    let signed = Command::new(collector::program())
        .args(["notice", "sign", file.to_str().unwrap(), "--key", key])
        .output()
        .unwrap();
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    format!("{}.signed", file.display())
}

#[test]
fn who_exports_a_clinics_data_is_on_its_pages_after_the_next_contact_without_a_name() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    trust(&workstation, &[&use_key(&collector)]);
    contact(&workstation);
    assert_eq!(held(&workstation), Json::Null);
    collector
        .lines("export", &["--to", "Example Vendor, image quality", "--why", "quality", "--role", "analyst"]);
    let device = workstation.status()["device"].as_str().unwrap().to_owned();
    collector.lines("access", &[&device]);
    contact(&workstation);

    let news = held(&workstation);
    let texts: Vec<&str> =
        news["receipts"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!((texts.len(), &news["newest"]), (2, &json!(2)));
    let audit = collector.lines("audit", &[]);
    let name = audit[0]["who"].as_str().unwrap().split(' ').next().unwrap();
    let read: Json = serde_json::from_str(texts[0]).unwrap();
    let said = ["role", "what", "to", "why"].map(|field| read[field].as_str().unwrap());
    assert_eq!(said, ["analyst", "export", "Example Vendor, image quality", "quality"]);
    assert!(read.as_object().unwrap().values().all(|value| value != name), "{read}");

    let page = workstation.path().join("report.html");
    workstation.expect(0, &["privacy", "report", "-o", page.to_str().unwrap()]);
    let page = fs::read_to_string(page).unwrap();
    for text in ["Example Vendor, image quality", "by an analyst", "af en analytiker", "produktets kvalitet"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(workstation.status()["problems"], json!([]));

    // Nothing is asked again while there is nothing new.
    let connections = relay.connections();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(relay.connections(), connections);
}

#[test]
fn without_a_trusted_key_nothing_is_asked_and_nothing_is_taken_for_proven() {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    collector.export();
    contact(&workstation);
    assert_eq!(held(&workstation), Json::Null);
    // A key that may sign something else: what comes is counted, and shown as what is wrong.
    let (_, notices) = notice_key(&workstation);
    trust(&workstation, &[&notices.replace("notice", "use_receipt")]);
    contact(&workstation);
    let news = held(&workstation);
    assert_eq!((&news["newest"], &news["flaws"]), (&json!(0), &json!({"unsigned": 1})));
    let problems = workstation.status()["problems"].to_string();
    assert!(problems.contains("not accepted"), "{problems}");
}

#[test]
fn a_collector_that_was_restored_contradicts_itself_and_the_clinic_sees_it() {
    let mut collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    trust(&workstation, &[&use_key(&collector)]);
    contact(&workstation);
    let backup = workstation.path().join("backup");
    collector.command("backup", &["-o", backup.to_str().unwrap()]);
    collector.export();
    contact(&workstation);
    assert_eq!(held(&workstation)["newest"], json!(1));
    collector.restore(&backup);
    workstation.configure(&relay.url(), &format!("https://{}", collector.address()));
    contact(&workstation);
    let problems = workstation.status()["problems"].to_string();
    assert!(problems.contains("1 taken back"), "{problems}");
    collector.lines("export", &["--to", "Somebody else", "--why", "audit"]);
    contact(&workstation);
    let news = held(&workstation);
    assert_eq!(news["flaws"]["changed"], json!(1), "{news}");
    assert!(news["receipts"].to_string().contains("Somebody else"));
}

#[test]
fn a_breach_notice_is_in_status_and_in_the_window_and_the_vendor_sees_who_has_it() {
    let collector = Collector::start();
    let clinic = Clinic::of(&collector, &format!("https://{}", collector.address()));
    let workstation = &clinic.workstation;
    workstation.grant();
    let (key, entry) = notice_key(workstation);
    trust(workstation, &[&use_key(&collector), &entry]);
    let signed = notice(workstation, &key, 1);
    collector.command("notice", &["publish", &signed]);
    let list = || collector.lines("notice", &["list"]).remove(0);
    assert_eq!(list()["not_reached"].as_array().unwrap().len(), 1);
    contact(workstation);
    let status = workstation.status();
    assert_eq!((&status["notices"][0]["kind"], &status["problems"]), (&json!("breach"), &json!([])));
    let shown = workstation.expect(0, &["status"]);
    assert!(shown.contains("data breach") && shown.contains("A stick <b>was</b> lost."), "{shown}");
    assert_eq!((&list()["reached"], &list()["not_reached"]), (&json!(1), &json!([])));

    let service = workstation.serve();
    let opened = Opened::new(&clinic);
    for page in ["start", "rights"] {
        let page = opened.get(page);
        for text in [
            "data breach",
            "brud på datasikkerheden",
            "En nøgle blev væk.",
            "A stick &lt;b&gt;was&lt;/b&gt; lost.",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
    collector.lines("export", &["--to", "Example Vendor", "--why", "vigilance"]);
    drop(service);
    contact(workstation);
    let service = workstation.serve();
    let rights = Opened::new(&clinic).get("rights");
    assert!(rights.contains("Example Vendor") && rights.contains("sikkerhedsovervågning"), "{rights}");
    drop(service);
}

/// What somebody did to an export.
type Change = fn(&mut Json);

/// What the script says of an export, and its exit code.
fn script(python: &str, export: &Path, config: &Path) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/papers/verify_news.py");
    let output = Command::new(python).arg(script).arg(export).arg(config).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn an_independent_script_verifies_what_the_device_exports_and_finds_every_change() {
    let python = or_skip!(peer::python("cryptography"));
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    let (key, entry) = notice_key(&workstation);
    trust(&workstation, &[&use_key(&collector), &entry]);
    collector.command("notice", &["publish", &notice(&workstation, &key, 1)]);
    for why in ["quality", "support", "audit"] {
        collector.lines("export", &["--to", "Example Vendor", "--why", why]);
    }
    contact(&workstation);
    held(&workstation);
    let file = workstation.path().join("held/held.json");
    let config = workstation.config();
    let (code, said) = script(&python, &file, &config);
    assert_eq!((code, said.trim()), (Some(0), "3 receipts, 1 notices, 0 findings"));

    let whole: Json = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let changes: [(&str, Change); 6] = [
        ("a line dropped", |news| drop(news["receipts"].as_array_mut().unwrap().remove(1))),
        ("the last line dropped", |news| drop(news["receipts"].as_array_mut().unwrap().pop())),
        ("two lines in another order", |news| news["receipts"].as_array_mut().unwrap().swap(0, 1)),
        ("a line twice", |news| {
            let first = news["receipts"][0].clone();
            news["receipts"].as_array_mut().unwrap().insert(0, first);
        }),
        ("a changed reason", |news| {
            let text = news["receipts"][0]["text"].as_str().unwrap().replace("quality", "support");
            news["receipts"][0]["text"] = json!(text);
        }),
        ("a changed notice", |news| {
            let text = news["notices"][0]["text"].as_str().unwrap().replace("stick", "disk");
            news["notices"][0]["text"] = json!(text);
        }),
    ];
    for (what, change) in changes {
        let mut changed = whole.clone();
        change(&mut changed["held"]["news"]);
        let other = workstation.path().join("changed.json");
        fs::write(&other, changed.to_string()).unwrap();
        let (code, said) = script(&python, &other, &config);
        assert_eq!(code, Some(1), "{what}: {said}");
    }
    // Keys that may not sign this.
    let swapped = fs::read_to_string(&config).unwrap().replace("use_receipt", "release");
    let other = workstation.path().join("other.toml");
    fs::write(&other, swapped).unwrap();
    assert_eq!(script(&python, &file, &other).0, Some(1));
}

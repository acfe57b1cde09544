//! A support case with the real program: what is seen is what is sealed, what is sealed opens at the vendor's with
//! standard tools, nothing of it lies in plain anywhere but where a person pointed, and every wrong step is refused
//! and leaves the next right one possible.

#[path = "../provenance/installed.rs"]
mod installed;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use crate::common::clinic::{Clinic, sha256};
use crate::common::{peer, until};
use age::secrecy::ExposeSecret;
use serde_json::{Value as Json, json};

/// Whether any file below `dir`, the named folders aside, has one of `needles`.
fn hits(dir: &Path, but: &[&Path], needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if but.contains(&path.as_path()) {
            continue;
        }
        if path.is_dir() {
            found.extend(hits(&path, but, needles));
        } else if let Ok(bytes) = fs::read(&path) {
            let is_in = |needle: &&&str| bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
            found.extend(needles.iter().filter(is_in).map(|needle| format!("{}: {needle}", path.display())));
        }
    }
    found
}

#[test]
fn what_was_seen_is_what_the_vendor_opens() {
    let clinic = Clinic::new();
    let draft = clinic.preview("CASE-1", &["--last-scan"]);
    assert_eq!(draft["case"], "CASE-1");
    assert_eq!(draft["persons_learned"], clinic.patients.len());
    let stored = fs::read(clinic.path("copy-CASE-1/manifest.json")).unwrap();
    assert_eq!(sha256(&stored), draft["digest"].as_str().unwrap());
    let manifest: Json = serde_json::from_slice(&stored).unwrap();
    for operation in manifest["operations"].as_array().unwrap() {
        let outcome = operation["outcome"].as_str().unwrap();
        let own = !["system_events", "disk_health"].contains(&operation["name"].as_str().unwrap());
        assert!(outcome == "done" || !own && outcome == "absent", "{operation}");
    }

    // A log that grows now changes nothing.
    let log = clinic.path("logs/kathea.log");
    fs::write(&log, fs::read_to_string(&log).unwrap() + "2026-11-21 10:32:11 [INFO] later(1): later\n")
        .unwrap();
    let bundle = clinic.create(&draft);
    assert_eq!(bundle["digest"], draft["digest"]);
    let list = clinic.list();
    assert_eq!(
        (list["drafts"].as_array().unwrap().len(), &list["bundles"][0]["sha256"]),
        (0, &bundle["sha256"])
    );
    let status = clinic.workstation.status();
    assert_eq!(
        (&status["bundles"][0]["state"], &status["cases"][0]["case"]),
        (&json!("queued"), &json!("CASE-1"))
    );

    let files = clinic.opened(&bundle);
    assert_eq!(files[0], ("manifest.json".to_owned(), stored));
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), listed.len() + 1);
    for ((name, bytes), entry) in files[1..].iter().zip(listed) {
        assert_eq!(
            (entry["name"].as_str(), entry["bytes"].as_u64()),
            (Some(name.as_str()), Some(bytes.len() as u64))
        );
        assert_eq!(entry["sha256"], sha256(bytes));
    }
    let all: String = files.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    assert!(all.contains("generator(1042): ready") && all.contains("encoder error"), "{all}");
    for patient in &clinic.patients {
        for personal in [patient.family, patient.given, &patient.number] {
            assert!(!all.contains(personal), "{personal} is in the bundle");
        }
    }
}

#[test]
fn the_standard_tools_open_it() {
    if !peer::has("age") || !peer::has("tar") {
        return;
    }
    let clinic = Clinic::new();
    let draft = clinic.preview("CASE-1", &["--last-scan"]);
    let bundle = clinic.create(&draft);
    let (key, sealed) = (clinic.text("key.txt"), clinic.text("sealed.age"));
    fs::write(&key, clinic.identity.to_string().expose_secret()).unwrap();
    clinic.workstation.expect(0, &["support", "export", bundle["bundle"].as_str().unwrap(), "-o", &sealed]);
    let shell = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let digest = shell(&format!("age -d -i {key} {sealed} | tar -xzO manifest.json | sha256sum"));
    assert!(digest.starts_with(draft["digest"].as_str().unwrap()), "{digest}");
    let names: BTreeSet<String> =
        shell(&format!("age -d -i {key} {sealed} | tar -tz")).lines().map(str::to_owned).collect();
    let manifest: Json =
        serde_json::from_slice(&fs::read(clinic.path("copy-CASE-1/manifest.json")).unwrap()).unwrap();
    let listed =
        manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned());
    assert_eq!(names, listed.chain(["manifest.json".to_owned()]).collect());
}

#[test]
fn nothing_of_it_is_in_plain_but_where_a_person_pointed() {
    let clinic = Clinic::new();
    let (logs, scans, copy) = (clinic.path("logs"), clinic.path("scans"), clinic.path("copy-CASE-1"));
    let but = [logs.as_path(), scans.as_path(), copy.as_path()];
    let needles = ["generator(1042)", "kathea-support-manifest", "encoder_errors", "00080060", "Klinikken"];
    let clean = Vec::<String>::new();
    let draft = clinic.preview("CASE-1", &["--last-scan", "--contact", "Klinikken"]);
    assert_eq!(hits(clinic.workstation.path(), &but, &needles), clean);
    let before = hits(&copy, &[], &needles);
    assert!(before.len() >= needles.len(), "the clinic's own copy is readable: {before:?}");

    clinic.create(&draft);
    assert_eq!(hits(clinic.workstation.path(), &but, &needles), clean);
    fs::write(clinic.workstation.data().join("planted"), needles.concat()).unwrap();
    assert_eq!(hits(clinic.workstation.path(), &but, &needles).len(), needles.len(), "negative control");
}

#[test]
fn every_wrong_step_is_refused_and_the_next_right_one_works() {
    let clinic = Clinic::new();
    let agent = &clinic.workstation;
    let copy = clinic.text("copy");
    let preview = |more: &[&str]| {
        let args = ["support", "preview", "--reason", "error", "-o", &copy];
        agent.run(&[&args, more].concat()).status.code()
    };
    assert_eq!(preview(&[]), Some(2), "no case");
    assert_eq!(preview(&["--case", "case 1"]), Some(2));
    assert_eq!(preview(&["--case", "CASE-1", "--since", "8d"]), Some(2));
    assert_eq!(preview(&["--case", "CASE-1", "--scans", "/nowhere"]), Some(2));
    assert_eq!(preview(&["--case", "CASE-1", "--logs", "/nowhere"]), Some(2));
    let empty = clinic.text("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(preview(&["--case", "CASE-1", "--scans", &empty]), Some(1), "no scan there");
    assert!(!clinic.path("copy").exists());
    assert_eq!(clinic.list()["drafts"], json!([]));

    let draft = clinic.preview("CASE-1", &["--last-scan"]);
    let (id, digest) = (draft["draft"].as_str().unwrap(), draft["digest"].as_str().unwrap());
    let create = |id: &str, yes: &str| {
        let output = agent.run(&["support", "create", id, "--yes", yes, "--by", "owner"]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(create("00000000", digest).0, Some(2));
    let (code, words) = create(id, &"0".repeat(64));
    assert!(code == Some(4) && words.contains("digest"), "{code:?} {words}");
    assert_eq!(create(id, &digest[..8]).0, Some(4), "eight digits are too few");
    let recipient = format!("\"{}\"", clinic.identity.to_public());
    for (wrong, word) in [("", "no key is configured that could open"), ("\"age1nonsense\"", "number 1")] {
        agent.configure(&recipient, wrong);
        let (code, words) = create(id, digest);
        assert!(code == Some(2) && words.contains(word), "{code:?} {words}");
        agent.configure(&format!("recipients = [{wrong}]"), &format!("recipients = [{recipient}]"));
    }
    let _service = agent.serve();
    let in_the_way = agent.data().join(format!("bundles/{id}.tmp"));
    fs::create_dir_all(&in_the_way).unwrap();
    let (code, words) = create(id, digest);
    assert!(code == Some(1) && words.contains("cannot be written"), "{code:?} {words}");
    assert_eq!(clinic.list()["bundles"], json!([]));
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(create(id, &digest[..16]).0, Some(0));
    assert_eq!(create(id, digest).0, Some(2), "the draft became a bundle");
    assert_eq!(agent.run(&["support", "show", id, "manifest.json"]).status.code(), Some(2));
    assert_eq!(agent.run(&["support", "send", id]).status.code(), Some(1), "not enrolled");
}

#[test]
fn two_cases_are_open_and_one_ends() {
    let clinic = Clinic::new();
    let bundles = ["CASE-1", "CASE-2"].map(|case| clinic.create(&clinic.preview(case, &["--last-scan"])));
    let left = clinic.preview("CASE-1", &[]);
    assert_eq!(clinic.opened(&bundles[0]).len(), clinic.opened(&bundles[1]).len());
    let receipt = clinic.workstation.expect(0, &["support", "close", "CASE-1"]);
    assert!(receipt.contains("CASE-1") && receipt.contains("data keys"), "{receipt}");
    let list = clinic.list();
    assert_eq!(list["drafts"], json!([]), "{left} is gone with its case");
    assert_eq!(list["bundles"].as_array().unwrap().len(), 1);
    assert_eq!(list["bundles"][0]["case"], "CASE-2");
    let gone = bundles[0]["bundle"].as_str().unwrap();
    let of_one = |name: &str| {
        let files = fs::read_dir(clinic.workstation.data().join(name)).unwrap().flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with(gone)).count()
    };
    assert_eq!(of_one("bundles"), 0);
    assert_eq!(clinic.opened(&bundles[1])[0].0, "manifest.json");
    assert_eq!(clinic.workstation.dropped("withdrawn"), 1);
}

#[test]
fn drafts_end_after_a_day_and_cases_after_a_month() {
    if !peer::has("faketime") {
        return;
    }
    let clinic = Clinic::new();
    clinic.create(&clinic.preview("CASE-1", &[]));
    clinic.preview("CASE-2", &[]);
    let later = |shift: &str| {
        clinic.workstation.on(shift, &["run", "--once"]);
        // Asked on the same day: a clock that goes back and forth decides nothing for a week.
        let list = clinic.workstation.json_on(shift, &["support", "list", "--json"]);
        (list["drafts"].as_array().unwrap().len(), list["bundles"].as_array().unwrap().len())
    };
    assert_eq!(later("+23h"), (1, 1));
    assert_eq!(later("+25h"), (0, 1));
    assert_eq!(later("+29d"), (0, 1));
    assert_eq!(later("+31d"), (0, 0));
    assert_eq!(clinic.workstation.dropped("expired"), 1);
    clinic.preview("CASE-3", &[]);
    assert_eq!(later("-23h"), (1, 0));
    assert_eq!(later("-400d"), (0, 0), "made by a clock that was wrong");
}

/// One line to the service, and its answer.
fn said(stream: &mut BufReader<UnixStream>, request: &Json) -> Json {
    writeln!(stream.get_mut(), "{request}").unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn the_service_reads_only_below_its_roots_and_waits_while_a_scan_runs() {
    let clinic = Clinic::new();
    let _service = clinic.workstation.serve();
    let mut stream = BufReader::new(UnixStream::connect(clinic.workstation.socket()).unwrap());
    let case_request = |more: Json| {
        let mut case_request = json!({"case": "CASE-1", "reason": "error"});
        case_request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"request": "support", "action": "preview", "wish": case_request})
    };
    for outside in [json!({"logs": ["/etc"]}), json!({"scans": {"paths": [clinic.path("outbox")]}})] {
        let answer = said(&mut stream, &case_request(outside));
        assert_eq!((&answer["ok"], &answer["error"]), (&json!(false), &json!("not_allowed")), "{answer}");
    }
    let progress = json!({"request": "support", "action": "progress"});
    said(&mut stream, &json!({"request": "busy"}));
    assert_eq!(said(&mut stream, &case_request(json!({"scans": "last"})))["working"], true);
    until("it waits", || said(&mut stream, &progress)["held"] == true);
    assert_eq!(said(&mut stream, &case_request(json!({})))["error"], "busy", "one at a time");
    said(&mut stream, &json!({"request": "idle"}));
    until("it is done", || said(&mut stream, &progress)["working"] != true);
    assert_eq!(said(&mut stream, &progress)["case"], "CASE-1");

    // A path that a person names is read by the command line, as its caller, and the draft is the service's.
    let elsewhere = clinic.path("stick");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(clinic.path("scans/0001/volume.dcm"), elsewhere.join("volume.dcm")).unwrap();
    let draft = clinic.preview("CASE-2", &["--scans", elsewhere.to_str().unwrap()]);
    let bundle = clinic.create(&draft);
    assert!(clinic.opened(&bundle).iter().any(|(name, _)| name.starts_with("scans/")));
}

#[test]
fn the_table_of_the_programs_words_follows_the_program_without_being_asked() {
    if !peer::is_root() {
        return;
    }
    let clinic = Clinic::new();
    let folder = clinic.path("program");
    fs::create_dir(&folder).unwrap();
    clinic.workstation.configure("logs = [", &format!("program = [{folder:?}]\nlogs = ["));
    clinic.workstation.configure("[keys]", &format!("[vendor]\n{}[keys]", installed::trusted()));
    let install = |program: &str| {
        fs::copy(program, folder.join("kathea")).unwrap();
        installed::list(&folder);
    };
    let of_case = |case: &str| {
        clinic.preview(case, &[]);
        clinic.manifest(case)["provenance"]["sha256"].as_str().unwrap().to_owned()
    };
    install("/bin/cat");
    let first = of_case("CASE-1");
    assert_eq!(of_case("CASE-2"), first);
    install("/bin/ls");
    let second = of_case("CASE-3");
    assert_ne!(second, first);
    clinic.workstation.expect(0, &["provenance", "verify"]);

    // A folder that anybody can write is not read, and the table that was built serves.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(of_case("CASE-4"), second);
}

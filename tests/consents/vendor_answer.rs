//! The vendor answers the clinic (GDPR art. 15, 16, 20 and 21), with the programs as they are run: everything that is held,
//! sealed for the device and opened when the clinic asks; an objection that is refused or accepted; a correction.

use std::fs;
use std::path::PathBuf;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::seeded;
use crate::common::workstation::Workstation;
use serde_json::Value as Json;

/// A workstation whose `events` the vendor holds.
fn sent(collector: &Collector, events: usize) -> Workstation {
    let workstation = Workstation::granted(collector, &format!("https://{}", collector.address()));
    Outbox::new(seeded()).fill(&workstation, events, 500, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    workstation
}

/// Asks the vendor what it holds, and gives the ticket.
fn asked(workstation: &Workstation) -> String {
    let dir = workstation.path().join("held");
    let _ = fs::remove_dir_all(&dir);
    workstation.expect(0, &["privacy", "export", "--vendor", "-o", dir.to_str().unwrap()]);
    workstation.expect(0, &["run", "--once"]);
    ticket(workstation, "access")["ticket"].as_str().unwrap().to_owned()
}

/// The newest request of a kind, as `status` shows it.
fn ticket(workstation: &Workstation, kind: &str) -> Json {
    let status = workstation.status();
    let all = status["requests"].as_array().unwrap();
    all.iter().rev().find(|ticket| ticket["kind"] == kind).unwrap().clone()
}

/// What `privacy export --from-vendor` wrote, or what it said instead; then no file is left.
fn shown(workstation: &Workstation) -> Result<Vec<Json>, String> {
    let file = workstation.path().join("answer.ndjson");
    let _ = fs::remove_file(&file);
    let output = workstation.run(&["privacy", "export", "--from-vendor", "-o", file.to_str().unwrap()]);
    if output.status.code() == Some(0) {
        let text = fs::read_to_string(&file).unwrap();
        return Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
    }
    assert_eq!(output.status.code(), Some(1));
    let left = fs::read_dir(workstation.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("answer.ndjson")).collect();
    assert!(left.is_empty(), "{left:?}");
    Err(String::from_utf8(output.stderr).unwrap())
}

fn is_refused(workstation: &Workstation, sentence: &str) {
    let said = shown(workstation).unwrap_err();
    assert!(said.contains(sentence), "{said}");
}

/// The sealed answer on the workstation's disk.
fn sealed(workstation: &Workstation) -> PathBuf {
    let files = fs::read_dir(workstation.data().join("vendor-answer")).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "age")).unwrap()
}

fn of<'a>(lines: &'a [Json], what: &str) -> Vec<&'a Json> {
    lines.iter().filter(|line| line["what"] == what).collect()
}

#[test]
fn the_vendor_shows_everything_that_it_holds_and_only_to_the_one_who_asked() {
    let collector = Collector::start();
    let workstation = sent(&collector, 900);
    let device = workstation.status()["device"].as_str().unwrap().to_owned();
    is_refused(&workstation, "was not asked");
    let first = asked(&workstation);
    assert_eq!(ticket(&workstation, "access")["state"], "open");
    is_refused(&workstation, "has not answered yet");

    // Somebody reads it at the vendor's: the answer says so.
    collector.command("access", &[&device]);
    collector.command("requests", &["--answer", &first]);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(ticket(&workstation, "access")["state"], "done");
    assert!(workstation.expect(0, &["status"]).contains("privacy export --from-vendor"));
    let bytes = fs::read(sealed(&workstation)).unwrap();
    assert!(bytes.len() > 2 * 49_152, "several parts: {}", bytes.len());
    assert!(!bytes.windows(12).any(|bytes| bytes == b"device.error"), "sealed on the disk");

    let lines = shown(&workstation).unwrap();
    assert_eq!((&lines[0]["what"], &lines[0]["ticket"]), (&"answer_to".into(), &first.clone().into()));
    let records: Vec<_> = of(&lines, "record").into_iter().cloned().collect();
    let held = collector.export();
    assert_eq!(records.len(), 900);
    for (record, held) in records.iter().zip(&held) {
        assert_eq!((&record["seq"], &record["at"]), (&held["seq"], &held["at"]));
    }
    let ledger = fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap();
    let answers: Vec<&str> = of(&lines, "answer").iter().map(|line| line["line"].as_str().unwrap()).collect();
    assert_eq!(answers, ledger.lines().collect::<Vec<_>>());
    assert_eq!(of(&lines, "request")[0]["ticket"], first);
    assert_eq!(of(&lines, "device")[0]["device"], device);
    assert_eq!(
        of(&lines, "done").iter().map(|line| line["deed"].as_str().unwrap()).collect::<Vec<_>>(),
        ["access"]
    );

    // Another device's answer, one that is damaged, and an earlier one: a sentence, and nothing is written.
    let other = sent(&collector, 50);
    let of_other = asked(&other);
    collector.command("requests", &["--answer", &of_other]);
    other.expect(0, &["run", "--once"]);
    let path = sealed(&workstation);
    fs::write(&path, fs::read(sealed(&other)).unwrap()).unwrap();
    is_refused(&workstation, "sealed for a key that is not here");
    assert_eq!(of(&shown(&other).unwrap(), "record").len(), 50);
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&path, &damaged).unwrap();
    is_refused(&workstation, "is damaged");
    is_refused(&workstation, "still on its way");
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(of(&shown(&workstation).unwrap(), "record").len(), 900, "it was fetched again");

    let second = asked(&workstation);
    collector.command("requests", &["--answer", &second]);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(shown(&workstation).unwrap()[0]["ticket"], second);
    fs::write(sealed(&workstation), &bytes).unwrap();
    is_refused(&workstation, "about another request");

    // The next owner has no key to what the vendor answered this one.
    workstation.expect(0, &["consent", "new-owner", "--by", "owner"]);
    assert!(!workstation.data().join("vendor-answer").exists());
    assert_eq!(workstation.keys("vendor-answer"), 0);
    workstation.expect(0, &["run", "--once"]);
    is_refused(&workstation, "sealed for a key that is not here");
}

#[test]
fn an_answer_of_an_older_collector_or_to_an_older_agent_is_only_done() {
    let collector = Collector::start();
    let workstation = sent(&collector, 10);
    let ticket_of = asked(&workstation);
    // What an older collector can say of it.
    collector.command("requests", &["--done", &ticket_of]);
    workstation.expect(0, &["run", "--once"]);
    let said = ticket(&workstation, "access");
    assert_eq!((&said["state"], &said["sealed"]), (&"done".into(), &Json::Null));
    is_refused(&workstation, "by another way");
}

#[test]
fn an_objection_hides_at_once_and_is_refused_or_accepted_with_a_reason() {
    let collector = Collector::start();
    let workstation = sent(&collector, 40);
    let held = || collector.export().len();
    let object = || {
        workstation.expect(0, &["privacy", "object"]);
        workstation.expect(0, &["run", "--once"]);
        ticket(&workstation, "object")
    };
    let asked = object();
    let name = asked["ticket"].as_str().unwrap();
    assert_eq!((&asked["state"], held()), (&"open".into(), 0), "nobody reads it any more");
    assert_eq!(collector.lines("requests", &[])[0]["kind"], "object");
    collector.command("requests", &["--refuse", name, "--ground", "compelling_grounds"]);
    workstation.expect(0, &["run", "--once"]);
    let said = ticket(&workstation, "object");
    assert_eq!((&said["state"], &said["refused"]), (&"done".into(), &"compelling_grounds".into()));
    assert!(workstation.expect(0, &["status"]).contains("refused: compelling legitimate grounds"));
    assert_eq!(held(), 40, "what was refused hides nothing");

    // What is asked again within a second is the same request.
    let mut others =
        std::iter::repeat_with(object).take(50).filter(|again| again["ticket"] != asked["ticket"]);
    let again = others.next().unwrap();
    collector.command("requests", &["--done", again["ticket"].as_str().unwrap()]);
    workstation.expect(0, &["run", "--once"]);
    let said = ticket(&workstation, "object");
    assert_eq!((&said["state"], &said["refused"]), (&"done".into(), &Json::Null));
    assert_eq!(held(), 0, "what was accepted stays hidden");
}

#[test]
fn a_correction_is_refused_only_for_a_reason_that_fits() {
    let collector = Collector::start();
    let workstation = sent(&collector, 10);
    let digest = workstation.json(&["consent", "show", "support_case", "--json"]);
    let digest = digest["digest"].as_str().unwrap();
    workstation.expect(
        0,
        &["consent", "grant", "support_case", "--case", "CASE-1", "--by", "owner", "--yes", digest],
    );
    workstation.expect(0, &["privacy", "rectify", "--case", "CASE-1"]);
    workstation.expect(0, &["run", "--once"]);
    let asked = ticket(&workstation, "rectify");
    let name = asked["ticket"].as_str().unwrap();
    assert_eq!(asked["state"], "open");
    let refuse = |ground: &str| collector.try_command("requests", &["--refuse", name, "--ground", ground]);
    let wrong = refuse("compelling_grounds").unwrap_err();
    assert!(wrong.contains("can't be refused as compelling_grounds"), "{wrong}");
    refuse("accurate").unwrap();
    assert!(refuse("accurate").unwrap_err().contains("done"));
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(ticket(&workstation, "rectify")["refused"], "accurate");
}

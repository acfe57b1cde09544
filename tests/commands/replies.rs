//! What the agent answers over its socket has the shape that it always had: every kind of answer of the running program
//! is compared with a recorded one in `agent/src/api/replies.ndjson`, field by field and type by type. With
//! `UPDATE_REPLIES=1` the file is written anew.

#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::until;
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A connection, and what was answered on it.
struct Asker {
    stream: BufReader<UnixStream>,
    answers: BTreeMap<&'static str, String>,
}

impl Asker {
    fn of(clinic: &Clinic) -> Self {
        let stream = UnixStream::connect(clinic.workstation.socket()).unwrap();
        Self { stream: BufReader::new(stream), answers: BTreeMap::new() }
    }

    fn line(&mut self, line: &str) -> String {
        writeln!(self.stream.get_mut(), "{line}").unwrap();
        let mut answer = String::new();
        self.stream.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    fn ask(&mut self, request: &Json) -> Json {
        serde_json::from_str(&self.line(&request.to_string())).unwrap()
    }

    /// Asks, and keeps the answer under `name`, which nothing else has.
    fn keep(&mut self, name: &'static str, request: &Json) -> Json {
        let answer = self.line(&request.to_string());
        let read = serde_json::from_str(&answer).unwrap();
        assert!(self.answers.insert(name, answer).is_none(), "{name} twice");
        read
    }

    fn done(&mut self, name: &'static str, request: &Json) -> Json {
        let answer = self.keep(name, request);
        assert_eq!(answer["ok"], true, "{name}: {answer}");
        answer
    }

    fn refused(&mut self, name: &'static str, request: &Json, error: &str) {
        let answer = self.keep(name, request);
        assert_eq!(
            (&answer["ok"], answer["error"].as_str()),
            (&json!(false), Some(error)),
            "{name}: {answer}"
        );
    }

    /// Waits until the work is done; the answer is what came of it.
    fn wait(&mut self, name: &'static str) -> Json {
        let progress = support("progress", json!({}));
        until("it is done", || self.ask(&progress)["working"] != true);
        self.done(name, &progress)
    }
}

fn with(mut request: Json, more: Json) -> Json {
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn consent(action: &str, more: Json) -> Json {
    with(json!({"request": "consent", "action": action}), more)
}

fn support(action: &str, more: Json) -> Json {
    with(json!({"request": "support", "action": action}), more)
}

fn privacy(action: &str, more: Json) -> Json {
    with(json!({"request": "privacy", "action": action}), more)
}

fn usage() -> Json {
    json!({"purpose": "usage_statistics"})
}

fn event(name: &str, more: Json) -> Json {
    // After the yes, whose second may be this one.
    let at = (OffsetDateTime::now_utc() + time::Duration::seconds(2)).format(&Rfc3339).unwrap();
    with(json!({"event": name, "at": at}), more)
}

fn error_of(code: i64) -> Json {
    event("device.error", json!({"code": code, "subsystem": "generator", "severity": "error", "repeats": 1}))
}

/// A device that nobody enrolled: consent, events, a case up to its sealed bundle, what is held.
fn alone() -> BTreeMap<&'static str, String> {
    let clinic = Clinic::new();
    let _service = clinic.workstation.serve();
    let mut asker = Asker::of(&clinic);
    asker.done("status of a new device", &json!({"request": "status"}));
    asker.refused("event without a yes", &error_of(1), "no_consent");
    asker.done("consent list", &consent("list", json!({})));
    asker.done("consent show of a case", &consent("show", json!({"purpose": "support_case"})));
    let shown = asker.done("consent show", &consent("show", usage()));
    asker.refused("consent of nothing", &consent("deny", json!({})), "usage");
    asker.done("consent deny", &consent("deny", usage()));
    let wrong = with(usage(), json!({"by": "owner", "yes": "0".repeat(16)}));
    asker.refused("grant of another digest", &consent("grant", wrong), "not_allowed");
    let yes = with(usage(), json!({"by": "owner", "yes": shown["digest"]}));
    asker.done("grant", &consent("grant", yes));
    asker.done("event", &error_of(2));
    for code in 3..20 {
        assert_eq!(asker.ask(&error_of(code))["ok"], true);
    }
    let exposure = event(
        "exposure.completed",
        json!({"mode": "cbct", "patient_size": "medium", "kv": 90, "ma": 8.0, "beam_s": 9.5, "dap": 412.5}),
    );
    assert_eq!(asker.ask(&exposure)["ok"], true);
    asker.refused("event that is not listed", &event("device.eror", json!({})), "unknown_event");
    asker.done("busy", &json!({"request": "busy"}));
    let case_request = json!({"wish": {"case": "CASE-1", "reason": "error", "scans": "last"}});
    asker.done("support preview", &support("preview", case_request.clone()));
    let progress = support("progress", json!({}));
    until("it is held", || asker.ask(&progress)["held"] == true);
    asker.done("support progress, held", &progress);
    asker.refused("support preview, one at a time", &support("preview", case_request), "busy");
    asker.done("idle", &json!({"request": "idle"}));
    let draft = asker.wait("support preview, done");
    asker.done("support scans", &support("scans", json!({})));
    asker.wait("support scans, done");
    asker.done("support stop", &support("stop", json!({})));
    asker.done("support list, a draft", &support("list", json!({})));
    let file = json!({"draft": draft["draft"], "file": "manifest.json", "offset": 0});
    asker.done("support show", &support("show", file));
    asker.refused(
        "support show, no draft",
        &support("show", json!({"draft": "x", "file": "x", "offset": 0})),
        "usage",
    );
    asker.done("support begin", &support("begin", json!({"case": "CASE-1"})));
    asker.done("support begin, a new case", &support("begin", json!({"case": "CASE-9"})));
    asker.refused("support adopt, no key", &support("adopt", json!({"draft": "x", "key": "x"})), "usage");
    let create = json!({"draft": draft["draft"], "yes": draft["digest"], "by": "owner"});
    asker.done("support create", &support("create", create));
    let bundle = asker.wait("support create, done");
    let id = json!({"bundle": bundle["bundle"]});
    asker.done("support list, a bundle", &support("list", json!({})));
    asker.done("support export", &support("export", with(id.clone(), json!({"offset": 0}))));
    asker.refused("support send, not enrolled", &support("send", id), "failed");
    asker.done("status with a case", &json!({"request": "status"}));
    asker.done("consent show of an answered flag", &consent("show", usage()));
    asker.done("consent list, answered", &consent("list", json!({})));
    asker.done("receipt of all", &consent("receipt", json!({})));
    asker.done("receipt of one", &consent("receipt", json!({"purpose": "support_case", "case": "CASE-1"})));
    asker.done("verify", &consent("verify", json!({})));
    for (name, queue) in
        [("records open", "open"), ("records usage", "usage"), ("records requests", "requests")]
    {
        asker.done(name, &privacy("records", json!({"tray": queue, "from": 0})));
    }
    asker.done("records after the last", &privacy("records", json!({"tray": "usage", "from": 1_000_000})));
    asker.done("restrict", &consent("restrict", usage()));
    asker.done("records that nobody may read", &privacy("records", json!({"tray": "usage", "from": 0})));
    asker.done("release", &consent("release", with(usage(), json!({"by": "owner"}))));
    asker.done("access", &privacy("access", json!({"vendor": false})));
    asker.done("claim", &privacy("claim", json!({})));
    asker.done("rectify", &privacy("rectify", json!({"case": "CASE-1"})));
    asker.done("object", &privacy("object", json!({"case": "CASE-1"})));
    asker.refused("answer, not asked", &privacy("answer", json!({"offset": 0})), "failed");
    asker.done("revoke", &privacy("revoke", json!({"case": "CASE-1"})));
    asker.done("support discard", &support("discard", json!({"id": bundle["bundle"]})));
    asker.refused("support discard, nothing there", &support("discard", json!({"id": "x"})), "usage");
    let case = json!({"purpose": "support_case", "case": "CASE-1"});
    asker.done("withdraw a case", &consent("withdraw", case.clone()));
    asker.done("withdraw once more", &consent("withdraw", case));
    asker.done("withdraw", &consent("withdraw", with(usage(), json!({"erase": true}))));
    asker.done("new owner", &consent("new_owner", json!({"by": "owner"})));
    asker.done("erase", &privacy("erase", json!({})));
    asker.done("decommission, vendor not informed", &privacy("decommission", json!({"drain": false})));
    asker.answers
}

/// A device whose collector answers: what was sent, tickets, an invitation from the vendor, the end.
fn connected() -> BTreeMap<&'static str, String> {
    let collector = Collector::start();
    let clinic = Clinic::of(&collector, &format!("https://{}", collector.address()));
    clinic.workstation.grant();
    let device = clinic.workstation.status()["device"].as_str().unwrap().to_owned();
    collector.command("ask", &["--device", &device, "--case", "CASE-2", "--reason", "image_quality"]);
    let _service = clinic.workstation.serve();
    let mut asker = Asker::of(&clinic);
    asker.done("enroll", &json!({"request": "enroll", "token": collector.token()}));
    asker.refused("enroll, no token", &json!({"request": "enroll", "token": "x"}), "failed");
    let status = json!({"request": "status"});
    assert_eq!(asker.ask(&error_of(2))["ok"], true);
    until("it is sent", || asker.ask(&status)["sent"]["usage_statistics"]["records"].as_u64() > Some(0));
    until("the invitation is known", || asker.ask(&status)["wishes"] != json!([]));
    let case_request = json!({"wish": {"case": "CASE-2", "reason": "error"}});
    asker.ask(&support("preview", case_request));
    let draft = asker.wait("support preview, no scans");
    let create = json!({"draft": draft["draft"], "yes": draft["digest"], "by": "owner"});
    asker.ask(&support("create", create));
    let bundle = asker.wait("support create, no scans");
    until("it is at the vendor's", || asker.ask(&status)["bundles"][0]["state"] == "sent");
    asker.done("access, the vendor too", &privacy("access", json!({"vendor": true})));
    until("it has a ticket", || asker.ask(&status)["requests"] != json!([]));
    asker.done("status of what was sent", &status);
    asker.done("records sent", &privacy("records", json!({"tray": "sent", "from": 0})));
    asker.done("access, with tickets", &privacy("access", json!({"vendor": false})));
    let bundle = json!({"bundle": bundle["bundle"]});
    asker.refused("support send, the vendor has it", &support("send", bundle.clone()), "failed");
    asker.refused(
        "event with an unknown attribute",
        &with(error_of(2), json!({"cod": 1})),
        "unknown_attribute",
    );
    asker.refused("event with another word", &with(error_of(2), json!({"severity": "eror"})), "out_of_range");
    asker.refused("misspelt request", &json!({"request": "statsu"}), "usage");
    asker.refused("misspelt key", &json!({"requst": "status"}), "usage");
    asker.done("decommission", &privacy("decommission", json!({"drain": true})));
    asker.answers
}

/// What is left of an answer without its content: names of fields and types, of lists what their members have.
fn shape(name: &str, value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(_) => "bool".to_owned(),
        Json::Number(_) => "number".to_owned(),
        Json::String(_) => "text".to_owned(),
        Json::Array(list) => {
            let members: BTreeSet<_> = list.iter().map(|member| shape("", member)).collect();
            format!("{members:?}").replace('\\', "")
        }
        // Which attributes there are follows from the entry, which days there are from the day.
        Json::Object(_) if ["attributes", "days"].contains(&name) => "map".to_owned(),
        Json::Object(object) => {
            let fields: Vec<_> =
                object.iter().map(|(name, value)| format!("{name}: {}", shape(name, value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// The recorded answers, by name.
fn recorded(path: &Path) -> BTreeMap<String, Json> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    lines.map(|line| (line["name"].as_str().unwrap().to_owned(), line["reply"].clone())).collect()
}

#[test]
fn every_kind_of_answer_has_the_recorded_shape() {
    let (mut answers, more) = (alone(), connected());
    answers.extend(more);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/src/api/replies.ndjson");
    if std::env::var_os("UPDATE_REPLIES").is_some() {
        let lines = answers.iter().map(|(name, line)| format!("{{\"name\":\"{name}\",\"reply\":{line}}}\n"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, lines.collect::<String>()).unwrap();
    }
    let recorded = recorded(&path);
    let names: BTreeSet<_> = answers.keys().copied().collect();
    assert_eq!(names, recorded.keys().map(String::as_str).collect(), "UPDATE_REPLIES=1 records anew");
    for (name, line) in &answers {
        let (now, then) = (serde_json::from_str(line).unwrap(), &recorded[*name]);
        assert_eq!(shape("", &now), shape("", then), "{name}\n{now}\n{then}");
        assert_eq!(now["error"], then["error"], "{name}");
    }
}

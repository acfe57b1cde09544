//! The whole route with everything logged that can be, libraries included: through a proxy with a password, over the
//! local socket, with a support case and its patients. No secret and nobody's name is in a line of it.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::{seeded, until};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value as Json;

const CASE: &str = "CASE-7";
const PASSWORD: &str = "Rugbroed-4711";
const CONTACT: &str = "Birgitte Thorhauge 51905544";
/// What somebody says over the local socket who should not.
const SAID: &[&str] = &[
    r#"{"event":"device.error","patient":"Vestergaard 070761-4285"}"#,
    r#"{"event":"Vestergaard","at":"2026-11-22T10:00:00+01:00"}"#,
    r#"{"request":"enroll","token":"Smoerrebroed-0815"}"#,
    r#"{"request":"consent","action":"grant","purpose":"usage_statistics","by":"owner","yes":"deadbeefdeadbeefdead"}"#,
    r#"{"request":"support","action":"show","draft":"Vestergaard","file":"070761-4285","offset":0}"#,
    r#"{"request":"privacy","action":"records","tray":"Vestergaard","from":0}"#,
    "Vestergaard 070761-4285",
];

/// A proxy that wants a password; what it was shown as one is kept.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    thread::spawn(move || {
        for agent in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(agent.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let password = head.iter().find_map(|line| line.split_once("uthorization: Basic "));
            let Some((_, password)) = password else {
                let _ = (&agent).write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
                continue;
            };
            seen.lock().unwrap().push(password.to_owned());
            let target = head[0].split(' ').nth(1).unwrap();
            let collector = TcpStream::connect(target).unwrap();
            for stream in [&agent, &collector] {
                stream.set_nodelay(true).unwrap();
            }
            (&agent).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let (from, to) = (agent.try_clone().unwrap(), collector.try_clone().unwrap());
            thread::spawn(move || pass(from, to));
            thread::spawn(move || pass(collector, agent));
        }
    });
    (address.to_string(), shown)
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// Everything that the agent's processes log, in one file for each.
struct Traced<'a> {
    clinic: &'a Clinic,
    files: Vec<PathBuf>,
}

impl Traced<'_> {
    fn command(&mut self, args: &[&str]) -> std::process::Command {
        let path = self.clinic.path(&format!("trace-{}", self.files.len()));
        let mut agent = self.clinic.workstation.agent(args);
        agent.env("RUST_LOG", "trace").stderr(File::create(&path).unwrap());
        self.files.push(path);
        agent
    }

    /// Runs it to its end; gives its standard output.
    fn run(&mut self, code: i32, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", self.text());
        String::from_utf8(output.stdout).unwrap()
    }

    fn text(&self) -> String {
        self.files.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
    }
}

/// A secret as bytes are written where they are logged.
fn spellings(bytes: &[u8]) -> Vec<String> {
    let numbers = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    vec![HEXLOWER.encode(bytes), BASE64.encode(bytes), numbers, String::from_utf8_lossy(bytes).into_owned()]
}

#[test]
fn no_secret_and_nobodys_name_is_in_the_log_at_its_most_talkative() {
    let collector = Collector::start();
    let clinic = Clinic::new();
    let (proxy, shown) = proxy();
    let station = &clinic.workstation;
    let url = format!("https://{}", collector.address());
    station.configure("https://127.0.0.1:1", &url);
    station.configure("/nowhere/ca.pem", collector.ca().to_str().unwrap());
    station.configure("[consent]", &format!("proxy = \"http://jane:{PASSWORD}@{proxy}\"\n[consent]"));
    let mut traced = Traced { clinic: &clinic, files: vec![] };

    let token = collector.token();
    fs::write(clinic.path("token"), &token).unwrap();
    traced.run(0, &["enroll", "--token-file", &clinic.text("token")]);
    let notice: Json =
        serde_json::from_str(&traced.run(0, &["consent", "show", "usage_statistics", "--json"])).unwrap();
    let digest = notice["digest"].as_str().unwrap();
    traced.run(0, &["consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest]);
    let mut outbox = Outbox::new(seeded());
    station.leave("1.ndjson", outbox.device_error() + "\n" + &SAID.join("\n") + "\n");
    traced.run(0, &["run", "--once"]);

    let mut service = traced.command(&["run"]);
    let mut service = service.env("JOURNAL_STREAM", "1:1").stdout(Stdio::null()).spawn().unwrap();
    until("the service listens", || UnixStream::connect(station.socket()).is_ok());
    let mut socket = BufReader::new(UnixStream::connect(station.socket()).unwrap());
    for line in SAID {
        socket.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
        socket.read_line(&mut String::new()).unwrap();
    }
    let copy = clinic.text("copy");
    let words = ["support", "preview", "--case", CASE, "--reason", "error", "--json", "-o", &copy];
    let more = ["--since", "2h", "--contact", CONTACT];
    let draft: Json = serde_json::from_str(&traced.run(0, &[&words[..], &more].concat())).unwrap();
    let (id, digest) = (draft["draft"].as_str().unwrap(), draft["digest"].as_str().unwrap());
    traced.run(0, &["support", "create", id, "--yes", digest, "--by", "owner", "--json"]);
    until("the bundle is sent", || station.status()["bundles"][0]["state"] == "sent");
    traced.run(0, &["doctor"]);
    traced.run(0, &["status"]);
    traced.run(0, &["privacy", "export", "-o", &clinic.text("export")]);
    traced.run(0, &["consent", "withdraw", "usage_statistics", "--erase"]);
    let journal = traced.files.iter().map(|path| fs::read_to_string(path).unwrap_or_default());
    assert!(
        journal
            .into_iter()
            .any(|text| text.starts_with('<') && text.lines().all(|line| line.starts_with('<')))
    );
    service.kill().unwrap();
    service.wait().unwrap();

    let passwords = shown.lock().unwrap().clone();
    let basic = BASE64.encode(format!("jane:{PASSWORD}").as_bytes());
    assert!(!passwords.is_empty() && passwords.iter().all(|shown| *shown == basic), "{passwords:?}");

    let mut needles: Vec<String> =
        ["Vestergaard", "070761", "Smoerrebroed", "deadbeefdead", PASSWORD, &basic, &token]
            .map(str::to_owned)
            .to_vec();
    needles.extend(CONTACT.split(' ').map(str::to_owned));
    needles.extend(spellings(&fs::read(station.data().join("keys/root")).unwrap()));
    for patient in &clinic.patients {
        needles.extend([patient.family.to_owned(), patient.number.clone()]);
    }
    let text = traced.text();
    let found =
        |text: &str| needles.iter().filter(|needle| text.contains(*needle)).cloned().collect::<Vec<_>>();
    assert_eq!(found(&text), [""; 0]);

    // The log is on, and the search finds what is there.
    for level in ["DEBUG agent", "INFO  agent", "refused: unknown_event"] {
        assert!(text.contains(level), "{level}\n{text}");
    }
    assert!(needles.len() > 15);
    fs::write(&traced.files[1], needles.join("\n")).unwrap();
    assert_eq!(found(&traced.text()), needles, "negative control: in one of the files");
}

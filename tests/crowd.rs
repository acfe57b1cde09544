//! A crowd at the local socket: a thousand clients that ask and never read, partial lines, garbage, lines without an
//! end. Kathea has its answers all the while, and the crowd costs the agent nothing that grows. How fast it is then
//! is measured by `tests/measure.py --only crowd`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use common::collector::Collector;
use common::outbox::Outbox;
use common::workstation::{Service, Workstation};
use common::{Random, peer, seeded};
use serde_json::Value as Json;

const CLIENTS: usize = 1000;
/// At a time; a process may have 1,024 files open.
const TOGETHER: usize = 400;

fn served() -> (Collector, Workstation, Service) {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    let service = workstation.serve();
    (collector, workstation, service)
}

/// A client that reads its answers.
struct Client(BufReader<UnixStream>);

impl Client {
    fn of(workstation: &Workstation) -> Self {
        Self(BufReader::new(UnixStream::connect(workstation.socket()).unwrap()))
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn hear(&mut self) -> Json {
        let mut answer = String::new();
        self.0.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn ask(&mut self, line: &str) -> Json {
        self.say(format!("{line}\n").as_bytes());
        self.hear()
    }
}

/// A number of a process as Linux tells it: kB, or a count.
fn proc_field(service: &Service, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What one of the crowd writes, again and again.
fn nonsense(random: &mut Random) -> Vec<u8> {
    match random.within(0, 4) {
        0 => b"{\"request\":\"status\"}\n".repeat(100),
        1 => b"{\"request\":\"consent\",\"action\":\"show\",\"purpose\":\"usage_statistics\"}\n".repeat(50),
        2 => b"{\"request\":\"consent\",\"act".to_vec(),
        3 => (0..4096).map(|_| random.within(0, 255) as u8).collect(),
        _ => vec![b'x'; 64 << 10],
    }
}

/// Writes what the agent takes and reads nothing; false once the agent has closed the connection.
fn press(client: &mut UnixStream, bytes: &[u8]) -> bool {
    loop {
        if let Err(e) = client.write_all(bytes) {
            return e.kind() == ErrorKind::WouldBlock;
        }
    }
}

#[test]
fn a_crowd_that_never_reads_costs_nothing_that_grows() {
    let (_collector, workstation, service) = served();
    let mut random = seeded();
    let mut outbox = Outbox::new(random.clone());
    let mut kathea = Client::of(&workstation);
    for _ in 0..100 {
        assert_eq!(kathea.ask(&outbox.device_error())["ok"], true);
    }
    let (memory, threads) = (proc_field(&service, "VmRSS"), proc_field(&service, "Threads"));

    let (mut crowd, mut closed, mut most) = (VecDeque::new(), 0, 0);
    for number in 0..CLIENTS {
        let client = UnixStream::connect(workstation.socket()).unwrap();
        client.set_nonblocking(true).unwrap();
        crowd.push_back((client, nonsense(&mut random)));
        crowd.retain_mut(|(client, bytes)| {
            let open = number % 20 != 0 || press(client, bytes);
            closed += usize::from(!open);
            open
        });
        while crowd.len() > TOGETHER {
            crowd.pop_front();
        }
        if number % 10 == 0 {
            assert_eq!(kathea.ask(&outbox.device_error())["ok"], true, "after {number} clients");
            most = most.max(proc_field(&service, "VmRSS"));
            // Whose connection was closed ends a moment later.
            common::until("no more threads than one account's share", || {
                proc_field(&service, "Threads") <= threads + 8
            });
        }
    }
    println!("{closed} of {CLIENTS} were closed; {memory} kB before, at most {most} kB");
    assert!(closed > CLIENTS / 2, "who is one too many is let go: {closed}");
    assert!(most < memory + (8 << 10), "{memory} kB became {most} kB");
    drop(crowd);
    common::until("a new client is let in", || {
        let mut client = UnixStream::connect(workstation.socket()).unwrap();
        let mut answer = String::new();
        client.write_all(b"{\"request\":\"idle\"}\n").is_ok()
            && BufReader::new(client).read_line(&mut answer).is_ok_and(|read| read > 0)
    });
}

#[test]
fn a_line_of_100_mb_is_refused_and_counted_and_the_next_is_taken() {
    let (_collector, workstation, service) = served();
    let mut outbox = Outbox::new(seeded());
    let mut client = Client::of(&workstation);
    assert_eq!(client.ask(&outbox.device_error())["ok"], true);
    let memory = proc_field(&service, "VmRSS");
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        client.say(&piece);
    }
    assert_eq!(client.ask("")["error"], "too_long");
    let after = proc_field(&service, "VmRSS");
    assert!(after < memory + (4 << 10), "{memory} kB became {after} kB");
    assert_eq!(client.ask("\0\u{fffd}{")["error"], "not_json");
    client.say(b"\xff\xfe\n");
    assert_eq!(client.hear()["error"], "not_utf8");
    assert_eq!(client.ask(&outbox.device_error())["ok"], true);
    assert_eq!(workstation.dropped("too_long"), 1);
}

/// Says a thousand times "what are the flags?" in one go, then something else; prints how often it was answered, and
/// the last answer.
const STRANGER: &str = "
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    lines = s.makefile('rw', encoding='utf-8', newline='\\n')
    def ask(*said):
        lines.write(''.join(line + '\\n' for line in said))
        lines.flush()
        return [json.loads(lines.readline()) for _ in said]
    answers = ask(*['{\"request\":\"consent\",\"action\":\"list\"}'] * 1000)
    print(sum(answer['ok'] for answer in answers), sorted({answer.get('error', '') for answer in answers}))
    while True:
        last, = ask(sys.argv[2])
        if last.get('error') != 'busy':
            break
    print(json.dumps(last))
";

/// What a process of the account `nobody` is answered.
fn stranger(workstation: &Workstation, line: &str) -> (u64, String, Json) {
    let mut python = Command::new("python3");
    let output =
        python.args(["-c", STRANGER]).arg(workstation.socket()).arg(line).uid(65_534).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let (first, last) = text.split_once('\n').expect(&errors);
    let (done, errors) = first.split_once(' ').unwrap();
    (done.parse().unwrap(), errors.to_owned(), serde_json::from_str(last).unwrap())
}

#[test]
fn a_stranger_may_say_no_and_little_else_twenty_times_a_second() {
    if !peer::is_root() || !peer::has("python3") {
        return;
    }
    let (_collector, workstation, _service) = served();
    fs::set_permissions(workstation.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let begun = Instant::now();
    let (done, errors, status) = stranger(&workstation, r#"{"request":"status"}"#);
    assert!(done > 0 && done <= 20 * (begun.elapsed().as_secs() + 2), "{done} in {:?}", begun.elapsed());
    assert_eq!(errors, "['', 'busy']");
    assert_eq!(status["error"], "not_allowed");
    let line = Outbox::new(seeded()).device_error();
    assert_eq!(stranger(&workstation, &line).2["error"], "not_allowed");

    let deny = r#"{"request":"consent","action":"deny","purpose":"usage_statistics"}"#;
    assert_eq!(stranger(&workstation, deny).2["ok"], true);
    assert_eq!(workstation.status()["consent"]["usage_statistics"], "withdrawn");
    for _ in 0..2 {
        assert_eq!(stranger(&workstation, deny).2["state"], "denied");
    }
    let invented = r#"{"request":"consent","action":"deny","purpose":"support_case","case":"NOBODY-ASKED"}"#;
    assert_eq!(stranger(&workstation, invented).2["error"], "not_allowed");
    // Granted, withdrawn (begun and done), denied once.
    assert_eq!(fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap().lines().count(), 4);
}

#[test]
fn a_stranger_erases_nothing_that_was_sent_and_names_no_owner() {
    if !peer::is_root() || !peer::has("python3") {
        return;
    }
    let (collector, workstation, _service) = served();
    fs::set_permissions(workstation.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let ledger = || fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap().lines().count();
    let claim = Workstation::new("https://127.0.0.1:1", &collector.ca()).expect(0, &["privacy", "claim"]);
    for line in [
        r#"{"request":"privacy","action":"erase"}"#,
        r#"{"request":"consent","action":"withdraw","purpose":"usage_statistics","erase":true}"#,
        r#"{"request":"consent","action":"new_owner","by":"owner"}"#,
    ] {
        let others = line.replace('}', &format!(r#","claim":"{}"}}"#, claim.trim()));
        for line in [line, &others] {
            assert_eq!(stranger(&workstation, line).2["error"], "not_allowed", "{line}");
        }
        assert_eq!(workstation.status()["consent"]["usage_statistics"], "granted", "{line}");
    }
    assert_eq!((ledger(), collector.lines("requests", &[]).len()), (1, 0));
    let withdraw = r#"{"request":"consent","action":"withdraw","purpose":"usage_statistics"}"#;
    assert_eq!(stranger(&workstation, withdraw).2["ok"], true);
    assert_eq!(workstation.status()["consent"]["usage_statistics"], "withdrawn");
}

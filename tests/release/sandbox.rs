//! An hour for the integrator: the sandbox with the real programs, and one program each in Python, C++ and C# that reports
//! to it, reacts to a refusal, and shows the notice and the vendor's request.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::common::{collector, peer, until};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// The sandbox, started by `kathea-agent sandbox` that lies beside it. Ended with the test.
struct Sandbox {
    process: Child,
    shown: Arc<Mutex<Vec<Json>>>,
    place: Json,
    tmp: TempDir,
}

/// A folder with the agent, and the sandbox beside it.
fn package(with_sandbox: bool) -> TempDir {
    // In the build's own folder, where a program of 100 MB is linked and not copied.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_kathea-agent"), folder.path().join("kathea-agent")).unwrap();
    if with_sandbox {
        let built = collector::program().with_file_name("sandbox");
        fs::hard_link(built, folder.path().join("kathea-sandbox")).unwrap();
    }
    folder
}

impl Sandbox {
    fn start(package: &TempDir, more: &[&str]) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let mut command = Command::new("env");
        // Ctrl-C as at a terminal, also where who runs the tests ignores it.
        command.arg("--default-signal=INT").arg(package.path().join("kathea-agent"));
        command.args(["sandbox", "--json"]).args(more).env("TMPDIR", tmp.path()).env_remove("RUST_LOG");
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let place = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let shown = Arc::<Mutex<Vec<Json>>>::default();
        let seen = Arc::clone(&shown);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { process, shown, place, tmp }
    }

    fn at(&self, what: &str) -> PathBuf {
        PathBuf::from(self.place[what].as_str().unwrap())
    }

    fn shown(&self) -> Vec<Json> {
        self.shown.lock().unwrap().clone()
    }

    /// One line there, one line back.
    fn ask(&self, line: &[u8]) -> Json {
        let mut end = UnixStream::connect(self.at("socket")).unwrap();
        end.write_all(&[line, b"\n"].concat()).unwrap();
        let mut answer = String::new();
        BufReader::new(end).read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Ctrl-C, to this process alone; its exit code.
    fn interrupt(&mut self) -> Option<i32> {
        test_support::signal(self.process.id(), "INT");
        self.process.wait().unwrap().code()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processes that run from `package`.
fn running(package: &TempDir) -> usize {
    let pids =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    pids.filter_map(|pid| fs::read_link(format!("/proc/{pid}/exe")).ok())
        .filter(|program| program.starts_with(package.path()))
        .count()
}

fn error_at(at: &str, more: &str) -> String {
    format!(
        r#"{{"event":"device.error","at":"{at}","code":1042,"subsystem":"generator","severity":"error","repeats":3{more}}}"#
    )
}

#[test]
fn each_event_is_shown_as_the_agent_judged_it_and_nothing_remains() {
    let package = package(true);
    let mut sandbox = Sandbox::start(&package, &["--ask", "CASE-1042"]);
    let now = time::OffsetDateTime::now_utc();
    let at = now.format(&time::format_description::well_known::Rfc3339).unwrap();
    let good = error_at(&at, "");
    assert_eq!(sandbox.ask(good.as_bytes()), json!({"ok": true}));
    let refused = sandbox.ask(good.replace("generator", "genrator").as_bytes());
    assert_eq!((&refused["ok"], &refused["nearest"]), (&json!(false), &json!("generator")));
    let misspelt = sandbox.ask(br#"{"request":"statsu"}"#);
    assert_eq!(misspelt["error"], "usage");
    assert_eq!(sandbox.ask(&vec![b'x'; 9000])["error"], "too_long");
    assert_eq!(sandbox.ask(b"\xff\xff")["error"], "not_utf8");

    let lines = [
        good.clone(),
        error_at("2020-01-01T00:00:00Z", ""),
        error_at(&at, r#","patient":"Jane Doe""#),
        good.replace("1042", "\"1042\""),
        "Jane Doe".to_owned(),
        String::new(),
    ];
    let part = sandbox.at("outbox").join("one.part");
    fs::write(&part, lines.join("\n") + "\n").unwrap();
    fs::rename(&part, sandbox.at("outbox").join("one.ndjson")).unwrap();
    until("both ways were shown and everything was delivered", || {
        let shown = sandbox.shown();
        shown.iter().any(|line| line["delivered"] == 2) && shown.iter().any(|line| line["asked"].is_object())
    });
    let shown = sandbox.shown();
    let verdicts: Vec<&Json> = shown.iter().filter(|line| line["accepted"].is_boolean()).collect();
    let accepted = |yes: bool| verdicts.iter().filter(|verdict| verdict["accepted"] == yes).count();
    assert_eq!((accepted(true), accepted(false)), (2, 8), "{verdicts:?}");
    let has = |error: &str, part: &str| {
        let mut found = verdicts.iter().filter(|verdict| verdict["error"] == error);
        found.any(|verdict| verdict.to_string().contains(part))
    };
    for (error, part) in [
        ("out_of_range", "subsystem has to be one of generator, "),
        ("out_of_range", "\"nearest\":\"generator\""),
        ("usage", "\"nearest\":\"status\""),
        ("too_long", "8 KiB"),
        ("not_utf8", "UTF-8"),
        ("before_grant", "\"line\":2"),
        ("unknown_attribute", "there are code, subsystem, severity, repeats"),
        ("bad_type", "code has to be a whole number from 0 to 65535"),
        ("not_json", "\"line\":5"),
    ] {
        assert!(has(error, part), "{error}: {part}: {verdicts:?}");
    }
    let all = json!(shown).to_string();
    assert!(!all.contains("Jane") && !all.contains("genrator"), "nothing that was sent is repeated: {all}");
    let config = sandbox.at("config");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kathea-agent"));
    let status = command.arg("--config").arg(&config).args(["status", "--json"]).output().unwrap();
    let status: Json = serde_json::from_slice(&status.stdout).unwrap();
    // What was refused in the outbox the agent counted for itself, for the same reasons.
    for reason in ["before_grant", "unknown_attribute", "bad_type", "not_json", "out_of_range"] {
        assert_eq!(status["dropped"][reason], 1, "{reason}: {}", status["dropped"]);
    }

    assert!(running(&package) >= 3, "the sandbox, its agent, its collector");
    assert_eq!(sandbox.interrupt(), Some(0));
    assert_eq!(fs::read_dir(sandbox.tmp.path()).unwrap().count(), 0, "its place is removed");
    until("its programs have ended", || running(&package) == 0);
}

#[test]
fn a_sandbox_that_is_killed_leaves_no_program_behind() {
    let package = package(true);
    let mut sandbox = Sandbox::start(&package, &[]);
    assert!(running(&package) >= 3);
    sandbox.process.kill().unwrap();
    sandbox.process.wait().unwrap();
    until("its programs have ended", || running(&package) == 0);
}

#[test]
fn without_the_integrators_package_it_says_where_the_sandbox_is() {
    let package = package(false);
    let run = |args: &[&str]| Command::new(package.path().join("kathea-agent")).args(args).output().unwrap();
    let output = run(&["sandbox"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        words.contains("kathea-sandbox does not exist") && words.contains("integrator's package"),
        "{words}"
    );
    let output = run(&["sandbox", "--config", "agent.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a sample says, and so do the sandbox's verdicts.
fn a_sample_reports(name: &str, command: impl Fn(&Path) -> Option<Command>) {
    let package = package(true);
    let built = tempfile::tempdir().unwrap();
    let Some(mut command) = command(built.path()) else { return };
    let mut sandbox = Sandbox::start(&package, &["--ask", "CASE-1042"]);
    until("the vendor's request arrives", || {
        // It comes with an answer of the collector, so something has to be sent: without pause, as a busy program does.
        let at = time::OffsetDateTime::now_utc();
        let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
        sandbox.ask(error_at(&at, "").as_bytes());
        sandbox.shown().iter().any(|line| line["asked"].is_object())
    });
    let before = sandbox.shown().len();
    let output = command.arg(sandbox.at("socket")).arg(sandbox.at("outbox")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{name}: {said} {}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "accepted: device.error",
        "refused: subsystem has to be one of ",
        "[attribute subsystem, nearest generator]",
        "notice: ",
        "(answered)",
        "the vendor asks for a support bundle: CASE-1042 error",
    ] {
        assert!(said.contains(part), "{name}: {part}: {said}");
    }
    until("the file in the outbox is shown", || {
        sandbox.shown()[before..].iter().any(|line| line["event"] == "exposure.failed")
    });
    let of_file = sandbox.shown().into_iter().find(|line| line["event"] == "exposure.failed").unwrap();
    assert_eq!((&of_file["accepted"], &of_file["line"]), (&json!(true), &json!(1)), "{name}");
    assert_eq!(sandbox.interrupt(), Some(0));
}

fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/integrator/samples").join(path)
}

/// Runs a compiler, whose success it asserts.
fn compile(compiler: &mut Command) {
    let output = compiler.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !words.contains("warning"), "{words}");
}

#[test]
fn the_sample_in_python_reports() {
    a_sample_reports("Python", |_| {
        let mut command = Command::new("python3");
        command.arg(sample("python/report.py"));
        peer::has("python3").then_some(command)
    });
}

#[test]
fn the_sample_in_cpp_reports() {
    a_sample_reports("C++", |built| {
        if !peer::has("g++") {
            return None;
        }
        let program = built.join("report");
        compile(
            Command::new("g++")
                .args(["-std=c++17", "-Wall", "-Wextra", "-o"])
                .arg(&program)
                .arg(sample("cpp/report.cpp")),
        );
        Some(Command::new(program))
    });
}

#[test]
fn the_sample_in_csharp_reports() {
    a_sample_reports("C#", |built| {
        if !peer::has("mcs") || !peer::has("mono") {
            return None;
        }
        let program = built.join("Report.exe");
        let out = format!("-out:{}", program.display());
        compile(
            Command::new("mcs")
                .args(["-r:System.Runtime.Serialization", &out])
                .arg(sample("csharp/Report.cs")),
        );
        let mut command = Command::new("mono");
        command.arg(program);
        Some(command)
    });
}

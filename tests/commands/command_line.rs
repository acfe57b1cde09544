//! The command line keeps what other programs and people rely on: exit codes, JSON shapes, and no word of
//! content in what it prints.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const ERROR: [&str; 6] =
    ["record", "device.error", "code=31337", "subsystem=collimator", "severity=stop", "repeats=2"];

/// A workstation of its own.
struct Machine {
    dir: tempfile::TempDir,
    config: PathBuf,
}

/// What a command left behind.
struct Done {
    exit: i32,
    out: String,
    err: String,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = dir.path().join("agent.toml");
        let path = |name: &str| Value::from(dir.path().join(name).to_string_lossy()).to_string();
        let socket = if cfg!(windows) {
            Value::from(format!(r"\\.\pipe\kathea-test-{}", std::process::id())).to_string()
        } else {
            path("kathea.sock")
        };
        let text = format!(
            "data_dir = {}\n[kathea]\noutbox = {}\nsocket = {socket}\nuser = \"\"\n[collector]\nca = {}\n\
             [consent]\ngroup = \"\"\n[keys]\nprotector = \"file\"\n",
            path("data"),
            path("outbox"),
            path("ca.pem"),
        );
        fs::create_dir(dir.path().join("outbox")).expect("an outbox");
        fs::write(&config, text).expect("a configuration");
        Self { dir, config }
    }

    fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kathea-agent"));
        command.args(arguments).arg("--config").arg(&self.config);
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Done {
        finish(&mut self.command(arguments))
    }

    fn json(&self, command: &str) -> Value {
        let done = self.run(command.split(' '));
        serde_json::from_str(&done.out).expect(command)
    }

    fn say_yes(&self) -> Done {
        let shown = self.json("consent show usage_statistics --json");
        let digest = shown["digest"].as_str().expect("a digest");
        self.run(["consent", "grant", "usage_statistics", "--by", "owner", "--yes", &digest[..16]])
    }
}

fn finish(command: &mut Command) -> Done {
    let output = command.output().expect("the program starts");
    Done {
        exit: output.status.code().expect("an exit code"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

#[test]
fn every_command_has_its_help() {
    let machine = Machine::new();
    let commands = [
        "run",
        "status",
        "record",
        "consent",
        "consent list",
        "consent show",
        "consent grant",
        "consent deny",
        "consent withdraw",
        "consent verify",
        "catalog",
        "enroll",
        "doctor",
    ];
    for command in commands {
        let done = machine.run(command.split(' ').chain(["--help"]));
        assert_eq!(done.exit, 0, "{command}");
        assert!(done.out.contains(&format!("Usage: kathea-agent {command}")), "{command}\n{}", done.out);
        assert!(done.out.contains("--config <FILE>"), "{command}");
    }
    let version = machine.run(["--version"]);
    assert_eq!(
        (version.exit, version.out.as_str()),
        (0, concat!("kathea-agent ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn what_makes_no_sense_ends_with_2_and_names_the_nearest() {
    let machine = Machine::new();
    assert_eq!(machine.run(["statsu"]).exit, 2);
    assert_eq!(machine.run(["consent", "deny", "usage"]).exit, 2);
    assert_eq!(machine.run(["record", "device.eror"]).exit, 2);

    fs::write(&machine.config, "[collector]\nproxxy = \"http://user:secret@proxy\"\n").unwrap();
    let done = machine.run(["status"]);
    assert_eq!(done.exit, 2);
    assert!(done.err.contains("`collector.proxy`") && !done.err.contains("secret"), "{}", done.err);
    fs::remove_file(&machine.config).unwrap();
    assert_eq!(machine.run(["status"]).exit, 2);
    assert_eq!(machine.run(["catalog", "--format", "json"]).exit, 0, "needs no configuration");
}

#[test]
fn json_has_its_documented_shapes() {
    let machine = Machine::new();
    let status = machine.json("status --json");
    for key in [
        "version",
        "device",
        "enrolled",
        "service",
        "policy",
        "consent",
        "cases",
        "waiting",
        "sent",
        "dropped",
        "bundles",
        "keys",
        "disk_bytes",
        "problems",
    ] {
        assert!(status.get(key).is_some(), "{key}");
    }
    assert_eq!((&status["service"], &status["keys"]), (&"stopped".into(), &"file".into()));
    assert_eq!(machine.json("consent list --json")["consent"], status["consent"]);
    let shown = machine.json("consent show usage_statistics --json");
    assert!(["da", "en"].iter().all(|language| shown["text"][language].is_string()), "{shown}");
    let checks = machine.json("doctor --json --offline");
    let check = &checks.as_array().expect("a list")[0];
    assert!(["check", "result", "what", "remedy"].iter().all(|key| check[key].is_string()), "{check}");
    assert_eq!(machine.run(["doctor", "--offline"]).exit, 1, "the CA is missing");
    assert_eq!(machine.run(["status", "--check"]).exit, 1, "the same is a problem");
    assert_eq!(machine.json("catalog --format json")["entries"].as_array().map(Vec::len), Some(40));
}

#[test]
fn consent_decides_what_a_command_may() {
    let machine = Machine::new();
    assert_eq!(machine.run(ERROR).exit, 4, "nobody said yes");
    let wrong = ["consent", "grant", "usage_statistics", "--by", "owner", "--yes", "0123456789abcdef"];
    assert_eq!(machine.run(wrong).exit, 4, "that was not shown");
    assert_eq!(machine.say_yes().exit, 0);
    assert_eq!(machine.run(ERROR).exit, 0);
    assert_eq!(machine.run(["record", "device.error", "code=x"]).exit, 1);
    assert_eq!(machine.run(["consent", "verify"]).exit, 0);
    assert_eq!(machine.json("status --json")["waiting"]["usage"]["records"], 1);
    assert_eq!(machine.run(["run", "--once"]).exit, 3, "not enrolled: something remains");
    assert_eq!(machine.run(["consent", "withdraw", "usage_statistics"]).exit, 0);
    assert_eq!(machine.run(ERROR).exit, 4);
}

#[test]
fn a_quota_that_would_drop_almost_everything_is_refused_at_the_start_and_a_no_is_not() {
    let machine = Machine::new();
    assert_eq!((machine.say_yes().exit, machine.run(ERROR).exit), (0, 0));
    let text = fs::read_to_string(&machine.config).unwrap();
    fs::write(&machine.config, format!("{text}[spool]\nquota = \"3 MiB\"\n")).unwrap();
    for run in [&["run"][..], &["run", "--once"]] {
        let Done { exit, err, .. } = machine.run(run);
        assert!(exit == 2 && err.contains("quota") && err.contains("16 MiB"), "{exit}: {err}");
    }
    assert_eq!(machine.json("status --json")["waiting"]["usage"]["records"], 1, "nothing was dropped");
    assert_eq!(machine.run(["consent", "withdraw", "usage_statistics"]).exit, 0);
}

#[test]
fn a_held_lock_ends_with_5() {
    let machine = Machine::new();
    assert_eq!(machine.run(["status"]).exit, 0);
    let lock = File::open(machine.dir.path().join("data").join("lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(machine.run(["status"]).exit, 5);
    drop(lock);
    assert_eq!(machine.run(["status"]).exit, 0);
}

#[test]
fn a_running_agent_answers_for_its_data() {
    struct Ends(Child);
    impl Drop for Ends {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let machine = Machine::new();
    let _service = Ends(machine.command(["run"]).stderr(Stdio::null()).spawn().unwrap());
    let started = Instant::now();
    let socket = machine.dir.path().join("kathea.sock");
    while cfg!(unix) && !socket.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "the agent opens its socket");
        std::thread::yield_now();
    }
    assert_eq!(machine.json("status --json")["service"], "running");
    assert_eq!(machine.say_yes().exit, 0);
    assert_eq!(machine.run(ERROR).exit, 0);
    assert_eq!(machine.json("status --json")["waiting"]["usage"]["records"], 1);
    assert_eq!(machine.run(["run", "--once"]).exit, 5, "its data is in use");
}

#[test]
fn no_log_line_carries_content() {
    let machine = Machine::new();
    assert_eq!(machine.say_yes().exit, 0);
    let trace = |arguments: &[&str]| finish(machine.command(arguments).env("RUST_LOG", "trace"));
    let mut printed = trace(&ERROR).err;
    let line =
        r#"{"event":"device.error","at":"2126-01-01T00:00:00Z","code":31337,"subsystem":"collimator","#;
    fs::write(machine.dir.path().join("outbox").join("a.ndjson"), format!("{line}\n")).unwrap();
    printed += &trace(&["run", "--once"]).err;
    assert!(printed.contains("agent"), "trace is on: {printed}");
    for word in ["device.error", "31337", "collimator", "2126"] {
        assert!(!printed.contains(word), "{word} in\n{printed}");
    }
}

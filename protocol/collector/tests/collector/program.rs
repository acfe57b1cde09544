//! A collector in a temporary directory, ended with the test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use protocol::DeviceId;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::device::{Device, batch};
use crate::{engine, rows, stored};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kathea-collector");

pub(crate) struct Collector {
    data: PathBuf,
    /// Removed with it, if it is the test's own.
    _dir: Option<TempDir>,
    serving: Child,
    pub(crate) url: String,
    /// Where health and metrics are, if the configuration says so.
    pub(crate) operations: Option<String>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The age identity is put beside it.
        let data = dir.path().join("collector");
        run(&data, "init", &[]);
        engine::choose(&data);
        let mut collector = Self::at(data);
        collector._dir = Some(dir);
        collector
    }

    /// One whose store is in PostgreSQL, by this URL.
    pub(crate) fn in_postgres(url: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        run(&data, "init", &[]);
        engine::configure(&data, url, more);
        let mut collector = Self::at(data);
        collector._dir = Some(dir);
        collector
    }

    /// A front of a store that others serve too, with the authority of `other` if there is one before it.
    pub(crate) fn front(other: Option<&Path>, first: &str, url: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        make_front(&data, other);
        engine::configure_with(&data, first, url, more);
        let mut collector = Self::at(data);
        collector._dir = Some(dir);
        collector
    }

    /// What `path` of its operations says.
    pub(crate) fn asks(&self, path: &str) -> (u16, String) {
        use std::io::{Read, Write};
        let address = self.operations.as_ref().unwrap().strip_prefix("http://").unwrap();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: operations\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// On a data directory that is there.
    pub(crate) fn at(data: PathBuf) -> Self {
        let (serving, url, operations) = serve(&data);
        Self { data, _dir: None, serving, url, operations }
    }

    /// On a data directory that may be too damaged to be served.
    pub(crate) fn try_at(data: PathBuf) -> Option<Self> {
        let (serving, url, operations) = try_serve(&data)?;
        Some(Self { data, _dir: None, serving, url, operations })
    }

    /// One that held a batch and was ended.
    pub(crate) fn ended() -> Self {
        let mut collector = Self::start();
        let device = Device::enrolled(&collector);
        let consent = device.grant(&collector);
        assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
        collector.end();
        collector
    }

    /// Sends it a signal.
    pub(crate) fn tell(&self, signal: &str) {
        test_support::signal(self.serving.id(), signal);
    }

    /// Ends it as a service manager does.
    pub(crate) fn end(&mut self) {
        self.tell("TERM");
        assert!(self.serving.wait().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.serving.kill().unwrap();
        self.serving.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        (self.serving, self.url, self.operations) = serve(&self.data);
    }

    /// Ends it as a power cut of the process does, and starts it again on another port.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn serving(&mut self) -> &mut Child {
        &mut self.serving
    }

    /// The bytes of a bundle that `bundles` lists, as they are handed on.
    pub(crate) fn bundle(&self, listed: &Json) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bundle.age");
        let args = ["get", listed["id"].as_str().unwrap(), file.to_str().unwrap()];
        run(&self.data, "bundles", &[&args[..], &["--to", "Example Vendor", "--why", "support"]].concat());
        std::fs::read(file).unwrap()
    }

    pub(crate) fn token(&self) -> String {
        let output = run(&self.data, "token", &[]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs a command that must succeed, and reads its lines of JSON.
    pub(crate) fn lines(&self, command: &str, args: &[&str]) -> Vec<Json> {
        let output = run(&self.data, command, args);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Collector {
    /// Runs a command that must succeed; its lines.
    pub(crate) fn lines_of_text(&self, command: &str, args: &[&str]) -> Vec<String> {
        let text = String::from_utf8(run(&self.data, command, args).stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What a command that looks for damage found; it ends with 1 if there is something.
    pub(crate) fn findings(&self, command: &str) -> Vec<Json> {
        let output = attempt(&self.data, command, &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())), "{found:?} {said}");
        found
    }

    /// Runs a command that must fail, and says what it said.
    pub(crate) fn fails(&self, command: &str, args: &[&str]) -> String {
        let output = attempt(&self.data, command, args);
        assert!(!output.status.success(), "{command}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Moves the batches of a device back by so many days, as if they had come then.
    pub(crate) fn age(&self, device: DeviceId, days: i64) {
        let statement = format!(
            "UPDATE envelope SET received = received - {days} * 86400000000 WHERE {}",
            rows::of(device)
        );
        assert!(stored::execute(self.data(), &statement) > 0);
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// Runs a command on a data directory, whatever becomes of it.
pub(crate) fn attempt(data: &Path, command: &str, args: &[&str]) -> Output {
    let mut program = Command::new(PROGRAM);
    program.arg(command).arg("--data").arg(data).args(engine::options(data)).args(args);
    program.args(of_use(command, args)).output().unwrap()
}

/// For whom a test exports, where it does not say so.
fn of_use(command: &str, args: &[&str]) -> &'static [&'static str] {
    let is_said = args.iter().any(|arg| ["--losses", "--to", "--why", "--help"].contains(arg));
    if command == "export" && !is_said { &["--to", "Example Vendor", "--why", "audit"] } else { &[] }
}

/// Keeps the key store of a collector, and what opens it, for when it is gone.
pub(crate) fn keep(collector: &Collector, at: &Path) {
    copy(&collector.data().join("keys"), &at.join("keys"));
    std::fs::copy(
        collector.data().with_file_name("collector-seal-key"),
        at.with_file_name("collector-seal-key"),
    )
    .unwrap();
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (source, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if source.is_dir() {
            copy(&source, &to.join(name))
        } else {
            assert!(std::fs::copy(&source, to.join(name)).is_ok())
        }
    }
}

/// Restores a backup of the collector of the data directory `before` into a new one, with its key store.
pub(crate) fn restore(before: &Path, backup: &Path, data: &Path, more: &[&str]) -> Output {
    let (keys, seal_key) = (before.join("keys"), before.with_file_name("collector-seal-key"));
    let mut args = vec!["--from", backup.to_str().unwrap()];
    if keys.exists() {
        args.extend(["--keys", keys.to_str().unwrap(), "--seal-key", seal_key.to_str().unwrap()]);
    }
    args.extend(more);
    attempt(data, "restore", &args)
}

fn run(data: &Path, command: &str, args: &[&str]) -> Output {
    let output = attempt(data, command, args);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a server says that must not start.
pub(crate) fn serve_fails(data: &Path) -> String {
    let output = attempt(data, "serve", &["--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Makes a data directory; with the authority of another front, and a server certificate of its own.
pub(crate) fn make_front(data: &Path, other: Option<&Path>) {
    let Some(other) = other else { return drop(run(data, "init", &[])) };
    std::fs::create_dir(data).unwrap();
    for name in ["ca.pem", "ca-key.pem"] {
        std::fs::copy(other.join(name), data.join(name)).unwrap();
    }
    run(data, "server-cert", &["--new-key", "--host", "127.0.0.1"]);
}

fn serve(data: &Path) -> (Child, String, Option<String>) {
    try_serve(data).unwrap()
}

fn try_serve(data: &Path) -> Option<(Child, String, Option<String>)> {
    let mut serving = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(engine::options(data))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let Some(url) = line.trim_end().strip_prefix("listening ") else {
        assert!(!serving.wait().unwrap().success());
        return None;
    };
    let mut operations = None;
    if let Ok(text) = std::fs::read_to_string(data.with_extension("toml"))
        && text.contains("[operations]")
    {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        operations = line.trim_end().strip_prefix("operations ").map(str::to_owned);
    }
    Some((serving, url.to_owned(), operations))
}

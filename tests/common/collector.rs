//! The vendor's end: a collector in a temporary directory, ended with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

pub(crate) struct Collector {
    dir: TempDir,
    data: PathBuf,
    serving: Child,
    address: SocketAddr,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The age identity is put beside it.
        let data = dir.path().join("collector");
        run(&data, "init", &[]);
        let (serving, address) = serve(&data);
        Self { dir, data, serving, address }
    }

    /// Ends it and goes on with what this backup holds, at another address. The log is lost of what came later.
    pub(crate) fn restore(&mut self, backup: &Path) {
        self.serving.kill().unwrap();
        self.serving.wait().unwrap();
        let (keys, seal_key) = (self.data.join("keys"), self.dir.path().join("collector-seal-key"));
        // One to which nothing was ever written is not there.
        let _ = std::fs::remove_file(keys.join("log"));
        self.data = self.dir.path().join("restored");
        let args = [("--from", backup), ("--keys", &keys), ("--seal-key", &seal_key)];
        let args = args.iter().flat_map(|(name, path)| [*name, path.to_str().unwrap()]);
        run(&self.data, "restore", &args.chain(["--without-log"]).collect::<Vec<_>>());
        (self.serving, self.address) = serve(&self.data);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data directory: authority, server's key, everything received.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The private key that opens its bundles.
    pub(crate) fn age_identity(&self) -> PathBuf {
        self.dir.path().join("collector-age-identity.txt")
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.data.join("ca.pem")
    }

    /// A one-time token.
    pub(crate) fn token(&self) -> String {
        String::from_utf8(run(&self.data, "token", &[]).stdout).unwrap().trim().to_owned()
    }

    /// Runs a command that must succeed.
    pub(crate) fn command(&self, command: &str, args: &[&str]) {
        run(&self.data, command, args);
    }

    /// Runs a command; if it fails, what it said.
    pub(crate) fn try_command(&self, command: &str, args: &[&str]) -> Result<(), String> {
        let mut program = Command::new(program());
        let output = program.arg(command).arg("--data").arg(&self.data).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }

    /// Runs a command that must succeed, and reads its lines of JSON.
    pub(crate) fn lines(&self, command: &str, args: &[&str]) -> Vec<Json> {
        let output = run(&self.data, command, args);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Copies a bundle that `bundles` lists to a file.
    pub(crate) fn hand_on(&self, listed: &Json, file: &Path) {
        let id = listed["id"].as_str().unwrap();
        self.command(
            "bundles",
            &["get", id, file.to_str().unwrap(), "--to", "Example Vendor", "--why", "support"],
        );
    }

    /// Every record that it holds.
    pub(crate) fn export(&self) -> Vec<Json> {
        self.lines("export", &["--to", "Example Vendor", "--why", "audit"])
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// The example `collector`, which cargo builds before it runs tests; alone with `cargo build --example collector`. Another
/// program, such as an older version's, with `COLLECTOR_PROGRAM`.
pub(crate) fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("COLLECTOR_PROGRAM") {
        return program.into();
    }
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    profile.join("examples").join(format!("collector{}", std::env::consts::EXE_SUFFIX))
}

fn serve(data: &Path) -> (Child, SocketAddr) {
    let mut serving = Command::new(program())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening https://").unwrap().parse().unwrap();
    (serving, address)
}

fn run(data: &Path, command: &str, args: &[&str]) -> Output {
    let output = Command::new(program()).arg(command).arg("--data").arg(data).args(args).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

//! A clinic's workstation: the agent's program with a configuration, an outbox and a data directory of its own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

use super::collector::Collector;
use super::{peer, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kathea-agent");

pub(crate) struct Workstation {
    dir: TempDir,
}

impl Workstation {
    /// One whose collector is at `url` (`https://host:port`), under the authority in `ca`.
    pub(crate) fn new(url: &str, ca: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["outbox", "tmp"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let at = |name| dir.path().join(name).to_str().unwrap().to_owned();
        let text = format!(
            "data_dir = {:?}\n[kathea]\noutbox = {:?}\nlogs = []\nscans = []\nsocket = {:?}\nuser = \"\"\n\
             [collector]\nurl = {url:?}\nca = {ca:?}\n[consent]\ngroup = \"\"\nforbid = false\n\
             [ship]\ninterval = \"0s\"\nrate = \"1 GiB/s\"\n[keys]\nprotector = \"file\"\n",
            at("data"),
            at("outbox"),
            at("kathea.sock"),
        );
        fs::write(dir.path().join("agent.toml"), text).unwrap();
        Self { dir }
    }

    /// One that is enrolled, with a yes to usage statistics, which the collector reaches at `url`.
    pub(crate) fn granted(collector: &Collector, url: &str) -> Self {
        let workstation = Self::new(url, &collector.ca());
        workstation.enroll(&collector.token());
        workstation.grant();
        workstation
    }

    /// Replaces a part of the configuration.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let path = self.config();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("agent.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn outbox(&self) -> PathBuf {
        self.dir.path().join("outbox")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("kathea.sock")
    }

    /// Files that lie in the outbox.
    pub(crate) fn in_outbox(&self) -> usize {
        fs::read_dir(self.outbox()).unwrap().count()
    }

    /// Leaves a file in the outbox as Kathea does: under another name, then renamed.
    pub(crate) fn leave(&self, name: &str, text: impl AsRef<[u8]>) {
        let written = self.path().join(name);
        fs::write(&written, text).unwrap();
        fs::rename(written, self.outbox().join(name)).unwrap();
    }

    /// The agent with these arguments; what it would log is up to the test.
    pub(crate) fn agent(&self, args: &[&str]) -> Command {
        let mut agent = Command::new(std::env::var_os("AGENT_PROGRAM").unwrap_or_else(|| PROGRAM.into()));
        agent.arg("--config").arg(self.config()).args(args);
        // Help is wrapped for a terminal where another package of the build asks for that: here it never is.
        agent.env("COLUMNS", "100000");
        agent.env("TMPDIR", self.path().join("tmp")).env_remove("RUST_LOG").stdin(Stdio::null());
        agent
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.agent(args).output().unwrap()
    }

    /// Runs it to its end, which must be this exit code, and gives its standard output.
    pub(crate) fn expect(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, args: &[&str]) -> Json {
        serde_json::from_str(&self.expect(0, args)).unwrap()
    }

    pub(crate) fn status(&self) -> Json {
        self.json(&["status", "--json"])
    }

    /// Runs it on another day, as `faketime` understands it.
    pub(crate) fn on(&self, day: &str, args: &[&str]) -> Output {
        peer::at(day, self.agent(args)).output().unwrap()
    }

    pub(crate) fn json_on(&self, day: &str, args: &[&str]) -> Json {
        let Output { status, stdout, stderr } = self.on(day, args);
        let said = String::from_utf8_lossy(&stderr);
        assert!(!stdout.is_empty(), "{args:?} on {day}: {status}, {said}");
        serde_json::from_slice(&stdout).unwrap()
    }

    pub(crate) fn status_on(&self, day: &str) -> Json {
        self.json_on(day, &["status", "--json"])
    }

    /// How many key files there are of a purpose.
    pub(crate) fn keys(&self, of: &str) -> usize {
        let names = fs::read_dir(self.data().join("keys")).unwrap().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with(of)).count()
    }

    /// How often something was dropped for this reason.
    pub(crate) fn dropped(&self, reason: &str) -> u64 {
        self.status()["dropped"][reason].as_u64().unwrap_or(0)
    }

    pub(crate) fn enroll(&self, token: &str) {
        let file = self.path().join("token");
        fs::write(&file, token).unwrap();
        self.expect(0, &["enroll", "--token-file", file.to_str().unwrap()]);
    }

    pub(crate) fn grant(&self) {
        let shown = self.json(&["consent", "show", "usage_statistics", "--json"]);
        let digest = shown["digest"].as_str().unwrap();
        self.expect(0, &["consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest]);
    }

    /// Starts it, without words.
    pub(crate) fn start(&self, args: &[&str]) -> Service {
        Service::started(self.agent(args))
    }

    /// Starts the service, and waits until it listens.
    pub(crate) fn serve(&self) -> Service {
        self.serve_by(self.agent(&["run"]))
    }

    /// Likewise, by a command that ends in the service.
    pub(crate) fn serve_by(&self, command: Command) -> Service {
        let service = Service::started(command);
        until("the service listens", || UnixStream::connect(self.socket()).is_ok());
        service
    }
}

/// A process that does not outlive its test.
pub(crate) struct Service(Child);

impl Service {
    /// Without words.
    fn started(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it ended of itself.
    pub(crate) fn ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// The exit code that it ended with.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.0.try_wait().unwrap()?.code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

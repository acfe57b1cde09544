//! A collector, an agent and their folders, in one directory. Both programs are this one, started again.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::case::Places;
use crate::relay::Relay;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) const AGENT: &str = "__agent";
pub(crate) const COLLECTOR: &str = "__collector";

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Stage {
    pub(crate) outbox: PathBuf,
    /// The agent's.
    pub(crate) data: PathBuf,
    pub(crate) relay: Relay,
    collector: PathBuf,
    config: PathBuf,
    socket: PathBuf,
    _serves: Running,
}

/// A program in the background; it ends with the value, hard.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// The most memory that it had at a time, in bytes, where the system tells.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

impl Stage {
    /// Sets up a collector that serves, and the configuration of an agent that is not enrolled yet.
    pub(crate) fn set(dir: &Path, places: &Places) -> Result<Self> {
        let [collector, data, outbox] = ["collector", "agent", "outbox"].map(|name| dir.join(name));
        fs::create_dir_all(&outbox)?;
        run(COLLECTOR, ["init".as_ref(), "--data".as_ref(), collector.as_os_str()])?;
        let (serves, address) = serve(&collector)?;
        let relay = Relay::start(address)?;
        let socket = if cfg!(windows) {
            format!(r"\\.\pipe\kathea-demo-{}", std::process::id()).into()
        } else {
            dir.join("kathea.sock")
        };
        let config = dir.join("agent.toml");
        // What the collector wrote for its agents, but through the relay.
        let given = fs::read_to_string(collector.join("agent.toml"))?;
        let support = given.find("[support]").and_then(|at| given.get(at..)).unwrap_or_default();
        let text = format!(
            "data_dir = {}\n\n[kathea]\noutbox = {}\nlogs = [{}]\nscans = [{}]\nsocket = {}\nuser = \"\"\n\n[collector]\nurl = \"https://{}\"\n\
             ca = {}\n\n[consent]\ngroup = \"\"\n\n[keys]\nprotector = \"file\"\n\n{support}",
            quoted(&data),
            quoted(&outbox),
            quoted(&places.logs),
            quoted(&places.scans),
            quoted(&socket),
            relay.address,
            quoted(&collector.join("ca.pem")),
        );
        fs::write(&config, text)?;
        Ok(Self { outbox, data, relay, collector, config, socket, _serves: serves })
    }

    /// A token of the collector, redeemed by the agent. Returns the device.
    pub(crate) fn enroll(&self) -> Result<String> {
        let file = self.config.with_file_name("token.txt");
        fs::write(&file, self.collector(&["token"])?)?;
        self.agent(&["enroll", "--token-file", &file.to_string_lossy()])?;
        Ok(self.status()?["device"].as_str().unwrap_or_default().to_owned())
    }

    /// Runs one command of the agent; its standard output.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Result<String> {
        let config = ["--config".as_ref(), self.config.as_os_str()];
        run(AGENT, arguments.iter().map(AsRef::as_ref).chain(config))
    }

    pub(crate) fn agent_json(&self, arguments: &[&str]) -> Result<Value> {
        Ok(serde_json::from_str(&self.agent(arguments)?)?)
    }

    pub(crate) fn status(&self) -> Result<Value> {
        self.agent_json(&["status", "--json"])
    }

    /// Runs one command of the collector; its standard output.
    pub(crate) fn collector(&self, arguments: &[&str]) -> Result<String> {
        let data = ["--data".as_ref(), self.collector.as_os_str()];
        run(COLLECTOR, arguments.iter().map(AsRef::as_ref).chain(data))
    }

    /// The private key that opens the collector's bundles, which `init` put beside its directory.
    pub(crate) fn age_identity(&self) -> PathBuf {
        self.collector.with_file_name("collector-age-identity.txt")
    }

    /// The agent as a service.
    pub(crate) fn service(&self) -> Result<Running> {
        if cfg!(unix) {
            let _ = fs::remove_file(&self.socket);
        }
        let mut command = program(AGENT)?;
        command.args(["run", "--config"]).arg(&self.config).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running(command.spawn()?);
        wait_until("the agent to open its socket", || self.socket.exists())?;
        Ok(running)
    }

    /// Complete files that the agent has not taken yet.
    pub(crate) fn waiting_files(&self) -> usize {
        let files = fs::read_dir(&self.outbox).into_iter().flatten().flatten();
        files.filter(|file| file.path().extension().is_some_and(|ending| ending == "ndjson")).count()
    }
}

fn serve(collector: &Path) -> Result<(Running, SocketAddr)> {
    let mut command = program(COLLECTOR)?;
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(collector);
    let mut serves = Running(command.stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(serves.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening https://").ok_or("the collector does not listen")?;
    Ok((serves, address.parse()?))
}

fn program(role: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role).stdin(Stdio::null()).env_remove("RUST_LOG");
    Ok(command)
}

fn run<'a>(role: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<String> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let Output { status, stdout, stderr } = program(role)?.args(&arguments).output()?;
    if !status.success() {
        let words = String::from_utf8_lossy(&stderr);
        let what = arguments.first().copied().unwrap_or_default().to_string_lossy();
        return Err(format!("`{what}` ended with {status}: {}", words.trim()).into());
    }
    Ok(String::from_utf8(stdout)?)
}

/// Looks again and again; there is nothing else to wait for in another process.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    while !is_so() {
        if started.elapsed() > PATIENCE {
            return Err(format!("waited too long for {what}").into());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// A TOML basic string. What JSON escapes, TOML reads the same.
fn quoted(path: &Path) -> String {
    Value::from(path.to_string_lossy()).to_string()
}

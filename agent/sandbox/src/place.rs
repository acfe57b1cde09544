//! The temporary place: a collector, an agent that is enrolled with it, and a consent. Everything ends with the value.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use agent::api::Reply;
use agent::api::consent::Notice;
use agent::api::status::Status;
use agent::collect::socket;
use agent::presence::Why;
use protocol::CaseId;
use tempfile::TempDir;
use time::OffsetDateTime;

/// The roles in which this program starts itself; each ends with its standard input.
pub(crate) const AGENT: &str = "__agent";
pub(crate) const COLLECTOR: &str = "__collector";
/// Before a role: the process lives as long as its standard input is open, so that it never outlives the sandbox.
pub(crate) const BESIDE: &str = "__beside";

/// Longest wait for a part of the sandbox to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a Unix socket's path that every system takes (unix(7)).
const SOCKET_PATH: usize = 100;

/// Everything that the sandbox made.
pub(crate) struct Place {
    /// Where the integrator's program connects.
    pub(crate) socket: PathBuf,
    /// Where it leaves files.
    pub(crate) outbox: PathBuf,
    /// For the agent's own commands.
    pub(crate) config: PathBuf,
    /// The real agent's.
    pub(crate) agents_socket: PathBuf,
    pub(crate) agents_outbox: PathBuf,
    /// A moment before the consent, seconds since 1970: what happened before it is refused.
    pub(crate) granted: i64,
    serving: Vec<Beside>,
    dir: TempDir,
}

/// A process that lives as long as this value: its standard input is open so long.
struct Beside {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Place {
    /// Sets everything up. With `ask` the vendor asks for a support bundle of that case.
    pub(crate) fn set_up(ask: Option<&CaseId>) -> Result<Self, String> {
        let dir = tempfile::Builder::new().prefix("kathea-sandbox-").tempdir().map_err(|e| {
            format!(
                "no temporary folder can be made ({}): free some space, or set TMPDIR to a folder of yours",
                Why(e.kind())
            )
        })?;
        let at = |name: &str| dir.path().join(name);
        let (socket, agents_socket) = if cfg!(windows) {
            let pipe = |name| PathBuf::from(format!(r"\\.\pipe\kathea-{name}-{}", std::process::id()));
            (pipe("sandbox"), pipe("sandbox-agent"))
        } else {
            (at("kathea.sock"), at("agent.sock"))
        };
        if !cfg!(windows) && socket.as_os_str().len() > SOCKET_PATH {
            return Err("the temporary folder's path is too long for a socket: set TMPDIR=/tmp".to_owned());
        }
        let (outbox, agents_outbox, config) = (at("outbox"), at("agents-outbox"), at("agent.toml"));
        for folder in [&outbox, &agents_outbox] {
            fs::create_dir(folder).map_err(|e| unwritten(folder, &e))?;
        }
        let collector = at("collector");
        run(COLLECTOR, ["init".as_ref(), "--data".as_ref(), collector.as_os_str()])?;
        let (serving, url) = serve(&collector)?;
        let mut place = Self {
            socket,
            outbox,
            config,
            agents_socket,
            agents_outbox,
            granted: OffsetDateTime::now_utc().unix_timestamp(),
            serving: vec![serving],
            dir,
        };
        place.configure(&collector, &url)?;
        let token = place.dir.path().join("token");
        let text = run(COLLECTOR, ["token".as_ref(), "--data".as_ref(), collector.as_os_str()])?;
        fs::write(&token, text).map_err(|e| unwritten(&token, &e))?;
        place.agent(["enroll".as_ref(), "--token-file".as_ref(), token.as_os_str()])?;
        place.grant()?;
        if let Some(case) = ask {
            let device = place.status_of_command()?.device.to_string();
            let words = ["ask", "--device", &device, "--case", case.as_str(), "--reason", "error", "--data"];
            run(COLLECTOR, words.iter().map(OsStr::new).chain([collector.as_os_str()]))?;
        }
        place.start_agent()?;
        Ok(place)
    }

    /// The agent's status, if it answers.
    pub(crate) fn status(&self) -> Option<Status> {
        let answer = socket::ask(&self.agents_socket, r#"{"request":"status"}"#, PATIENCE).ok()?;
        Reply::parse(&answer)?.read()
    }

    /// Ends both programs and removes everything.
    pub(crate) fn remove(self) -> Result<(), String> {
        let Self { serving, dir, .. } = self;
        drop(serving);
        let path = dir.path().to_owned();
        dir.close().map_err(|e| {
            format!("{} cannot be removed ({}): remove it by hand", path.display(), Why(e.kind()))
        })
    }

    fn configure(&self, collector: &Path, url: &str) -> Result<(), String> {
        let shipped = collector.join("agent.toml");
        let given = fs::read_to_string(&shipped).map_err(|e| unwritten(&shipped, &e))?;
        // The key to which bundles are sealed.
        let support = given.find("[support]").and_then(|at| given.get(at..)).unwrap_or_default();
        let text = format!(
            "data_dir = {}\n\n[kathea]\noutbox = {}\nlogs = []\nscans = []\nsocket = {}\nuser = \"\"\n\n\
             [collector]\nurl = {}\nca = {}\n\n[consent]\ngroup = \"\"\n\n[ship]\ninterval = \"0s\"\n\n\
             [keys]\nprotector = \"file\"\n\n{support}",
            quoted(&self.dir.path().join("agent")),
            quoted(&self.agents_outbox),
            quoted(&self.agents_socket),
            quoted(Path::new(url)),
            quoted(&collector.join("ca.pem")),
        );
        fs::write(&self.config, text).map_err(|e| unwritten(&self.config, &e))
    }

    fn grant(&self) -> Result<(), String> {
        let shown = self.agent(["consent", "show", "usage_statistics", "--json"].map(OsStr::new))?;
        let notice: Notice =
            serde_json::from_str(&shown).map_err(|_| "the agent's notice is not understood".to_owned())?;
        let digest = notice.digest.to_string();
        let yes = ["consent", "grant", "usage_statistics", "--by", "owner", "--yes", &digest];
        self.agent(yes.map(OsStr::new)).map(drop)
    }

    fn status_of_command(&self) -> Result<Status, String> {
        let text = self.agent(["status", "--json"].map(OsStr::new))?;
        serde_json::from_str(&text).map_err(|_| "the agent's status is not understood".to_owned())
    }

    /// One command of the agent; its standard output.
    fn agent<'a>(&'a self, words: impl IntoIterator<Item = &'a OsStr>) -> Result<String, String> {
        run(AGENT, words.into_iter().chain(["--config".as_ref(), self.config.as_os_str()]))
    }

    fn start_agent(&mut self) -> Result<(), String> {
        let words = ["run".as_ref(), "--config".as_ref(), self.config.as_os_str()];
        self.serving.push(beside(AGENT, &words, Stdio::null())?);
        let started = Instant::now();
        while self.status().is_none() {
            if started.elapsed() > PATIENCE {
                return Err("the agent did not start within a minute: is the disk full?".to_owned());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Starts the collector on a free port of this computer; its URL.
fn serve(data: &Path) -> Result<(Beside, String), String> {
    let words =
        ["serve".as_ref(), "--listen".as_ref(), "127.0.0.1:0".as_ref(), "--data".as_ref(), data.as_os_str()];
    let mut serving = beside(COLLECTOR, &words, Stdio::piped())?;
    let mut line = String::new();
    if let Some(out) = serving.process.stdout.take() {
        // Nothing is read where it failed.
        let _ = BufReader::new(out).read_line(&mut line);
    }
    let url =
        line.trim().strip_prefix("listening ").ok_or("the collector does not start: is the disk full?")?;
    Ok((serving, url.to_owned()))
}

/// Starts this program in a role, for as long as the value lives.
fn beside(role: &str, words: &[&OsStr], out: Stdio) -> Result<Beside, String> {
    let mut command = program()?;
    command.arg(BESIDE).arg(role).args(words).stdin(Stdio::piped()).stdout(out).stderr(Stdio::null());
    // Ctrl-C at the terminal is for the sandbox: it ends the others in their order.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut process =
        command.spawn().map_err(|e| format!("the sandbox cannot start itself again ({})", Why(e.kind())))?;
    let stdin = process.stdin.take();
    Ok(Beside { process, stdin })
}

/// Runs this program in a role to its end; its standard output.
fn run<'a>(role: &str, words: impl IntoIterator<Item = &'a OsStr>) -> Result<String, String> {
    let mut command = program()?;
    command.arg(role).args(words).stdin(Stdio::null());
    let output = command.output();
    let Output { status, stdout, stderr } =
        output.map_err(|e| format!("the sandbox cannot start itself again ({})", Why(e.kind())))?;
    if status.success() {
        String::from_utf8(stdout).map_err(|_| "an answer is no text".to_owned())
    } else {
        Err(String::from_utf8_lossy(&stderr).trim().to_owned())
    }
}

fn program() -> Result<Command, String> {
    let own = std::env::current_exe().map_err(|_| "the sandbox does not find itself".to_owned())?;
    let mut command = Command::new(own);
    command.env_remove("RUST_LOG");
    Ok(command)
}

fn unwritten(path: &Path, e: &std::io::Error) -> String {
    format!("{} cannot be written ({}): free some space", path.display(), Why(e.kind()))
}

/// A TOML basic string. What JSON escapes, TOML reads the same.
fn quoted(path: &Path) -> String {
    serde_json::to_string(&path.to_string_lossy()).unwrap_or_default()
}

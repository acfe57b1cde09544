//! A PostgreSQL server of a test's own, and replicas of it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use test_support::peer;

/// A server of its own in a temporary directory, ended with the test.
pub(crate) struct Server {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) bin: PathBuf,
    pub(crate) port: u16,
    serving: Child,
}

/// The programs of PostgreSQL: `POSTGRES_BIN`, or the newest that the system has.
pub(crate) fn programs() -> Result<PathBuf, peer::Skipped> {
    let system = || {
        let mut all: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|found| found.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
            .unwrap_or_default();
        all.sort();
        all.pop()
    };
    let bin = std::env::var_os("POSTGRES_BIN").map(PathBuf::from).or_else(system).unwrap_or_default();
    peer::need(bin.join("initdb").is_file(), "PostgreSQL is not there: install it, or set POSTGRES_BIN")?;
    Ok(bin)
}

/// PostgreSQL does not run as root.
pub(crate) fn command(program: &Path) -> Command {
    let is_root = std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .any(|line| line.starts_with("Uid:\t0\t"));
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    pub(crate) fn start(settings: &[&str]) -> Result<Self, peer::Skipped> {
        let bin = programs()?;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let data = dir.path().join("data");
        let mut init = command(&bin.join("initdb"));
        init.args(["--no-sync", "-A", "trust", "-U", "kathea", "-D"]).arg(&data);
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let server = Self { serving: serve(&bin, &data, port, settings), port, dir, bin };
        server.wait();
        Ok(server)
    }

    /// With these settings, `name=value`.
    pub(crate) fn restart(&mut self, settings: &[&str]) {
        self.end();
        self.serving = serve(&self.bin, &self.dir.path().join("data"), self.port, settings);
        self.wait();
    }

    /// As the loss of its machine does.
    pub(crate) fn kill(&mut self) {
        self.serving.kill().unwrap();
        self.serving.wait().unwrap();
    }

    /// After `end` or `kill`.
    pub(crate) fn restart_ended(&mut self) {
        self.serving = serve(&self.bin, &self.dir.path().join("data"), self.port, &[]);
        self.wait();
    }

    /// A replica of this server, which has the name `name` for its commits.
    pub(crate) fn replica(&self, name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let data = dir.path().join("data");
        let source = format!("host=127.0.0.1 port={} user=kathea application_name={name}", self.port);
        let mut copy = command(&self.bin.join("pg_basebackup"));
        copy.args(["--no-sync", "-R", "-c", "fast", "-d", &source, "-D"]).arg(&data);
        let made = copy.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (port, bin) = (free_port(), self.bin.clone());
        let server = Self { serving: serve(&bin, &data, port, &[]), port, dir, bin };
        server.wait();
        server
    }

    /// Changes settings while it runs; an empty value takes the setting away.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let change = if value.is_empty() {
            format!("ALTER SYSTEM RESET {name}")
        } else {
            format!("ALTER SYSTEM SET {name} = '{value}'")
        };
        // A server that takes no writes still takes this, outside of a transaction.
        assert!(self.sql(&change).status.success(), "{change}");
        assert!(self.sql("SELECT pg_reload_conf()").status.success());
        self.until(&format!("SELECT current_setting('{name}') = '{value}' OR '{value}' = ''"), "t");
    }

    /// Waits until a statement says so.
    pub(crate) fn until(&self, statement: &str, says: &str) {
        let begun = Instant::now();
        while self.text(statement) != says {
            assert!(begun.elapsed() < Duration::from_secs(60), "{statement} is never {says}");
            std::thread::yield_now();
        }
    }

    /// What a statement says.
    pub(crate) fn text(&self, statement: &str) -> String {
        String::from_utf8(self.sql(statement).stdout).unwrap().trim().to_owned()
    }

    /// A new database; its URL behind these hosts.
    pub(crate) fn database(&self, name: &str, hosts: &str) -> String {
        assert!(self.sql(&format!("CREATE DATABASE {name}")).status.success());
        format!("postgres://kathea:secret-word@{hosts}/{name}")
    }

    /// `psql` on a database, for a session that stays open.
    pub(crate) fn session(&self, database: &str, statements: &str) -> Child {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "kathea", "-d", database]);
        psql.args(["-v", "ON_ERROR_STOP=1", "-Atc", statements]).stdout(Stdio::null()).spawn().unwrap()
    }

    fn wait(&self) {
        let begun = Instant::now();
        while !self.sql("SELECT 1").status.success() {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
            std::thread::yield_now();
        }
    }

    pub(crate) fn sql(&self, statement: &str) -> Output {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "kathea",
            "-d",
            "postgres",
            "-Atc",
            statement,
        ]);
        psql.output().unwrap()
    }

    pub(crate) fn own(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn end(&mut self) {
        test_support::signal(self.serving.id(), "INT");
        self.serving.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.serving.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end();
        }
    }
}

fn serve(bin: &Path, data: &Path, port: u16, settings: &[&str]) -> Child {
    let mut serve = command(&bin.join("postgres"));
    serve.arg("-D").arg(data).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string()]);
    for setting in settings {
        serve.args(["-c", setting]);
    }
    serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

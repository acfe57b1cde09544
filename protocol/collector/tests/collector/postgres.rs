//! A real PostgreSQL: which host is written to, and what is not acknowledged.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use test_support::{or_skip, peer};

use crate::program::PROGRAM;

/// A server of its own in a temporary directory, ended with the test.
struct Server {
    dir: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
    serving: Child,
}

/// The programs of PostgreSQL: `POSTGRES_BIN`, or the newest that the system has.
fn programs() -> Result<PathBuf, peer::Skipped> {
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
fn command(program: &Path) -> Command {
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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    fn start(settings: &[&str]) -> Result<Self, peer::Skipped> {
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
    fn restart(&mut self, settings: &[&str]) {
        self.end();
        self.serving = serve(&self.bin, &self.dir.path().join("data"), self.port, settings);
        self.wait();
    }

    fn wait(&self) {
        let begun = Instant::now();
        while !self.sql("SELECT 1").status.success() {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
            std::thread::yield_now();
        }
    }

    fn sql(&self, statement: &str) -> Output {
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

    /// The command on these hosts, not run yet.
    fn cluster(&self, hosts: &str, args: &[&str]) -> Command {
        let file = self.dir.path().join("url");
        std::fs::write(&file, format!("postgres://kathea:secret-word@{hosts}/postgres\n")).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["store", "cluster", "--url-file"]).arg(file).args(args);
        command
    }

    fn own(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn end(&mut self) {
        let reported = Command::new("kill").args(["-INT", &self.serving.id().to_string()]).status();
        assert!(reported.is_ok_and(|reported| reported.success()));
        self.serving.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
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

/// Exit code, standard output, standard error.
fn ran(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, said) = (text(output.stdout), text(output.stderr));
    assert!(!said.contains("secret-word"), "{said}");
    (output.status.code(), out, said)
}

const MANAGED: [&str; 2] = ["--durability", "managed"];

#[test]
fn the_host_that_takes_writes_is_found_behind_a_silent_and_a_refusing_one() {
    let server = or_skip!(Server::start(&[]));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free_port();
    let hosts = format!("{},127.0.0.1:{nobody},{}", silent.local_addr().unwrap(), server.own());
    let begun = Instant::now();
    let (code, out, said) = ran(server.cluster(&hosts, &MANAGED));
    assert_eq!(code, Some(0), "{said}");
    let checked: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&checked["host"], &checked["durability"]),
        (&Json::from(server.own()), &Json::from("managed"))
    );
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(server.sql("SELECT count(*) FROM kathea_ready").stdout, b"1\n");
    let (code, _, said) =
        ran(server.cluster(&format!("{},127.0.0.1:{nobody}", silent.local_addr().unwrap()), &MANAGED));
    assert!(
        code == Some(1) && said.contains("no answer within 3 s") && said.contains("no PostgreSQL answers"),
        "{said}"
    );
}

#[test]
fn nothing_is_acknowledged_without_syncs_replicas_or_writes() {
    let mut server = or_skip!(Server::start(&[]));
    let (code, _, said) = ran(server.cluster(&server.own(), &["--replicas-at-least", "2"]));
    assert!(code == Some(1) && said.contains("0 of 2 synchronous replicas"), "{said}");
    server.restart(&["fsync=off"]);
    let (code, _, said) = ran(server.cluster(&server.own(), &MANAGED));
    assert!(code == Some(1) && said.contains("fsync is off"), "{said}");
    server.restart(&["default_transaction_read_only=on"]);
    let (code, _, said) = ran(server.cluster(&server.own(), &MANAGED));
    assert!(code == Some(1) && said.contains("takes no writes"), "{said}");
    assert!(!server.sql("SELECT * FROM kathea_ready").status.success(), "none of them was written to");
}

#[test]
fn a_cancelled_wait_for_a_replica_is_no_acknowledgement() {
    let server = or_skip!(Server::start(&["synchronous_standby_names=nobody"]));
    let mut command = server.cluster(&server.own(), &MANAGED);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let begun = Instant::now();
    while server.sql(cancel).stdout != b"1\n" {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not wait for its replica");
    }
    let ended = running.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(1) && said.contains("answered with a warning"), "{said}");
    // PostgreSQL itself called that a success: the row is there.
    assert_eq!(server.sql("SELECT count(*) FROM kathea_ready").stdout, b"1\n");
    // And nobody waits for ever.
    let (code, _, said) = ran(server.cluster(&server.own(), &MANAGED));
    assert!(code == Some(1) && said.contains("nothing is acknowledged"), "{said}");
}

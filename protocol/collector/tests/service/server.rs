//! A collector in a temporary directory, served under limits and configurations of the test's choice.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::fleet::{Device, Place};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kathea-collector");

pub(crate) struct Server {
    dir: TempDir,
    serving: Child,
    /// What it goes on to print.
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    pub(crate) place: Place,
    operations: Option<SocketAddr>,
}

impl Server {
    /// With arguments for `ulimit`, such as `-n 256`.
    pub(crate) fn start(ulimit: Option<&str>) -> Self {
        Self::configured(ulimit, "")
    }

    /// With these lines of configuration beside the data directory.
    pub(crate) fn configured(ulimit: Option<&str>, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        ran(command("init", &data).output().unwrap());
        let config = dir.path().join("collector.toml");
        fs::write(&config, format!("data = {data:?}\nlisten = \"127.0.0.1:0\"\n{more}")).unwrap();
        let mut serve = Command::new("sh");
        let script = ulimit.map_or(String::new(), |limit| format!("ulimit {limit} && "));
        serve.args(["-c", &format!("{script}exec \"$0\" serve --config \"$1\""), PROGRAM]).arg(&config);
        let mut serving = serve.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
        let mut said = |scheme| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(scheme).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        let address = said("listening https://");
        let operations = more.contains("[operations]").then(|| said("operations http://"));
        let place = Place::new(address, &data.join("ca.pem")).unwrap();
        Self { dir, serving, lines, place, operations }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("collector")
    }

    pub(crate) fn id(&self) -> u32 {
        self.serving.id()
    }

    /// Runs another command on its data.
    pub(crate) fn run(&self, name: &str, args: &[&str]) -> String {
        ran(command(name, &self.data()).args(args).output().unwrap())
    }

    /// So many enrolled devices.
    pub(crate) fn devices(&self, count: u64) -> Vec<Device> {
        let tokens = self.run("token", &["--count", &count.to_string()]);
        let numbered = tokens.lines().zip(0..);
        let devices: Vec<_> = numbered
            .map(|(token, number)| {
                let mut device = Device::new(&self.place, number).unwrap();
                let answer = device.enrol(&self.place, token).unwrap();
                assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
                device
            })
            .collect();
        assert_eq!(devices.len() as u64, count);
        devices
    }

    /// A figure of `/proc/PID/status`, in KiB.
    pub(crate) fn status(&self, field: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time of the process so far.
    pub(crate) fn processor(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// What the operations' listener answers: status, head and body.
    pub(crate) fn operations(&self, path: &str) -> (u16, String, String) {
        use std::io::{Read, Write};
        let mut socket = std::net::TcpStream::connect(self.operations.unwrap()).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: operations\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    /// The value of a sample of `/metrics`, whose name and labels are `sample`.
    pub(crate) fn metric(&self, sample: &str) -> Option<f64> {
        let (status, _, text) = self.operations("/metrics");
        assert_eq!(status, 200);
        let line =
            text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ').map(str::to_owned));
        line.and_then(|value| value.parse().ok())
    }

    /// Tells it to end.
    pub(crate) fn end(&mut self) -> bool {
        test_support::signal(self.id(), "TERM");
        self.serving.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// A command on a data directory, not run yet.
pub(crate) fn command(name: &str, data: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg(name).arg("--data").arg(data);
    command
}

fn ran(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Lets this process have so many open sockets.
pub(crate) fn raise_own_limit(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|now| now < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).unwrap();
    }
}

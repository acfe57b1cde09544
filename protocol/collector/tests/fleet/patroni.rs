//! Three nodes of etcd, Patroni and PostgreSQL on loopback, by the files in `packaging/collector/fleet` as they stand: each
//! node has an address of its own, so that their ports may be the same, and the files' networks become this one.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use test_support::peer;

use crate::server::{command, programs};

pub(crate) const NODES: usize = 3;
/// For all that starts: three databases on a small machine are slow.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Cluster {
    dir: tempfile::TempDir,
    /// The programs of PostgreSQL.
    bin: PathBuf,
    patroni: PathBuf,
    /// The first three numbers of all addresses, with a dot behind each.
    network: String,
    nodes: Vec<Node>,
    /// HAProxy on a front's machine: the local end that leads to the primary.
    local: Option<Child>,
}

#[derive(Default)]
struct Node {
    etcd: Option<Child>,
    patroni: Option<Child>,
}

impl Cluster {
    /// With the program `patroni`.
    pub(crate) fn start(patroni: &Path) -> Result<Self, peer::Skipped> {
        peer::need(peer::has("etcd"), "etcd is not there: install etcd-server")?;
        let bin = programs()?;
        let dir = tempfile::tempdir().unwrap();
        opened(dir.path());
        // Two runs at once do not meet.
        let id = std::process::id();
        let network = format!("127.{}.{}.", 1 + id / 250 % 250, 1 + id % 250);
        let nodes = (0..NODES).map(|_| Node::default()).collect();
        let mut cluster = Self { dir, bin, patroni: patroni.to_owned(), network, nodes, local: None };
        for number in 0..NODES {
            let home = cluster.home(number);
            std::fs::create_dir(&home).unwrap();
            opened(&home);
            for name in ["etcd.yml", "patroni.yml"] {
                std::fs::write(home.join(name), cluster.of_node(name, number)).unwrap();
            }
        }
        (0..NODES).for_each(|number| cluster.start_node(number));
        cluster.until_whole();
        let config = cluster.dir.path().join("haproxy-postgresql.cfg");
        let local = format!("{}9:5432", cluster.network);
        std::fs::write(&config, cluster.file("haproxy-postgresql.cfg").replace("127.0.0.1:5432", &local))
            .unwrap();
        let mut haproxy = Command::new("haproxy");
        haproxy.arg("-db").arg("-f").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        cluster.local = Some(haproxy.spawn().unwrap());
        Ok(cluster)
    }

    /// The address of a machine, of which nodes are the first ones.
    pub(crate) fn address(&self, machine: usize) -> String {
        format!("{}{machine}", self.network)
    }

    /// A file of the package, in this network.
    pub(crate) fn file(&self, name: &str) -> String {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/collector/fleet");
        let text = std::fs::read_to_string(package.join(name)).unwrap();
        // Whoever comes over loopback has the address 127.0.0.1.
        text.replace("10.9.0.0/24", "127.0.0.0/8").replace("10.9.0.", &self.network)
    }

    /// The same for a node: what says its own name, address and place.
    fn of_node(&self, name: &str, number: usize) -> String {
        let (first, home) = (format!("{}1:", self.network), self.home(number));
        let (own, name_of) = (format!("{}{}:", self.network, number + 1), format!("node{}", number + 1));
        let line = |line: &str| {
            if line.starts_with("initial-cluster:") || line.contains("hosts:") {
                return line.to_owned();
            }
            line.replace("node1", &name_of).replace(&first, &own)
        };
        let lines: Vec<String> = self.file(name).lines().map(line).collect();
        let text = lines.join("\n") + "\n";
        let text = text.replace("/var/lib/etcd", &home.join("etcd").to_string_lossy());
        let text = text.replace("/var/lib/postgresql/kathea", &self.data(number).to_string_lossy());
        let text = text.replace("/usr/lib/postgresql/17/bin", &self.bin.to_string_lossy());
        match name {
            // Of three nodes on one machine each needs a folder of its own for what is named by the port alone.
            "patroni.yml" => {
                let config = format!("pgbackrest --config={}/pgbackrest.conf ", home.display());
                let text = text.replace("pgbackrest --stanza", &(config + "--stanza"));
                format!("{text}  parameters:\n    unix_socket_directories: {}\n", home.display())
            }
            _ => text,
        }
    }

    /// The folder of a node.
    pub(crate) fn home(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("node{}", number + 1))
    }

    /// The folder of its PostgreSQL.
    pub(crate) fn data(&self, number: usize) -> PathBuf {
        self.home(number).join("data")
    }

    /// Starts etcd and Patroni of a node, which starts PostgreSQL.
    pub(crate) fn start_node(&mut self, number: usize) {
        self.start_etcd(number);
        self.start_patroni(number);
    }

    fn start_etcd(&mut self, number: usize) {
        let (home, log) = (self.home(number), self.log(number, "etcd.log"));
        let mut etcd = Command::new("etcd");
        etcd.arg("--config-file").arg(home.join("etcd.yml")).stdout(log.try_clone().unwrap()).stderr(log);
        self.nodes[number].etcd = Some(etcd.spawn().unwrap());
    }

    fn start_patroni(&mut self, number: usize) {
        let (home, log) = (self.home(number), self.log(number, "patroni.log"));
        let mut patroni = command(&self.patroni);
        patroni.arg(home.join("patroni.yml")).env("HOME", &home);
        patroni.stdout(log.try_clone().unwrap()).stderr(log);
        self.nodes[number].patroni = Some(patroni.spawn().unwrap());
    }

    fn log(&self, number: usize, name: &str) -> File {
        File::options().append(true).create(true).open(self.home(number).join(name)).unwrap()
    }

    /// All nodes are lost with their disks, and new ones are made of the backup.
    pub(crate) fn restore(&mut self) {
        for number in 0..NODES {
            self.kill_node(number);
            std::fs::remove_dir_all(self.data(number)).unwrap();
            std::fs::remove_dir_all(self.home(number).join("etcd")).unwrap();
        }
        (0..NODES).for_each(|number| self.start_etcd(number));
        let config = self.home(0).join("patroni.yml");
        let text = std::fs::read_to_string(&config).unwrap();
        // Over loopback it would come from 127.0.0.1, and not from the node's address as it expects.
        let text = text.replace("# method:", "method:") + "  use_unix_socket: true\n";
        std::fs::write(&config, text).unwrap();
        self.start_patroni(0);
        let begun = Instant::now();
        while self.members("leader", "running").is_empty() {
            assert!(begun.elapsed() < PATIENCE, "nothing is restored: {:?}\n{}", self.seen(), self.said());
            std::thread::park_timeout(Duration::from_millis(200));
        }
        (1..NODES).for_each(|number| self.start_patroni(number));
        self.until_whole();
    }

    /// What the loss of a machine does: PostgreSQL with all its processes, Patroni and etcd, none of which ends in order.
    pub(crate) fn kill_node(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        for child in [node.patroni.take(), node.etcd.take()].iter_mut().flatten() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let Ok(text) = std::fs::read_to_string(self.data(number).join("postmaster.pid")) else { return };
        let Some(postmaster) = text.lines().next().and_then(|line| line.parse::<u32>().ok()) else { return };
        // The number may be another process's by now.
        let name = std::fs::read_to_string(format!("/proc/{postmaster}/comm")).unwrap_or_default();
        if name.trim_end() == "postgres" {
            let all: Vec<String> =
                children(postmaster).chain([postmaster]).map(|id| id.to_string()).collect();
            let _ = Command::new("sh")
                .args(["-c", "kill -9 \"$@\"", "sh"])
                .args(all)
                .stderr(Stdio::null())
                .status();
        }
    }

    /// What Patroni says of the cluster, from the first node that answers.
    fn seen(&self) -> Option<Json> {
        (0..NODES).find_map(|number| {
            let address = format!("{}{}:8008", self.network, number + 1).parse().ok()?;
            let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
            socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
            socket.write_all(b"GET /cluster HTTP/1.0\r\n\r\n").ok()?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer).ok()?;
            serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
        })
    }

    /// The nodes that have this role and are in this state.
    fn members(&self, role: &str, state: &str) -> Vec<usize> {
        let seen = self.seen().unwrap_or_default();
        let members = seen["members"].as_array().cloned().unwrap_or_default();
        let is_so = |member: &&Json| member["role"] == role && member["state"] == state;
        let number = |member: &Json| member["name"].as_str()?.strip_prefix("node")?.parse::<usize>().ok();
        members.iter().filter(is_so).filter_map(|member| Some(number(member)? - 1)).collect()
    }

    /// The node of the primary.
    pub(crate) fn primary(&self) -> usize {
        *self.members("leader", "running").first().expect("the cluster has a primary")
    }

    /// Waits until one node is the primary and a commit waits for either of the others.
    pub(crate) fn until_whole(&self) {
        let begun = Instant::now();
        loop {
            let (leaders, others) =
                (self.members("leader", "running"), self.members("quorum_standby", "streaming"));
            if leaders.len() == 1 && others.len() == NODES - 1 {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no whole cluster: {:?}\n{}", self.seen(), self.said());
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// The last lines of every Patroni.
    fn said(&self) -> String {
        let last = |number: usize| {
            let text = std::fs::read_to_string(self.home(number).join("patroni.log")).unwrap_or_default();
            let lines: Vec<&str> = text.lines().rev().take(6).collect();
            format!("node{}: {}\n", number + 1, lines.join("\n  "))
        };
        (0..NODES).map(last).collect()
    }

    /// Makes account and database as `postgresql.md` says; the URL for a front.
    pub(crate) fn database(&self) -> String {
        let host = format!("{}9", self.network);
        let begun = Instant::now();
        for statement in [
            "CREATE ROLE kathea LOGIN PASSWORD 'secret-word'",
            "GRANT pg_monitor TO kathea",
            "CREATE DATABASE kathea OWNER kathea",
        ] {
            let mut psql = Command::new(self.bin.join("psql"));
            psql.args(["-h", &host, "-U", "postgres", "-d", "postgres", "-c", statement]);
            psql.env("PGPASSWORD", "CHANGE-ME-1").stdout(Stdio::null()).stderr(Stdio::null());
            while !psql.status().unwrap().success() {
                assert!(begun.elapsed() < PATIENCE, "{statement}\n{}", self.said());
                std::thread::park_timeout(Duration::from_millis(200));
            }
        }
        format!("postgres://kathea:secret-word@{host}:5432/kathea")
    }

    /// `haproxy-devices.cfg` at `address`, before these fronts.
    pub(crate) fn before(&self, address: &str, fronts: &[std::net::SocketAddr]) -> String {
        let text = self.file("haproxy-devices.cfg").replace("bind :443", &format!("bind {address}"));
        let fill = |text: String, (number, front): (usize, &std::net::SocketAddr)| {
            text.replace(&format!("10.0.0.1{}:8443", number + 1), &front.to_string())
        };
        fronts.iter().enumerate().fold(text, fill)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..NODES).for_each(|number| self.kill_node(number));
        if let Some(local) = &mut self.local {
            let _ = local.kill();
            let _ = local.wait();
        }
    }
}

/// PostgreSQL and Patroni may run under another account.
pub(crate) fn opened(folder: &Path) {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
}

/// The processes that a process started.
fn children(parent: u32) -> impl Iterator<Item = u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    processes.filter_map(move |process| {
        let stat = std::fs::read_to_string(process.join("stat")).ok()?;
        let above: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (above == parent).then_some(())?;
        process.file_name()?.to_str()?.parse().ok()
    })
}

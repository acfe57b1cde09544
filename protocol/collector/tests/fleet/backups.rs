//! pgBackRest on the nodes of the reference set-up and on the machine of the backups, by the files in
//! `packaging/collector/fleet` and the commands of `postgresql.md`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use test_support::{or_skip, peer};

use crate::balancer::Balancer;
use crate::front::{Front, PROGRAM, ran};
use crate::killed::{Site, shared};
use crate::patroni::{Cluster, NODES, opened};
use crate::server::command;

/// The last number of the address of the machine that has the backups.
const REPOSITORY: usize = 9;
const DEVICES: u64 = 50;

/// Certificates, configurations and the services of all machines.
struct Backups {
    dir: PathBuf,
    configs: BTreeMap<usize, PathBuf>,
    serving: Vec<Child>,
}

impl Backups {
    /// Of this cluster, in `dir`.
    fn start(cluster: &Cluster, dir: &Path) -> Self {
        let authority = ["-subj", "/CN=kathea-backup", "-keyout", "ca-key.pem", "-out", "ca.pem"];
        certificate(dir, &authority);
        let of_nodes = (1..=NODES).map(|node| (node, cluster.home(node - 1).join("pgbackrest.conf")));
        let configs = of_nodes.chain([(REPOSITORY, dir.join("pgbackrest.conf"))]).collect();
        let mut backups = Self { dir: dir.to_owned(), configs, serving: Vec::new() };
        for (&machine, config) in &backups.configs {
            let (key, shown) = (format!("{machine}-key.pem"), format!("{machine}-cert.pem"));
            let subject = format!("/CN={}", cluster.address(machine));
            let by = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-extensions", "usr_cert"];
            certificate(dir, &[&["-subj", &subject, "-keyout", &key, "-out", &shown], &by[..]].concat());
            own(&dir.join(&key));
            std::fs::write(config, backups.of_machine(cluster, machine)).unwrap();
            let log = File::create(dir.join(format!("{machine}.log"))).unwrap();
            let mut serve = backups.program(machine);
            serve.arg("server").stdout(log.try_clone().unwrap()).stderr(log);
            backups.serving.push(serve.spawn().unwrap());
        }
        backups
    }

    /// The file of a machine, with its own address, and the folders that it would have for itself.
    fn of_machine(&self, cluster: &Cluster, machine: usize) -> String {
        let place = |name: &str| self.dir.join(name).display().to_string();
        let name = if machine == REPOSITORY { "pgbackrest-repository.conf" } else { "pgbackrest.conf" };
        let line = |line: &str| {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let (of, key) = key.split_once('-').unwrap_or(("", key));
            let node = match of.strip_prefix("pg") {
                None => REPOSITORY,
                // In a node's own file it is the first one.
                Some(_) if machine != REPOSITORY => machine,
                Some(node) => node.parse().unwrap(),
            };
            match (of, key, value.strip_prefix("/etc/pgbackrest/")) {
                (_, _, Some("ca.pem")) => format!("{of}-{key}={}", place("ca.pem")),
                (_, _, Some(file)) => format!("{of}-{key}={}", place(&format!("{machine}-{file}"))),
                ("tls", "server-address", _) => format!("{of}-{key}={}", cluster.address(machine)),
                ("repo1", "path", _) => format!("{of}-{key}={}", place("backups")),
                (_, "host", _) => format!("{line}\n{of}-host-config={}", self.configs[&node].display()),
                (_, "path", _) => {
                    let (home, data) = (cluster.home(node - 1), cluster.data(node - 1));
                    format!("{of}-path={}\n{of}-socket-path={}", data.display(), home.display())
                }
                ("", "[global]", _) => {
                    format!("{line}\nlog-path={}\nlock-path={}", place(""), place(&format!("lock{machine}")))
                }
                _ => line.to_owned(),
            }
        };
        cluster.file(name).lines().map(|own| line(own) + "\n").collect()
    }

    fn program(&self, machine: usize) -> Command {
        let mut program = command(Path::new("pgbackrest"));
        program.arg(format!("--config={}", self.configs[&machine].display()));
        program
    }

    /// A command on a machine, with what it needs beside the stanza.
    fn run(&self, machine: usize, args: &[&str]) -> String {
        let mut program = self.program(machine);
        let output = program.arg("--stanza=kathea").args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}

impl Drop for Backups {
    fn drop(&mut self) {
        for child in &mut self.serving {
            test_support::signal(child.id(), "TERM");
            let _ = child.wait();
        }
    }
}

fn certificate(dir: &Path, args: &[&str]) {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "ed25519", "-noenc", "-days", "3650"])
        .args(args)
        .current_dir(dir);
    assert!(openssl.stderr(Stdio::null()).status().unwrap().success(), "{args:?}");
}

/// Gives a file to the account of PostgreSQL.
fn own(file: &Path) {
    assert!(Command::new("chown").arg("postgres").arg(file).status().unwrap().success());
}

#[test]
fn a_cluster_that_is_lost_with_all_its_nodes_comes_back_from_a_backup() {
    if let Some(patroni) = std::env::var_os("PATRONI") {
        or_skip!(lost_and_restored(Path::new(&patroni)));
    }
}

fn lost_and_restored(patroni: &Path) -> Result<(), peer::Skipped> {
    for program in ["pgbackrest", "openssl"] {
        peer::need(peer::has(program), &format!("{program} is not there: install it"))?;
    }
    peer::need(peer::is_root(), "this is not root, and the account of PostgreSQL cannot be taken")?;
    let dir = tempfile::tempdir().unwrap();
    opened(dir.path());
    let cluster = Cluster::start(patroni)?;
    let backups = Backups::start(&cluster, dir.path());
    backups.run(REPOSITORY, &["stanza-create"]);
    let url = cluster.database();
    let mut site = Site::over(cluster, &url, shared, |_, fronts| Balancer::start(fronts));
    let (place, devices) = site.devices(DEVICES);
    let send = |lo: u64, is_new| {
        for device in &devices {
            let answers = device.visit(&place, &device.records(lo, lo + 9), is_new).unwrap();
            assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)), "{answers:?}");
        }
    };
    send(0, true);
    backups.run(REPOSITORY, &["backup"]);
    send(10, false);
    // The log of what came since then is there as well.
    backups.run(REPOSITORY, &["check"]);
    let exported =
        |site: &Site<Cluster>| site.fronts[0].run("export", &["--to", "Example", "--why", "audit"]);
    let stored = exported(&site);
    assert_eq!(stored.lines().count() as u64, DEVICES * 20);
    site.fronts.iter_mut().for_each(Front::kill);
    let begun = Instant::now();
    site.database.restore();
    println!("three new nodes from a backup in {:?}", begun.elapsed());
    site.fronts.iter_mut().for_each(Front::restart);
    assert!(exported(&site) == stored, "all records are there, and nothing else");
    assert_eq!(site.fronts[1].run("verify", &[]), "");
    ran(Command::new(PROGRAM).args(["store", "check", "--config"]).arg(&site.fronts[2].config));
    send(20, false);
    backups.run(REPOSITORY, &["check"]);
    Ok(())
}

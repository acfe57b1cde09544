//! A real PostgreSQL and `store cluster`: which host is written to, and what is not acknowledged.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use test_support::or_skip;

use crate::program::PROGRAM;
use crate::server::{Server, free_port};

impl Server {
    /// The command on these hosts, not run yet.
    fn cluster(&self, hosts: &str, args: &[&str]) -> Command {
        let file = self.dir.path().join("url");
        std::fs::write(&file, format!("postgres://kathea:secret-word@{hosts}/postgres\n")).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["store", "cluster", "--url-file"]).arg(file).args(args);
        command
    }
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

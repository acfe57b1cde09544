//! A store that is not this collector's, or can't be used: said clearly, and nothing acknowledged or made.

use std::fs;
use std::process::Command;

use crate::device::{Device, batch};
use crate::program::{Collector, attempt, serve_fails};
use crate::rows;

#[test]
fn a_database_of_a_later_schema_is_left_alone() {
    let collector = Collector::ended();
    rows::open(collector.data()).pragma_update(None, "user_version", 1000).unwrap();
    for said in [serve_fails(collector.data()), collector.fails("export", &[])] {
        assert!(said.contains("later kathea-collector"), "{said}");
    }
    let version: i64 =
        rows::open(collector.data()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1000);
}

#[test]
fn a_database_of_another_collector_or_of_another_program_is_refused() {
    let (collector, other) = (Collector::ended(), Collector::ended());
    fs::copy(other.data().join("collector.db"), collector.data().join("collector.db")).unwrap();
    let said = serve_fails(collector.data());
    assert!(said.contains("another collector"), "{said}");

    fs::remove_file(collector.data().join("collector.db")).unwrap();
    let foreign = rusqlite::Connection::open(collector.data().join("collector.db")).unwrap();
    foreign.execute_batch("CREATE TABLE mine(x)").unwrap();
    let said = serve_fails(collector.data());
    assert!(said.contains("not a database of this program"), "{said}");
    fs::write(collector.data().join("collector.db"), "plain text, but longer than a page's head".repeat(99))
        .unwrap();
    assert!(serve_fails(collector.data()).contains("damaged"));
}

#[test]
fn a_database_that_is_gone_is_not_made_anew() {
    let collector = Collector::ended();
    fs::remove_file(collector.data().join("collector.db")).unwrap();
    let said = serve_fails(collector.data());
    assert!(said.contains("is gone") && said.contains("restore"), "{said}");
    assert!(!collector.data().join("collector.db").exists());
}

#[test]
fn a_second_server_is_refused_and_the_first_goes_on() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert!(serve_fails(collector.data()).contains("served already"));
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_said_and_not_only_a_failure() {
    use std::os::unix::fs::PermissionsExt;
    let collector = Collector::ended();
    let set = |mode| {
        fs::set_permissions(collector.data().join("collector.db"), fs::Permissions::from_mode(mode)).unwrap()
    };
    set(0o400);
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    // Root may write to everything; how it handles a read-only file system is tested in `full`.
    if !is_root {
        assert!(serve_fails(collector.data()).contains("cannot be written"));
        assert_eq!(attempt(collector.data(), "token", &[]).status.code(), Some(1));
    }
    set(0o600);
}

//! The collector on a real PostgreSQL: what it acknowledges is there and replicated, whatever happens to the servers.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use protocol::Digest;
use test_support::or_skip;

use crate::device::{Device, batch};
use crate::engine;
use crate::program::{Collector, attempt};
use crate::server::Server;

const MANAGED: &str = "durability = \"managed\"";
const REPLICAS: &str = "durability = \"replicas\"\nreplicas_at_least = 1";

/// A device of a collector, and its consent.
fn device(collector: &Collector) -> (Device, Digest) {
    let device = Device::enrolled(collector);
    let consent = device.grant(collector);
    (device, consent)
}

/// Records that an export has.
fn exported(collector: &Collector) -> usize {
    collector.lines("export", &[]).len()
}

/// Sends a batch until it is acknowledged, as a device does; how often it was not.
fn put_until_acknowledged(device: &Device, collector: &Collector, lo: u64, hi: u64, consent: Digest) -> u32 {
    for refused in 0..60 {
        let answer = device.put_batch(collector, &batch(consent, 1, lo, hi));
        if [200, 201].contains(&answer.status) {
            return refused;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    panic!("never acknowledged")
}

#[test]
fn the_tests_of_the_collector_are_green_on_postgresql() {
    let server = or_skip!(Server::start(&["max_connections=500", "fsync=on"]));
    // Those that look into the database file, its log, its backup or its damage are of SQLite alone.
    let of_sqlite = [
        "postgres::",
        "replicated::",
        "encrypted::",
        "fronts::",
        "fronts_s3::",
        "fronts_uploads::",
        "readiness::",
        "damaged::",
        "durable::",
        "full::",
        "restored::",
        "clocks::",
        "forgotten::",
        "forgotten_bundles::",
        "forgotten_postgres::",
        "foreign::",
        "analysts::a_cursor_of_a_store_that_was_restored_is_refused",
        "erased::an_erasure_in_the_middle_of_a_stream_is_no_loss_and_bytes_do_not_stay",
        "uses::a_cut_end_of_the_audit_is_found_by_the_head_outside_the_store",
        "uses::a_restored_collector_gives_a_device_the_end_of_its_chain_and_another_line_after_it",
    ];
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.env(engine::VARIABLE, format!("{} {}", server.bin.display(), server.port)).arg("--test-threads=4");
    for name in of_sqlite {
        tests.args(["--skip", name]);
    }
    let output = tests.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}", said.lines().find(|line| line.starts_with("test result")).unwrap_or_default());
    assert!(output.status.success(), "{said}");
    assert!(server.text("SELECT count(*) > 30 FROM pg_database WHERE datname LIKE 'collector%'") == "t");
}

#[test]
fn nothing_is_acknowledged_while_a_replica_is_missing() {
    let server = or_skip!(Server::start(&[]));
    let replica = server.replica("one");
    server.set("synchronous_standby_names", "*");
    server.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1");
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), REPLICAS);
    let (device, consent) = device(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    assert_eq!(collector.findings("verify").len(), 0);

    drop(replica);
    server.until("SELECT count(*) FROM pg_stat_replication", "0");
    let answer = device.put_batch(&collector, &batch(consent, 1, 5, 9));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 503, "also what is held");
    let mut check = Command::new(crate::program::PROGRAM);
    let check = check.args(["store", "check", "--data"]).arg(collector.data());
    let said = check.args(engine::options(collector.data())).output().unwrap().stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("0 of 1 synchronous replicas") && !said.contains("secret-word"), "{said}");
    assert_eq!(collector.findings("verify").len(), 1, "that, and nothing is lost");
    assert_eq!(collector.lines("devices", &[]).len(), 1, "operators can read");

    let _replica = server.replica("two");
    server.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1");
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 9)).status, 201);
    assert_eq!(exported(&collector), 10);
}

#[test]
fn a_cancelled_wait_for_a_replica_acknowledges_nothing_and_the_repeat_waits_too() {
    let server = or_skip!(Server::start(&[]));
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), MANAGED);
    let (device, consent) = device(&collector);
    // No replica has this name, so every commit waits.
    server.set("synchronous_standby_names", "nobody");
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let first = std::thread::scope(|scope| {
        let put = scope.spawn(|| device.put_batch(&collector, &batch(consent, 1, 0, 4)));
        server.until(cancel, "1");
        put.join().unwrap()
    });
    assert_eq!(first.status, 503, "{first:?}");
    // PostgreSQL itself called that a success: the batch is there. Its repeat is known already, and waits all the same.
    let again = device.put_batch(&collector, &batch(consent, 1, 0, 4));
    assert_eq!(again.status, 503, "{again:?}");

    // The primary is cut while a commit waits, and comes back before its replica.
    std::thread::scope(|scope| {
        let put = scope.spawn(|| device.put_batch(&collector, &batch(consent, 1, 5, 9)));
        server.until("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'", "t");
        let cut =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        server.until(cut, "1");
        assert_eq!(put.join().unwrap().status, 503);
    });
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 9)).status, 503);
    server.set("synchronous_standby_names", "");
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 9)).status, 200, "both were there");
    assert_eq!(exported(&collector), 10, "each once");
}

#[test]
fn another_primary_is_found_without_a_restart() {
    let mut server = or_skip!(Server::start(&[]));
    // The first host takes connections and is silent.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hosts = format!("{},{}", silent.local_addr().unwrap(), server.own());
    let collector = Collector::in_postgres(&server.database("fleet", &hosts), MANAGED);
    let (device, consent) = device(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);

    // A demoted primary answers SQLSTATE 25006 for ever.
    let ours =
        "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE application_name = 'kathea-collector'";
    let ours = server.text(ours);
    server.set("default_transaction_read_only", "on");
    let left =
        format!("SELECT count(*) < {} FROM pg_stat_activity WHERE pid IN ({ours})", ours.split(',').count());
    // Whichever thread takes the batch; the one that has a connection closes it.
    let closed = (0..100).any(|_| {
        assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 9)).status, 503);
        server.text(&left) == "t"
    });
    assert!(closed, "a connection that answers 25006 is kept");
    server.set("default_transaction_read_only", "");
    server.until("SELECT current_setting('default_transaction_read_only')", "off");
    put_until_acknowledged(&device, &collector, 5, 9, consent);

    server.restart(&[]);
    let refused = put_until_acknowledged(&device, &collector, 10, 14, consent);
    println!("refused {refused} times after the restart");
    assert_eq!(exported(&collector), 15, "0 lost, 0 twice");
    assert_eq!(collector.findings("verify").len(), 0);
}

#[test]
fn a_request_that_is_dropped_leaves_no_transaction_open() {
    let server = or_skip!(Server::start(&[]));
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), MANAGED);
    let (device, consent) = device(&collector);
    // So long that some of them are in the middle: the row of the device is locked meanwhile.
    let mut holding =
        server.session("fleet", "BEGIN; SELECT no FROM device FOR UPDATE; SELECT pg_sleep(2); COMMIT");
    server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
    let impatient = device.on_another_connection(&collector);
    for n in 0..20 {
        impatient.send_and_leave(
            &collector,
            &batch(consent, 1, n * 5, n * 5 + 4),
            Duration::from_millis(n * 10),
        );
    }
    assert!(holding.wait().unwrap().success());
    put_until_acknowledged(&device, &collector, 0, 99, consent);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    server.until(open, "0");
    assert_eq!(exported(&collector), 100);
    assert_eq!(collector.findings("verify").len(), 0);
}

#[test]
fn a_lock_that_is_held_too_long_leaves_every_connection_usable() {
    let server = or_skip!(Server::start(&[]));
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), MANAGED);
    let (device, consent) = device(&collector);
    // Longer than a transaction waits for its locks.
    let mut holding =
        server.session("fleet", "BEGIN; SELECT no FROM device FOR UPDATE; SELECT pg_sleep(7); COMMIT");
    server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
    let refused = put_until_acknowledged(&device, &collector, 0, 4, consent);
    assert!(holding.wait().unwrap().success());
    // Each of the four connections in turn.
    for n in 1..=8 {
        assert_eq!(device.put_batch(&collector, &batch(consent, 1, n * 5, n * 5 + 4)).status, 201);
    }
    println!("refused {refused} times while the lock was held");
    assert_eq!(exported(&collector), 45);
}

#[test]
fn a_write_whose_answer_comes_late_is_tried_again_or_acknowledges_nothing() {
    let server = or_skip!(Server::start(&[]));
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), MANAGED);
    let (device, consent) = device(&collector);
    let put = |lo| device.put_batch(&collector, &batch(consent, 1, lo, lo + 4)).status;
    let fails = |table: &str, code: &str| {
        let statements = format!(
            "CREATE SEQUENCE tried; CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF '{code}' < '4' OR \
             nextval('tried') < 3 THEN RAISE 'no' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$; CREATE TRIGGER fails \
             BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION fails()"
        );
        assert!(server.session("fleet", &statements).wait().unwrap().success());
    };
    // It gives way twice, and then does not.
    fails("device", "40001");
    assert_eq!(put(0), 201);
    let over = "DROP SEQUENCE tried; DROP FUNCTION fails CASCADE";
    assert!(server.session("fleet", over).wait().unwrap().success());
    fails("stream", "23514");
    assert_eq!((put(5), exported(&collector)), (503, 5));
    assert!(server.session("fleet", over).wait().unwrap().success());
    assert_eq!((put(5), exported(&collector)), (201, 10));
}

#[test]
fn an_export_never_skips_what_is_committed_late() {
    let server = or_skip!(Server::start(&[]));
    let collector = Collector::in_postgres(&server.database("fleet", &server.own()), MANAGED);
    let ((late, its), (other, others)) = (device(&collector), device(&collector));
    assert_eq!(late.put_batch(&collector, &batch(its, 1, 0, 4)).status, 201);
    // What the late one has to write at its end is held up, so that it has its place already.
    let hold = "BEGIN; SELECT * FROM stream FOR UPDATE; SELECT pg_sleep(2); COMMIT";
    let out = tempfile::tempdir().unwrap();
    let first = out.path().join("1");
    let export = |to: &std::path::Path, since: &str| {
        let output = attempt(collector.data(), "export", &["-o", to.to_str().unwrap(), "--since", since]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    std::thread::scope(|scope| {
        let mut holding = server.session("fleet", hold);
        server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
        let put = scope.spawn(|| late.put_batch(&collector, &batch(its, 1, 5, 9)));
        server.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'", "1");
        assert_eq!(other.put_batch(&collector, &batch(others, 1, 0, 4)).status, 201);
        export(&first, "start");
        assert!(holding.wait().unwrap().success());
        assert_eq!(put.join().unwrap().status, 201);
    });
    let records = |dir: &std::path::Path| -> usize {
        let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let errors = files.filter(|path| path.to_string_lossy().contains("device.error"));
        errors.map(|path| std::fs::read_to_string(path).unwrap().lines().count()).sum()
    };
    assert_eq!(records(&first), 15, "the late one came before the cursor, and is in");
}

#[test]
fn what_this_engine_does_not_do_is_refused_and_no_store_is_taken_for_another() {
    let server = or_skip!(Server::start(&[]));
    let url = server.database("fleet", &server.own());
    let mut collector = Collector::in_postgres(&url, MANAGED);
    let out = tempfile::tempdir().unwrap();
    let said = collector.fails("backup", &["-o", out.path().join("backup").to_str().unwrap()]);
    assert!(said.contains("PostgreSQL") && said.contains("pgBackRest"), "{said}");
    let back = out.path().join("back");
    engine::configure(&back, &url, MANAGED);
    let said = String::from_utf8(attempt(&back, "restore", &["--from", "/nowhere"]).stderr).unwrap();
    assert!(said.contains("restored by its own means") && !back.exists(), "{said}");
    collector.end();
    let data = collector.data().to_owned();
    // Without its configuration the data directory would look like an empty store.
    let config = data.with_extension("toml");
    std::fs::remove_file(&config).unwrap();
    let said = crate::program::serve_fails(&data);
    assert!(said.contains("is in PostgreSQL") && !data.join("collector.db").exists(), "{said}");
    // Another database is not its store, and another data directory has not its bundles.
    let empty = server.database("empty", &server.own());
    engine::configure(&data, &empty, MANAGED);
    let said = crate::program::serve_fails(&data);
    assert!(said.contains("the database is empty") && !said.contains("secret-word"), "{said}");
    let other = out.path().join("other");
    assert!(attempt(&other, "init", &[]).status.success());
    engine::configure(&other, &url, MANAGED);
    let said = crate::program::serve_fails(&other);
    assert!(said.contains("of another data directory"), "{said}");
    // A later schema is refused.
    let changed =
        server.session("fleet", "UPDATE meta SET value = '9' WHERE name = 'schema'").wait().unwrap();
    assert!(changed.success());
    engine::configure(&data, &url, MANAGED);
    let said = crate::program::serve_fails(&data);
    assert!(said.contains("schema 9 is of a later kathea-collector"), "{said}");
}

#[test]
fn a_copy_between_the_engines_has_everything_and_is_served_in_its_place() {
    let server = or_skip!(Server::start(&[]));
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::start();
    let (device, consent) = device(&collector);
    for n in 0..30 {
        assert_eq!(device.put_batch(&collector, &batch(consent, 1, n * 7, n * 7 + 4)).status, 201);
    }
    let cursor = collector.lines("audit", &[]).len();
    let before = collector.lines_of_text("export", &[]);
    let devices = collector.lines("devices", &[]);
    collector.end();
    let from = dir.path().join("from.toml");
    std::fs::write(&from, format!("data = \"{}\"\n", collector.data().display())).unwrap();
    let other = dir.path().join("other");
    engine::configure(&other, &server.database("fleet", &server.own()), MANAGED);
    let to = dir.path().join("other.toml");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let mut program = Command::new(crate::program::PROGRAM);
        program.args(["store", "copy", "--from"]).arg(from).arg("--to").arg(to);
        let output = program.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, out, said) = copy(&from, &to);
    assert_eq!(code, Some(0), "{said}");
    let compared: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&compared["devices"], &compared["envelopes"]), (&1.into(), &30.into()));
    // Nothing is copied over something, and be it one token.
    let (code, _, said) = copy(&from, &to);
    assert!(code == Some(1) && said.contains("has a store already"), "{said}");
    let used = dir.path().join("used");
    std::fs::create_dir(&used).unwrap();
    for file in std::fs::read_dir(collector.data()).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        // The lock would know a copy.
        if file.is_file() && !name.starts_with("collector.") && name != "lock" {
            std::fs::copy(&file, used.join(name)).unwrap();
        }
    }
    assert!(attempt(&used, "token", &[]).status.success());
    let taken = dir.path().join("used.toml");
    std::fs::write(&taken, format!("data = \"{}\"\n", used.display())).unwrap();
    let (code, _, said) = copy(&from, &taken);
    assert!(code == Some(1) && said.contains("has a store already"), "{said}");

    let mut moved = Collector::at(other.clone());
    assert_eq!(moved.lines_of_text("export", &[]), before);
    assert_eq!(moved.lines("devices", &[]), devices);
    assert_eq!(moved.findings("verify").len(), 0);
    assert_eq!(moved.lines("audit", &[]).len(), cursor + 3, "the exports and the copy");
    let mut device = device;
    device.reconnect(&moved);
    assert_eq!(device.put_batch(&moved, &batch(consent, 1, 0, 4)).status, 200, "known already");
    assert_eq!(device.put_batch(&moved, &batch(consent, 1, 300, 304)).status, 201);
    let before = moved.lines_of_text("export", &[]);
    moved.end();

    // And back, begun by a run that was killed at any moment.
    let back = dir.path().join("back");
    let third = dir.path().join("back.toml");
    std::fs::write(&third, format!("data = \"{}\"\n", back.display())).unwrap();
    for pause in [60, 120, 240] {
        let mut program = Command::new(crate::program::PROGRAM);
        let mut running =
            program.args(["store", "copy", "--from"]).arg(&to).arg("--to").arg(&third).spawn().unwrap();
        server.until(&format!("SELECT pg_sleep({}) IS NOT NULL", f64::from(pause) / 1000.0), "t");
        let _ = running.kill();
        if running.wait().unwrap().success() {
            break;
        }
    }
    let (code, _, said) = copy(&to, &third);
    assert!(code == Some(0) || said.contains("has a store already"), "{said}");
    std::fs::remove_file(&third).unwrap();
    let back = Collector::at(back);
    assert_eq!(back.lines_of_text("export", &[]), before);
    assert_eq!(back.findings("verify").len(), 0);
}

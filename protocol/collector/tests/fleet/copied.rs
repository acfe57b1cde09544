//! `store copy` of a fleet's days between the engines, there and back, killed again and again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::Digest;
use rusqlite::{Connection, OpenFlags};
use test_support::{Random, or_skip, peer};

use crate::devices::{Device, Place};
use crate::front::{PROGRAM, ran};
use crate::killed::{Servers, Site, number, shared};

/// Batches that a device sends on a day, and records of each.
const DAILY: u64 = 4;
const RECORDS: u64 = 10;
/// Batches that are copied at once.
const PAGE: u64 = 200;
/// Copies that are killed, each way.
const KILLS: u64 = 8;
/// Devices that are at it at once.
const THREADS: usize = 16;

#[test]
fn a_fleets_days_move_between_the_engines_whatever_is_killed() {
    if !peer::is_slow("a fleet's days copied from PostgreSQL to SQLite and back") {
        return;
    }
    let mut site = or_skip!(Site::start(shared));
    let (count, days) = (number("COPY_DEVICES", 20), number("COPY_DAYS", 30));
    let seed = number("FLEET_SEED", u64::from(std::process::id()));
    println!("seed {seed}, {count} devices, {days} days");
    let (place, devices) = site.devices(count);
    std::thread::scope(|scope| {
        for own in devices.chunks(devices.len().div_ceil(THREADS)) {
            let place = &place;
            scope.spawn(move || own.iter().for_each(|device| fill(place, device, days)));
        }
    });
    site.fronts.iter_mut().for_each(|front| front.kill());
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random::new(seed);
    let first = site.fronts[0].config.clone();
    let stored = exported(&first);
    let batches = count * days * DAILY;
    assert_eq!(stored.1 as u64, batches * RECORDS);
    let pages = batches / PAGE / (KILLS + 1);

    let one = configured(dir.path(), "one", "");
    let database = dir.path().join("one/collector.db");
    copied((&first, &one), (&mut random, pages), || {
        // It may not be there yet.
        Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|sql| {
                sql.query_row("SELECT value FROM meta WHERE name = 'copying'", (), |row| row.get(0))
            })
            .unwrap_or_default()
    });
    assert!(exported(&one) == stored, "the same bytes");

    let Servers { server, .. } = &site.database;
    let url = dir.path().join("url");
    std::fs::write(&url, server.database("other", &server.own())).unwrap();
    std::fs::set_permissions(&url, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let store = "[store]\nengine = \"postgres\"\ndurability = \"replicas\"\nreplicas_at_least = 1\n";
    let two = configured(dir.path(), "two", &format!("{store}url_file = {url:?}\n"));
    copied((&one, &two), (&mut random, pages), || {
        let mut psql = Command::new(server.bin.join("psql"));
        psql.args(["-h", "127.0.0.1", "-U", "kathea", "-d", "other", "-p", &server.port.to_string()]);
        psql.args(["-Atc", "SELECT value FROM meta WHERE name = 'copying'"]);
        String::from_utf8(psql.output().unwrap().stdout).unwrap().trim().to_owned()
    });
    assert!(exported(&two) == stored, "the same bytes");
}

/// All batches of a device, in one visit.
fn fill(place: &Place, device: &Device, days: u64) {
    assert!(
        device
            .visit(place, &device.batch(0, RECORDS), true)
            .unwrap()
            .iter()
            .all(|answer| answer.status == 201)
    );
    let mut connection = device.connect(place).unwrap();
    for index in 1..days * DAILY {
        assert_eq!(connection.put(&device.batch(index, RECORDS)).unwrap().status, 201);
    }
}

/// The configuration of a collector in `dir`.
fn configured(dir: &Path, name: &str, store: &str) -> PathBuf {
    let config = dir.join(name).with_extension("toml");
    let text = format!("data = {:?}\nlisten = \"127.0.0.1:0\"\n{store}", dir.join(name));
    std::fs::write(&config, text).unwrap();
    config
}

/// What a store has: digest and lines.
fn exported(config: &Path) -> (Digest, usize) {
    let mut export = Command::new(PROGRAM);
    let out =
        ran(export.args(["export", "--to", "Example", "--why", "audit", "--config"]).arg(config)).stdout;
    (Digest::of(&out), out.split(|byte| *byte == b'\n').count() - 1)
}

/// Copies a store, killed each time when it came a drawn number of pages further: how far is what `reached` says.
fn copied((from, to): (&Path, &Path), (random, pages): (&mut Random, u64), reached: impl Fn() -> String) {
    let copy = || {
        let mut program = Command::new(PROGRAM);
        program.args(["store", "copy", "--from"]).arg(from).arg("--to").arg(to);
        program
    };
    let place = || -> Vec<u64> { reached().split(' ').filter_map(|part| part.parse().ok()).collect() };
    let (mut places, all) = (vec![Vec::new()], Instant::now());
    for _ in 0..KILLS {
        let mut copying = copy().stdout(Stdio::null()).spawn().unwrap();
        let mut last = places.last().unwrap().clone();
        for _ in 0..=random.below(pages) {
            while place() <= last {
                assert!(
                    copying.try_wait().unwrap().is_none(),
                    "it was over before it was killed: {places:?}"
                );
                std::thread::park_timeout(Duration::from_millis(5));
            }
            last = place();
        }
        copying.kill().unwrap();
        copying.wait().unwrap();
        places.push(place());
    }
    let (killed, begun) = (all.elapsed(), Instant::now());
    let said = String::from_utf8(ran(&mut copy()).stdout).unwrap();
    println!("{KILLS} kills in {killed:?}, then {:?}: {said}tables and numbers: {places:?}", begun.elapsed());
    assert!(places.is_sorted(), "each goes on where the last one was: {places:?}");
    let mut verify = Command::new(PROGRAM);
    assert_eq!(ran(verify.args(["verify", "--config"]).arg(to)).stdout, b"", "nothing is damaged");
}

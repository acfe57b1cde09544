//! Figures of the store in this process, without the wire: `cargo test --release -p kathea-collector --lib measure --
//! --nocapture`. `MEASURE_DEVICES` (without it nothing is measured) and `MEASURE_BATCHES` set the size of the full store,
//! `MEASURE_DIR` where. `MEASURE_POSTGRES`, a URL, measures a store in an empty database instead, which has to have a
//! synchronous replica and whose servers run on this machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::{Batch, DeviceId, Digest, Epoch, Purpose, Retention, Value};
use time::OffsetDateTime;

use super::jobs::Reply;
use super::keystore::places::Settings;
use super::place::Place;
use super::postgres::durability::Demand;
use super::postgres::{Cluster, Url};
use super::testing::{Random, granted};
use super::{Answer, Put, Store, Verdict};

const RUN: Duration = Duration::from_secs(5);
const RECORDS: u64 = 100;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn enrol(store: &Store, number: u64) -> (DeviceId, Digest) {
    granted(store, number, OffsetDateTime::now_utc())
}

/// A batch of 100 records that deflate cannot shorten much: 1,200 bytes and more.
fn random_batch(random: &mut Random, consent: Digest, number: u64) -> Batch {
    let lo = number * RECORDS;
    let mut batch = test_support::batch(consent, Epoch { counter: 1, random: [0; 8] }, lo, lo + RECORDS - 1);
    batch.header.retention = Retention::Analytics14Months;
    for record in &mut batch.records {
        record.attributes = vec![random.below(1 << 40), 0, 0, 1];
        record.value = Value::Count(random.below(1 << 32));
    }
    batch
}

fn put(store: &Store, device: DeviceId, batch: &Batch) -> Reply<Answer> {
    let body = batch.encode();
    let put = Put::new(batch, Digest::of(&body), body).unwrap();
    store.put_batch(device, put, OffsetDateTime::now_utc())
}

/// Processor time of this process.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// So many clients, each waiting for its answer before its next batch.
fn clients(store: &Arc<Store>, devices: &[(DeviceId, Digest)], clients: usize, first: u64, what: &str) {
    let done = AtomicU64::new(0);
    let (begin, used) = (Instant::now(), processor());
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let each = devices.len() / clients;
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let (store, done) = (store.clone(), &done);
                let own = &devices[client * each..(client + 1) * each];
                scope.spawn(move || {
                    let mut random = Random::new(client as u64);
                    let (mut times, mut number) = (Vec::new(), first);
                    while begin.elapsed() < RUN {
                        for &(device, consent) in own {
                            let batch = random_batch(&mut random, consent, number);
                            let start = Instant::now();
                            let answer = put(&store, device, &batch).block().unwrap();
                            assert!(matches!(answer.verdict, Verdict::New(_)));
                            times.push(start.elapsed());
                            done.fetch_add(1, Ordering::Relaxed);
                            if begin.elapsed() >= RUN {
                                break;
                            }
                        }
                        number += 1;
                    }
                    times
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let (count, elapsed) = (done.into_inner(), begin.elapsed());
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    let each = (processor() - used) / count.max(1) as u32;
    println!(
        "{what}: {clients} clients {:.0}/s, p99 {p99:?}, processor {each:?} a batch with encoding",
        count as f64 / elapsed.as_secs_f64()
    );
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (begin, used) = (Instant::now(), processor());
    let out = work();
    println!(
        "{what}: {:?}, processor {:?}, resident {} MiB",
        begin.elapsed(),
        processor() - used,
        resident()
    );
    out
}

/// Figures, and no check: only where `MEASURE_DEVICES` asks for them.
#[test]
fn measure_the_store() {
    if std::env::var_os("MEASURE_DEVICES").is_some() {
        match std::env::var("MEASURE_POSTGRES") {
            Ok(url) => measure_postgres(&url),
            Err(_) => measure(),
        }
    }
}

fn measure_postgres(url: &str) {
    let (url, demand) = (Url::new(url), Demand::Replicas(1));
    let place = Place::Postgres(Cluster { url, demand, authority: None, bundles: None });
    let data = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(data.path(), &place, &Settings::default()).unwrap());
    let count = setting("MEASURE_DEVICES", 640);
    let devices: Vec<_> =
        timed(&format!("{count} devices enrolled"), || (0..count).map(|n| enrol(&store, n)).collect());
    for number in [1, 16, 64] {
        let before = servers();
        clients(&store, &devices, number, 1_000 * number as u64, "PostgreSQL, replica");
        println!("servers' processor in {RUN:?}: {:?}", servers().saturating_sub(before));
    }
}

/// Processor time of every PostgreSQL server on this machine and what it started.
fn servers() -> Duration {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let ticks = processes.filter_map(|process| {
        let name = std::fs::read_to_string(process.join("comm")).ok().filter(|name| name == "postgres\n")?;
        let text = std::fs::read_to_string(process.join("stat")).ok()?;
        let fields: Vec<&str> = text.split(&name.trim_end()).last()?.split_whitespace().collect();
        Some(fields.get(12)?.parse::<u64>().ok()? + fields.get(13)?.parse::<u64>().ok()?)
    });
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

fn measure() {
    let own = tempfile::tempdir().unwrap();
    let data = std::env::var("MEASURE_DIR").map_or_else(|_| own.path().to_owned(), Into::into);
    let data: &Path = &data;
    let (count, batches) = (setting("MEASURE_DEVICES", 2_000), setting("MEASURE_BATCHES", 20));
    let store = Arc::new(Store::open(data, &Place::Embedded, &Settings::default()).unwrap());
    let devices: Vec<_> =
        timed(&format!("{count} devices enrolled"), || (0..count).map(|n| enrol(&store, n)).collect());
    timed("2000 batches encoded, not put", || {
        let mut random = Random::new(7);
        for number in 0..2_000 {
            let batch = random_batch(&mut random, Digest::of(b"consent"), number);
            let body = batch.encode();
            assert!(Put::new(&batch, Digest::of(&body), body).is_some());
        }
    });
    for number in [1, 16, 64] {
        clients(&store, &devices, number, 1_000 * number as u64, "empty store");
    }
    timed(&format!("{} batches put", count * batches), || {
        let mut random = Random::new(7);
        for number in 0..batches {
            let mut waiting = std::collections::VecDeque::new();
            for &(device, consent) in &devices {
                waiting.push_back(put(&store, device, &random_batch(&mut random, consent, number)));
                if waiting.len() > 512 {
                    waiting.pop_front().unwrap().block().unwrap();
                }
            }
            waiting.into_iter().for_each(|reply| drop(reply.block().unwrap()));
        }
    });
    clients(&store, &devices, 64, 500_000, "full store");
    let size = std::fs::metadata(data.join("collector.db")).unwrap().len();
    println!("database: {} MiB", size >> 20);
    let copy = data.join("copy");
    std::fs::create_dir(&copy).unwrap();
    copy_under_load(&store, &devices, &copy.join("collector.db"));
    std::fs::remove_dir_all(&copy).unwrap();
    drop(store);
    let store = timed("opened again", || Store::open(data, &Place::Embedded, &Settings::default()).unwrap());
    let first = timed("first visit", || store.visit(devices[0].0, OffsetDateTime::now_utc()).unwrap());
    assert!(first.head.is_some());
    timed("devices", || {
        let mut listed = 0;
        store
            .devices(|seen| {
                seen.unwrap();
                listed += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(listed, count);
    });
    let findings =
        timed("verify", || store.verify(OffsetDateTime::now_utc(), |finding| panic!("{finding:?}")).unwrap());
    assert_eq!(findings, 0);
    timed("retention, dry", || store.retention_plan(OffsetDateTime::now_utc()).unwrap());
    timed("export, decoded", || {
        let mut records = 0;
        store
            .envelopes(super::Wanted::default(), |stored| {
                records += stored.unwrap().batch.records.len();
                Ok(())
            })
            .unwrap();
        println!("{records} records");
    });
    timed("erase one device", || {
        store.erase_envelopes(devices[0].0, Purpose::UsageStatistics, i64::MAX).unwrap()
    });
}

/// Devices that send at once while a copy is made, together a thousand batches in a second.
const SENDERS: usize = 8;

/// A copy while a thousand batches come in a second, and how large the log grows meanwhile.
fn copy_under_load(store: &Store, devices: &[(DeviceId, Digest)], to: &Path) {
    let is_over = AtomicBool::new(false);
    let log = store.data().join("collector.db-wal");
    std::thread::scope(|scope| {
        let begun = Instant::now();
        let load: Vec<_> = devices
            .chunks(devices.len().div_ceil(SENDERS))
            .zip(9..)
            .map(|(own, seed)| {
                scope.spawn({
                    let (log, is_over) = (&log, &is_over);
                    move || sender(store, own, seed, log, is_over)
                })
            })
            .collect();
        timed("copy of the database under load", || store.copy_database(to).unwrap());
        is_over.store(true, Ordering::SeqCst);
        let (mut times, mut largest) = (Vec::new(), 0);
        for sender in load {
            let (own, most) = sender.join().unwrap();
            times.extend(own);
            largest = largest.max(most);
        }
        times.sort();
        let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
        let p99 = times[times.len() * 99 / 100];
        println!("meanwhile {rate:.0} batches/s of 1000, p99 {p99:?}; the log at most {} MiB", largest >> 20);
    });
}

/// Sends a batch of one of these devices after the other, each eight milliseconds later; gives how long each took, and
/// the most that the log had.
fn sender(
    store: &Store,
    devices: &[(DeviceId, Digest)],
    seed: u64,
    log: &Path,
    is_over: &AtomicBool,
) -> (Vec<Duration>, u64) {
    let (mut random, mut times, mut largest) = (Random::new(seed), Vec::new(), 0);
    let (begun, pause) = (Instant::now(), Duration::from_millis(SENDERS as u64));
    for (&(device, consent), sent) in devices.iter().cycle().zip(0_u32..) {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        std::thread::park_timeout((begun + pause * sent).saturating_duration_since(Instant::now()));
        let number = 900_000 + u64::from(sent) / devices.len() as u64;
        let start = Instant::now();
        put(store, device, &random_batch(&mut random, consent, number)).block().unwrap();
        times.push(start.elapsed());
        largest = largest.max(std::fs::metadata(log).map_or(0, |log| log.len()));
    }
    (times, largest)
}

//! Many large bundles are completed at once, and batches are answered meanwhile.
//!
//! `BUNDLES=32 BUNDLE_MB=1024 cargo test --release -p kathea-collector --test service -- --nocapture completed` is the whole of
//! it, and needs 32 GiB below `TMPDIR`; with `BUNDLE_MB` the 99th percentile is held to its bound.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::fleet::{Device, Place};
use crate::server::Server;
use crate::upload::Upload;

/// Devices that send batches, one after the other without a pause.
const SENDERS: usize = 4;
/// The 99th percentile of a batch, its answer included.
const P99: Duration = Duration::from_millis(250);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// How long batches of one device take, on an open connection, until `is_over`.
fn batches(place: &Place, device: &Device, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut connection = device.connect(place).unwrap();
    while !is_over() {
        let begun = Instant::now();
        let answer = connection.put(&device.batch(times.len() as u64, 100)).unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        times.push(begun.elapsed());
    }
    times
}

#[test]
fn batches_are_answered_while_bundles_are_completed() {
    let (count, size) = (setting("BUNDLES").unwrap_or(4), setting("BUNDLE_MB"));
    let server = Server::start(None);
    let mut devices = server.devices(count + SENDERS as u64);
    let (senders, owners) = (devices.split_off(count as usize), devices);
    let place = &server.place;
    let uploads: Vec<Upload<'_>> = owners
        .iter()
        .zip(1..)
        .map(|(owner, seed)| {
            let mut upload = Upload::new(place, owner, seed, size.unwrap_or(24));
            upload.send();
            upload
        })
        .collect();
    // The grant, and the key of each.
    let warm = |sender: &Device| sender.visit(place, &sender.records(1_000_000, 1_000_009), true).unwrap();
    assert!(senders.iter().flat_map(warm).all(|answer| answer.status == 201));

    let left = AtomicUsize::new(uploads.len());
    let (begun, used) = (Instant::now(), server.processor());
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        for upload in &uploads {
            let left = &left;
            scope.spawn(move || {
                upload.complete();
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let over = || left.load(Ordering::SeqCst) == 0;
        let each = senders.iter().map(|sender| scope.spawn(move || batches(place, sender, over)));
        let each: Vec<_> = each.collect();
        each.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    let took = begun.elapsed();
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!(
        "{count} bundles of {} MiB completed in {took:?} (processor {:?}); {} batches meanwhile, half within {p50:?}, 99 of \
         100 within {p99:?}, the longest {:?}; at most {} KiB of memory",
        size.unwrap_or(24),
        server.processor() - used,
        times.len(),
        times[times.len() - 1],
        server.status("VmHWM"),
    );
    assert!(size.is_none() || p99 <= P99, "{p99:?}");
    assert_eq!(server.run("bundles", &[]).lines().count() as u64, count);
}

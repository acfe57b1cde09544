//! Large bundles over several fronts that are killed meanwhile, and what their memory is.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use protocol::bundle::MAX_CHUNK;
use test_support::or_skip;
use test_support::peer;

use crate::devices::Place;
use crate::killed::{Site, number, shared};
use crate::seaweed::{Seaweed, settings};
use crate::upload::Upload;

/// Between two kills.
const PAUSE: Duration = Duration::from_secs(5);
/// Of one front with 16 uploads, MiB.
const MEMORY: u64 = 128;

/// One bundle while a front is killed again and again, then sixteen at one front. What completes a bundle begins anew where
/// it was killed, and may take longer than such a front lives: from then on each front is killed once more.
fn uploads(name: &str, bundles: impl FnOnce(&Path) -> String) -> Result<(), peer::Skipped> {
    let mut site = Site::start(bundles)?;
    let (place, devices) = site.devices(17);
    let (blocks, each) = (number("FLEET_UPLOAD_MB", 64), number("FLEET_UPLOADS_MB", 8));
    let mut upload = Upload::new(&place, &devices[0], 0, blocks);
    let (is_sent, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (begun, mut kills, mut left) = (Instant::now(), 0, site.fronts.len());
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                upload.send();
                is_sent.store(true, Ordering::SeqCst);
                upload.complete();
            }));
            is_over.store(true, Ordering::SeqCst);
            sent.unwrap();
        });
        let mut next = begun + PAUSE / 2;
        while !is_over.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(20));
            if Instant::now() >= next && left > 0 {
                left -= usize::from(is_sent.load(Ordering::SeqCst));
                let front = kills % site.fronts.len();
                site.fronts[front].kill();
                site.fronts[front].restart();
                kills += 1;
                next = Instant::now() + PAUSE;
            }
        }
        sending.join().unwrap();
    });
    let (took, cuts, again) = (begun.elapsed(), upload.cuts, upload.again);
    println!("{name}: {blocks} MiB in {took:?}, {kills} kills, {cuts} chunks cut, {again} bytes sent again");
    assert!(again <= cuts * MAX_CHUNK, "more than a chunk again for a cut");

    let front = &mut site.fronts[0];
    front.kill();
    front.restart();
    let one = Place::new(front.address, &front.data.join("ca.pem")).unwrap();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for (device, seed) in devices[1..].iter().zip(1..) {
            let one = &one;
            scope.spawn(move || {
                let mut upload = Upload::new(one, device, seed, each);
                upload.send();
                upload.complete();
            });
        }
    });
    let peak = site.fronts[0].peak();
    println!(
        "{name}: 16 uploads of {each} MiB at one front in {:?}, at most {peak} MiB of memory",
        begun.elapsed()
    );
    assert_eq!(site.fronts[1].run("verify", &[]), "", "each has its digest");
    assert!(peak <= MEMORY, "{peak} MiB");
    Ok(())
}

#[test]
fn large_bundles_outlive_their_fronts_in_a_directory() {
    if peer::is_slow("a large bundle over fronts that are killed, and the memory of 16") {
        or_skip!(uploads("directory", shared));
    }
}

#[test]
fn large_bundles_outlive_their_fronts_in_a_bucket() {
    if peer::is_slow("the same with the bundles in SeaweedFS") {
        let s3 = or_skip!(Seaweed::start());
        or_skip!(uploads("bucket", |dir| settings(dir, &format!("http://127.0.0.1:{}", s3.port))));
    }
}

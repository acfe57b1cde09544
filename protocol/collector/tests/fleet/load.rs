//! Devices that lose replies, repeat and overlap what they sent, and come to another front each time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::DeviceId;
use test_support::Random;

use crate::devices::{Device, Place};

/// Records of a batch.
const RECORDS: u64 = 3;
/// Without one acknowledgement for so long, the fleet stands still.
const STILL: Duration = Duration::from_secs(120);

/// What became of the visits of all devices.
#[derive(Default)]
pub(crate) struct Load {
    /// Acknowledgements: when, after how long since the first try.
    pub(crate) answers: Mutex<Vec<(Instant, Duration)>>,
    count: AtomicU64,
    /// Tries that got no answer or a 503.
    pub(crate) again: AtomicU64,
    /// Answers that would end a device's hope, and what they were.
    pub(crate) refused: Mutex<BTreeMap<u16, u64>>,
    is_over: AtomicBool,
    /// How far each device was acknowledged: records from 0 up to this one, without it.
    pub(crate) acknowledged: Mutex<BTreeMap<DeviceId, u64>>,
}

impl Load {
    /// Lets the devices come, shared out to so many threads, until `over` is called.
    pub(crate) fn run(&self, place: &Place, devices: &[Device], threads: usize, seed: u64) {
        std::thread::scope(|scope| {
            for number in 0..threads {
                scope.spawn(move || self.thread(place, devices, number, threads, seed));
            }
        });
    }

    /// Ends it after each device's visit.
    pub(crate) fn over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Waits for so many acknowledgements more.
    pub(crate) fn wait_for(&self, more: u64) {
        let reached = || self.count.load(Ordering::SeqCst);
        let (wanted, mut seen, mut since) = (reached() + more, reached(), Instant::now());
        while reached() < wanted {
            if reached() > seen {
                (seen, since) = (reached(), Instant::now());
            }
            assert!(since.elapsed() < STILL, "the fleet stands still: {:?}", self.refused);
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn thread(&self, place: &Place, devices: &[Device], number: usize, threads: usize, seed: u64) {
        let own: Vec<&Device> = devices.iter().skip(number).step_by(threads).collect();
        let (mut ends, mut random) = (vec![0; own.len()], Random::new(seed.wrapping_add(number as u64)));
        while !self.is_over.load(Ordering::SeqCst) {
            for (device, end) in own.iter().zip(&mut ends) {
                self.visit(place, device, end, &mut random);
                if self.is_over.load(Ordering::SeqCst) {
                    break;
                }
            }
        }
        let mut all = self.acknowledged.lock().unwrap();
        all.extend(own.iter().map(|device| device.id).zip(ends));
    }

    /// One batch, sent until it is acknowledged.
    fn visit(&self, place: &Place, device: &Device, end: &mut u64, random: &mut Random) {
        let (begun, is_new) = (Instant::now(), *end == 0);
        let next = *end + RECORDS - 1;
        let lo = match random.below(10) {
            // One that is known already, and one that overlaps what is known.
            0 if !is_new => return self.send(place, device, (*end - RECORDS, *end - 1), false, begun),
            1 if !is_new => *end - 1 - random.below(RECORDS),
            _ => *end,
        };
        if random.below(10) == 0 {
            // The answer is lost: it leaves before it comes.
            let _ = device.connect(place).and_then(|connection| connection.leave(&device.records(lo, next)));
        }
        self.send(place, device, (lo, next), is_new, begun);
        *end = next + 1;
    }

    fn send(&self, place: &Place, device: &Device, (lo, hi): (u64, u64), is_new: bool, begun: Instant) {
        loop {
            let answers = device.visit(place, &device.records(lo, hi), is_new);
            match answers.as_ref().map(|answers| answers.iter().map(|answer| answer.status).max()) {
                Ok(Some(200 | 201)) => {
                    self.answers.lock().unwrap().push((Instant::now(), begun.elapsed()));
                    self.count.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Ok(Some(503)) | Err(_) => {
                    self.again.fetch_add(1, Ordering::SeqCst);
                    // A device waits longer; who asks at once would only take the processor from what starts again.
                    std::thread::park_timeout(Duration::from_millis(20));
                }
                Ok(other) => {
                    *self.refused.lock().unwrap().entry(other.unwrap_or(0)).or_default() += 1;
                    return;
                }
            }
        }
    }
}

//! The load generator: a fleet of devices that are made of numbers visits a collector, and figures come out.
//!
//! ```text
//! kathea-collector token --data DIR --count 1000 > tokens
//! cargo run --release -p kathea-collector --example load -- \
//!     --address 127.0.0.1:8443 --ca DIR/ca.pem --tokens tokens --visits 10 --threads 16
//! ```

#[allow(dead_code, reason = "the tests in tests/service use the rest")]
mod fleet;

use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use fleet::{Device, Place};
use serde_json::json;

/// Lets devices enrol and visit, and prints one line of JSON.
#[derive(Parser)]
struct Args {
    /// Where the collector listens
    #[arg(long)]
    address: SocketAddr,
    /// Its authority
    #[arg(long)]
    ca: PathBuf,
    /// One-time tokens, one a line: one for each device
    #[arg(long)]
    tokens: PathBuf,
    /// The number of the first device
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Visits of each device, each a handshake and a batch
    #[arg(long, default_value_t = 1)]
    visits: u64,
    /// Records of a batch
    #[arg(long, default_value_t = 100)]
    records: u64,
    /// Devices that are at it at once
    #[arg(long, default_value_t = 16)]
    threads: usize,
    /// Writes each acknowledgement to this file when it comes, a line of JSON with its time
    #[arg(long)]
    acknowledged: Option<PathBuf>,
    /// Lets every other device take its consent back at the end
    #[arg(long)]
    withdraw: bool,
}

/// What all threads found.
#[derive(Default)]
struct Found {
    visits: Vec<Duration>,
    stored: u64,
    refused: u64,
    failed: u64,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let place = Place::new(args.address, &args.ca)?;
    let tokens = std::fs::read_to_string(&args.tokens)?;
    let tokens: Vec<&str> = tokens.lines().collect();
    let begun = Instant::now();
    let devices = each(args.threads, &tokens, |index, token| {
        let mut device = Device::new(&place, args.first + index as u64)?;
        let answer = device.enrol(&place, token)?;
        if answer.status == 201 {
            Ok(device)
        } else {
            Err(io::Error::other(format!("enrolment: {}", answer.status)))
        }
    });
    let devices: Vec<Device> = devices.into_iter().collect::<io::Result<_>>()?;
    let written = Written::new(args.acknowledged.as_deref())?;
    let enrolled = begun.elapsed();

    let begun = Instant::now();
    let mut found = Found::default();
    for visit in 0..args.visits {
        let round = each(args.threads, &devices, |_, device| {
            let (batch, begun) = (device.batch(visit, args.records), Instant::now());
            let answers = device.visit(&place, &batch, visit == 0).and_then(|answers| {
                if answers.iter().all(|answer| answer.status < 300) {
                    let (device, lo) = (device.id.to_string(), visit * args.records);
                    written.down(json!({"device": device, "lo": lo, "hi": lo + args.records - 1}))?;
                }
                Ok(answers)
            });
            (answers, begun.elapsed())
        });
        for (answers, took) in round {
            found.visits.push(took);
            match answers {
                Err(_) => found.failed += 1,
                Ok(answers) if answers.iter().all(|answer| answer.status < 300) => found.stored += 1,
                Ok(_) => found.refused += 1,
            }
        }
    }
    let took = begun.elapsed();
    if args.withdraw {
        let leaving: Vec<&Device> = devices.iter().step_by(2).collect();
        let left = each(args.threads, &leaving, |_, device| match device.withdraw(&place)?.status {
            ..300 => written.down(json!({"device": device.id.to_string(), "withdrawn": true})),
            status => Err(io::Error::other(format!("withdrawal: {status}"))),
        });
        left.into_iter().collect::<io::Result<()>>()?;
    }
    found.visits.sort();
    let at = |share: f64| {
        let place = (found.visits.len() as f64 * share) as usize;
        found.visits.get(place.min(found.visits.len().saturating_sub(1))).map(Duration::as_secs_f64)
    };
    let line = json!({
        "devices": devices.len(), "enrolled_s": enrolled.as_secs_f64(), "visits": found.visits.len(),
        "stored": found.stored, "refused": found.refused, "failed": found.failed, "took_s": took.as_secs_f64(),
        "visits_per_s": found.visits.len() as f64 / took.as_secs_f64(), "records_per_visit": args.records,
        "p50_s": at(0.5), "p99_s": at(0.99), "longest_s": at(1.0),
    });
    use io::Write;
    writeln!(io::stdout(), "{line}")
}

/// Where acknowledgements are written down, if anywhere.
struct Written(Option<Mutex<File>>);

impl Written {
    fn new(path: Option<&Path>) -> io::Result<Self> {
        Ok(Self(path.map(File::create).transpose()?.map(Mutex::new)))
    }

    fn down(&self, mut what: serde_json::Value) -> io::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        what["at"] = json!(at.as_secs_f64());
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{what}")
    }
}

/// Does something with each item on so many threads; results in the items' order.
fn each<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(index, item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

//! Memory: what `run --once` needs at most of its own while it takes in a full outbox.

use std::fs;
use std::process::{Child, Stdio};

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::peer;
use crate::common::workstation::Workstation;
use crate::common::{seeded, until};

const FILES: usize = 10_000;

/// KiB. Between what it needs, 4.4 to 4.6 MiB, and the 10.9 to 14.9 MiB without glibc's limit (an unoptimised build): then
/// sled's page tables, 6 MiB of zeros for each database, are cleared on the heap and stay resident.
const MOST: u64 = 8 << 10;

/// The most memory of its own that a process had until its end, in KiB: without the pages of the program, which are 15 MiB
/// more where it is not optimised. What this looks for stays resident to the end, so a look each few milliseconds sees it.
fn peak(mut process: Child) -> u64 {
    let (status, mut peak) = (format!("/proc/{}/status", process.id()), 0);
    until("the end of the process", || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now.unwrap_or(0));
        process.try_wait().unwrap().is_some()
    });
    peak
}

#[test]
fn ten_thousand_files_in_the_outbox_take_less_memory_than_two_page_tables() {
    let is_glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    if !peer::can(is_glibc, "only glibc has the limit, and only Linux says what a process needs") {
        return;
    }
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    workstation.configure(&url, "https://127.0.0.1:1");
    Outbox::new(seeded()).fill(&workstation, FILES, 1, Outbox::device_error);
    let mut agent = workstation.agent(&["run", "--once"]);
    agent.env_remove("MALLOC_MMAP_THRESHOLD_").stdout(Stdio::null()).stderr(Stdio::null());
    let peak = peak(agent.spawn().unwrap());
    eprintln!("at most {peak} KiB");
    assert_eq!(workstation.status()["waiting"]["usage"]["records"], FILES);
    assert!((1 << 10..MOST).contains(&peak), "{peak} KiB");
}

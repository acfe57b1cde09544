//! What the operating system noted of disks, graphics and crashes: counts of a closed list, never its text.

#[cfg(any(windows, test))]
mod event_log;

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde::Serialize;

use super::looking::Looking;
use super::missing::Missing;
use super::plan::Plan;

/// A kind of event, and what a line has that tells it.
struct Kind {
    name: &'static str,
    /// In the kernel's log of Linux.
    #[cfg_attr(windows, allow(dead_code, reason = "the other system's"))]
    linux: &'static [&'static str],
    /// In an event of Windows: who noted it. Empty: Windows does not say it in one place.
    #[cfg_attr(not(any(windows, test)), allow(dead_code, reason = "the other system's"))]
    windows: &'static [&'static str],
}

/// `system.json`: how often each kind was noted.
#[derive(Serialize)]
struct SystemDocument {
    events: BTreeMap<&'static str, u64>,
}

/// An entry of `disks.json`.
#[derive(Serialize)]
struct DiskErrors<'a> {
    what: &'a str,
    errors: u64,
}

const GRAPHICS_RESET: &str = "graphics_reset";

const KINDS: &[Kind] = &[
    Kind {
        name: "disk_error",
        linux: &["I/O error", "EXT4-fs error", "Medium Error", "failed command: READ"],
        windows: &[
            "Name='disk'",
            "Name='Ntfs'",
            "Name='Microsoft-Windows-Ntfs'",
            "Name='volmgr'",
            "Name='stornvme'",
        ],
    },
    Kind {
        name: GRAPHICS_RESET,
        linux: &["NVRM: Xid", "GPU reset", "GPU HANG", "ring gfx timeout"],
        windows: &["Name='Display'", "Name='nvlddmkm'", "Name='amdkmdag'"],
    },
    Kind {
        name: "crash",
        linux: &["segfault at", "general protection fault", "traps: "],
        windows: &[
            "Name='Microsoft-Windows-WER-SystemErrorReporting'",
            "Name='Microsoft-Windows-Kernel-Power'",
        ],
    },
    Kind {
        name: "out_of_memory",
        linux: &["Out of memory: Killed"],
        windows: &["Name='Microsoft-Windows-Resource-Exhaustion-Detector'"],
    },
    Kind {
        name: "hardware_error",
        linux: &["Hardware Error", "Machine check"],
        windows: &["Name='Microsoft-Windows-WHEA-Logger'"],
    },
    Kind {
        name: "overheated",
        linux: &["temperature above threshold", "thermal throttling"],
        windows: &["Name='Microsoft-Windows-Kernel-Processor-Power'"],
    },
    Kind { name: "link_lost", linux: &["Link is Down", "USB disconnect"], windows: &[] },
];

/// The events of the window.
pub(super) fn events(looking: &Looking<'_>) -> Plan {
    let (start, end) = looking.window;
    match os::log(start, end) {
        Some(lines) => Plan::document("system", &SystemDocument { events: counted(&lines, os::PARTS) }),
        None => Plan::absent(Missing::LogClosed),
    }
}

/// How often the system reset the graphics card; `None` if its log is not open to this account.
pub(in crate::support) fn graphics_resets(start: i64, end: i64) -> Option<u64> {
    counted(&os::log(start, end)?, os::PARTS).remove(GRAPHICS_RESET)
}

/// The errors that disks and file systems count.
pub(super) fn disks(_: &Looking<'_>) -> Plan {
    let disks = os::disks();
    if disks.is_empty() {
        return Plan::absent(Missing::NoDiskCounts);
    }
    let disks: Vec<_> = disks.iter().map(|(what, errors)| DiskErrors { what, errors: *errors }).collect();
    Plan::document("disks", &disks)
}

/// What tells a kind on one system.
type Parts = fn(&Kind) -> &'static [&'static str];

/// Each kind that `parts` knows, with how often it was seen; zeros too, because "none" is an answer.
fn counted(log: &str, parts: Parts) -> BTreeMap<&'static str, u64> {
    let count = |kind: &Kind| {
        log.lines().filter(|line| parts(kind).iter().any(|part| line.contains(part))).count() as u64
    };
    let known = KINDS.iter().filter(|kind| !parts(kind).is_empty());
    known.map(|kind| (kind.name, count(kind))).collect()
}

/// Bytes of a log that are looked at, the newest: some 100,000 lines of Linux, 20,000 events of Windows.
const MOST: u64 = 16 << 20;

/// How long the system may take to read its log, which is on a disk that may be broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a program says, or the first [`MOST`] bytes of it, if it ends well within `patience`.
fn output_of(command: &mut Command, patience: Duration) -> Option<String> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let out = child.stdout.take()?;
    let (said, received) = channel();
    // Where there is no thread to be had nobody answers, and nothing was said.
    let _ = std::thread::Builder::new().name("log".into()).spawn(move || {
        let mut text = Vec::new();
        let read = out.take(MOST).read_to_end(&mut text);
        let _ = said.send(read.is_ok().then_some(text));
    });
    let text = received.recv_timeout(patience).ok().flatten();
    // One that says more than is read ends for want of a reader.
    let is_all = text.as_ref().is_some_and(|text| (text.len() as u64) < MOST);
    if !is_all {
        let _ = child.kill();
    }
    let is_well = child.wait().ok()?.success() || !is_all;
    text.filter(|_| is_well).map(|text| String::from_utf8_lossy(&text).into_owned())
}

#[cfg(target_os = "linux")]
mod os {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    pub(super) const PARTS: super::Parts = |kind| kind.linux;

    /// The kernel's log of a time, from systemd's journal.
    pub(super) fn log(start: i64, end: i64) -> Option<String> {
        let mut journal = Command::new("journalctl");
        journal.args(["--dmesg", "--quiet", "--no-pager", "--output=cat", "--reverse"]);
        super::output_of(
            journal.args([format!("--since=@{start}"), format!("--until=@{end}")]),
            super::PATIENCE,
        )
    }

    /// Counters of the block devices and file systems, by kind and number: no name of a disk.
    pub(super) fn disks() -> Vec<(String, u64)> {
        let count = |path: &Path| {
            let text = fs::read_to_string(path).ok()?;
            let text = text.trim();
            text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
        };
        let below = |folder: &str, file: &str, what: &str| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let counts = entries.filter_map(|entry| count(&entry.path().join(file))).enumerate();
            counts.map(|(at, errors)| (format!("{what} {}", at + 1), errors)).collect::<Vec<_>>()
        };
        let mut all = below("/sys/fs/ext4", "errors_count", "ext4");
        all.extend(below("/sys/block", "device/ioerr_cnt", "disk"));
        all
    }
}

#[cfg(windows)]
mod os {
    pub(super) const PARTS: super::Parts = |kind| kind.windows;

    pub(super) fn log(start: i64, end: i64) -> Option<String> {
        super::event_log::read(start, end)
    }

    /// Windows counts no errors of a disk where an account without rights may read them.
    pub(super) fn disks() -> Vec<(String, u64)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_counts_and_their_text_is_gone() {
        let log = "blk_update_request: I/O error, dev sda, sector 1\nNVRM: Xid (PCI:0000:01:00): 79\n\
                   kathea[1042]: segfault at 0 ip 0000\nanna.sorensen logged in\nBuffer I/O error on dev sda1\n";
        let counted = serde_json::to_string(&counted(log, |kind| kind.linux)).unwrap();
        assert!(
            counted.contains("\"disk_error\":2") && counted.contains("\"graphics_reset\":1"),
            "{counted}"
        );
        assert!(counted.contains("\"crash\":1") && counted.contains("\"overheated\":0"), "{counted}");
        assert!(!counted.contains("anna") && !counted.contains("sda"));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_or_hangs_says_nothing() {
        let shell = |line: &str, patience| output_of(Command::new("sh").args(["-c", line]), patience);
        let long = Duration::from_secs(100);
        assert_eq!(shell("printf abc", long).as_deref(), Some("abc"));
        assert_eq!(shell("printf abc; exit 1", long), None);
        let endless = shell("exec yes", long).unwrap();
        assert_eq!(endless.len() as u64, MOST, "the newest of a long log");
        assert_eq!(shell("exec sleep 1000", Duration::from_millis(1)), None);
    }
}

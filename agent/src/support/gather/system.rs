//! What the operating system noted of disks, graphics and crashes: counts of a closed list, never its text.

#[cfg(any(windows, test))]
mod event_log;

use serde_json::json;

use super::Looking;
use super::basket::Plan;
use crate::ordered::ordered;

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
        name: "graphics_reset",
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
        Some(lines) => Plan::document("system", &json!({"events": counted(&lines, os::PARTS)})),
        None => Plan::absent("the system's log is not open to this account"),
    }
}

/// How often the system reset the graphics card; `None` if its log is not open to this account.
pub(in crate::support) fn graphics_resets(start: i64, end: i64) -> Option<u64> {
    counted(&os::log(start, end)?, os::PARTS)["graphics_reset"].as_u64()
}

/// The errors that disks and file systems count.
pub(super) fn disks(_: &Looking<'_>) -> Plan {
    let disks = os::disks();
    if disks.is_empty() {
        return Plan::absent("no disk of this system counts its errors");
    }
    let disks: Vec<_> = disks.iter().map(|(what, errors)| json!({"what": what, "errors": errors})).collect();
    Plan::document("disks", &json!(disks))
}

/// What tells a kind on one system.
type Parts = fn(&Kind) -> &'static [&'static str];

/// Each kind that `parts` knows, with how often it was seen; zeros too, because "none" is an answer.
fn counted(log: &str, parts: Parts) -> serde_json::Map<String, serde_json::Value> {
    let count =
        |kind: &Kind| log.lines().filter(|line| parts(kind).iter().any(|part| line.contains(part))).count();
    let known = KINDS.iter().filter(|kind| !parts(kind).is_empty());
    ordered(known.map(|kind| (kind.name.to_owned(), json!(count(kind)))))
}

#[cfg(target_os = "linux")]
mod os {
    use std::fs;
    use std::io::Read;
    use std::path::Path;
    use std::process::{Command, Stdio};

    pub(super) const PARTS: super::Parts = |kind| kind.linux;

    /// Bytes of the kernel's log that are looked at: some 100,000 lines.
    const MOST: u64 = 16 << 20;

    /// The kernel's log of a time, from systemd's journal. `timeout` is of coreutils: the journal of a broken disk
    /// may hang.
    pub(super) fn log(start: i64, end: i64) -> Option<String> {
        let mut child = Command::new("timeout")
            .args(["10", "journalctl", "--dmesg", "--quiet", "--no-pager", "--output=cat"])
            .args([format!("--since=@{start}"), format!("--until=@{end}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut text = Vec::new();
        let read = child.stdout.take()?.take(MOST).read_to_end(&mut text);
        let status = child.wait().ok()?;
        (read.is_ok() && status.success()).then(|| String::from_utf8_lossy(&text).into_owned())
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
}

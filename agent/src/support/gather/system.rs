//! What the operating system noted of disks, graphics and crashes: counts of a closed list, never its text.

use serde_json::json;

use super::Looking;
use super::basket::Plan;

/// A kind of event, and what a line of the kernel's log has that tells it.
struct Kind {
    name: &'static str,
    any: &'static [&'static str],
}

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "the other systems' logs are not read yet"))]
const KINDS: &[Kind] = &[
    Kind { name: "disk_error", any: &["I/O error", "EXT4-fs error", "Medium Error", "failed command: READ"] },
    Kind { name: "graphics_reset", any: &["NVRM: Xid", "GPU reset", "GPU HANG", "ring gfx timeout"] },
    Kind { name: "crash", any: &["segfault at", "general protection fault", "traps: "] },
    Kind { name: "out_of_memory", any: &["Out of memory: Killed"] },
    Kind { name: "hardware_error", any: &["Hardware Error", "Machine check"] },
    Kind { name: "overheated", any: &["temperature above threshold", "thermal throttling"] },
    Kind { name: "link_lost", any: &["Link is Down", "USB disconnect"] },
];

/// The events of the window.
pub(super) fn events(looking: &Looking<'_>) -> Plan {
    let (start, end) = looking.window;
    match os::kernel_log(start, end) {
        Some(lines) => Plan::document("system", &json!({"events": counted(&lines)})),
        None => Plan::absent("the system's log is not open to this account"),
    }
}

/// How often the system reset the graphics card; `None` if its log is not open to this account.
pub(in crate::support) fn graphics_resets(start: i64, end: i64) -> Option<u64> {
    counted(&os::kernel_log(start, end)?)["graphics_reset"].as_u64()
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

/// Each kind with how often it was seen; zeros too, because "none" is an answer.
fn counted(log: &str) -> serde_json::Map<String, serde_json::Value> {
    let count =
        |kind: &Kind| log.lines().filter(|line| kind.any.iter().any(|part| line.contains(part))).count();
    KINDS.iter().map(|kind| (kind.name.to_owned(), json!(count(kind)))).collect()
}

#[cfg(target_os = "linux")]
mod os {
    use std::fs;
    use std::io::Read;
    use std::path::Path;
    use std::process::{Command, Stdio};

    /// Bytes of the kernel's log that are looked at: some 100,000 lines.
    const MOST: u64 = 16 << 20;

    /// The kernel's log of a time, from systemd's journal. `timeout` is of coreutils: the journal of a broken disk
    /// may hang.
    pub(super) fn kernel_log(start: i64, end: i64) -> Option<String> {
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

/// Elsewhere the system's log is read by nothing yet.
#[cfg(not(target_os = "linux"))]
mod os {
    pub(super) fn kernel_log(_: i64, _: i64) -> Option<String> {
        None
    }

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
        let counted = serde_json::to_string(&counted(log)).unwrap();
        assert!(
            counted.contains("\"disk_error\":2") && counted.contains("\"graphics_reset\":1"),
            "{counted}"
        );
        assert!(counted.contains("\"crash\":1") && counted.contains("\"overheated\":0"), "{counted}");
        assert!(!counted.contains("anna") && !counted.contains("sda"));
    }
}

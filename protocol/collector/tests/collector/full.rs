//! A full disk: nothing is acknowledged that is not durable, what ends or erases something is done, and everything
//! continues once space is free. It needs a file system of its own, which only root may mount.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use protocol::ledger::EventKind;
use serde_json::json;

use crate::device::{Device, batch};
use crate::program::{Collector, attempt, serve_fails};

/// A small file system in memory, unmounted with it.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(mebibytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m,mode=0700");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "kathea"]).arg(dir.path()).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self(dir));
        }
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the disk completely.
    fn fill(&self) {
        let mut file = fs::File::create(self.path().join("foreign")).unwrap();
        for block in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![b'x'; block]).is_ok() {}
        }
    }

    fn free_space(&self) {
        fs::remove_file(self.path().join("foreign")).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A small file system of its own, where this account may mount one.
fn mounted() -> Result<Mounted, test_support::peer::Skipped> {
    let disk = Mounted::new(64);
    test_support::peer::need(disk.is_some(), "a file system cannot be mounted here")?;
    Ok(disk.expect("it was asked for"))
}

#[test]
fn on_a_full_disk_what_ends_something_is_done_and_nothing_else_is_acknowledged() {
    let disk = test_support::or_skip!(mounted());
    let data = disk.path().join("data");
    assert!(attempt(&data, "init", &[]).status.success());
    let collector = Collector::at(data.clone());
    let devices: Vec<Device> = (0..4).map(|_| Device::enrolled(&collector)).collect();
    let consents: Vec<_> = devices.iter().map(|device| device.grant(&collector)).collect();
    for (device, consent) in devices.iter().zip(&consents) {
        assert_eq!(device.put_batch(&collector, &batch(*consent, 1, 0, 9)).status, 201);
    }
    disk.fill();
    let mut next = 10;
    let put = |device: usize, next: u64| {
        devices[device].put_batch(&collector, &batch(consents[device], 1, next, next + 9)).status
    };
    // The log still has space that it kept.
    while put(0, next) == 201 {
        next += 10;
        assert!(next < 1_000_000, "the disk does not fill");
    }
    assert_eq!(put(0, next), 503);
    assert_eq!(put(1, 0), 503, "not even what is known: its answer would not be synced");

    let said = |args: &[&str]| {
        let output = attempt(&data, args[0], &args[1..]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let id = |device: usize| devices[device].id().to_string();
    assert_eq!(said(&["revoke", &id(1)]).0, Some(0), "revoked from the command line");
    assert_eq!(devices[1].get(&collector, "/v1/capabilities").problem(), (403, "device_revoked"));
    let request = json!({
        "request_id": "b".repeat(32), "purposes": ["usage_statistics"], "ledger_sha256": "0".repeat(64),
    });
    assert_eq!(devices[2].post(&collector, "/v1/privacy/withdraw", &request).status, 202);
    let end = devices[3].ledger_line(1, EventKind::Withdrawn);
    assert_eq!(devices[3].put_consent(&collector, &end).status, 201);
    let (code, words) = said(&["erase", "--device", &id(0)]);
    assert_eq!(code, Some(0), "{words}");

    disk.free_space();
    assert_eq!(put(2, 10), 403);
    assert_eq!(put(3, 10), 403);
    assert_eq!(put(0, next), 201);
    assert_eq!(put(0, 0), 200, "erased, and known");
    assert_eq!(collector.findings("verify").len(), 0);
    let held = collector.lines("export", &[]);
    assert_eq!(held.iter().filter(|line| line["device"] == id(0)).count(), 10);
    assert_eq!(held.iter().filter(|line| line["device"] == id(1)).count(), 10);
}

#[test]
fn on_a_disk_that_cannot_be_written_it_says_so_and_nothing_is_changed() {
    let disk = test_support::or_skip!(mounted());
    let data = disk.path().join("data");
    assert!(attempt(&data, "init", &[]).status.success());
    let mut collector = Collector::at(data.clone());
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    collector.end();
    let remount = |how: &str| {
        let options = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &options]).arg(disk.path()).status().unwrap().success());
    };
    let before = fs::read(data.join("collector.db")).unwrap();
    remount("ro");
    for said in [serve_fails(&data), collector.fails("token", &[]), collector.fails("export", &[])] {
        assert!(said.to_lowercase().contains("read-only"), "{said}");
    }
    remount("rw");
    assert_eq!(fs::read(data.join("collector.db")).unwrap(), before);
    assert_eq!(collector.lines("export", &[]).len(), 5);
}

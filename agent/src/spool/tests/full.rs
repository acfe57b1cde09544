//! A full disk: nothing new is accepted, the queue drains, and it recovers by itself once space is free.

use test_support::or_skip;
use test_support::peer::{self, Skipped};

use super::*;

/// A file system of its own, if this machine lets one be mounted.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(bytes: u64) -> Result<Self, Skipped> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        peer::need(mounted, "no tmpfs can be mounted here, so no disk can be filled").map(|()| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_is_drained_and_taken_into_use_again() {
    let disk = or_skip!(SmallDisk::mount(16 << 20));
    let mut site = Site::new();
    let queue = disk.0.path().join("spool").join("usage");
    let (mut spool, _) = site.open_at(&queue, 1).unwrap();
    site.fill(&mut spool, 100, 5, 4500);
    let foreign = disk.0.path().join("foreign");
    fs::write(&foreign, vec![1; 32 << 20]).unwrap_err();

    let mut promised = 500;
    let refused = loop {
        let items: Vec<_> = (0..10).map(|_| (vec![0; 5], 4500)).collect();
        match spool.put(&site.seal_all(&spool, &items)) {
            Ok(()) => promised += 50,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, SpoolError::Full);
    let filler = disk.0.path().join("filler");
    fs::write(&filler, vec![1; 16 << 20]).unwrap_err();
    let verify = |record: &Sealed<Words>| record.verifies(&site.vault);
    assert_eq!(spool.recover(&verify).err(), Some(SpoolError::Full), "without the ballast there is no way");
    fs::remove_file(filler).unwrap();

    let recovery = site.recover(&mut spool);
    assert_eq!(recovery.lost, 0);
    assert!(site.all(&mut spool).len() as u64 >= promised);
    let again = site.seal_all(&spool, &[(vec![1], 0)]);
    assert_eq!(spool.put(&again), Err(SpoolError::Full), "the space is for draining");
    drop(spool);

    let (mut spool, recovery) = site.open_at(&queue, 2).unwrap();
    assert_eq!(recovery.lost, 0);
    assert!(site.all(&mut spool).len() as u64 >= promised);
    spool.settle(Some(0..promised / 2)).unwrap();
    let end = spool.position().number;
    spool.settle(Some(0..end)).unwrap();
    assert_eq!(spool.waiting().records, 0);

    fs::remove_file(&foreign).unwrap();
    site.fill(&mut spool, 10, 5, 4500);
    assert_eq!(site.all(&mut spool).len(), 50);
    assert!(queue.with_file_name("ballast").exists());
}

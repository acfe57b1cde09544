//! A lost machine: what a backup brings back, and what it says of what came later.

use std::fs;

use serde_json::json;

use crate::bundles::Sender;
use crate::device::{Device, batch};
use crate::program::{Collector, attempt, keep, restore};

fn path(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_backup_made_while_serving_is_a_collector_on_another_machine() {
    let collector = Collector::start();
    let mut sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    assert_eq!(sender.append(&collector, 0, 100_000, None).0, 204);
    assert_eq!(sender.complete(&collector).0, 200);
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    let elsewhere = tempfile::tempdir().unwrap();
    let (backup, data) = (elsewhere.path().join("backup"), elsewhere.path().join("data"));
    let made = collector.lines("backup", &["-o", path(&backup)])[0].clone();
    assert_eq!((&made["devices"], &made["bundles"]), (&json!(2), &json!(1)));
    assert!(collector.fails("backup", &["-o", path(&backup)]).contains("not empty"));
    // Acknowledged after the backup.
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 5, 9)).status, 201);
    let records = collector.lines("export", &[]);
    let before = elsewhere.path().join("collector");
    keep(&collector, &before);
    drop(collector);

    let restored = restore(&before, &backup, &data, &[]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert!(
        !attempt(&data, "restore", &["--from", path(&backup)]).status.success(),
        "nothing is overwritten"
    );
    let collector = Collector::at(data);
    assert_eq!(collector.lines("export", &[]), records[..5]);
    assert_eq!(collector.findings("verify").len(), 0);
    let bundle = &collector.lines("bundles", &[])[0];
    assert_eq!(collector.lines("audit", &[]).last().unwrap()["deed"], "export");
    assert_eq!(collector.bundle(bundle), sender.file);
    assert!(collector.lines("audit", &[]).iter().any(|line| line["deed"] == "restore"));
    // Authority and server are those that the devices know; what came after the backup shows as missing.
    let mut device = device;
    device.reconnect(&collector);
    sender.device.reconnect(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 200);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 10, 14)).status, 201);
    let id = json!(device.id().to_string());
    let devices = collector.lines("devices", &[]);
    let line = devices.iter().find(|line| line["device"] == id).unwrap();
    assert_eq!(line["streams"]["usage_statistics"]["missing"], 5);
}

#[test]
fn a_damaged_backup_is_refused() {
    let collector = Collector::start();
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("backup");
    collector.lines("backup", &["-o", path(&backup)]);
    let restored = |name: &str| {
        let output = restore(collector.data(), &backup, &elsewhere.path().join(name), &[]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(restored("whole").0, Some(0));
    let mut database = fs::read(backup.join("collector.db")).unwrap();
    database[5000] ^= 1;
    fs::write(backup.join("collector.db"), &database).unwrap();
    let (code, said) = restored("flipped");
    assert!(code == Some(1) && said.contains("damaged"), "{said}");
    fs::remove_file(backup.join("manifest.json")).unwrap();
    let (code, said) = restored("unfinished");
    assert!(code == Some(1) && said.contains("no backup"), "{said}");
}

#[test]
fn another_seal_key_in_the_way_is_named_and_never_overwritten() {
    let collector = Collector::start();
    let elsewhere = tempfile::tempdir().unwrap();
    let (backup, data) = (elsewhere.path().join("backup"), elsewhere.path().join("new"));
    collector.lines("backup", &["-o", path(&backup)]);
    let there = elsewhere.path().join("new-seal-key");
    let restored = || {
        let output = restore(collector.data(), &backup, &data, &[]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (other, right) = ("0".repeat(64), collector.data().with_file_name("collector-seal-key"));
    fs::write(&there, &other).unwrap();
    fs::set_permissions(&there, fs::metadata(&right).unwrap().permissions()).unwrap();
    let (code, said) = restored();
    assert_eq!(code, Some(1));
    for part in [path(&there), path(&right), "never overwritten", "move it away", "leave out --seal-key"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(fs::read_to_string(&there).unwrap() == other && fs::read_dir(&data).unwrap().count() == 0);
    fs::rename(&there, elsewhere.path().join("away")).unwrap();
    assert_eq!(restored(), (Some(0), String::new()));
    assert_eq!(fs::read(&there).unwrap(), fs::read(&right).unwrap());
    // Where it is the same, as on the machine that lost its data directory, it stays.
    fs::remove_dir_all(&data).unwrap();
    assert_eq!(restored().0, Some(0));
}

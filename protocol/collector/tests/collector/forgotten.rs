//! Erasure that reaches backups: keys outside the database, their own backups, and what a restored database does again.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::{Batch, Value};
use serde_json::{Value as Json, json};
use test_support::Random;

use crate::device::{Device, batch};
use crate::program::{Collector, attempt, copy, restore, serve_fails};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// How many of these bytes are in a file below one of the folders.
pub(crate) fn planted(bytes: &[Vec<u8>], folders: &[&Path]) -> usize {
    let all: Vec<Vec<u8>> =
        folders.iter().flat_map(|folder| files(folder)).map(|file| fs::read(file).unwrap()).collect();
    let is_there = |part: &&Vec<u8>| all.iter().any(|file| file.windows(part.len()).any(|at| at == **part));
    bytes.iter().filter(is_there).count()
}

/// 24 bytes of the middle, which are nowhere else.
fn middle(body: &[u8]) -> Vec<u8> {
    body[body.len() / 3..][..24].to_vec()
}

/// Sends ten batches that deflate can't shorten; a part of the bytes of each.
fn send(collector: &Collector, device: &Device) -> Vec<Vec<u8>> {
    let consent = device.grant(collector);
    let mut marks = Random::new(u64::from_le_bytes(device.id().to_bytes()[..8].try_into().unwrap()));
    let numbered = |round: u64| -> Batch { batch(consent, 1, round * 5, round * 5 + 4) };
    let sent = (0..10).map(|round| {
        let mut batch = numbered(round);
        for record in &mut batch.records {
            record.value = Value::Count(marks.next() | 1 << 63);
        }
        assert_eq!(device.put_batch(collector, &batch).status, 201);
        middle(&batch.encode())
    });
    sent.collect()
}

/// What is stored of the envelopes that are there.
fn stored(collector: &Collector) -> Vec<Vec<u8>> {
    let sql = crate::rows::open(collector.data());
    let mut statement = sql.prepare("SELECT body FROM envelope").unwrap();
    let bodies = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    bodies.map(|body| middle(&body.unwrap())).collect()
}

/// The devices whose records are exported.
fn exported(data: &Path) -> Vec<Json> {
    let output = attempt(data, "export", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut devices: Vec<Json> =
        text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["device"].clone()).collect();
    devices.dedup();
    devices
}

pub(crate) fn words(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn nothing_of_an_erased_device_is_readable_in_any_copy_once_the_keys_backups_are_gone() {
    let mut collector = Collector::start();
    let (gone, stays) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let plain = send(&collector, &gone);
    let sealed = stored(&collector);
    send(&collector, &stays);
    let elsewhere = tempfile::tempdir().unwrap();
    let place = |name: &str| elsewhere.path().join(name);
    let (backup, backups) = (place("backup"), place("key-backups"));
    collector.lines("backup", &["-o", backup.to_str().unwrap()]);
    let back_up_keys = |collector: &Collector| {
        let output = attempt(collector.data(), "keys", &["backup", "-o", backups.to_str().unwrap()]);
        let said: Json =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)));
        (backups.join(said["name"].as_str().unwrap()), said["removed"].clone())
    };
    let (first, _) = back_up_keys(&collector);
    let data = collector.data().to_owned();
    assert_eq!(planted(&plain, &[&data, &backup, &backups]), 0, "nothing is stored as it came");
    assert_eq!((sealed.len(), planted(&sealed, &[&data])), (10, 10));
    assert_eq!(planted(&sealed, &[&backup]), 10);
    // Its wrapped key, as it stands in the file of the device.
    let key = fs::read(data.join("keys/devices").join(gone.id().to_string())).unwrap();
    let key = vec![key[50..142].to_vec()];
    assert_eq!((planted(&key, &[&data]), planted(&key, &[&backups]), planted(&key, &[&backup])), (1, 1, 0));
    // What can be read before: the control of all that follows.
    let seal_key = data.with_file_name("collector-seal-key");
    let restored = |name: &str, keys: &Path| {
        let to = place(name);
        let args = ["--from", &backup.to_string_lossy(), "--keys", &keys.to_string_lossy(), "--seal-key"];
        let output = attempt(&to, "restore", &[&args[..], &[seal_key.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{}", words(&output));
        (to, String::from_utf8(output.stdout).unwrap())
    };
    let both = vec![json!(gone.id().to_string()), json!(stays.id().to_string())];
    assert_eq!(exported(&restored("before", &data.join("keys")).0), both);

    let erased = collector.lines("erase", &["--device", &gone.id().to_string()])[0].clone();
    assert_eq!(erased["records"], 50);
    let copies = erased["copies"].as_array().unwrap();
    let (copies, others): (Vec<&Json>, Vec<&Json>) = copies.iter().partition(|copy| copy["deed"] == "backup");
    let until = copies[0]["unreadable_from"].as_str().unwrap();
    assert!(copies.len() == 1 && until > copies[0]["at"].as_str().unwrap(), "not yet: {copies:?}");
    assert!(others.iter().all(|copy| copy.get("unreadable_from").is_none()), "an export stays readable");
    assert_eq!(planted(&sealed, &[&data]), 0, "in the database, its log, and beside");
    assert_eq!((planted(&key, &[&data]), planted(&key, &[&backups])), (0, 1));
    let not_yet = restored("not-yet", &first);
    assert_eq!(
        exported(&not_yet.0),
        both,
        "a backup of the keys opens it: that is why the certificate waits"
    );

    // A week later.
    fs::rename(&first, backups.join("20200101T000000Z")).unwrap();
    assert_eq!(back_up_keys(&collector).1, json!(1));
    assert_eq!(planted(&key, &[elsewhere.path(), &data]), 1, "in what was restored before the week was over");
    for name in ["before", "not-yet"] {
        fs::remove_dir_all(place(name)).unwrap();
    }
    assert_eq!(planted(&key, &[elsewhere.path(), &data]), 0, "the key is nowhere any more");
    collector.kill();
    let (after, said) = restored("after", &data.join("keys"));
    assert_eq!(exported(&after), both[1..]);
    assert!(said.contains("\"records\":50"), "erased, and counted as that: {said}");
    assert_eq!(planted(&sealed, &[&after]), 0);
    let after = Collector::at(after);
    assert_eq!(after.findings("verify").len(), 0, "no damage");
    assert!(after.lines("audit", &[]).iter().any(|line| line["deed"] == "restore"));
}

#[test]
fn a_restore_without_the_keys_or_without_the_log_is_refused_with_what_to_do() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    send(&collector, &device);
    let gone = Device::enrolled(&collector);
    send(&collector, &gone);
    let other = Device::enrolled(&collector);
    assert!(attempt(collector.data(), "revoke", &[&other.id().to_string()]).status.success());
    let elsewhere = tempfile::tempdir().unwrap();
    let place = |name: &str| elsewhere.path().join(name);
    let backup = place("backup");
    collector.lines("backup", &["-o", backup.to_str().unwrap()]);
    let alone = attempt(&place("alone"), "restore", &["--from", backup.to_str().unwrap()]);
    assert!(!alone.status.success() && words(&alone).contains("--keys DIR"), "{}", words(&alone));
    let lost = place("lost/collector");
    copy(&collector.data().join("keys"), &lost.join("keys"));
    fs::copy(collector.data().with_file_name("collector-seal-key"), place("lost/collector-seal-key"))
        .unwrap();
    fs::remove_file(lost.join("keys/log")).unwrap();
    // Erased since the backup: what the log would say, the destroyed key says too.
    let keys = collector.data().join("keys");
    assert_eq!(collector.lines("erase", &["--device", &gone.id().to_string()])[0]["records"], 50);
    fs::remove_dir_all(lost.join("keys/devices")).unwrap();
    copy(&keys.join("devices"), &lost.join("keys/devices"));
    let refused = restore(&lost, &backup, &place("refused"), &[]);
    assert!(!refused.status.success() && words(&refused).contains("--without-log"), "{}", words(&refused));
    let on = place("on/collector");
    fs::create_dir(place("on")).unwrap();
    let output = restore(&lost, &backup, &on, &["--without-log"]);
    assert!(
        output.status.success() && words(&output).contains("does not reach as far"),
        "{}",
        words(&output)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("\"unreadable\":50"), "erased, and counted as that: {said}");
    assert_eq!(exported(&on), [json!(device.id().to_string())]);
    assert_eq!(attempt(&on, "verify", &[]).status.code(), Some(0), "no damage");
}

#[test]
fn a_lost_key_store_is_named_at_the_start_and_what_it_sealed_is_damage_and_not_erased() {
    let mut collector = Collector::start();
    let device = Device::enrolled(&collector);
    send(&collector, &device);
    collector.end();
    let data = collector.data().to_owned();
    let (keys, away) = (data.join("keys"), data.with_file_name("away"));
    fs::rename(&keys, &away).unwrap();
    let said = serve_fails(&data);
    assert!(said.contains("key store") && said.contains("put it back from its backup"), "{said}");
    assert!(!keys.exists(), "no empty one takes its place");
    fs::rename(&away, &keys).unwrap();
    collector.restart();
    assert_eq!(collector.findings("verify").len(), 0);
    collector.end();
    // Another credential.
    let seal_key = data.with_file_name("collector-seal-key");
    let right = fs::read(&seal_key).unwrap();
    fs::write(&seal_key, "0".repeat(64)).unwrap();
    assert!(serve_fails(&data).contains("keys.credential_file"));
    fs::write(&seal_key, right).unwrap();
    // Lost for good: it goes on, and says what can't be read.
    fs::rename(&keys, &away).unwrap();
    assert!(attempt(&data, "keys", &["lost"]).status.success());
    collector.restart();
    let findings = collector.findings("verify");
    assert!(
        findings.len() == 1 && findings[0]["what"].as_str().unwrap().contains("10 batches cannot be opened")
    );
    assert_eq!(attempt(&data, "export", &[]).status.code(), Some(3), "left out, named and counted");
}

#[test]
fn a_store_of_before_opens_unchanged_and_what_comes_is_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("collector");
    assert!(attempt(&data, "init", &[]).status.success());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collector/golden");
    let sql = rusqlite::Connection::open(data.join("collector.db")).unwrap();
    sql.execute_batch(&fs::read_to_string(golden.join("unsealed.sql")).unwrap()).unwrap();
    sql.pragma_update(None, "application_id", 0x4b43_4f4c).unwrap();
    sql.pragma_update(None, "user_version", 2).unwrap();
    drop(sql);
    fs::copy(golden.join("unsealed.witness"), data.join("collector.witness")).unwrap();
    fs::remove_file(dir.path().join("collector-seal-key")).unwrap();
    let collector = Collector::at(data.clone());
    let seals = "SELECT count(*), count(seal) FROM envelope";
    let sealed =
        || crate::rows::open(&data).query_row(seals, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((collector.lines("export", &[]).len(), sealed()), (10, (2, 0)));
    assert_eq!(collector.findings("verify").len(), 0);
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    for _ in 0..2 {
        assert!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status < 202);
    }
    assert_eq!((collector.lines("export", &[]).len(), sealed()), (15, (3, 1)));
    // Backups have readable what was never sealed, and the answer says so.
    let backup = dir.path().join("backup");
    collector.lines("backup", &["-o", backup.to_str().unwrap()]);
    let old = collector.lines("export", &[])[0]["device"].as_str().unwrap().to_owned();
    let erased = collector.lines("erase", &["--device", &old, "--purpose", "usage_statistics"]);
    assert_eq!(erased[0]["records"], 10);
    let copies = erased[0]["copies"].as_array().unwrap();
    assert!(copies.iter().all(|copy| copy.get("unreadable_from").is_none()), "{copies:?}");
    assert_eq!(collector.findings("verify").len(), 0);
}

//! Erasure of support bundles that reaches backups: without the header, which the key store has, no age identity opens
//! what is stored.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use age::x25519::Identity;
use protocol::Digest;
use serde_json::{Value as Json, json};

use crate::bundles::Sender;
use crate::forgotten::{planted, words};
use crate::program::{Collector, attempt};

/// A bundle that only `identity` opens, and its header.
fn sealed(identity: &Identity) -> (Vec<u8>, Vec<u8>) {
    let recipient = identity.to_public();
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).unwrap();
    writer.write_all(&b"what a clinic sent ".repeat(5000)).unwrap();
    writer.finish().unwrap();
    let mac = file.windows(4).position(|at| at == b"--- ").unwrap();
    let end = mac + file[mac..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let header = file[..end].to_vec();
    (file, header)
}

/// Whether the identity opens these bytes.
fn opens(identity: &Identity, bytes: &[u8]) -> bool {
    let Ok(decryptor) = age::Decryptor::new(bytes) else { return false };
    let Ok(mut reader) = decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)) else {
        return false;
    };
    let mut out = Vec::new();
    reader.read_to_end(&mut out).is_ok() && out.starts_with(b"what a clinic sent")
}

/// Makes a bundle whole at the collector.
fn send(collector: &Collector, file: Vec<u8>) -> Sender {
    let length = file.len();
    let mut sender = Sender::new(collector);
    (sender.announcement.size, sender.announcement.sha256) = (length as u64, Digest::of(&file));
    sender.file = file;
    assert_eq!((sender.create(collector), sender.append(collector, 0, length, None).0), (201, 204));
    assert_eq!(sender.complete(collector).0, 200);
    sender
}

/// Every file below a folder that the identity opens, or opens behind this header.
fn opened(identity: &Identity, folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        count += if path.is_dir() {
            opened(identity, &path)
        } else {
            usize::from(opens(identity, &fs::read(&path).unwrap()))
        };
    }
    count
}

struct Copies {
    home: tempfile::TempDir,
    backup: PathBuf,
    seal_key: PathBuf,
}

impl Copies {
    fn of(collector: &Collector) -> Self {
        let home = tempfile::tempdir().unwrap();
        let backup = home.path().join("backup");
        collector.lines("backup", &["-o", backup.to_str().unwrap()]);
        Self { home, backup, seal_key: collector.data().with_file_name("collector-seal-key") }
    }

    /// A backup of the key store, and how many older ones went.
    fn keys(&self, collector: &Collector) -> (PathBuf, Json) {
        let folder = self.home.path().join("keys");
        let output = attempt(collector.data(), "keys", &["backup", "-o", folder.to_str().unwrap()]);
        let said: Json =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", words(&output)));
        (folder.join(said["name"].as_str().unwrap()), said["removed"].clone())
    }

    /// The backup, restored with these keys, and what it has of bundles.
    fn restored(&self, name: &str, keys: &Path, more: &[&str]) -> (PathBuf, Vec<Json>) {
        let to = self.home.path().join(name);
        let from = ["--from", self.backup.to_str().unwrap(), "--keys", keys.to_str().unwrap()];
        let key = ["--seal-key", self.seal_key.to_str().unwrap()];
        let output = attempt(&to, "restore", &[&from[..], &key, more].concat());
        assert!(output.status.success(), "{}", words(&output));
        let listed = attempt(&to, "bundles", &[]);
        assert!(listed.status.success(), "{}", words(&listed));
        let text = String::from_utf8(listed.stdout).unwrap();
        (to, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// Whether `bundles get` gives this file from a restored collector.
    fn gives(&self, data: &Path, bundle: &Json, file: &[u8]) -> bool {
        let out = self.home.path().join("out.age");
        let args =
            ["get", bundle["id"].as_str().unwrap(), out.to_str().unwrap(), "--to", "us", "--why", "support"];
        let is_given = attempt(data, "bundles", &args).status.success() && fs::read(&out).unwrap() == file;
        let _ = fs::remove_file(out);
        is_given
    }
}

#[test]
fn no_identity_opens_an_erased_bundle_in_any_copy_once_the_keys_backups_are_gone() {
    let mut collector = Collector::start();
    let identity = Identity::generate();
    let (file, header) = sealed(&identity);
    assert!(opens(&identity, &file), "the control of all that follows");
    let sender = send(&collector, file.clone());
    let (stays, _) = sealed(&identity);
    let other = send(&collector, stays.clone());
    let copies = Copies::of(&collector);
    let (first, _) = copies.keys(&collector);
    let data = collector.data().to_owned();
    let header = vec![header];
    assert_eq!(planted(&header, &[&data, copies.home.path()]), 0, "the header is nowhere as it came");
    assert_eq!((opened(&identity, &data), opened(&identity, copies.home.path())), (0, 0));
    let listed = collector.lines("bundles", &[]);
    let of =
        |sender: &Sender| listed.iter().find(|line| line["sha256"] == sender.announcement.sha256.to_string());
    let (bundle, kept) = (of(&sender).unwrap(), of(&other).unwrap());
    assert!(collector.bundle(bundle) == file && collector.bundle(kept) == stays);
    let (before, listed) = copies.restored("before", &data.join("keys"), &[]);
    assert_eq!(listed.len(), 2);
    assert!(copies.gives(&before, bundle, &file), "the backup has it, and the key store opens it");

    let erased = collector.lines("erase", &["--device", &sender.device.id().to_string()]);
    let line = erased.iter().find(|line| line["bundles"] == 1).unwrap();
    let line = line["copies"].as_array().unwrap().iter().find(|copy| copy["deed"] == "backup").unwrap();
    assert!(line["unreadable_from"].as_str().unwrap() > line["at"].as_str().unwrap(), "not yet: {line}");
    let (not_yet, listed) = copies.restored("not-yet", &first, &["--without-log"]);
    assert!(listed.len() == 2 && copies.gives(&not_yet, bundle, &file), "that is why the certificate waits");

    // A week later.
    fs::rename(&first, copies.home.path().join("keys/20200101T000000Z")).unwrap();
    assert_eq!(copies.keys(&collector).1, json!(1));
    for name in ["before", "not-yet"] {
        fs::remove_dir_all(copies.home.path().join(name)).unwrap();
    }
    collector.kill();
    // By the log, and without it by the header that is destroyed.
    fs::copy(data.join("keys/log"), copies.home.path().join("log")).unwrap();
    for (name, is_without_log) in [("after", false), ("without", true)] {
        if is_without_log {
            fs::remove_file(data.join("keys/log")).unwrap();
        }
        let more: &[&str] = if is_without_log { &["--without-log"] } else { &[] };
        let (after, listed) = copies.restored(name, &data.join("keys"), more);
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert!(!copies.gives(&after, bundle, &file) && copies.gives(&after, kept, &stays));
        assert!(!after.join(format!("bundles/{}.age", sender.announcement.sha256)).exists());
    }
    // What the backup has of it is of no use, with the identity and all that is left of the key store.
    let body = fs::read(copies.backup.join(format!("bundles/{}.age", sender.announcement.sha256))).unwrap();
    assert_eq!(body.len(), file.len());
    assert!(!opens(&identity, &body) && planted(&header, &[&data, copies.home.path()]) == 0);
    assert_eq!(opened(&identity, copies.home.path()), 0);
    let after = Collector::at(copies.home.path().join("after"));
    assert_eq!(after.findings("verify").len(), 0, "no damage");
}

#[test]
fn a_backup_that_has_a_bundle_with_its_header_stays_readable_and_is_named() {
    let collector = Collector::start();
    let identity = Identity::generate();
    let (file, _) = sealed(&identity);
    let sender = send(&collector, file.clone());
    // As an older version left it.
    let sha256 = sender.announcement.sha256.to_string();
    let path = collector.data().join(format!("bundles/{sha256}.age"));
    fs::write(&path, &file).unwrap();
    fs::remove_file(collector.data().join("keys/bundles").join(&sha256)).unwrap();
    assert_eq!(collector.findings("verify").len(), 0);
    assert!(collector.bundle(&collector.lines("bundles", &[])[0]) == file);
    let copies = Copies::of(&collector);
    assert!(opens(&identity, &fs::read(copies.backup.join(format!("bundles/{sha256}.age"))).unwrap()));
    // One whose header was taken after it came: a backup of the time between has it.
    let later = send(&collector, sealed(&identity).0);
    let kept = collector.data().join("keys/bundles").join(later.announcement.sha256.to_string());
    let mut bytes = fs::read(&kept).unwrap();
    bytes[..8].copy_from_slice(&i64::MAX.to_be_bytes());
    fs::write(&kept, bytes).unwrap();
    collector.lines("backup", &["-o", copies.home.path().join("second").to_str().unwrap()]);
    for sender in [&sender, &later] {
        let erased = collector.lines("erase", &["--device", &sender.device.id().to_string()]);
        let line = erased.iter().find(|line| line["bundles"] == 1).unwrap();
        let line = line["copies"].as_array().unwrap().iter().find(|copy| copy["deed"] == "backup").unwrap();
        assert!(line.get("unreadable_from").is_none(), "{line}");
    }
}

#[test]
fn a_key_store_without_the_header_is_named_and_its_backup_brings_the_bundle_back() {
    let collector = Collector::start();
    let identity = Identity::generate();
    let (file, _) = sealed(&identity);
    let sender = send(&collector, file.clone());
    let header = collector.data().join("keys/bundles").join(sender.announcement.sha256.to_string());
    let away = collector.data().with_file_name("header");
    fs::rename(&header, &away).unwrap();
    let found = collector.findings("verify");
    assert!(found.len() == 1 && found[0]["what"].as_str().unwrap().contains("keys.md"), "{found:?}");
    fs::rename(&away, &header).unwrap();
    assert_eq!(collector.findings("verify").len(), 0);
    assert!(collector.bundle(&collector.lines("bundles", &[])[0]) == file);
    // Erased alone, it goes from there too.
    collector.lines("erase", &["--bundle", &sender.announcement.sha256.to_string()]);
    assert!(fs::read(&header).unwrap()[40..].iter().all(|byte| *byte == 0));
}

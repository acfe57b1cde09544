//! A sealed file of any size in the queue, as `support create` leaves it; its bytes are nobody's.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use agent::config::{Config, Protector as Choice};
use agent::support::queue::Queue;
use agent::support::record::Bundle;
use agent::vault::{Protector, Vault};
use protocol::Digest;
use serde_json::{Value as Json, json};

use super::Random;
use super::workstation::Workstation;

/// Says yes to a case. Gives the hash of the ledger's line.
pub(crate) fn open_case(workstation: &Workstation, case: &str) -> Digest {
    let shown = workstation.json(&["consent", "show", "support_case", "--json"]);
    let digest = shown["digest"].as_str().unwrap();
    workstation
        .expect(0, &["consent", "grant", "support_case", "--case", case, "--by", "owner", "--yes", digest]);
    let ledger = fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap();
    protocol::ledger::line_hash(ledger.lines().last().unwrap())
}

/// Leaves a sealed file of `size` bytes for a case that was said yes to by `consent`. The agent does not run.
pub(crate) fn queue(
    workstation: &Workstation,
    case: &str,
    consent: Digest,
    size: usize,
    random: &mut Random,
) -> Vec<u8> {
    let mut bytes = test_support::SEALED.to_vec();
    while bytes.len() < size {
        bytes.extend((0..4096).flat_map(|_| random.within(0, u32::MAX).to_le_bytes()));
    }
    bytes.truncate(size);
    let id = format!("{:08x}", random.within(0, u32::MAX));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let bundle: Bundle = serde_json::from_value(json!({
        "id": id, "case": case, "purposes": ["support_case"], "consents": [consent], "sealed_at": now,
        "size": size, "sha256": Digest::of(&bytes), "manifest": Digest::of(b"manifest"), "state": "queued",
        "offset": 0, "url": null, "receipt": null, "pseudonyms": "00".repeat(32),
    }))
    .unwrap();
    let config = Config::load(&workstation.config()).unwrap();
    assert_eq!(config.keys.protector, Choice::File);
    let protector = Protector::choose(config.keys.protector, None).unwrap();
    let (mut vault, _) = Vault::open(&config.data_dir, &protector, now).unwrap();
    let (mut queue, _) = Queue::open(&config.data_dir, &vault).unwrap();
    queue.prepare().unwrap();
    fs::write(queue.path(&id), &bytes).unwrap();
    queue.add(bundle, &mut vault, now).unwrap();
    bytes
}

/// `bundles` of `status`: the one that there is.
pub(crate) fn status(workstation: &Workstation) -> Json {
    let bundles = workstation.status()["bundles"].clone();
    assert_eq!(bundles.as_array().unwrap().len(), 1);
    bundles[0].clone()
}

/// The one file in `directory` whose name ends so.
pub(crate) fn file_in(directory: &Path, ending: &str) -> std::path::PathBuf {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found = names.filter(|path| path.to_string_lossy().ends_with(ending));
    let path = found.next().unwrap();
    assert!(found.next().is_none());
    path
}

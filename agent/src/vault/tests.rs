//! Keys over restarts, jumps of the clock, damage, loss and shredding.

mod aside;
mod cut;

use super::*;

const NOW: i64 = 1_780_000_000;
const DAY: i64 = 86_400;

fn open(dir: &Path) -> (Vault, Vec<Loss>) {
    Vault::open(dir, &Protector::File, NOW).unwrap()
}

fn seal(vault: &mut Vault, compartment: &str, now: i64) -> (KeyId, [u8; 12], Vec<u8>) {
    let (key, random) = vault.sealing_key(compartment, now).unwrap();
    let mut text = b"exposure".to_vec();
    let nonce = key.seal(b"", &mut text, random).unwrap();
    (key.id(), nonce, text)
}

fn opens(vault: &Vault, compartment: &str, (id, nonce, sealed): &(KeyId, [u8; 12], Vec<u8>)) -> bool {
    vault.opening_key(compartment, *id).is_some_and(|key| key.open(*nonce, b"", sealed).is_ok())
}

fn key_names(dir: &Path) -> Vec<String> {
    let mut names = presence::files(&dir.join("keys")).unwrap();
    names.sort();
    names.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn without_a_record_there_is_no_data_key() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, losses) = open(dir.path());
    assert_eq!(losses, []);
    assert_eq!(key_names(dir.path()), ["CACHEDIR.TAG", "device.key", "root"]);
    let device = vault.device();
    drop(vault);
    assert_eq!(open(dir.path()).0.device(), device);
}

#[test]
fn what_was_sealed_opens_after_a_restart_under_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    let (mut vault, losses) = open(dir.path());
    assert_eq!(losses, []);
    assert!(opens(&vault, "usage", &sealed));
    assert!(!opens(&vault, "rights", &sealed));
    assert_eq!(seal(&mut vault, "usage", NOW).0, sealed.0);
}

#[test]
fn an_old_or_spent_key_is_followed_by_a_new_one_and_kept_until_it_is_retired() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let first = seal(&mut vault, "usage", NOW);
    let second = seal(&mut vault, "usage", NOW + 31 * DAY);
    assert_ne!(first.0, second.0);

    let path = vault.keys.iter().find(|key| key.key.id() == second.0).unwrap().path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.resize(bytes.len() + 1023, 0); // 2^30 records
    std::fs::write(&path, bytes).unwrap();
    let (mut vault, _) = open(dir.path());
    let third = seal(&mut vault, "usage", NOW + 31 * DAY);
    assert_ne!(third.0, second.0);

    assert_eq!(vault.retire("usage", &HashSet::from([first.0])).unwrap(), Shredded { files: 1 });
    let (vault, losses) = open(dir.path());
    assert_eq!(losses, []);
    assert!(opens(&vault, "usage", &first) && opens(&vault, "usage", &third));
    assert!(!opens(&vault, "usage", &second));
}

#[test]
fn a_clock_that_jumps_loses_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let mut sealed = Vec::new();
    for now in [NOW, NOW + 3650 * DAY, 0, i64::MIN, i64::MAX, NOW + DAY] {
        sealed.push(seal(&mut vault, "usage", now));
        vault = Vault::open(dir.path(), &Protector::File, now).unwrap().0;
    }
    assert!(sealed.iter().all(|record| opens(&vault, "usage", record)));
    assert_eq!(sealed[0].0, sealed[5].0, "the clock came back, and so does the key");
}

#[test]
fn shredding_leaves_no_file_and_no_other_compartment_notices() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let usage = [seal(&mut vault, "usage", NOW), seal(&mut vault, "usage", NOW + 31 * DAY)];
    let rights = seal(&mut vault, "rights", NOW);
    assert!(usage.iter().all(|record| opens(&vault, "usage", record)));

    assert_eq!(vault.shred("usage").unwrap(), Shredded { files: 2 });
    assert_eq!(vault.shred("usage").unwrap(), Shredded { files: 0 });
    let (vault, losses) = open(dir.path());
    assert_eq!(losses, []);
    assert!(!key_names(dir.path()).iter().any(|name| name.contains("usage")));
    assert!(!usage.iter().any(|record| opens(&vault, "usage", record)));
    assert!(opens(&vault, "rights", &rights));
}

#[test]
fn a_damaged_data_key_costs_its_compartment_alone_and_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let usage = seal(&mut vault, "usage", NOW);
    let rights = seal(&mut vault, "rights", NOW);
    let path = dir.path().join(format!("keys/usage-{}.key", usage.0));
    let intact = std::fs::read(&path).unwrap();
    let wrapped = intact.len() - 1; // the last byte only counts
    for at in 0..wrapped {
        let mut bytes = intact.clone();
        bytes[at] ^= 0x20;
        std::fs::write(&path, &bytes).unwrap();
        let (mut vault, losses) = open(dir.path());
        assert_eq!(losses, [Loss::Key { compartment: "usage".into(), id: usage.0 }], "byte {at}");
        assert!(!opens(&vault, "usage", &usage) && opens(&vault, "rights", &rights));
        assert_eq!(vault.shred("usage").unwrap(), Shredded { files: 1 }, "also what is in quarantine");
    }
    for length in 0..wrapped {
        std::fs::write(&path, &intact[..length]).unwrap();
        assert_eq!(open(dir.path()).1.len(), 1, "cut to {length}");
    }
    std::fs::write(&path, &intact).unwrap();
    let (vault, losses) = open(dir.path());
    assert!(losses.is_empty() && opens(&vault, "usage", &usage));
}

#[test]
fn a_key_file_under_another_name_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let usage = seal(&mut vault, "usage", NOW);
    let keys = dir.path().join("keys");
    let name = format!("usage-{}.key", usage.0);
    std::fs::copy(keys.join(&name), keys.join(format!("rights-{}.key", usage.0))).unwrap();
    let (vault, losses) = open(dir.path());
    assert_eq!(losses, [Loss::Key { compartment: "rights".into(), id: usage.0 }]);
    assert!(opens(&vault, "usage", &usage));
}

#[test]
fn a_lost_root_or_identity_makes_a_new_device_and_says_so() {
    for (name, damage) in [
        ("root", None),
        ("root", Some(0)),
        ("root", Some(31)),
        ("device.key", None),
        ("device.key", Some(40)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (mut vault, _) = open(dir.path());
        let usage = seal(&mut vault, "usage", NOW);
        let path = dir.path().join("keys").join(name);
        match damage {
            None => std::fs::remove_file(&path).unwrap(),
            Some(at) => {
                let mut bytes = std::fs::read(&path).unwrap();
                match bytes.get_mut(at) {
                    Some(byte) => *byte ^= 1,
                    None => bytes.truncate(20),
                }
                std::fs::write(&path, bytes).unwrap();
            }
        }
        let (mut again, losses) = open(dir.path());
        assert_eq!(losses, [Loss::Everything], "{name} {damage:?}");
        assert_ne!(again.device(), vault.device());
        assert!(!opens(&again, "usage", &usage));
        let new = seal(&mut again, "usage", NOW);
        let (again, losses) = open(dir.path());
        assert!(losses.is_empty() && opens(&again, "usage", &new));
        assert!(key_names(dir.path()).contains(&format!("quarantine-usage-{}.key", usage.0)));
    }
}

#[test]
fn an_unreadable_root_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("keys").join("root")).unwrap(); // read(2) refuses a directory, even to root
    let error = Vault::open(dir.path(), &Protector::File, NOW).unwrap_err();
    assert!(matches!(error, VaultError::Unreadable { .. }));
    let root = Path::new("keys").join("root");
    assert!(error.to_string().contains(&format!("{} cannot be read", root.display())), "{error}");
}

#[test]
fn nothing_secret_is_printed_or_left_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    seal(&mut vault, "usage", NOW);
    std::fs::write(dir.path().join("keys/usage-0000000000000000.key.tmp"), b"half").unwrap();
    let root = std::fs::read(dir.path().join("keys/root")).unwrap();
    let printed = format!("{vault:?}");
    assert!(!printed.contains(&format!("{root:?}")) && printed.contains("DataKey(0000000000000000, ..)"));
    open(dir.path());
    assert!(!key_names(dir.path()).iter().any(|name| name.ends_with(".tmp")));
}

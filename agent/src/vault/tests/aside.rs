//! Keys that can't be read now, and keys that were read and do not verify.

use super::*;

#[test]
fn a_key_that_cannot_be_read_now_stops_the_start_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    let keys = dir.path().join("keys");
    for name in ["root", "device.key"] {
        let (path, aside) = (keys.join(name), dir.path().join("aside"));
        std::fs::rename(&path, &aside).unwrap();
        std::fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
        let before = key_names(dir.path());
        let error = Vault::open(dir.path(), &Protector::File, NOW).unwrap_err();
        assert!(error.to_string().contains("cannot be read now"), "{error}");
        assert_eq!(key_names(dir.path()), before, "{name}");
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(aside, path).unwrap();
        let (again, losses) = open(dir.path());
        assert!(losses.is_empty() && again.device() == vault.device() && opens(&again, "usage", &sealed));
    }
}

#[test]
fn a_key_that_was_set_aside_is_used_again_when_it_verifies_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    let path = dir.path().join(format!("keys/usage-{}.key", sealed.0));
    let aside = dir.path().join(format!("keys/quarantine-usage-{}.key", sealed.0));
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [b"x", &whole[1..]].concat()).unwrap();

    let (vault, losses) = open(dir.path());
    assert_eq!((losses.len(), vault.set_aside().len()), (1, 1));
    assert!(vault.is_set_aside(sealed.0) && aside.exists() && !path.exists());
    let (vault, losses) = open(dir.path());
    assert_eq!((losses.len(), vault.set_aside().len()), (0, 1), "reported once, kept for ever");

    // In its quarantine or under its own name: it is the same key.
    std::fs::write(&aside, &whole).unwrap();
    let (vault, _) = open(dir.path());
    assert!(opens(&vault, "usage", &sealed) && !vault.is_set_aside(sealed.0) && path.exists());
    std::fs::write(&aside, b"damaged").unwrap();
    let (vault, _) = open(dir.path());
    assert!(opens(&vault, "usage", &sealed) && !vault.is_set_aside(sealed.0), "the good one counts");
}

#[test]
fn a_damaged_identity_that_is_restored_is_the_device_that_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    let path = dir.path().join("keys/device.key");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[1..]).unwrap();
    let (other, losses) = open(dir.path());
    assert_eq!(losses, [Loss::Everything]);
    assert!(other.is_set_aside(sealed.0), "what waits goes on waiting");
    std::fs::write(&path, &whole).unwrap();
    let (again, losses) = open(dir.path());
    assert!(losses.is_empty() && again.device() == vault.device() && opens(&again, "usage", &sealed));
}

#[test]
fn keys_that_were_set_aside_go_when_nothing_may_wait_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    std::fs::write(dir.path().join(format!("keys/usage-{}.key", sealed.0)), b"damaged").unwrap();
    let (mut vault, _) = open(dir.path());
    assert_eq!(vault.erase_set_aside(|name, _| name == "rights").unwrap(), Shredded { files: 0 });
    assert!(vault.is_set_aside(sealed.0));
    assert_eq!(vault.erase_set_aside(|name, at| name == "usage" && at > NOW).unwrap(), Shredded { files: 1 });
    assert!(!vault.is_set_aside(sealed.0) && open(dir.path()).0.set_aside().is_empty());
}

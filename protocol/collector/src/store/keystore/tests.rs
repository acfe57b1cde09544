//! The key store alone: what is kept, what is gone, and what a cut, another credential or a changed byte makes of it.

use std::fs;
use std::path::Path;

use super::*;
use places::Settings;

const USAGE: Purpose = Purpose::UsageStatistics;
const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);

fn store(data: &Path) -> KeyStore {
    KeyStore::new(Settings::default().places(data, None).unwrap())
}

fn key(store: &KeyStore, id: i64) -> Box<Key> {
    match store.find(DEVICE, id).unwrap() {
        Found::Key(key) => key,
        Found::Destroyed => panic!("the key is destroyed"),
        Found::Missing => panic!("the key is not there"),
    }
}

#[test]
fn what_was_sealed_opens_after_a_restart_as_what_it_is_and_as_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let first = store(data.path()).current(DEVICE, USAGE, None, 0).unwrap();
    let about = Digest::of(b"an envelope");
    let sealed = first.seal(about, b"what came").unwrap();
    assert_ne!(sealed, first.seal(about, b"what came").unwrap(), "a nonce of its own each time");
    let again = key(&store(data.path()), first.id);
    assert_eq!(again.open(about, &sealed).unwrap(), b"what came");
    assert_eq!(again.open(Digest::of(b"another"), &sealed), None);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(again.open(about, &changed), None, "byte {at}");
    }
    assert_eq!(again.open(about, &sealed[..10]), None);
    let other = store(data.path()).current(DEVICE, Purpose::SupportCase, None, 0).unwrap();
    assert!(other.id != first.id && other.open(about, &sealed).is_none());
    assert_ne!(
        first.digest(about),
        other.digest(about),
        "equal contents are not seen as equal without the key"
    );
}

#[test]
fn one_key_serves_a_quarter_and_an_ended_one_seals_no_more() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path());
    let of = |now: i64| store.current(DEVICE, USAGE, None, now).unwrap().id;
    let first = of(0);
    assert_eq!((of(RENEWED - 1), of(-RENEWED * 9)), (first, first));
    let second = of(RENEWED);
    assert_ne!(second, first);
    store.end(DEVICE, &[Purpose::SupportCase]).unwrap();
    assert_eq!(of(RENEWED), second);
    store.end(DEVICE, &[USAGE]).unwrap();
    assert!(![first, second].contains(&of(RENEWED)));
    key(&store, first);
    key(&store, second);
    let case = |name: &str| store.current(DEVICE, USAGE, Some(&name.parse().unwrap()), 0).unwrap().id;
    assert!(case("A-1") == case("A-1") && case("A-1") != case("B-2"));
}

#[test]
fn a_new_key_is_synced_before_its_first_commit_whoever_comes_back_to_it() {
    let data = tempfile::tempdir().unwrap();
    let devices = [3, 4, 5].map(|number| DeviceId::from_bytes([number; 16]));
    let first = store(data.path());
    let of = |store: &KeyStore, device| store.current(device, USAGE, None, 0).unwrap();
    let made = devices.map(|device| of(&first, device));
    assert!(made.iter().all(|key| key.is_new));
    // A kill, or a transaction that was undone: the file may be in memory alone.
    let second = store(data.path());
    for (device, made) in devices.into_iter().zip(&made) {
        let again = of(&second, device);
        assert!(again.id == made.id && again.is_new, "it was never synced");
    }
    second.end(devices[2], &[USAGE]).unwrap();
    second.keep(&devices.into()).unwrap();
    for (device, made) in devices.into_iter().zip(&made).take(2) {
        let again = of(&second, device);
        assert!(again.id == made.id && !again.is_new);
    }
    assert_ne!(of(&second, devices[2]).id, made[2].id, "what was ended meanwhile seals no more");
    let (gone, path) = (devices[0], second.of(devices[0]));
    second.destroy(gone, &[made[0].id]).unwrap();
    slots::settle(&path).unwrap();
    assert!(matches!(second.find(gone, made[0].id).unwrap(), Found::Destroyed));
    fs::remove_file(&path).unwrap();
    assert!(second.keep(&devices.into()).is_err(), "what cannot be synced is not kept");
}

#[test]
fn of_a_destroyed_key_no_byte_is_left_and_it_is_never_taken_for_a_lost_one() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path());
    let (gone, kept) = (store.current(DEVICE, USAGE, None, 0).unwrap(), {
        store.end(DEVICE, &[USAGE]).unwrap();
        store.current(DEVICE, USAGE, None, 0).unwrap()
    });
    let path = store.of(DEVICE);
    let wrapped = slots::read(&path).unwrap()[0].wrapped;
    assert_eq!(store.destroy(DEVICE, &[gone.id]).unwrap(), 1);
    assert_eq!(store.destroy(DEVICE, &[gone.id]).unwrap(), 0);
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(16).any(|part| wrapped.windows(16).any(|key| key == part)));
    assert!(matches!(store.find(DEVICE, gone.id).unwrap(), Found::Destroyed));
    assert!(matches!(store.find(DEVICE, 5).unwrap(), Found::Missing));
    key(&store, kept.id);
}

#[test]
fn a_cut_costs_the_slot_that_was_being_written_and_a_changed_byte_is_damage() {
    let data = tempfile::tempdir().unwrap();
    let store = store(data.path());
    let first = store.current(DEVICE, USAGE, None, 0).unwrap();
    let path = store.of(DEVICE);
    let whole = fs::read(&path).unwrap();
    for cut in 1..whole.len() {
        fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
        key(&store, first.id);
        let next = store.current(DEVICE, Purpose::SupportCase, None, 0).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), whole.len() as u64 * 2);
        key(&store, next.id);
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        match store.find(DEVICE, first.id) {
            // Another number, or another state: never another key, never a destroyed one.
            Ok(Found::Missing) => assert!(at < 8, "byte {at}"),
            Ok(Found::Key(_)) => assert_eq!(at, 9),
            Ok(Found::Destroyed) => panic!("byte {at}: a changed byte destroys a key"),
            Err(failure) => assert!(failure.to_string().contains("damaged"), "{failure}"),
        }
    }
}

#[test]
fn another_credential_and_a_lost_one_are_named_and_change_nothing() {
    let data = tempfile::tempdir().unwrap();
    let first = store(data.path()).current(DEVICE, USAGE, None, 0).unwrap();
    let credential = data.path().join("keys/credential");
    let right = fs::read(&credential).unwrap();
    fs::remove_file(&credential).unwrap();
    let said = |store: KeyStore| store.current(DEVICE, USAGE, None, 0).err().unwrap().to_string();
    assert!(said(store(data.path())).contains("keys.credential_file"));
    disk::write(&credential, format!("{}\n", "0".repeat(64)).as_bytes(), Access::Private).unwrap();
    let said = said(store(data.path()));
    assert!(said.contains("was made with"), "{said}");
    disk::write(&credential, &right, Access::Private).unwrap();
    key(&store(data.path()), first.id);
}

#[test]
fn a_backup_of_the_keys_is_kept_a_week_and_can_be_put_back() {
    let (data, other, backups) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = store(data.path());
    let first = store.current(DEVICE, USAGE, None, 0).unwrap();
    let at = |days: i64| time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(days);
    for day in 0..9 {
        backup::write(&store, backups.path(), at(day)).unwrap();
    }
    let names = disk::names(backups.path()).unwrap();
    assert_eq!(names.first().unwrap(), "19700103T000000Z", "none is older than a week: {names:?}");
    assert!(!backups.path().join(&names[0]).join("credential").exists());
    let places = Settings::default().places(other.path(), None).unwrap();
    backup::put_back(&backups.path().join(&names[0]), &places).unwrap();
    fs::copy(data.path().join("keys/credential"), other.path().join("keys/credential")).unwrap();
    key(&KeyStore::new(places.clone()), first.id);
    assert!(backup::put_back(&backups.path().join(&names[0]), &places).is_err(), "nothing is overwritten");
}

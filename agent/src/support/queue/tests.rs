//! The queue over restarts, crashes and the end of a case.

use protocol::Digest;
use zeroize::Zeroizing;

use super::*;
use crate::consent::Flag;
use crate::killpoint;
use crate::vault::Protector;

const NOW: i64 = 1_780_000_000;

fn open(dir: &Path) -> (Queue, Vault, usize) {
    let vault = Vault::open(dir, &Protector::File, NOW).unwrap().0;
    let (queue, lost) = Queue::open(dir, &vault).unwrap();
    (queue, vault, lost)
}

fn bundle(id: &str, case: &str, purposes: &[Purpose]) -> Bundle {
    Bundle {
        id: id.into(),
        case: case.parse().unwrap(),
        purposes: purposes.to_vec(),
        consents: vec![Digest::of(b"entry")],
        sealed_at: NOW,
        size: 6,
        sha256: Digest::of(b"sealed"),
        manifest: Digest::of(b"manifest"),
        state: State::Queued,
        offset: 0,
        url: None,
        receipt: None,
        pseudonyms: Pseudonyms(Zeroizing::new([7; 32])),
        scans: Vec::new(),
    }
}

fn add(queue: &mut Queue, vault: &mut Vault, bundle: Bundle) {
    queue.prepare().unwrap();
    fs::write(queue.path(&bundle.id), b"sealed").unwrap();
    queue.add(bundle, vault, NOW).unwrap();
}

const CASE: &[Purpose] = &[Purpose::SupportCase];
const BOTH: &[Purpose] = &[Purpose::SupportCase, Purpose::SupportScanData];

#[test]
fn what_was_noted_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (mut queue, mut vault, _) = open(dir.path());
    assert!(!dir.path().join("bundles").exists());
    add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
    queue.note("00000001", 3, Some("https://x/1"), &mut vault, NOW).unwrap();
    let (mut queue, mut vault, lost) = open(dir.path());
    let held = queue.next(|_| true).unwrap();
    assert_eq!(
        (held.state, held.offset, held.url.as_deref(), lost),
        (State::Sending, 3, Some("https://x/1"), 0)
    );
    assert!(queue.next(|_| false).is_none());

    queue.fail("00000001", &mut vault, NOW).unwrap();
    assert!(queue.next(|_| true).is_none());
    queue.restart("00000001", &mut vault, NOW).unwrap();
    assert_eq!(queue.next(|_| true).map(|held| (held.offset, held.url.clone())), Some((0, None)));
    queue.settle("00000001", "receipt", &mut vault, NOW).unwrap();
    fs::write(queue.path("00000001"), b"sealed").unwrap(); // as a power cut leaves it
    let (queue, ..) = open(dir.path());
    assert!(queue.next(|_| true).is_none() && !queue.path("00000001").exists());
    assert_eq!(queue.bundles()[0].receipt.as_deref(), Some("receipt"));
    assert_eq!(queue.pseudonyms(&"A-1".parse().unwrap()), Some(bundle("1", "A-1", CASE).pseudonyms));
}

#[test]
fn nothing_of_a_record_can_be_read_and_none_opens_under_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let (mut queue, mut vault, _) = open(dir.path());
    add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
    let bytes = fs::read(queue.record("00000001")).unwrap();
    assert!(!bytes.windows(3).any(|part| part == b"A-1") && !format!("{queue:?}").contains("[7, 7"));
    fs::copy(queue.record("00000001"), queue.record("00000002")).unwrap();
    fs::copy(queue.path("00000001"), queue.path("00000002")).unwrap();
    let (queue, _, lost) = open(dir.path());
    assert_eq!((queue.bundles().len(), lost), (1, 1));
    assert!(!queue.path("00000002").exists());
}

#[test]
fn what_a_crash_left_without_a_record_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let (mut queue, mut vault, _) = open(dir.path());
    add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
    fs::write(queue.path("00000002"), b"whole, not recorded").unwrap();
    fs::write(dir.path().join("bundles/00000003.age.tmp"), b"half").unwrap();
    let (queue, _, lost) = open(dir.path());
    assert_eq!((queue.bundles().len(), lost), (1, 0));
    assert_eq!(fs::read_dir(dir.path().join("bundles")).unwrap().count(), 2);
}

#[test]
fn a_case_that_ends_takes_no_other_along() {
    let dir = tempfile::tempdir().unwrap();
    let (mut queue, mut vault, _) = open(dir.path());
    add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
    add(&mut queue, &mut vault, bundle("00000002", "A-1", BOTH));
    add(&mut queue, &mut vault, bundle("00000003", "B-2", BOTH));
    let case = "A-1".parse().unwrap();
    assert_eq!(queue.remove_case(&case, Purpose::SupportScanData).unwrap(), 1);
    assert_eq!(queue.remove_case(&case, Purpose::SupportCase).unwrap(), 1);
    assert!(queue.remove("00000003").unwrap() && !queue.remove("00000003").unwrap());
    assert_eq!(fs::read_dir(dir.path().join("bundles")).unwrap().count(), 0);

    add(&mut queue, &mut vault, bundle("00000004", "A-1", CASE));
    add(&mut queue, &mut vault, bundle("00000005", "B-2", CASE));
    vault.shred(&Flag::SupportCase(case).compartment()).unwrap();
    let (queue, _, lost) = open(dir.path());
    assert_eq!((queue.bundles().len(), lost, queue.bundles()[0].id.as_str()), (1, 1, "00000005"));
}

#[test]
fn a_bundle_whose_key_was_set_aside_is_kept_and_comes_back_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut queue, mut vault, _) = open(dir.path());
    add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
    let key = vault.newest_key(&Flag::SupportCase("A-1".parse().unwrap()).compartment()).unwrap().id();
    let path = crate::presence::files(&dir.path().join("keys")).unwrap();
    let path = path.iter().find(|path| path.to_string_lossy().contains(&key.to_string())).unwrap();
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[1..]).unwrap();
    for _ in 0..2 {
        let (queue, _, lost) = open(dir.path());
        assert_eq!((queue.bundles().len(), lost), (0, 0));
        assert!(queue.path("00000001").exists() && queue.record("00000001").exists());
    }
    fs::write(path, whole).unwrap();
    let (queue, _, lost) = open(dir.path());
    assert_eq!((queue.bundles().len(), lost), (1, 0));
}

#[test]
fn a_record_that_cannot_be_read_now_erases_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut queue, mut vault, _) = open(dir.path());
    add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
    fs::create_dir(queue.record("00000002")).unwrap(); // read(2) refuses a directory, even to root
    assert!(Queue::open(dir.path(), &vault).is_err());
    assert!(queue.path("00000001").exists() && queue.record("00000001").exists());
}

#[test]
fn a_removal_that_is_cut_short_loses_no_bundle() {
    for cut in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let (mut queue, mut vault, _) = open(dir.path());
        add(&mut queue, &mut vault, bundle("00000001", "A-1", CASE));
        let is_cut = killpoint::cut(cut, || assert!(queue.remove("00000001").unwrap()));
        let (queue, _, lost) = open(dir.path());
        assert_eq!((queue.bundles().len(), lost), (0, 0), "step {cut}");
        assert_eq!(fs::read_dir(dir.path().join("bundles")).unwrap().count(), 0, "step {cut}");
        if !is_cut {
            assert!(cut > 1, "{cut} steps");
            break;
        }
    }
}

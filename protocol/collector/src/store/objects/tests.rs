//! Bundles as objects, in an S3 of the test that misbehaves on demand.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use protocol::bundle::Announcement;

#[path = "../../../tests/collector/fake_s3.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "the collector's tests use the rest")]
mod fake_s3;

use super::*;
use crate::store::keystore::places::Settings as Keys;
use crate::store::s3::{Endpoint, Settings};
use crate::store::testing::announced;
use fake_s3::{FakeS3, Mood};

/// Bytes of the bundle.
const SIZE: usize = 9_000_022;

struct Case {
    s3: FakeS3,
    objects: Arc<Objects>,
    device: DeviceId,
    file: Vec<u8>,
    announced: Announcement,
    keys: KeyStore,
    _dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let (s3, dir) = (FakeS3::start(), tempfile::tempdir().unwrap());
        let credentials = dir.path().join("s3");
        fs::write(&credentials, "aws_access_key_id = A\naws_secret_access_key = b").unwrap();
        fs::set_permissions(&credentials, fs::Permissions::from_mode(0o600)).unwrap();
        let settings = Settings {
            endpoint: Endpoint::read(&format!("http://{}", s3.address)).unwrap(),
            region: "us-east-1".to_owned(),
            bucket: "bundles-of-all".to_owned(),
            prefix: "a/".to_owned(),
            credentials,
            authority: None,
        };
        let bucket = Bucket::with_patience(settings, std::time::Duration::from_secs(2)).unwrap();
        let claim = "postgres name\n".to_owned();
        assert_eq!(write_claim(&bucket, &claim, If::Absent), Ok(Put::Done));
        let objects = Arc::new(Objects::new(bucket, claim, dir.path()));
        objects.check().unwrap();
        let mut file = test_support::SEALED.to_vec();
        file.extend((file.len()..SIZE).map(|n| (n % 251) as u8));
        let announced = announced(&file);
        let keys = Keys::default().places(&dir.path().join("keys"), None).unwrap();
        fs::create_dir(dir.path().join("keys")).unwrap();
        let (device, keys) = (DeviceId::from_bytes([7; 16]), KeyStore::new(keys));
        Self { s3, objects, device, file, announced, keys, _dir: dir }
    }

    fn sending(&self, begin: usize, end: usize) -> Sending {
        let mut sending =
            Sending::at(&self.objects, self.device, self.announced.sha256, begin as u64).unwrap();
        sending.write(&self.file[begin..end]).unwrap();
        sending
    }

    fn offset(&self) -> u64 {
        self.objects.offset(self.device, &self.announced).unwrap()
    }

    fn is_clean(&self) -> bool {
        disk::names(&self.objects.data.join(UPLOADS)).unwrap().is_empty()
    }
}

#[test]
fn chunks_become_a_bundle_that_is_read_checked_and_removed() {
    let case = Case::new();
    let Case { objects, device, announced, keys, .. } = &case;
    assert_eq!((case.offset(), objects.part_modified(*device, announced.sha256)), (0, Ok(None)));
    for (begin, end) in [(0, 3_000_000), (3_000_000, 3_000_001), (3_000_001, 5_000_000), (5_000_000, SIZE)] {
        assert_eq!(case.sending(begin, end).end(true).unwrap(), Ended::Done);
        assert_eq!(case.offset(), end as u64);
    }
    let names = objects.names().unwrap();
    assert_eq!(names, (vec![format!("{device}-{}.chunks", announced.sha256)], Vec::new()));
    assert!(objects.complete(keys, *device, announced, 0).unwrap());
    assert_eq!(case.s3.keys(), [format!("a/bundles/{}.age", announced.sha256), "a/engine".to_owned()]);
    assert!(objects.complete(keys, *device, announced, 0).unwrap(), "the answer may have been lost");
    let mut whole = Vec::new();
    objects.read(announced.sha256, announced.size).read_to_end(&mut whole).unwrap();
    let zeros = test_support::SEALED.len();
    assert!(whole[..zeros].iter().all(|byte| *byte == 0) && whole[zeros..] == case.file[zeros..]);
    assert!(case.offset() == announced.size && case.is_clean());
    assert!(objects.is_whole(keys, announced.sha256, announced.size).unwrap());
    case.s3.change(&case.s3.keys()[0], |mut bytes| {
        bytes[8_000_000] ^= 1;
        Some(bytes)
    });
    assert!(!objects.is_whole(keys, announced.sha256, announced.size).unwrap(), "damaged");
    assert!(
        objects.remove_whole(announced.sha256).unwrap() && !objects.remove_whole(announced.sha256).unwrap()
    );
    assert!(!objects.is_whole(keys, announced.sha256, announced.size).unwrap(), "gone");
}

#[test]
fn of_two_writers_at_one_offset_one_is_kept_whole() {
    let case = Case::new();
    let (mut one, mut other) = (case.sending(0, 4_000_000), case.sending(0, 2_000_000));
    assert_eq!(other.end(true).unwrap(), Ended::Done);
    assert_eq!(one.end(true).unwrap(), Ended::Taken);
    assert_eq!(case.offset(), 2_000_000);
    assert_eq!(case.sending(2_000_000, 2_000_000).end(true).unwrap(), Ended::Done, "of no bytes");
    assert_eq!(case.sending(2_000_000, 3_000_000).end(false).unwrap(), Ended::Done, "thrown away");
    assert_eq!(case.offset(), 2_000_000);
    // A cut keeps what came.
    drop(case.sending(2_000_000, 2_500_000));
    assert_eq!(case.offset(), 2_500_000);
    assert!(case.objects.remove_part(case.device, case.announced.sha256).unwrap());
    assert!(case.offset() == 0 && case.is_clean() && case.s3.keys() == ["a/engine"]);
}

#[test]
fn what_is_not_the_announced_file_is_never_an_object() {
    let case = Case::new();
    let Case { objects, device, announced, keys, .. } = &case;
    assert_eq!(case.sending(0, 4_000_000).end(true).unwrap(), Ended::Done);
    assert_eq!(case.sending(4_000_000, SIZE).end(true).unwrap(), Ended::Done);
    let part = case.s3.keys().into_iter().find(|key| key.contains("uploads")).unwrap();
    case.s3.change(&part, |mut bytes| {
        bytes[9] ^= 1;
        Some(bytes)
    });
    assert!(!objects.complete(keys, *device, announced, 0).unwrap());
    assert_eq!(case.s3.keys(), ["a/engine"], "it begins anew");

    // A part that is lost is asked for again, and what is behind it is used.
    assert_eq!(case.sending(0, 4_000_000).end(true).unwrap(), Ended::Done);
    assert_eq!(case.sending(4_000_000, SIZE).end(true).unwrap(), Ended::Done);
    case.s3.change(&part, |_| None);
    assert_eq!(case.offset(), 0);
    assert_eq!(case.sending(0, 4_000_000).end(true).unwrap(), Ended::Done);
    assert_eq!(case.offset(), announced.size);
    // An S3 that gives half of a part is no reason to throw the upload away.
    case.s3.is_in(Mood::CutsObjects);
    assert!(objects.complete(keys, *device, announced, 0).is_err());
    case.s3.is_in(Mood::Well);
    assert!(objects.complete(keys, *device, announced, 0).unwrap());

    let open = b"not sealed at all";
    assert!(!objects.keep(keys, || Ok(&open[..]), (Digest::of(open), open.len() as u64), 0).unwrap());
    assert_eq!(objects.size(Digest::of(open)), Ok(None));
}

#[test]
fn an_s3_that_misbehaves_acknowledges_nothing_and_says_why() {
    let case = Case::new();
    for (mood, says) in [
        (Mood::Busy, "takes no more requests now (503 SlowDown)"),
        (Mood::Skewed, "clock of this machine"),
        (Mood::RefusesConditions, "If-None-Match"),
        (Mood::CutsAnswers, "broke off"),
        (Mood::NoConditions, "in spite of If-None-Match"),
    ] {
        case.s3.is_in(mood);
        let said = case.objects.check().unwrap_err().to_string();
        assert!(said.contains(says), "{mood:?}: {said}");
        if [Mood::Busy, Mood::Skewed, Mood::RefusesConditions].contains(&mood) {
            assert!(case.sending(0, 1000).end(true).is_err(), "{mood:?}");
        }
        case.s3.is_in(Mood::Well);
        assert_eq!((case.offset(), case.objects.check()), (0, Ok(())), "{mood:?}");
    }
    // What was kept before the answer was cut is not sent twice: the offset says so.
    case.s3.is_in(Mood::CutsAnswers);
    assert!(case.sending(0, 1000).end(true).is_err());
    case.s3.is_in(Mood::Well);
    assert!(case.offset() == 1000 && case.is_clean());

    case.s3.change("a/engine", |_| Some(b"postgres another\n".to_vec()));
    assert!(case.objects.check().unwrap_err().to_string().contains("of another store"));
    case.s3.change("a/engine", |_| None);
    assert!(case.objects.check().unwrap_err().to_string().contains("is gone"));
    assert!(!case.s3.keys().contains(&"a/engine".to_owned()), "nothing is claimed by a look");
}

#[test]
fn an_s3_that_hangs_costs_a_bounded_time() {
    let case = Case::new();
    case.s3.is_in(Mood::Hangs);
    let begun = std::time::Instant::now();
    let said = case.objects.check().unwrap_err().to_string();
    assert!(said.contains("does not answer in time"), "{said}");
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

//! Whole bundles in a data directory: cuts at each step, lost headers, and bundles of before headers were taken.

use protocol::DeviceId;
use protocol::bundle::Announcement;

use super::*;
use crate::store::keystore::places::Settings;
use crate::store::sealed::Looking;
use crate::store::testing::announced;

const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);

struct Case {
    dir: tempfile::TempDir,
    folder: Folder,
    keys: KeyStore,
    file: Vec<u8>,
    announced: Announcement,
}

impl Case {
    /// A bundle of which every byte has come.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = [test_support::SEALED, &[7; 100_000][..]].concat();
        let announced = announced(&file);
        let keys = KeyStore::new(Settings::default().places(dir.path(), None).unwrap());
        let folder = Folder::Own(dir.path().to_owned());
        let case = Self { dir, folder, keys, file, announced };
        fs::create_dir(case.dir.path().join("uploads")).unwrap();
        fs::write(case.part(), &case.file).unwrap();
        case
    }

    fn part(&self) -> std::path::PathBuf {
        self.dir.path().join(format!("uploads/{DEVICE}-{}.part", self.announced.sha256))
    }

    fn whole(&self) -> std::path::PathBuf {
        files::whole(self.dir.path(), self.announced.sha256)
    }

    fn both(&self) -> (&Folder, &KeyStore) {
        (&self.folder, &self.keys)
    }

    fn name(&self) -> (Digest, u64) {
        (self.announced.sha256, self.announced.size)
    }

    fn complete(&self) -> bool {
        files::complete(self.both(), DEVICE, &self.announced, 5).unwrap()
    }

    /// The file with zeros in the place of its header.
    fn blank(&self) -> Vec<u8> {
        let mut blank = self.file.clone();
        blank[..test_support::SEALED.len()].fill(0);
        blank
    }

    fn assert_kept(&self) {
        assert!(fs::read(self.whole()).unwrap() == self.blank() && !self.part().exists());
        let out = self.dir.path().join("out");
        take_out(self.both(), self.name(), &out).unwrap();
        assert!(fs::read(&out).unwrap() == self.file);
        fs::remove_file(out).unwrap();
        assert_eq!(flaw(self.both(), self.name().0, self.name().1), Ok(None));
    }
}

#[test]
fn a_cut_at_any_step_leaves_a_bundle_that_is_completed_once_more() {
    // After the part was checked, the header kept, the part blanked, the name given.
    for step in 0..4 {
        let case = Case::new();
        let mut looking = Looking::new();
        looking.add(&case.file);
        if step > 0 {
            case.keys.put_header(case.name().0, &looking.header().unwrap(), 3).unwrap();
        }
        if step > 1 {
            fs::write(case.part(), case.blank()).unwrap();
        }
        if step > 2 {
            fs::create_dir(case.dir.path().join("bundles")).unwrap();
            fs::rename(case.part(), case.whole()).unwrap();
        }
        assert!(case.complete(), "step {step}");
        case.assert_kept();
        let headers::Kept::Header(header) = case.keys.header(case.name().0).unwrap() else { panic!() };
        assert_eq!(header.made, if step > 0 { 3 } else { 5 }, "it stays as it was put");
        assert!(case.complete(), "the answer may have been lost");
        case.assert_kept();
    }
    // A part without its header that the key store does not have is no bundle.
    let case = Case::new();
    fs::write(case.part(), case.blank()).unwrap();
    assert!(!case.complete() && !case.part().exists() && !case.whole().exists());
}

#[test]
fn nothing_is_taken_from_a_bundle_that_the_key_store_does_not_have_first() {
    let case = Case::new();
    // A key store that takes nothing now.
    let folder = case.dir.path().join("keys/bundles");
    case.keys.ready().unwrap();
    fs::write(&folder, b"in the way").unwrap();
    assert!(files::complete(case.both(), DEVICE, &case.announced, 5).is_err());
    assert!(fs::read(case.part()).unwrap() == case.file && !case.whole().exists());
    fs::remove_file(&folder).unwrap();
    assert!(case.complete());
    case.assert_kept();
}

#[test]
fn without_its_header_nobody_has_the_bundle() {
    let case = Case::new();
    assert!(case.complete());
    let (sha256, size) = case.name();
    let path = case.dir.path().join("keys/bundles").join(sha256.to_string());
    let kept = fs::read(&path).unwrap();
    assert!(!kept.windows(8).any(|part| part == &test_support::SEALED[..8]), "it is sealed");
    let out = case.dir.path().join("out");
    for at in 0..kept.len() {
        let mut changed = kept.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(take_out(case.both(), case.name(), &out).is_err() && !out.exists(), "byte {at}");
        assert_ne!(flaw(case.both(), sha256, size), Ok(None), "byte {at}");
    }
    // What is too short to be one is put anew, or removed.
    for destroys in [false, true] {
        fs::write(&path, &kept[..50]).unwrap();
        assert!(flaw(case.both(), sha256, size).is_err());
        if destroys {
            case.keys.destroy_header(sha256).unwrap();
            assert!(!path.exists());
        } else {
            fs::write(case.whole(), &case.file).unwrap();
            assert!(settle(case.both(), case.name(), 9).unwrap());
            case.assert_kept();
        }
    }
    fs::write(&path, &kept).unwrap();
    // Lost: it may be in a backup.
    fs::rename(&path, &out).unwrap();
    let said = flaw(case.both(), sha256, size).unwrap().unwrap();
    assert!(said.contains("is not in the key store") && said.contains("keys.md"), "{said}");
    fs::rename(&out, &path).unwrap();
    case.assert_kept();
    // Destroyed: no byte of it is left, and that is no damage.
    fs::write(path.with_extension("tmp"), &kept).unwrap();
    case.keys.destroy_header(sha256).unwrap();
    let left = fs::read(&path).unwrap();
    assert!(left[40..].iter().all(|byte| *byte == 0) && !path.with_extension("tmp").exists());
    assert!(take_out(case.both(), case.name(), &out).unwrap_err().to_string().contains("was erased"));
    assert_eq!(flaw(case.both(), sha256, size), Ok(None));
    case.keys.destroy_header(sha256).unwrap();
    assert!(matches!(case.keys.header(sha256), Ok(headers::Kept::Destroyed)));
}

#[test]
fn a_bundle_of_before_is_whole_and_loses_its_header_once() {
    let case = Case::new();
    fs::create_dir(case.dir.path().join("bundles")).unwrap();
    fs::rename(case.part(), case.whole()).unwrap();
    let (sha256, size) = case.name();
    let out = case.dir.path().join("out");
    take_out(case.both(), case.name(), &out).unwrap();
    assert!(fs::read(&out).unwrap() == case.file);
    fs::remove_file(out).unwrap();
    assert_eq!(flaw(case.both(), sha256, size), Ok(None));
    assert!(settle(case.both(), case.name(), 9).unwrap());
    case.assert_kept();
    assert!(!settle(case.both(), case.name(), 10).unwrap(), "nothing is left to do");
    // Restored as it was before.
    fs::write(case.whole(), &case.file).unwrap();
    assert!(is_whole(case.both(), sha256, size).unwrap());
    assert!(settle(case.both(), case.name(), 11).unwrap());
    case.assert_kept();
    // One that was changed keeps what it has.
    let mut changed = case.file.clone();
    changed[99_000] ^= 1;
    fs::write(case.whole(), &changed).unwrap();
    assert!(!settle(case.both(), case.name(), 12).unwrap() && fs::read(case.whole()).unwrap() == changed);
}

//! Drafts: what was put in comes out, damage does not.

use std::io::Write;

use ring::rand::SystemRandom;
use zeroize::Zeroizing;

use super::*;

const FRAME: usize = limits::DRAFT_FRAME;

fn write(dir: &Path, texts: &[Vec<u8>]) -> (Draft, DataKey) {
    let mut writer = Writer::create(dir, "0a1b2c3d", SystemRandom::new()).unwrap();
    writer.begin();
    writer.write_all(b"begun and forgotten").unwrap();
    writer.forget();
    for text in texts {
        writer.begin();
        writer.write_all(text).unwrap();
        let span = writer.end().unwrap();
        assert_eq!((span.bytes, span.sha256), (text.len() as u64, Digest::of(text)));
    }
    let pseudonyms = Pseudonyms(Zeroizing::new([7; 32]));
    writer.finish("A-1".parse().unwrap(), 5, pseudonyms, b"the manifest").unwrap()
}

fn texts() -> Vec<Vec<u8>> {
    [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME + 7]
        .iter()
        .map(|length| (0..*length).map(|at| (at % 251) as u8).collect())
        .collect()
}

#[test]
fn what_was_put_in_comes_out_whole_and_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let texts = texts();
    let (made, key) = write(dir.path(), &texts);
    for draft in [made, Draft::open(dir.path(), "0a1b2c3d", key).unwrap()] {
        assert_eq!((draft.case().as_str(), draft.made_at()), ("A-1", 5));
        assert_eq!(draft.stored_manifest().unwrap(), b"the manifest");
        assert_eq!(draft.digest(), Digest::of(b"the manifest"));
        assert_eq!(draft.files().len(), texts.len());
        for (span, text) in draft.files().iter().zip(&texts) {
            let mut read = Vec::new();
            draft.read(*span).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, *text);
            for offset in [0, 1, FRAME - 1, FRAME, 2 * FRAME + 5].iter().filter(|at| **at <= text.len()) {
                let wanted = &text[*offset..text.len().min(offset + FRAME)];
                assert_eq!(draft.piece(*span, *offset as u64, FRAME).unwrap(), wanted);
            }
        }
    }
}

#[test]
fn damage_moving_and_another_key_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (draft, key) = write(dir.path(), &[b"kV 90".repeat(FRAME)]);
    let path = path(dir.path(), draft.id());
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(10).any(|part| part == b"kV 90kV 90"));
    let reads = |id: &str, key: &DataKey| {
        let draft = Draft::open(dir.path(), id, key.copy())?;
        draft.stored_manifest()?;
        draft.files().iter().try_for_each(|span| draft.read(*span)?.read_to_end(&mut Vec::new()).map(drop))
    };
    assert!(reads("0a1b2c3d", &key).is_ok());
    let anywhere = (MAGIC.len()..bytes.len()).step_by(4099);
    for at in (0..MAGIC.len()).chain(anywhere).chain(bytes.len() - 300..bytes.len()) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert!(reads("0a1b2c3d", &key).is_err(), "byte {at}");
    }
    for length in [0, 7, 8, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(reads("0a1b2c3d", &key).is_err(), "cut to {length}");
    }
    std::fs::write(&path, &bytes).unwrap();
    std::fs::copy(&path, super::path(dir.path(), "0a1b2c3e")).unwrap();
    assert!(reads("0a1b2c3e", &key).is_err());
    let other = DataKey::generate(&SystemRandom::new()).unwrap();
    assert!(reads("0a1b2c3d", &other).is_err());
    assert_eq!(format!("{draft:?}"), "Draft(0a1b2c3d, 1 files)");
}

#[test]
fn a_draft_that_is_not_finished_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), "0a1b2c3d", SystemRandom::new()).unwrap();
    writer.begin();
    writer.write_all(b"half").unwrap();
    assert!(path(dir.path(), "0a1b2c3d").exists());
    drop(writer);
    assert!(!path(dir.path(), "0a1b2c3d").exists());
}

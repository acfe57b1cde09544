//! Erasures that are cut short: no damage, and gone after the next start; and damage that looks like one.

use super::*;
use crate::killpoint;

/// Cuts `erase` at every step, half through its overwriting, and starts again: nothing was damaged, nothing is left of a
/// file that was being erased, and done again it leaves nothing.
fn cut_everywhere(erase: impl Fn(&mut Vault) -> Shredded) {
    for cut in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let (mut vault, _) = open(dir.path());
        let old = seal(&mut vault, "usage", NOW);
        seal(&mut vault, "usage", NOW + 31 * DAY);
        let rights = seal(&mut vault, "rights", NOW);
        let is_cut = killpoint::cut(cut, || {
            erase(&mut vault);
        });
        for path in presence::files(&dir.path().join("keys")).unwrap() {
            if path.extension().is_some_and(|extension| extension == "erasing") {
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[..20].fill(0);
                std::fs::write(&path, bytes).unwrap(); // half overwritten
            }
        }
        let (mut vault, losses) = open(dir.path());
        assert_eq!((losses, vault.set_aside().len()), (Vec::new(), 0), "step {cut}");
        assert!(opens(&vault, "rights", &rights), "step {cut}");
        assert!(!key_names(dir.path()).iter().any(|name| name.ends_with("erasing")), "step {cut}");
        erase(&mut vault);
        assert!(!opens(&open(dir.path()).0, "usage", &old), "step {cut}, done again");
        if !is_cut {
            assert!(cut > 1, "{cut} steps");
            return;
        }
    }
}

#[test]
fn a_shredding_or_a_retirement_that_is_cut_short_is_no_damage() {
    cut_everywhere(|vault| vault.shred("usage").unwrap());
    cut_everywhere(|vault| vault.shred_all_but(&["rights"]).unwrap());
    cut_everywhere(|vault| vault.retire("usage", &HashSet::new()).unwrap());
}

#[test]
fn an_erasure_of_what_was_set_aside_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    std::fs::write(dir.path().join(format!("keys/usage-{}.key", sealed.0)), b"damaged").unwrap();
    let (mut vault, _) = open(dir.path());
    assert!(killpoint::cut(0, || {
        vault.erase_set_aside(|_, _| true).unwrap();
    }));
    let (vault, losses) = open(dir.path());
    assert_eq!((losses, vault.set_aside().len()), (Vec::new(), 0));
}

#[test]
fn a_key_of_zeroes_that_nobody_was_erasing_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    let path = dir.path().join(format!("keys/usage-{}.key", sealed.0));
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::write(&path, vec![0; usize::try_from(length).unwrap()]).unwrap();
    let (vault, losses) = open(dir.path());
    assert_eq!(losses, [Loss::Key { compartment: "usage".into(), id: sealed.0 }]);
    assert!(vault.is_set_aside(sealed.0));
}

#[test]
fn what_could_not_be_overwritten_is_erased_with_the_next_of_this_run() {
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, _) = open(dir.path());
    let sealed = seal(&mut vault, "usage", NOW);
    let name = format!("usage-{}.key.erasing", sealed.0);
    let mut writes = 0;
    killpoint::watch(Some(Box::new(move |point| match point {
        killpoint::Point::Write(_) => {
            writes += 1;
            if writes == 3 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
        _ => Ok(()),
    })));
    let refused = vault.shred("usage");
    killpoint::watch(None);
    // It was finished behind the error, in the same call: one failure spares no file.
    assert!(refused.is_err() && !key_names(dir.path()).contains(&name));
    assert_eq!(vault.shred("usage").unwrap(), Shredded { files: 0 });
}

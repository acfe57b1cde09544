//! A kill at any byte, a flip of any byte: what was acknowledged before it stays readable.

use std::fs;

use super::*;

const NOON: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn payloads(path: &Path) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    read(path, |frame| {
        out.push(frame.payload);
        Ok(())
    })
    .unwrap();
    out
}

/// A log of three payloads, and where each frame ends.
fn three(path: &Path) -> Vec<u64> {
    let mut log = Log::open(path, |_| Ok(())).unwrap();
    let append = |payload: &[u8]| {
        log.append(NOON, payload).unwrap();
        fs::metadata(path).unwrap().len()
    };
    [&b"first"[..], b"", b"third"].map(append).to_vec()
}

#[test]
fn what_was_appended_is_read_back_with_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    assert_eq!(payloads(&path), Vec::<Vec<u8>>::new());
    let mut log = Log::open(&path, |_| Ok(())).unwrap();
    let later = NOON + time::Duration::days(20_000);
    log.append(later, b"payload").unwrap();
    let expected = Frame { received_at: later, payload: b"payload".to_vec() };
    let mut seen = Vec::new();
    Log::open(&path, |frame| {
        seen.push(frame);
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, [expected]);
}

#[test]
fn a_tail_cut_at_any_byte_is_removed_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let ends = three(&path);
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let sound = ends.iter().filter(|&&end| end <= cut as u64).count();
        let mut log = Log::open(&path, |_| Ok(())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), if sound == 0 { 0 } else { ends[sound - 1] });
        log.append(NOON, b"next").unwrap();
        let after = payloads(&path);
        assert_eq!(after.len(), sound + 1);
        assert_eq!(after.last().unwrap(), b"next");
    }
}

#[test]
fn a_flipped_bit_costs_the_frame_that_it_hits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let ends = three(&path);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let hit = ends.iter().filter(|&&end| end <= at as u64).count();
        let mut expected = vec![b"first".to_vec(), Vec::new(), b"third".to_vec()];
        expected.remove(hit);
        assert_eq!(payloads(&path), expected, "byte {at}");
    }
}

#[test]
fn a_payload_that_looks_like_a_frame_is_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let inner = frame(NOON, b"inner");
    Log::open(&path, |_| Ok(())).unwrap().append(NOON, &inner).unwrap();
    assert_eq!(payloads(&path), [inner]);
}

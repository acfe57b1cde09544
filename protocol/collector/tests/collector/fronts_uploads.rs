//! One upload over several fronts: it goes on at another one, and no byte of two writers is mixed.

use std::fs;
use std::io::{self, Read};
use std::sync::mpsc;

use data_encoding::BASE64;
use protocol::Digest;
use protocol::bundle::tus;
use test_support::or_skip;

use crate::bundles::{Sender, Stalling};
use crate::fronts::Fronts;
use crate::program::Collector;
use crate::server::Server;

/// The bytes of the one bundle that a collector has.
fn filed(collector: &Collector) -> Vec<u8> {
    let listed = collector.lines("bundles", &[]);
    assert_eq!(listed.len(), 1);
    collector.bundle(&listed[0])
}

#[test]
fn an_upload_goes_on_at_the_other_front_after_the_first_was_killed() {
    let server = or_skip!(Server::start(&[]));
    let mut fronts = Fronts::start(&server);
    let mut sender = Sender::new(&fronts.one);
    assert_eq!(sender.create(&fronts.one), 201);
    let mut sent_again = 0;
    // Every chunk is cut by the end of its front, and goes on at the other.
    let mut at = 0;
    for (round, end) in [30_000, 60_000, 90_000].into_iter().enumerate() {
        let (front, other) =
            if round % 2 == 0 { (&fronts.one, &fronts.other) } else { (&fronts.other, &fronts.one) };
        assert_eq!(sender.append(front, at, end, None).0, 204);
        let ((stalled, has_stalled), (stop, go_on)) = (mpsc::channel(), mpsc::channel());
        let file = sender.file.clone();
        let body = Stalling { bytes: &file[end..], stall_at: file.len() - end - 5_000, stalled, go_on };
        let (cut, path, length) =
            (sender.device.on_another_connection(front), sender.path(), file.len() - end);
        let (offset, length) = (end.to_string(), length.to_string());
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let headers = [
                    (tus::RESUMABLE, tus::VERSION),
                    ("content-type", tus::CHUNK),
                    (tus::OFFSET, &*offset),
                    ("content-length", &*length),
                ];
                cut.send_slowly(front, &path, &headers, body)
            });
            has_stalled.recv().unwrap();
            front.tell("KILL");
            drop(stop);
            assert_eq!(sending.join().unwrap(), None);
        });
        at = sender.offset(other).unwrap() as usize;
        assert!((end..=end + 5_000).contains(&at), "{at}");
        sent_again += end + 5_000 - at;
        let dead = if round % 2 == 0 { &mut fronts.one } else { &mut fronts.other };
        dead.kill_and_restart();
        sender.device.reconnect(&fronts.one);
    }
    assert!(sent_again <= 3 * 5_000, "at most the chunk that was cut: {sent_again}");
    assert_eq!(sender.append(&fronts.other, at, 100_000, None).0, 204);
    assert_eq!(sender.complete(&fronts.one).0, 200);
    assert_eq!(sender.complete(&fronts.other).0, 200, "the answer may have been lost");
    assert_eq!(filed(&fronts.other), sender.file);
    assert_eq!(fs::read_dir(fronts.shared.path().join("uploads")).unwrap().count(), 0);
    assert_eq!(fronts.one.findings("verify").len(), 0);
}

/// A body that pauses at `left` bytes before its end until it may go on, or is cut.
struct Pausing<'a> {
    bytes: &'a [u8],
    left: usize,
    paused: Option<mpsc::Sender<()>>,
    go_on: mpsc::Receiver<()>,
}

impl Read for Pausing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.len() == self.left
            && let Some(paused) = self.paused.take()
        {
            let _ = paused.send(());
            self.go_on.recv().map_err(|_| io::ErrorKind::ConnectionReset)?;
            self.left = 0;
        }
        let length = buffer.len().min(self.bytes.len() - self.left);
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

/// A chunk of 70,000 bytes comes slowly to a front; `then` happens before it ends, and its status is given. It is cut
/// if `then` says so.
pub(crate) fn slow_writer(
    front: &Collector,
    sender: &Sender,
    bytes: &[u8],
    more: &[(&str, &str)],
    then: impl FnOnce() -> bool,
) -> Option<u16> {
    let ((paused, has_paused), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let body = Pausing { bytes, left: 30_000, paused: Some(paused), go_on };
    let (slow, path) = (sender.device.on_another_connection(front), sender.path());
    let headers = [
        (tus::RESUMABLE, tus::VERSION),
        ("content-type", tus::CHUNK),
        (tus::OFFSET, "0"),
        ("content-length", "70000"),
    ];
    let headers = [&headers, more].concat();
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| slow.send_slowly(front, &path, &headers, body));
        has_paused.recv().unwrap();
        // Dropped without a word, it cuts the connection.
        let go = go;
        if !then() {
            go.send(()).unwrap();
        }
        drop(go);
        sending.join().unwrap()
    })
}

/// The same with the bytes of no bundle, to the first front.
fn stale_writer(
    fronts: &Fronts,
    sender: &Sender,
    more: &[(&str, &str)],
    then: impl FnOnce() -> bool,
) -> Option<u16> {
    slow_writer(&fronts.one, sender, &[0xff; 70_000], more, then)
}

#[test]
fn a_stale_writer_at_another_front_changes_no_byte() {
    let server = or_skip!(Server::start(&[]));
    let fronts = Fronts::start(&server);
    let (first, second, third) =
        (Sender::new(&fronts.one), Sender::new(&fronts.one), Sender::new(&fronts.one));
    for sender in [&first, &second, &third] {
        assert_eq!(sender.create(&fronts.one), 201);
    }
    // The bundle is filed while it writes; then it goes on, or is cut.
    for (sender, is_cut) in [(&first, false), (&second, true)] {
        let status = stale_writer(&fronts, sender, &[], || {
            assert_eq!(sender.append(&fronts.other, 0, 100_000, None).0, 204);
            assert_eq!(sender.complete(&fronts.other).0, 200);
            is_cut
        });
        assert!(is_cut || status.is_some_and(|status| status >= 400), "{status:?}");
    }
    // Another chunk was kept while it wrote: its own is none, with a wrong checksum too, and takes nothing away.
    let checksum = format!("sha256 {}", BASE64.encode(&Digest::of(b"other").to_bytes()));
    let status = stale_writer(&fronts, &third, &[(tus::CHECKSUM, &checksum)], || {
        assert_eq!(third.append(&fronts.other, 0, 50_000, None).0, 204);
        false
    });
    // By its checksum where it was read to its end, by its offset where the other chunk was there before that.
    assert!(matches!(status, Some(409 | tus::CHECKSUM_MISMATCH)), "{status:?}");
    assert_eq!(third.offset(&fronts.other), Some(50_000));
    assert_eq!(third.append(&fronts.one, 50_000, 100_000, None).0, 204);
    assert_eq!(third.complete(&fronts.one).0, 200);
    let mut filed: Vec<Vec<u8>> =
        fronts.one.lines("bundles", &[]).iter().map(|it| fronts.one.bundle(it)).collect();
    let mut sent = vec![first.file.clone(), second.file.clone(), third.file.clone()];
    filed.sort();
    sent.sort();
    assert!(filed == sent, "a byte of the stale writer is in a bundle");
    assert_eq!(fronts.one.findings("verify").len(), 0);
}

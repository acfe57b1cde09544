//! A bundle that a device of the load generator sends: made of a number, so that nothing of it is kept.

use std::io;
use std::time::{Duration, Instant};

use protocol::bundle::{Announcement, MAX_CHUNK, tus};
use protocol::ledger::{self, EventKind};
use protocol::{Digest, Purpose};
use ring::digest::{Context, SHA256};
use ring::signature::Ed25519KeyPair;

use crate::devices::{Answer, Device, Place};

const CASE: &str = "CASE-1";
const BLOCK: usize = 1 << 20;
/// How long one step may fail: a front that is killed again and again begins a comparison anew each time, and one that
/// completes many bundles takes them in turn.
const PATIENCE: Duration = Duration::from_secs(600);

/// The bytes of a bundle from its block `number` on: the same block with its number and the file's seed in it.
fn block(seed: u64, number: u64) -> Vec<u8> {
    let mut block: Vec<u8> = (0..BLOCK).map(|at| (at % 251) as u8).collect();
    block[64..72].copy_from_slice(&number.to_le_bytes());
    block[72..80].copy_from_slice(&seed.to_le_bytes());
    if number == 0 {
        block[..test_support::SEALED.len()].copy_from_slice(test_support::SEALED);
    }
    block
}

/// One bundle on its way.
pub(crate) struct Upload<'a> {
    place: &'a Place,
    device: &'a Device,
    seed: u64,
    announced: Announcement,
    /// Chunks that were not answered with a success, and bytes that were sent again for them.
    pub(crate) cuts: u64,
    pub(crate) again: u64,
}

impl<'a> Upload<'a> {
    /// Of so many MiB, under a consent of its own.
    pub(crate) fn new(place: &'a Place, device: &'a Device, seed: u64, blocks: u64) -> Self {
        let mut context = Context::new(&SHA256);
        (0..blocks).for_each(|number| context.update(&block(seed, number)));
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(context.finish().as_ref());
        let mut entry = test_support::entry(
            device.id,
            0,
            Purpose::SupportCase,
            Some(CASE.parse().unwrap()),
            EventKind::Granted,
        );
        entry.processing.manifest_sha256 = Some(Digest::of(b"manifest"));
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&device.key().unwrap().serialize_der()).unwrap();
        let line = ledger::write_line(&entry, |bytes| key.sign(bytes).as_ref().to_vec()).unwrap();
        let consent = ledger::line_hash(&line);
        let announced = Announcement {
            case: CASE.parse().unwrap(),
            size: blocks * BLOCK as u64,
            sha256: Digest::from_bytes(sha256),
            manifest_sha256: Digest::of(b"manifest"),
            consents: vec![consent],
        };
        let upload = Self { place, device, seed, announced, cuts: 0, again: 0 };
        let answer = upload.until(&[200, 201], |_| {
            let mut connection = device.connect(place)?;
            connection.ask("PUT", &format!("/v1/consents/{consent}"), &[], line.as_bytes())
        });
        assert!(answer.status < 300);
        upload
    }

    fn path(&self) -> String {
        format!("/v1/bundles/{}", self.announced.sha256)
    }

    /// Asks until it is answered so.
    fn until(&self, good: &[u16], ask: impl Fn(&Self) -> io::Result<Answer>) -> Answer {
        let begun = Instant::now();
        loop {
            match ask(self) {
                Ok(answer) if good.contains(&answer.status) => return answer,
                Ok(Answer { status, .. }) => assert!([408, 409, 503].contains(&status), "{status}"),
                Err(_) => {}
            }
            assert!(begun.elapsed() < PATIENCE, "the upload stands still");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    fn offset(&self) -> u64 {
        let head = |upload: &Self| {
            upload.device.connect(upload.place)?.ask(
                "HEAD",
                &upload.path(),
                &[(tus::RESUMABLE, tus::VERSION)],
                b"",
            )
        };
        self.until(&[200], head).upload_offset.unwrap()
    }

    /// Sends a chunk from `at` on; where it ended.
    fn chunk(&self, at: u64) -> (u64, io::Result<Answer>) {
        let length = MAX_CHUNK.min(self.announced.size - at);
        let mut sent = at;
        let mut ask = || {
            let mut connection = self.device.connect(self.place)?;
            let head = format!(
                "PATCH {} HTTP/1.1\r\nHost: collector\r\nContent-Length: {length}\r\nContent-Type: {}\r\n{}: {}\r\n\
                 {}: {at}\r\n\r\n",
                self.path(),
                tus::CHUNK,
                tus::RESUMABLE,
                tus::VERSION,
                tus::OFFSET
            );
            connection.say(head.as_bytes())?;
            while sent < at + length {
                let block = block(self.seed, sent / BLOCK as u64);
                let from = (sent % BLOCK as u64) as usize;
                let to = BLOCK.min(from + (at + length - sent) as usize);
                connection.say(&block[from..to])?;
                sent += (to - from) as u64;
            }
            connection.answer()
        };
        let answer = ask();
        (sent, answer)
    }

    /// Sends all of it.
    pub(crate) fn send(&mut self) {
        let (size, metadata) = (self.announced.size.to_string(), self.announced.metadata());
        let headers = [(tus::RESUMABLE, tus::VERSION), (tus::LENGTH, &*size), (tus::METADATA, &*metadata)];
        self.until(&[201], |upload| {
            upload.device.connect(upload.place)?.ask("POST", "/v1/bundles", &headers, b"")
        });
        let mut at = 0;
        while at < self.announced.size {
            let (sent, answer) = self.chunk(at);
            match answer {
                Ok(Answer { status: 204, upload_offset: Some(offset), .. }) => at = offset,
                answer => {
                    if let Ok(Answer { status, .. }) = answer {
                        assert!([408, 409, 503].contains(&status), "{status}");
                    }
                    at = self.offset();
                    self.cuts += 1;
                    self.again += sent.saturating_sub(at);
                }
            }
        }
    }

    /// Has it filed.
    pub(crate) fn complete(&self) {
        let (sha256, size) = (self.announced.sha256, self.announced.size);
        let body = format!("{{\"sha256\":\"{sha256}\",\"size\":{size}}}");
        let path = format!("{}/complete", self.path());
        self.until(&[200], |upload| {
            let headers = [("Content-Type", "application/json")];
            upload.device.connect(upload.place)?.ask("POST", &path, &headers, body.as_bytes())
        });
    }
}

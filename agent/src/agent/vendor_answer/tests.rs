//! What a collector may answer in place of a part, cuts between two parts, and the golden exchange.

use std::io::Write;

use age::{Decryptor, Encryptor};
use protocol::Purpose;
use protocol::answer::{First, MAX};
use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use protocol::rights::PrivacyKind;
use protocol::signature::TrustedKeys;
use tempfile::TempDir;

use super::*;
use crate::api::support::Piece;
use crate::ship::exchange::Answer;
use crate::ship::failure::Failure;
use crate::vault::Protector;

const START: Duration = Duration::ZERO;

/// A device that asked, and the vendor's answer to it.
struct Asked {
    dir: TempDir,
    vault: Vault,
    tickets: Tickets,
    answer: VendorAnswer,
    file: Vec<u8>,
}

fn sealed_for(recipient: &str, text: &[u8]) -> Vec<u8> {
    let recipient: age::x25519::Recipient = recipient.parse().unwrap();
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut out = encryptor.wrap_output(Vec::new()).unwrap();
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

fn announced(file: &[u8]) -> SealedAnswer {
    SealedAnswer { size: file.len() as u64, sha256: Digest::of(file) }
}

impl Asked {
    fn new(inside: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mut vault, _) = Vault::open(dir.path(), &Protector::File, 1000).unwrap();
        let answer = VendorAnswer::new(dir.path());
        let recipient = answer.recipient(&mut vault, 1000).unwrap();
        assert_eq!(
            answer.recipient(&mut vault, 2000).unwrap(),
            recipient,
            "one key, however often it is asked"
        );
        let first = First::new("t-1".to_owned(), vault.device(), "2026-11-30T06:00:00Z".to_owned());
        let mut text = serde_json::to_vec(&first).unwrap();
        text.push(b'\n');
        text.extend((0..inside).map(|at| (at % 251) as u8));
        let file = sealed_for(&recipient, &text);
        let (tickets, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
        let mut asked = Self { dir, vault, tickets, answer, file };
        asked.announce("t-1", announced(&asked.file));
        asked
    }

    /// The vendor says that the answer to this ticket is there.
    fn announce(&mut self, ticket: &str, sealed: SealedAnswer) {
        let request = PrivacyRequest {
            request_id: "00".repeat(16),
            purposes: Purpose::ALL.to_vec(),
            case: None,
            ledger_sha256: Digest::of(b"line"),
            first_received: None,
            recipient: None,
            objection: false,
        };
        let taken = PrivacyReply::new(ticket.to_owned(), TicketState::Open);
        self.tickets.taken(PrivacyKind::Access, &request, taken, String::new()).unwrap();
        let said =
            PrivacyReply { sealed: Some(sealed), ..PrivacyReply::new(ticket.to_owned(), TicketState::Done) };
        let keys = TrustedKeys::new(Vec::new());
        self.tickets.answered(ticket, Some(&said), &keys, self.vault.device(), START).unwrap();
    }

    fn part(&self, part: u64) -> Vec<u8> {
        let from = (part * PART) as usize;
        self.file[from..(from + PART as usize).min(self.file.len())].to_vec()
    }

    fn next(&mut self, elapsed: Duration) -> Option<Fetch> {
        Some(self.answer.next(&self.tickets, elapsed).unwrap()?.0)
    }

    fn take(&mut self, fetch: &Fetch, outcome: Outcome) {
        self.answer.took(fetch, &outcome, START).unwrap();
    }

    /// Fetches what is left of `file`.
    fn fetch(&mut self) -> u64 {
        let mut parts = 0;
        while let Some(fetch) = self.next(START) {
            let body = self.part(fetch.part);
            self.take(&fetch, bytes(body));
            parts += 1;
        }
        parts
    }

    fn shown(&mut self, offset: u64) -> Result<Piece, NotShown> {
        self.answer.piece(&self.vault, &self.tickets, offset)
    }

    /// As after a start.
    fn restart(&mut self) {
        self.answer = VendorAnswer::new(self.dir.path());
    }
}

fn bytes(body: Vec<u8>) -> Outcome {
    let content_type = Some("application/octet-stream".to_owned());
    Ok(Answer { status: 200, content_type, body, ..Answer::default() })
}

#[test]
fn it_comes_in_parts_over_cuts_and_restarts_and_is_shown_in_pieces() {
    let inside = 3 * limits::PIECE / 2;
    let mut asked = Asked::new(inside);
    let parts = (asked.file.len() as u64).div_ceil(PART);
    for part in 0..3 {
        let fetch = asked.next(START).unwrap();
        assert_eq!(fetch.part, part);
        let body = asked.part(part);
        asked.take(&fetch, bytes(body));
        asked.restart();
    }
    // A cut behind the third part left a piece of the fourth.
    let path = asked.answer.path(announced(&asked.file), "part");
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"torn").unwrap();
    asked.restart();
    assert_eq!(asked.fetch(), parts - 3);
    let first = asked.shown(0).unwrap();
    let mut all = first.decoded().unwrap();
    assert_eq!(all.len(), limits::PIECE);
    while (all.len() as u64) < first.bytes {
        all.extend(asked.shown(all.len() as u64).unwrap().decoded().unwrap());
    }
    let line = all.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(all.len() - line, inside);
    assert!(all[line..].iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8));
    assert!(asked.shown(u64::MAX).unwrap().decoded().unwrap().is_empty());
    let left = presence::files(&asked.answer.dir).unwrap().len();
    assert_eq!(left, 2, "the identity and the file");
}

#[test]
fn what_is_no_part_changes_nothing_and_another_file_is_never_shown() {
    let mut asked = Asked::new(100_000);
    let fetch = asked.next(START).unwrap();
    let good = asked.part(0);
    let html = |body: Vec<u8>| {
        Ok(Answer { status: 200, content_type: Some("text/html".to_owned()), body, ..Answer::default() })
    };
    for outcome in [
        bytes(good[1..].to_vec()),
        bytes([good.as_slice(), b"x"].concat()),
        bytes(Vec::new()),
        html(good),
        Ok(Answer { status: 503, ..Answer::default() }),
        Err(Failure::Cut),
    ] {
        asked.take(&fetch, outcome);
        assert_eq!(asked.next(START).unwrap().part, 0);
    }
    // As long as it was said to be, and another file.
    let good = asked.file.clone();
    let middle = good.len() / 2;
    asked.file[middle] ^= 1;
    assert!(asked.fetch() > 1);
    assert!(matches!(asked.shown(0), Err(NotShown::Damaged)));
    assert!(asked.answer.problem(&asked.tickets).is_some());
    assert!(asked.next(START).is_none() && asked.answer.due(START) == Some(limits::TICKET_EVERY));
    assert_eq!(asked.next(limits::TICKET_EVERY).unwrap().part, 0, "a day later from its beginning");
    asked.restart();
    asked.file = good;
    asked.fetch();
    assert!(asked.shown(0).is_ok() && asked.answer.problem(&asked.tickets).is_none());

    let mut gone = Asked::new(10);
    let fetch = gone.next(START).unwrap();
    gone.take(&fetch, Ok(Answer { status: 404, ..Answer::default() }));
    assert!(gone.next(START).is_none() && matches!(gone.shown(0), Err(NotShown::Gone)));

    for size in [0, MAX + 1, u64::MAX] {
        let mut large = Asked::new(10);
        large.announce("t-2", SealedAnswer { size, sha256: Digest::of(b"large") });
        assert!(large.next(START).is_none());
        assert!(matches!(large.shown(0), Err(NotShown::TooLarge)));
        assert!(large.answer.problem(&large.tickets).is_some());
    }
}

#[test]
fn an_answer_to_another_request_or_for_another_key_is_not_shown() {
    let mut asked = Asked::new(10);
    asked.fetch();
    assert!(asked.shown(0).is_ok());
    let earlier = asked.file.clone();
    asked.announce("t-2", announced(&earlier));
    assert!(matches!(asked.shown(0), Err(NotShown::Foreign)), "an earlier answer");

    let other = age::x25519::Identity::generate().to_public().to_string();
    asked.file = sealed_for(&other, b"{}\n");
    asked.announce("t-3", announced(&asked.file));
    asked.fetch();
    assert!(matches!(asked.shown(0), Err(NotShown::OtherKey)));

    let recipient = asked.answer.recipient(&mut asked.vault, 1000).unwrap();
    for (ticket, inside) in [("t-4", &b"no line of JSON"[..]), ("t-5", b""), ("t-6", &[b'x'; 1 << 20])] {
        asked.file = sealed_for(&recipient, inside);
        asked.announce(ticket, announced(&asked.file));
        asked.fetch();
        assert!(matches!(asked.shown(0), Err(NotShown::Foreign)), "{ticket}");
    }

    let answer = Asked::new(10).file;
    asked.file = answer[..answer.len() - 1].to_vec();
    asked.announce("t-7", announced(&asked.file));
    asked.fetch();
    assert!(matches!(asked.shown(0), Err(NotShown::OtherKey | NotShown::Damaged)));
}

#[test]
fn with_the_key_goes_whatever_was_sealed_for_it() {
    let mut asked = Asked::new(10);
    asked.fetch();
    let before = asked.answer.recipient(&mut asked.vault, 1000).unwrap();
    let path = asked.answer.path(announced(&asked.file), "age");
    asked.answer.erase(&mut asked.vault).unwrap();
    assert!(!asked.answer.dir.exists() && asked.vault.newest_key(COMPARTMENT).is_none());
    assert_ne!(asked.answer.recipient(&mut asked.vault, 1000).unwrap(), before);
    fs::write(path, &asked.file).unwrap();
    assert!(matches!(asked.shown(0), Err(NotShown::OtherKey)));
}

#[test]
fn it_ends_thirty_days_after_it_came_and_time_that_the_clock_leapt_over_does_not_count() {
    const CAME: i64 = 1_800_000_000;
    let mut asked = Asked::new(10);
    asked.fetch();
    let path = asked.answer.path(announced(&asked.file), "age");
    let came = std::time::UNIX_EPOCH + Duration::from_secs(CAME.unsigned_abs());
    OpenOptions::new().write(true).open(&path).unwrap().set_modified(came).unwrap();
    let day = |day: i64| CAME + day * 24 * 3600;
    for (now, leapt) in [(day(30) - 1, 0), (day(40), day(11)), (day(-400), day(-400))] {
        assert!(!asked.answer.end(&mut asked.tickets, now, leapt).unwrap());
        assert!(asked.shown(0).is_ok() && asked.answer.is_expected(&asked.tickets));
    }
    assert!(asked.answer.end(&mut asked.tickets, day(30), 0).unwrap());
    assert!(!path.exists() && !asked.answer.is_expected(&asked.tickets));
    assert!(!asked.answer.end(&mut asked.tickets, day(31), 0).unwrap());
    // After a start too it is neither shown nor fetched, and no problem.
    asked.restart();
    (asked.tickets, _) = Tickets::open(asked.dir.path().join("tickets.json")).unwrap();
    assert!(matches!(asked.shown(0), Err(NotShown::Gone)));
    assert!(asked.next(START).is_none() && asked.answer.problem(&asked.tickets).is_none());

    // One that is still on its way does not end.
    asked.file = Asked::new(100_000).file;
    asked.announce("t-2", announced(&asked.file));
    assert!(!asked.answer.end(&mut asked.tickets, day(99), 0).unwrap());
    assert!(asked.next(START).is_some());
}

/// Made by the `age` crate for the identity of its first line; any program that reads age opens it.
#[test]
fn the_golden_answer_is_opened() {
    let golden = include_str!("../../../../protocol/tests/golden/access-1.txt");
    let lines: Vec<&str> = golden.lines().filter(|line| !line.starts_with('#')).collect();
    let [identity, request, reply, first, _, file] = lines.as_slice() else { panic!("six lines") };
    let identity: Identity = identity.parse().unwrap();
    let request: PrivacyRequest = serde_json::from_str(request).unwrap();
    assert_eq!(request.recipient, Some(identity.to_public().to_string()));
    let file = data_encoding::BASE64.decode(file.as_bytes()).unwrap();
    let reply: PrivacyReply = serde_json::from_str(reply).unwrap();
    assert_eq!(reply.sealed, Some(announced(&file)));
    let opened = Decryptor::new(file.as_slice()).unwrap();
    let mut text = String::new();
    opened.decrypt(std::iter::once(&identity as _)).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{first}\n{{\"what\":\"device\"}}\n"));
}

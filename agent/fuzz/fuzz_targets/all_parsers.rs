//! Every parser that faces outside and has no target of its own, with what must hold of whatever it reads.
//!
//! `parsers.rs` fuzzes them; `tests/fuzz.rs` runs them on the seeds and on changes of these with every test run.

use std::io::Cursor;
use std::sync::LazyLock;
use std::time::Duration;

use agent::collect::Raw;
use agent::config::Config;
use agent::consent::Policy;
use agent::programs::{installed, lists};
use agent::request::Line;
use agent::seal::record::Sealed;
use agent::ship::enrol;
use agent::ship::exchange::{Answer, Outcome};
use agent::ship::pace::Reply;
use agent::ship::routes;
use agent::ship::tus::Upload;
use agent::support::manifest::Manifest;
use agent::usage::validation::{Usage, Validator, Wanted, Window};
use protocol::bundle::{Announcement, Invitation};
use protocol::catalog::Catalog;
use protocol::ledger::{self, Entry};
use protocol::reply::{EnrolRequest, RenewRequest};
use protocol::{Batch, DeviceId, Digest};
use provenance::{Builder, Entry as Literal, Table, Text};
use ring::signature::{Ed25519KeyPair, KeyPair};

/// What reads the bytes. It panics where something does not hold.
pub(crate) type Parser = fn(&[u8]);

/// All of them, by their names.
pub(crate) const PARSERS: &[(&str, Parser)] = &[
    ("envelope", envelope),
    ("ledger", ledger_line),
    ("enrolment", enrolment),
    ("tus", tus),
    ("answers", answers),
    ("outbox", outbox),
    ("configuration", configuration),
    ("carving", carving),
    ("literals", literals),
    ("lists", signed_lists),
    ("socket", socket),
    ("policy", policy),
    ("manifest", manifest),
];

/// What is read is written again as the same batch.
fn envelope(bytes: &[u8]) {
    if let Ok(batch) = Batch::decode(bytes) {
        let again = Batch::decode(&batch.encode()).expect("what was written is read");
        assert_eq!(format!("{batch:?}"), format!("{again:?}"));
    }
}

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes"));

/// No line is taken that the device did not sign; what it signed comes back as it was.
fn ledger_line(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    assert!(ledger::read_line(text, KEY.public_key().as_ref()).is_err(), "nobody signed this");
    if let Ok(entry) = serde_json::from_str::<Entry>(text) {
        let line = ledger::write_line(&entry, |text| KEY.sign(text).as_ref().to_vec()).expect("an entry");
        match ledger::read_line(&line, KEY.public_key().as_ref()) {
            Ok(read) => assert_eq!(read, entry),
            Err(why) => assert_eq!(why, ledger::BadLine::TooLong),
        }
    }
}

/// A request as the collector reads it, and the answer as the device reads it.
fn enrolment(bytes: &[u8]) {
    let _ = serde_json::from_slice::<EnrolRequest>(bytes);
    let _ = serde_json::from_slice::<RenewRequest>(bytes);
    if let Ok(pem) = str::from_utf8(bytes) {
        let _ = rcgen::CertificateSigningRequestParams::from_pem(pem);
    }
    let _ = rcgen::CertificateSigningRequestParams::from_der(&bytes.into());
    let device = DeviceId::of_public_key(&[7; 32]);
    for status in [201, 403, 409, 410] {
        let kind = Some("application/json".to_owned());
        let outcome = Ok(Answer { status, content_type: kind, body: bytes.to_vec(), ..Answer::default() });
        let enrolled = enrol::enrolled(outcome, device, &Vec::new().into(), bytes, 1_780_000_000);
        assert!(enrolled.is_err(), "no certificate of an authority that nobody has");
    }
}

/// Pieces of `bytes`, each a header's value.
fn pieces(bytes: &[u8]) -> impl FnMut() -> Option<String> {
    let mut all = bytes.split(|byte| *byte == b'\n').map(|piece| String::from_utf8_lossy(piece).into_owned());
    let all: Vec<String> = all.by_ref().take(10).collect();
    let mut all = all.into_iter();
    move || all.next().filter(|piece| !piece.is_empty())
}

fn outcome(bytes: &[u8]) -> Outcome {
    let mut next = pieces(bytes);
    let status = next().and_then(|text| text.trim().parse().ok()).unwrap_or(200);
    Ok(Answer {
        status,
        content_type: next(),
        retry_after: next(),
        date: next(),
        ledger_head: next(),
        invitations: next(),
        news: None,
        location: next(),
        upload_offset: next(),
        upload_length: next(),
        checksum_algorithms: next(),
        body: bytes.splitn(11, |byte| *byte == b'\n').nth(10).unwrap_or_default().to_vec(),
    })
}

/// Both ends of an upload: a bundle is announced as it is read, and nothing settles it but its own digest.
fn tus(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(read) = Announcement::read(&text, 7) {
        assert_eq!(Announcement::read(&read.metadata(), 7).as_ref(), Some(&read));
    }
    let announcement = Announcement {
        case: "CASE-1".parse().expect("a case"),
        size: 7,
        sha256: Digest::of(b"7 bytes"),
        manifest_sha256: Digest::of(b"manifest"),
        consents: vec![Digest::of(b"line")],
    };
    let mut upload = Upload::new(announcement, Some(text.lines().next().unwrap_or_default()), 0);
    let outcome = outcome(bytes);
    for _ in 0..8 {
        let step = upload.next();
        let _ = upload.apply(step, &outcome, Duration::from_millis(5));
        assert!(upload.offset().is_none_or(|offset| offset <= 7), "more than there is");
    }
}

/// Any answer to any question; one without the ledger line's digest stores no line.
fn answers(bytes: &[u8]) {
    let outcome = outcome(bytes);
    if let Ok(answer) = &outcome {
        let _ = (answer.clock(), answer.ledger_head());
        let invitations = Invitation::read_header(answer.invitations.as_deref().unwrap_or_default());
        assert_eq!(Invitation::read_header(&Invitation::header(&invitations)), invitations);
    }
    let _ = (
        routes::read_capabilities(&outcome),
        routes::probed(&outcome, Some("EEA")),
        routes::renewed(&outcome),
    );
    let _ = (routes::privacy_taken(&outcome), routes::read_ticket(&outcome));
    let _ = (routes::read_news(&outcome), routes::news_asked(&outcome), routes::part_taken(&outcome, 7));
    let _ = outcome.as_ref().ok().and_then(routes::consent_expected);
    let stored = routes::consent_stored(&outcome, Digest::of(b"a line"));
    let named = String::from_utf8_lossy(bytes).contains(&Digest::of(b"a line").to_string());
    assert!(named || !matches!(stored, Reply::Acknowledged { .. }), "an acknowledgement of nothing");
}

/// A refused line leaves nothing behind.
fn outbox(bytes: &[u8]) {
    let window = Window { granted: 1_700_000_000, now: 1_900_000_000 };
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut validation = Validator::new(Catalog::built_in());
        if validation.take(Raw::new(line), window, Wanted { usage: true, open: true }).is_err() {
            assert!(validation.journals().is_empty());
        }
    }
}

fn configuration(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Config::parse(text) {
        Ok(config) => drop(config.check()),
        Err(error) => drop(error.to_string()),
    }
}

/// What has the shape of a record is kept byte for byte.
fn carving(bytes: &[u8]) {
    if let Some(length) = Sealed::<Usage>::measure(bytes) {
        let record = bytes.get(..length).expect("no longer than what is there");
        if let Some(sealed) = Sealed::<Usage>::from_bytes(record) {
            assert_eq!(sealed.as_bytes(), record);
            let _ = (
                sealed.position(),
                sealed.records(),
                sealed.numbers(),
                sealed.key(),
                sealed.cursors().count(),
            );
        }
    }
}

/// A program, a table of literals. What is taken from them makes a table that is read again.
fn literals(bytes: &[u8]) {
    let mut builder = Builder::default();
    let _ = provenance::read_file(Cursor::new(bytes), &mut |text| match text {
        Text::Literal(literal) => builder.add(Literal::Literal(literal)),
        Text::Name(name) => name
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .for_each(|word| builder.add(Literal::Word(word))),
    });
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter_map(Literal::parse).for_each(|entry| builder.add(entry));
    let table = Table::from_file(builder.to_bytes().as_slice()).expect("what was written is read");
    assert_eq!(table.len(), builder.table().len());
    let mut spans = Vec::new();
    for line in text.lines() {
        table.spans(line, &mut spans);
        assert!(spans.iter().all(|span| line.get(span.clone()).is_some()), "parts of the line");
        assert!(spans.is_sorted_by(|one, next| one.end <= next.start), "in order, apart");
    }
    let _ = Table::from_file(bytes);
}

/// A list of words and one of the installer, as the vendor signs them: what is read is what stands there.
fn signed_lists(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(list) = lists::parse(bytes) {
        let head = text.lines().next().expect("a head");
        assert!(head.contains(&list.name) && list.name.len() <= 32, "its name stands in it");
        let mut builder = Builder::default();
        text.lines().skip(1).map(|line| Literal::parse(line).expect("an entry")).for_each(|entry| {
            assert!(!matches!(entry, Literal::Folder(_)), "a folder is not the vendor's");
            builder.add(entry);
        });
        assert!(Table::from_file(builder.to_bytes().as_slice()).is_ok(), "what was written is read");
    }
    match installed::parse(bytes) {
        Ok(files) => {
            assert!(files.len() <= text.lines().count());
            assert!(files.iter().all(|file| text.to_ascii_lowercase().contains(&file.to_string())));
        }
        Err(line) => assert!((1..=text.lines().count() + 1).contains(&line), "a line of it"),
    }
}

fn socket(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Line::Misread(reply) = Line::read(line) {
            assert!(!reply.line().contains('\n'), "an answer is one line");
        }
    }
}

fn policy(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Policy::parse(text) {
        Ok(policy) => drop((policy.effective(), policy.hash())),
        Err(error) => drop(error.to_string()),
    }
}

fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::parse(bytes) {
        let stored = manifest.to_bytes();
        assert_eq!(Manifest::parse(&stored).map(|again| again.to_bytes()).ok(), Some(stored));
        let _ = manifest.total_bytes();
    }
}

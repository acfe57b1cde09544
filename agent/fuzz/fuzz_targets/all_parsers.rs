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
use agent::request::{Caller, Line};
use agent::seal::record::Sealed;
use agent::ship::enrol;
use agent::ship::exchange::{Answer, Outcome};
use agent::ship::failure::Failure;
use agent::ship::pace::Reply;
use agent::ship::routes;
use agent::ship::tus::{Step, StepResult, Upload, contact};
use agent::support::manifest::Manifest;
use agent::texts::Language;
use agent::usage::validation::{Usage, Validator, Wanted, Window, explain};
use protocol::answer::{self, First};
use protocol::bundle::{Announcement, Invitation};
use protocol::catalog::Catalog;
use protocol::ledger::{self, Entry};
use protocol::reply::{EnrolRequest, RenewRequest};
use protocol::{Batch, DeviceId, Digest, Purpose};
use provenance::{Builder, Entry as Literal, Table, Text};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ED25519,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

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

/// A vendor's authority, and a device that it certified.
struct Enrolled {
    ca: String,
    chain: String,
    request: String,
    device: DeviceId,
    pkcs8: Zeroizing<Vec<u8>>,
}

static ENROLLED: LazyLock<Enrolled> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Enrolled {
        ca: authority.pem(),
        chain: params.signed_by(&key, &authority).expect("a certificate").pem(),
        request: params.serialize_request(&key).and_then(|request| request.pem()).expect("a request"),
        device: DeviceId::of_public_key(key.public_key_raw()),
        pkcs8: key.serialize_der().into(),
    }
});

/// A request as the collector reads it, and the answer as the device reads it. No input guesses a certificate: where it
/// says @CHAIN@, @DEVICE@, @REQUEST@ or @CA@, it has that of a device that enrolled.
fn enrolment(bytes: &[u8]) {
    let known = &*ENROLLED;
    let escaped = |pem: &str| pem.replace('\n', "\\n");
    let named = String::from_utf8_lossy(bytes)
        .replace("@CHAIN@", &escaped(&known.chain))
        .replace("@DEVICE@", &known.device.to_string())
        .replace("@REQUEST@", &escaped(&known.request))
        .replace("@CA@", &escaped(&known.ca));
    let asked = serde_json::from_str::<EnrolRequest>(&named).map(|request| request.csr);
    let asked = asked.or_else(|_| serde_json::from_str::<RenewRequest>(&named).map(|request| request.csr));
    let pem = asked.unwrap_or(named.clone());
    let _ = CertificateSigningRequestParams::from_pem(&pem);
    let _ = CertificateSigningRequestParams::from_der(&bytes.into());
    for (status, ca) in [(201, known.ca.as_bytes()), (201, bytes), (403, bytes), (409, bytes), (410, bytes)] {
        let kind = Some("application/json".to_owned());
        let body = named.clone().into_bytes();
        let outcome = Ok(Answer { status, content_type: kind, body, ..Answer::default() });
        match enrol::enrolled(outcome, known.device, &known.pkcs8, ca, 1_780_000_000) {
            Ok((identity, reply)) => {
                assert!(status == 201 && reply.device_id == known.device, "a refusal, or another device's");
                let chain = String::from_utf8_lossy(&identity.chain_pem).into_owned();
                assert!(chain.contains(&known.chain), "a certificate of an authority that nobody has");
            }
            Err(error) => drop(error.as_renewal()),
        }
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
    let status = next();
    if status.as_deref() == Some("cut") {
        return Err(Failure::Cut);
    }
    Ok(Answer {
        status: status.and_then(|text| text.trim().parse().ok()).unwrap_or(200),
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

/// Both ends of an upload: a bundle is announced as it is read, and nothing settles it but its own digest. The answers
/// follow each other, with a line of four equals signs between them.
fn tus(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(read) = Announcement::read(&text, 7) {
        assert_eq!(Announcement::read(&read.metadata(), 7).as_ref(), Some(&read));
    }
    let digest = Digest::of(b"7 bytes");
    let announcement = Announcement {
        case: "CASE-1".parse().expect("a case"),
        size: 7,
        sha256: digest,
        manifest_sha256: Digest::of(b"manifest"),
        consents: vec![Digest::of(b"a line")],
    };
    let mut upload = Upload::new(announcement, Some(text.lines().next().unwrap_or_default()), 0);
    let answers: Vec<Outcome> = text.split("\n====\n").map(|answer| outcome(answer.as_bytes())).collect();
    for outcome in answers.iter().cycle().take(2 * answers.len().min(16) + 8) {
        let step = upload.next();
        let result = upload.apply(step, outcome, Duration::from_millis(5));
        assert!(upload.offset().is_none_or(|offset| offset <= 7), "more than there is");
        let _ = (contact(outcome), upload.path(), upload.checks());
        if let StepResult::Settled(_) = result {
            assert!(step == Step::Complete && text.contains(&digest.to_string()), "an end of nothing");
            break;
        }
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
    for reply in [routes::privacy_taken(&outcome).1, routes::read_ticket(&outcome).ok()].into_iter().flatten()
    {
        let _ = (routes::ticket(&reply.ticket), routes::answer_part(&reply.ticket, 1), reply.state.as_str());
        if let Some(sealed) = reply.sealed {
            assert!(
                sealed.length(0) <= sealed.size
                    && sealed.is_bounded() == (1..=answer::MAX).contains(&sealed.size)
            );
        }
    }
    if let Ok(first) = serde_json::from_slice::<First>(outcome.as_ref().map_or(bytes, |answer| &answer.body))
    {
        let _ = first.answers("T-1", DeviceId::from_bytes([7; 16]));
    }
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
        let wanted = Wanted { usage: true, open: true };
        if let Err(refusal) = validation.take_both(Raw::new(line), window, wanted, Some(window.granted)) {
            let _ = explain(Raw::new(line), refusal.reason);
            assert!(validation.journals().is_empty());
        }
        let own = validation.own();
        let _ = validation.take_own(Raw::new(line), window.granted, window.now);
        validation.put_back(own);
        validation.clear();
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
                format!("{sealed:?}"),
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
        match Line::read(line) {
            Line::Misread(reply) => assert!(!reply.line().contains('\n'), "an answer is one line"),
            Line::Request(request) => {
                assert!(!Caller::default().may(&request) || !request.needs_the_clinic(), "a stranger erases");
                assert!(request.claim().is_none_or(|code| format!("{code:?}") == "ClaimCode(..)"), "a code");
            }
            Line::Event => {}
        }
    }
}

fn policy(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            assert!(policy.continues(policy.hash()), "it is itself");
            let _ = (
                policy.id(),
                policy.version(),
                policy.effective(),
                policy.controller(),
                policy.answers_days(),
            );
            let _ = (policy.endpoints(), policy.residency());
            for policy in [Ok(policy.clone()), policy.shown_in("de-AT")].into_iter().flatten() {
                for &purpose in Purpose::ALL {
                    let _ = (policy.digest(purpose), policy.notice(purpose, Language::Da));
                    let _ = policy.periods(purpose, Language::En);
                }
            }
        }
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

//! Tickets: asked about until they are done, proven by certificates, asked for again.

use protocol::Digest;
use protocol::signature::{PublicKey, Signature, TrustedKey};
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;
use crate::consent::Flag;

fn take(tickets: &mut Tickets, name: &str) {
    let request = VendorRequest::privacy(
        PrivacyKind::Erase,
        &Flag::UsageStatistics,
        protocol::Digest::of(name.as_bytes()),
    );
    let VendorRequest::Privacy { kind, request } = request else { panic!("a privacy request") };
    let reply = PrivacyReply::new(name.to_owned(), TicketState::Open);
    tickets.taken(kind, &request, reply, "2026-11-21T10:00:00Z".to_owned()).unwrap();
}

const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);

fn answer(tickets: &mut Tickets, name: &str, state: Option<TicketState>, at: Duration) {
    let said = state.map(|state| PrivacyReply::new(name.to_owned(), state));
    tickets.answered(name, said.as_ref(), &TrustedKeys::default(), DEVICE, at).unwrap();
}

#[test]
fn a_request_that_the_vendor_lost_goes_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tickets.json");
    let (mut tickets, _) = Tickets::open(path.clone()).unwrap();
    take(&mut tickets, "t-1");
    let mut said = PrivacyReply::new("t-1".to_owned(), TicketState::Open);
    said.revocable_until = Some("2026-12-05T09:30:00Z".to_owned());
    tickets.answered("t-1", Some(&said), &TrustedKeys::default(), DEVICE, Duration::ZERO).unwrap();
    let (tickets, _) = Tickets::open(path.clone()).unwrap();
    let Some(VendorRequest::Privacy { kind: PrivacyKind::Erase, request }) = tickets.again("t-1") else {
        panic!("an erasure")
    };
    assert_eq!(request.first_received.as_deref(), Some("2026-11-21T09:30:00Z"));
    assert_eq!(request.ledger_sha256, protocol::Digest::of(b"t-1"));
    assert_eq!(tickets.again("t-2"), None);
    let (mut tickets, _) = Tickets::open(path).unwrap();
    answer(&mut tickets, "t-1", Some(TicketState::Done), Duration::ZERO);
    assert_eq!(tickets.again("t-1"), None, "what is done stays done");
}

/// A key that is trusted for certificates, and what it signs.
fn signer() -> (TrustedKeys, impl Fn(&str, Context) -> String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
    let keys =
        TrustedKeys::new(vec![TrustedKey { key, signs: vec![Context::ErasureCertificate, Context::Notice] }]);
    let sign = move |text: &str, context| {
        let content = Digest::of(text.as_bytes());
        Signature::new(context, key, content, |bytes| pair.sign(bytes).as_ref().to_vec()).unwrap().to_string()
    };
    (keys, sign)
}

#[test]
fn an_erasure_is_done_by_a_certificate_and_by_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (mut tickets, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
    take(&mut tickets, "t-1");
    let (keys, sign) = signer();
    let text = |ticket: &str, kept: &str| {
        format!(
            r#"{{"format":"kathea-erasure-1","ticket":"{ticket}","device":"{DEVICE}","purposes":["usage_statistics"],"asked_at":"","erased_at":"","records":3,"bundles":0,"parts":0,{kept}"copies":[]}}"#
        )
    };
    let mut said =
        PrivacyReply { outcome: Some(Outcome::Erased), ..PrivacyReply::new("t-1".into(), TicketState::Done) };
    let mut tell = |said: &PrivacyReply| {
        tickets.answered("t-1", Some(said), &keys, DEVICE, Duration::ZERO).unwrap();
        let ticket = tickets.all()[0].clone();
        (ticket.state, ticket.outcome, tickets.problems("2026").len())
    };
    // The vendor's word alone.
    assert_eq!(tell(&said), (TicketState::Open, None, 0));
    let right = text("t-1", "");
    let other = text("t-2", "");
    for (forged, signature) in [
        (other.clone(), sign(&other, Context::ErasureCertificate)),
        (right.clone(), sign(&right, Context::Notice)),
        (right.clone(), sign(&other, Context::ErasureCertificate)),
        (right[..right.len() - 9].to_owned(), sign(&right, Context::ErasureCertificate)),
        (right.replace(":3,", ":9,"), sign(&right, Context::ErasureCertificate)),
        (right.clone(), "none".to_owned()),
    ] {
        (said.certificate, said.signature) = (Some(forged), Some(signature));
        assert_eq!(tell(&said), (TicketState::Open, None, 1));
    }
    let kept = text(
        "t-1",
        r#""kept":{"why":"legal_claim","until":"2030-01-01T00:00:00Z","purposes":["usage_statistics"]},"#,
    );
    (said.certificate, said.signature) = (Some(kept.clone()), Some(sign(&kept, Context::ErasureCertificate)));
    assert_eq!(tell(&said), (TicketState::Open, Some(Outcome::RefusedInPart), 0), "not done");
    (said.certificate, said.signature) =
        (Some(right.clone()), Some(sign(&right, Context::ErasureCertificate)));
    assert_eq!(tell(&said), (TicketState::Done, Some(Outcome::Erased), 0));
    let (again, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
    assert_eq!(again.all()[0].proof().unwrap().records, 3);
}

#[test]
fn a_late_answer_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (mut tickets, _) = Tickets::open(dir.path().join("tickets.json")).unwrap();
    take(&mut tickets, "t-1");
    let due = Some("2026-12-21T10:00:00Z".to_owned());
    let said = PrivacyReply { due, ..PrivacyReply::new("t-1".into(), TicketState::Open) };
    tickets.answered("t-1", Some(&said), &TrustedKeys::default(), DEVICE, Duration::ZERO).unwrap();
    assert!(tickets.problems("2026-12-21T09:59:59Z").is_empty());
    assert!(tickets.problems("2026-12-21T10:00:01Z")[0].en.contains("t-1"));
}

#[test]
fn every_open_ticket_is_asked_about_once_a_round_until_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tickets.json");
    let (mut tickets, damaged) = Tickets::open(path.clone()).unwrap();
    assert!(!damaged && tickets.due().is_none() && tickets.next(Duration::MAX).is_none());
    take(&mut tickets, "one");
    take(&mut tickets, "two");
    take(&mut tickets, "two");
    let start = Duration::from_secs(5);
    assert_eq!(tickets.next(start), Some("one"));
    answer(&mut tickets, "one", Some(TicketState::Done), start);
    assert_eq!(tickets.next(start), Some("two"));
    answer(&mut tickets, "two", None, start);
    assert_eq!(tickets.next(start), None, "not again in this round");
    let day = start + limits::TICKET_EVERY;
    assert_eq!((tickets.due(), tickets.next(day)), (Some(day), Some("two")));
    answer(&mut tickets, "two", Some(TicketState::Done), day);
    assert_eq!(tickets.due(), None);

    let (again, _) = Tickets::open(path.clone()).unwrap();
    assert_eq!(again.all(), tickets.all());
    assert_eq!(again.all().len(), 2);
    std::fs::write(&path, "{").unwrap();
    let (empty, damaged) = Tickets::open(path.clone()).unwrap();
    assert!(damaged && empty.all().is_empty());
    std::fs::create_dir(&path).unwrap(); // read(2) refuses a directory, even to root
    assert!(Tickets::open(path.clone()).is_err() && path.is_dir(), "what can't be read now is not damaged");
}

//! What a collector or somebody between may do to receipts and notices, and what the device makes of it.

use protocol::notice::{self, NoticeKind};
use protocol::signature::{PublicKey, Signature, TrustedKey};
use protocol::uses::{self, Use, UseReason, UseRole};
use ring::signature::{Ed25519KeyPair, KeyPair};
use tempfile::TempDir;

use super::*;

const NOW: i64 = 1_796_000_000;
const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn key(seed: u8) -> PublicKey {
    PublicKey::from_bytes(pair(seed).public_key().as_ref().try_into().unwrap())
}

/// Key 1 signs receipts, key 2 notices.
fn trusted() -> TrustedKeys {
    let of = |seed, context| TrustedKey { key: key(seed), signs: vec![context] };
    TrustedKeys::new(vec![of(1, Context::UseReceipt), of(2, Context::Notice)])
}

fn sign(text: String, context: Context, seed: u8) -> SignedText {
    let content = Digest::of(text.as_bytes());
    let sign = |bytes: &[u8]| pair(seed).sign(bytes).as_ref().to_vec();
    let signature = Signature::new(context, key(seed), content, sign).unwrap().to_string();
    SignedText { text, signature }
}

/// A chain of receipts with the numbers from `from` on, behind `previous`; each says why.
fn chain(from: u64, previous: Option<&SignedText>, why: &[UseReason]) -> Vec<SignedText> {
    let mut previous = previous.map(|signed| Digest::of(signed.text.as_bytes()));
    let receipt = |(number, why): (u64, &UseReason)| {
        let receipt = Receipt {
            format: uses::FORMAT.to_owned(),
            device: DEVICE,
            number,
            previous,
            at: "2026-11-30T06:00:00Z".to_owned(),
            role: UseRole::Analyst,
            what: Use::Export,
            purpose: None,
            case: None,
            to: Some("Example Vendor".to_owned()),
            why: Some(*why),
        };
        let signed = sign(serde_json::to_string(&receipt).unwrap(), Context::UseReceipt, 1);
        previous = Some(Digest::of(signed.text.as_bytes()));
        signed
    };
    (from..).zip(why).map(receipt).collect()
}

fn notice(number: u64, until: &str) -> SignedText {
    let notice = Notice {
        format: notice::FORMAT.to_owned(),
        number,
        kind: NoticeKind::Breach,
        issued: "2026-11-20T00:00:00Z".to_owned(),
        until: until.to_owned(),
        en: "A stick was lost.".to_owned(),
        da: "En nøgle blev væk.".to_owned(),
    };
    sign(serde_json::to_string(&notice).unwrap(), Context::Notice, 2)
}

const LATER: &str = "2027-06-01T00:00:00Z";
const FIVE: &[UseReason] =
    &[UseReason::Quality, UseReason::Support, UseReason::Audit, UseReason::Complaint, UseReason::Authority];

struct Site {
    dir: TempDir,
    news: News,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let news = News::open(dir.path().join("news.json")).unwrap();
        Self { dir, news }
    }

    /// The collector offers this and answers so; what is noticed by then.
    fn give(&mut self, receipts: &[SignedText], notices: &[SignedText]) -> Vec<(Flaw, u64)> {
        self.offer(&format!("{}-0123456789abcdef", self.news.kept.newest.max(receipts.len() as u64)));
        self.news.asking();
        let reply = NewsReply { receipts: receipts.to_vec(), notices: notices.to_vec() };
        self.news.answered(Some(reply), &trusted(), DEVICE, NOW).unwrap();
        self.flaws()
    }

    fn offer(&mut self, said: &str) {
        self.news.offered(Some(said), &trusted(), NOW).unwrap();
    }

    fn flaws(&self) -> Vec<(Flaw, u64)> {
        self.news.kept.flaws.iter().map(|(flaw, count)| (*flaw, *count)).collect()
    }

    fn reasons(&self) -> Vec<UseReason> {
        let mut reasons: Vec<_> = self.news.kept.uses().filter_map(|one| one.why).collect();
        reasons.reverse();
        reasons
    }

    fn restart(&mut self) {
        self.news = News::open(self.dir.path().join("news.json")).unwrap();
    }
}

#[test]
fn a_chain_is_taken_in_kept_and_confirmed_and_nothing_is_asked_after_that() {
    let (mut site, all) = (Site::new(), chain(1, None, FIVE));
    assert_eq!(site.news.next(&trusted()), None, "nothing is offered");
    site.offer("5-0123456789abcdef");
    assert_eq!(site.news.next(&trusted()), Some(NewsRequest::default()));
    assert_eq!(site.news.next(&TrustedKeys::default()), None, "no key could prove an answer");
    assert_eq!(site.give(&all[..3], &[]), []);
    let asked = site.news.next(&trusted()).unwrap();
    assert_eq!((asked.receipts, asked.head), (3, Some(Digest::of(all[2].text.as_bytes()))));
    assert_eq!(site.give(&all[3..], &[notice(4, LATER)]), []);
    assert_eq!(site.news.next(&trusted()).unwrap().notices, [4]);
    assert_eq!(site.give(&[], &[]), []);
    site.offer("5-0123456789abcdef");
    assert_eq!(site.news.next(&trusted()), None, "confirmed");
    assert_eq!((site.reasons(), site.news.problems(NOW)), (FIVE.to_vec(), vec![]));

    site.restart();
    assert_eq!((site.reasons(), site.news.kept.standing(NOW).len()), (FIVE.to_vec(), 1));
    assert_eq!(site.news.kept.standing(NOW + 400 * 86_400).len(), 0, "it is over");
}

#[test]
fn what_no_trusted_key_signed_as_it_is_is_counted_and_shown_and_not_taken() {
    let all = chain(1, None, FIVE);
    let changed = SignedText { text: all[0].text.replace("quality", "support"), ..all[0].clone() };
    let cut = SignedText { text: all[0].text[..all[0].text.len() - 1].to_owned(), ..all[0].clone() };
    let unsigned = SignedText { signature: String::new(), ..all[0].clone() };
    let by_another = sign(all[0].text.clone(), Context::UseReceipt, 3);
    let by_notices = sign(all[0].text.clone(), Context::UseReceipt, 2);
    let elsewhere = sign(all[0].text.replace(&DEVICE.to_string(), &"08".repeat(16)), Context::UseReceipt, 1);
    let long = sign(" ".repeat(MAX_RECEIPT + 1), Context::UseReceipt, 1);
    let no_receipt = sign("{}".to_owned(), Context::UseReceipt, 1);
    let extra = sign(all[0].text.replace("\"export\"", "\"reboot\""), Context::UseReceipt, 1);
    for (bad, flaw) in [
        (changed, Flaw::Unsigned),
        (cut, Flaw::Unsigned),
        (unsigned, Flaw::Unsigned),
        (by_another, Flaw::Unsigned),
        (by_notices, Flaw::Unsigned),
        (elsewhere, Flaw::OtherDevice),
        (long, Flaw::TooLong),
        (no_receipt, Flaw::Malformed),
        (extra, Flaw::Malformed),
    ] {
        let mut site = Site::new();
        assert_eq!(site.give(&[bad], &[]), [(flaw, 1)]);
        assert_eq!((site.reasons().len(), site.news.problems(NOW).len()), (0, 1));
        assert_eq!(site.news.problems(NOW + limits::FLAWS_SHOWN), vec![]);
        site.restart();
        assert_eq!(site.flaws(), [(flaw, 1)], "also after a restart");
        assert_eq!(site.give(&all, &[]), [(flaw, 1)], "and the true ones are taken in all the same");
    }
}

#[test]
fn dropped_reordered_repeated_and_changed_lines_are_noticed_each_by_its_name() {
    let all = chain(1, None, FIVE);
    let mut dropped = Site::new();
    assert_eq!(dropped.give(&[all[0].clone(), all[3].clone()], &[]), [(Flaw::Missing, 2)]);
    assert!(dropped.news.problems(NOW)[0].en.contains("2 receipts missing"));

    let mut reordered = Site::new();
    let order = [all[0].clone(), all[2].clone(), all[1].clone()];
    assert_eq!(reordered.give(&order, &[]), [(Flaw::Missing, 1), (Flaw::Replayed, 1)]);

    let mut repeated = Site::new();
    repeated.give(&all[..2], &[]);
    assert_eq!(repeated.give(&all[..2], &[]), [(Flaw::Replayed, 2)]);
    assert_eq!(repeated.news.problems(NOW), vec![], "a repetition contradicts nothing");

    let mut changed = Site::new();
    changed.give(&all[..3], &[]);
    let other = chain(3, Some(&all[1]), &[UseReason::LegalClaim, UseReason::Support]);
    assert_eq!(changed.give(&other, &[]), [(Flaw::Changed, 1)]);
    assert_eq!(changed.reasons().len(), 5, "both are kept: they prove it");

    let mut grafted = Site::new();
    grafted.give(&all[..2], &[]);
    assert_eq!(grafted.give(&chain(3, Some(&all[3]), &[UseReason::Audit]), &[]), [(Flaw::Changed, 1)]);
}

#[test]
fn a_collector_that_was_restored_from_a_backup_is_noticed_once_and_followed_from_there_on() {
    let (mut site, all) = (Site::new(), chain(1, None, FIVE));
    site.give(&all, &[]);
    let cases = [("3-0123456789abcdef", 2), ("3-0123456789abcdef", 2), ("1-0123456789abcdef", 4)];
    for (said, taken_back) in cases {
        site.offer(said);
        assert_eq!(site.flaws(), [(Flaw::TakenBack, taken_back)]);
    }
    site.restart();
    site.offer("1-0123456789abcdef");
    assert_eq!(site.flaws(), [(Flaw::TakenBack, 4)], "not counted again");
    assert!(site.news.problems(NOW)[0].en.contains("4 taken back"));
    let other = chain(2, Some(&all[0]), &[UseReason::LegalClaim]);
    let both = [all[0].clone(), other[0].clone()];
    assert_eq!(site.give(&both, &[]), [(Flaw::Changed, 1), (Flaw::TakenBack, 4), (Flaw::Replayed, 1)]);
    assert_eq!((site.news.kept.newest, site.news.kept.receipts.len()), (2, 6));
    let next = chain(3, Some(&other[0]), &[UseReason::Audit]);
    assert_eq!(site.give(&next, &[]).len(), 3, "the new chain is followed");
    // No answer says that there is anything: of a collector that lost everything, or is older.
    let mut gone = Site::new();
    gone.give(&all, &[]);
    gone.news.offered(None, &trusted(), NOW).unwrap();
    assert_eq!(gone.flaws(), [(Flaw::TakenBack, 5)]);
}

#[test]
fn a_notice_that_is_unsigned_old_over_or_too_long_is_not_shown_and_counted() {
    let true_one = notice(3, LATER);
    let long = sign(" ".repeat(MAX_NOTICE + 1), Context::Notice, 2);
    for (bad, flaw) in [
        (SignedText { text: true_one.text.replace("stick", "disk"), ..true_one.clone() }, Flaw::Unsigned),
        (sign(true_one.text.clone(), Context::Notice, 1), Flaw::Unsigned),
        (sign(true_one.text.clone(), Context::Release, 2), Flaw::Unsigned),
        (notice(3, "2026-11-29T00:00:00Z"), Flaw::Over),
        (long, Flaw::TooLong),
        (sign(true_one.text.replace("breach", "reboot"), Context::Notice, 2), Flaw::Malformed),
    ] {
        let mut site = Site::new();
        assert_eq!((site.give(&[], &[bad]), site.news.kept.standing(NOW)), (vec![(flaw, 1)], vec![]));
    }
    let mut site = Site::new();
    assert_eq!(site.give(&[], std::slice::from_ref(&true_one)), []);
    let again = [true_one, notice(2, LATER)];
    assert_eq!(site.give(&[], &again), [(Flaw::Replayed, 2)], "again, and an older one");
    assert_eq!(site.news.kept.standing(NOW).len(), 1);
    for number in 4..40 {
        site.give(&[], &[notice(number, LATER)]);
    }
    assert_eq!(site.news.kept.notices.len(), limits::NOTICES);
}

#[test]
fn whatever_is_answered_the_questions_and_what_is_kept_have_an_end() {
    let mut site = Site::new();
    let why = vec![UseReason::Quality; 24 * 60];
    let all = chain(1, None, &why);
    for part in all.chunks(24) {
        site.offer("1440-0123456789abcdef");
        if site.news.next(&trusted()).is_none() {
            break;
        }
        site.news.asking();
        let reply = NewsReply { receipts: part.to_vec(), notices: Vec::new() };
        site.news.answered(Some(reply), &trusted(), DEVICE, NOW).unwrap();
    }
    assert_eq!(site.news.kept.newest, 24 * u64::from(limits::NEWS_QUESTIONS));
    assert_eq!(site.news.kept.receipts.len(), limits::RECEIPTS);
    // An answer that is none, and an offer that is none.
    let mut site = Site::new();
    site.offer("1-0123456789abcdef");
    site.news.asking();
    site.news.answered(None, &trusted(), DEVICE, NOW).unwrap();
    assert_eq!(site.news.next(&trusted()), None);
    for bad in ["", "x", "-1-0", "1", &format!("1-{}", "0".repeat(40))] {
        site.offer(bad);
        assert_eq!(site.news.next(&trusted()), None, "{bad}");
    }
    std::fs::write(site.dir.path().join("news.json"), "{").unwrap();
    site.restart();
    assert_eq!(site.news.kept, Kept::default());
    assert!(site.dir.path().join("news.damaged").exists());
}

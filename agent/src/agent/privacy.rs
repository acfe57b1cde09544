//! The rights of GDPR art. 15 to 20: show everything held, erase it, and ask the vendor for the rest.

use std::io;

use data_encoding::BASE64;
use protocol::catalog::Shown;
use protocol::claim::{Claim, NONCE};
use protocol::{CaseId, Catalog, Digest, Reason, Record, Value};
use ring::rand::{SecureRandom, SystemRandom};

use super::clock::DAY;
use super::{Agent, Parts, Trouble};
use crate::api::privacy::{
    Access, Amount, Attribute, Attributes, ClaimCode, EntryName, Erased, HeldPolicy, HeldRecord, Objected,
    Page, Rectified, Revoked, Says, Statement,
};
use crate::consent::permit::Permit;
use crate::consent::state::to_text;
use crate::consent::vendor_request::{PrivacyKind, VendorRequest};
use crate::consent::{By, Channel, Flag};
use crate::request::{PrivacyAsk, Refused, Reply, Request, SENT};
use crate::seal::payload::{Payload, Queue};
use crate::seal::record::Sealed;
use crate::usage::journal::Journal;
use crate::usage::validation::Usage;
use crate::vault::Vault;

impl Agent {
    /// Answers a request about what is held. The caller's right was checked.
    pub(super) fn answer_privacy(&mut self, ask: &PrivacyAsk, now: i64) -> Reply {
        let by = |role, session| By { role, channel: Channel::CommandLine, session };
        let done = match ask {
            PrivacyAsk::Access { vendor } => self.access(*vendor, now).map(Reply::done),
            PrivacyAsk::Records { queue, from } => self.records(queue, *from, now).map(Reply::done),
            PrivacyAsk::Claim => {
                self.claim().map(|claim| Reply::done(ClaimCode { claim: claim.to_string() }))
            }
            PrivacyAsk::Rectify { case } => self.rectify(case, now).map(Reply::done),
            PrivacyAsk::Answer { offset } => {
                let Parts { requests, cx, .. } = self.parts();
                let piece = requests.answer.piece(cx.vault, &requests.tickets, *offset);
                return piece.map_or_else(|why| Reply::refused(Refused::Failed, why), Reply::done);
            }
            PrivacyAsk::Object { case } => self.object(case.clone(), now).map(Reply::done),
            PrivacyAsk::Revoke { case } => self.revoke(case.clone(), now).map(Reply::done),
            PrivacyAsk::Erase { by: role, session, .. } => {
                self.erase_everything(by(*role, *session), now).map(Reply::done)
            }
            PrivacyAsk::Decommission { drain, by: role, session } => {
                self.decommission(*drain, by(*role, *session), now).map(Reply::done)
            }
        };
        done.unwrap_or_else(|trouble| Reply::refused(Refused::Failed, trouble.to_string()))
    }

    /// Everything held apart from the records of the queues.
    fn access(&mut self, vendor: bool, now: i64) -> Result<Access, Trouble> {
        if vendor {
            self.ask_vendor(PrivacyKind::Access, None, now)?;
        }
        let policy = self.registry.policy();
        let (id, version) = (policy.id().to_owned(), policy.version().to_owned());
        Ok(Access {
            held_at: to_text(now),
            status: self.status(now),
            policy: HeldPolicy { id, version, sha256: policy.hash() },
            ledger: self.registry.lines().map(str::to_owned).collect(),
            tickets: self.requests.tickets.all().to_vec(),
            news: self.requests.news.kept().clone(),
            patients: "These records hold no patient data: the agent never accepts any.".to_owned(),
        })
    }

    /// One page of a queue: every record by number and hash, with its content while it may be read.
    fn records(&mut self, queue: &str, from: u64, now: i64) -> Result<Page, Trouble> {
        let (usage, vault) = (self.registry.permit(now), &self.vault);
        let records = |usage: Usage| Says::Usage(statements(&usage.into_batch().records));
        Ok(match queue {
            SENT => page(&self.usage.page_of_sent(from), usage, vault, records),
            _ if queue == Queue::Usage.as_str() => {
                let held = self.usage.page_of_usage(from)?;
                page(&held.iter().collect::<Vec<_>>(), usage, vault, records)
            }
            _ if queue == Queue::Open.as_str() => {
                let held = self.usage.page_of_open(from)?;
                let said =
                    |piece: Journal| Says::Usage(statements(&piece.into_records().collect::<Vec<_>>()));
                page(&held.iter().collect::<Vec<_>>(), usage, vault, said)
            }
            _ => {
                let held = self.requests.page(from)?;
                let rights = Some(self.registry.rights());
                page(&held.iter().collect::<Vec<_>>(), rights, vault, Says::Request)
            }
        })
    }

    /// What was sent can only be corrected where it is. A bundle that waits was sealed to the vendor and is made anew.
    fn rectify(&mut self, case: &CaseId, now: i64) -> Result<Rectified, Trouble> {
        self.ask_vendor(PrivacyKind::Rectify, Some(case.clone()), now)?;
        Ok(Rectified { case: case.clone() })
    }

    /// What was sent is to be used no more: the vendor hides it at once, and answers.
    fn object(&mut self, case: Option<CaseId>, now: i64) -> Result<Objected, Trouble> {
        self.ask_vendor(PrivacyKind::Object, case.clone(), now)?;
        Ok(Objected { case })
    }

    /// What the vendor was asked to erase, and has not yet, it is to keep.
    fn revoke(&mut self, case: Option<CaseId>, now: i64) -> Result<Revoked, Trouble> {
        self.ask_vendor(PrivacyKind::Revoke, case.clone(), now)?;
        Ok(Revoked { case })
    }

    /// Every yes is taken back, and what was sent under any is to be erased too.
    fn erase_everything(&mut self, by: By, now: i64) -> Result<Erased, Trouble> {
        let mut keys = self.erase_history()?;
        self.requests.answer.erase(&mut self.vault)?;
        if !self.registry.is_trusted() {
            self.erase_cases()?;
        }
        for flag in self.registry.flags() {
            self.registry.begin_withdrawal(&flag, by, now)?;
            let erased = self.finish_withdrawals(now)?;
            // Also what no yes stands for any more: kept under an old policy, or of a case that is over.
            keys += erased.keys + self.vault.shred(&flag.compartment())?.files;
            match &flag {
                Flag::UsageStatistics => self.purge_usage(Reason::NoConsent)?,
                Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                    self.with_cases(|cases, cx| cases.purge(cx, case, flag.purpose()))?;
                }
            }
        }
        self.with_cases(|cases, cx| cases.discard_drafts(cx))?;
        // Anybody may ask, and each request costs the vendor an answer: twice within a day is once.
        self.ask_vendor(PrivacyKind::Erase, None, now - now.rem_euclid(DAY))?;
        Ok(Erased { keys: keys as u64 })
    }

    /// Whether a request that needs the clinic shows this device's claim code.
    pub(super) fn is_claimed(&self, request: &Request) -> bool {
        let shown = request.claim().and_then(|code| code.0.parse::<Claim>().ok());
        let key = self.vault.device_key();
        let is_its = |shown: Claim| {
            shown.device == key.id()
                && shown.owner == self.registry.owner()
                && shown.is_signed_by(key.public_key())
        };
        request.needs_the_clinic() && shown.is_some_and(is_its)
    }

    /// A new code for the owner of today.
    fn claim(&self) -> Result<Claim, Trouble> {
        let (key, mut nonce) = (self.vault.device_key(), [0; NONCE]);
        SystemRandom::new().fill(&mut nonce).map_err(|_| io::Error::other("no random numbers"))?;
        Ok(Claim::new(key.id(), self.registry.owner(), nonce, |bytes| key.sign(bytes)))
    }

    /// A request about everything, or everything of a case.
    pub(super) fn ask_vendor(
        &mut self,
        kind: PrivacyKind,
        case: Option<CaseId>,
        now: i64,
    ) -> Result<(), Trouble> {
        let newest = self.registry.head().map_or(Digest::from_bytes([0; 32]), |(_, hash)| hash);
        let mut request = VendorRequest::general(kind, case, newest, now);
        if kind == PrivacyKind::Access {
            request = request.sealed_for(self.requests.answer.recipient(&mut self.vault, now)?);
        }
        self.put_request(request)
    }
}

/// A page of what is held; what it says only while a permit opens it.
fn page<P: Payload>(
    held: &[&Sealed<P>],
    permit: Option<Permit<'_, P::Purpose>>,
    vault: &Vault,
    said: impl Fn(P) -> Says,
) -> Page {
    let next = held.last().map(|last| last.numbers().end);
    let record = |sealed: &&Sealed<P>| {
        let opened = permit.as_ref().and_then(|permit| sealed.open(permit, vault).ok());
        HeldRecord {
            number: sealed.numbers().start,
            records: sealed.records(),
            epoch: sealed.position().epoch,
            seq: sealed.position().seq,
            sealed_sha256: Digest::of(sealed.as_bytes()),
            content: opened.as_ref().map(|clean| BASE64.encode(&clean.get().to_bytes())),
            says: opened.map(|clean| said(clean.into_inner())),
        }
    };
    Page { records: held.iter().map(record).collect(), next }
}

/// Records by the names of the catalog.
fn statements(records: &[Record]) -> Vec<Statement> {
    let catalog = Catalog::built_in();
    let said = |record: &Record| {
        let value = match &record.value {
            Value::Plain => None,
            Value::Count(count) => Some(Amount::Count(*count)),
            Value::Buckets(counts) => Some(Amount::Buckets(counts.clone())),
        };
        let Some(entry) = catalog.entry(record.entry) else {
            let attributes = Attributes::Numbers(record.attributes.clone());
            return Statement { entry: EntryName::Number(record.entry), at: None, attributes, value };
        };
        let described = entry.describe_record(record).into_iter();
        let attributes = described.map(|(name, shown)| (name.to_owned(), attribute(shown))).collect();
        Statement {
            entry: EntryName::Name(entry.name.clone()),
            at: Some(entry.granularity.text(record.at)),
            attributes: Attributes::Named(attributes),
            value,
        }
    };
    records.iter().map(said).collect()
}

fn attribute(shown: Shown<'_>) -> Attribute {
    match shown {
        Shown::Text(text) => Attribute::Text(text.into_owned()),
        Shown::Integer(number) => Attribute::Integer(number),
        Shown::Decimal(number) => Attribute::Decimal(number),
    }
}

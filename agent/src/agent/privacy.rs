//! The rights of GDPR art. 15 to 20: show everything held, erase it, and ask the vendor for the rest.

use data_encoding::BASE64;
use protocol::catalog::Shown;
use protocol::rights::PrivacyKind;
use protocol::{CaseId, Catalog, Digest, Record, Value};

use super::consents::claim;
use super::{Agent, Parts, Trouble};
use crate::api::privacy::{
    Access, Amount, Attribute, Attributes, ClaimCode, EntryName, HeldPolicy, HeldRecord, Objected, Page,
    Rectified, Revoked, Says, Statement,
};
use crate::consent::permit::Permit;
use crate::consent::state::to_text;
use crate::consent::{By, Channel};
use crate::request::{PrivacyAsk, Refused, Reply, SENT};
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
            PrivacyAsk::Claim => claim(&self.registry, &self.vault)
                .map(|claim| Reply::done(ClaimCode { claim: claim.to_string() })),
            // What was sent can only be corrected where it is. A bundle that waits was sealed to the vendor and is made anew.
            PrivacyAsk::Rectify { case } => self
                .ask_vendor(PrivacyKind::Rectify, Some(case.clone()), now)
                .map(|()| Reply::done(Rectified { case: case.clone() })),
            PrivacyAsk::Answer { offset } => {
                let Parts { requests, cx, .. } = self.parts();
                let piece = requests.answer.piece(cx.vault, &requests.tickets, *offset);
                return piece.map_or_else(|why| Reply::refused(Refused::Failed, why), Reply::done);
            }
            // What was sent is to be used no more: the vendor hides it at once, and answers.
            PrivacyAsk::Object { case } => self
                .ask_vendor(PrivacyKind::Object, case.clone(), now)
                .map(|()| Reply::done(Objected { case: case.clone() })),
            // What the vendor was asked to erase, and has not yet, it is to keep.
            PrivacyAsk::Revoke { case } => self
                .ask_vendor(PrivacyKind::Revoke, case.clone(), now)
                .map(|()| Reply::done(Revoked { case: case.clone() })),
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
            tickets: self.consents.requests.tickets.all().to_vec(),
            news: self.consents.requests.news.kept().clone(),
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
                let Parts { requests, mut cx, .. } = self.parts();
                let held = requests.page(&mut cx, from)?;
                let rights = Some(self.registry.rights());
                page(&held.iter().collect::<Vec<_>>(), rights, &self.vault, Says::Request)
            }
        })
    }

    /// Asks the vendor about everything, or everything of a case.
    fn ask_vendor(&mut self, kind: PrivacyKind, case: Option<CaseId>, now: i64) -> Result<(), Trouble> {
        self.with_consents(|consents, cx| consents.ask(cx, kind, case, now))
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

//! The rights of GDPR art. 15 to 20: what is held is shown, all of it; it is erased; the vendor is asked for the rest.

use data_encoding::BASE64;
use protocol::claim::Claim;
use protocol::{CaseId, Catalog, Digest, Reason, Record, Value as Amount};
use serde_json::{Value, json};

use super::clock::DAY;
use super::{Agent, Trouble};
use crate::consent::permit::Permit;
use crate::consent::state::to_text;
use crate::consent::vendor_request::{PrivacyKind, VendorRequest};
use crate::consent::{By, Channel, Flag};
use crate::deidentify::clean::{Payload, Tray};
use crate::deidentify::journal::Journal;
use crate::deidentify::usage::Usage;
use crate::limits;
use crate::ordered::ordered;
use crate::request::{PrivacyAsk, Refused, Reply, Request, SENT};
use crate::vault::Vault;
use crate::vault::sealed::Sealed;

impl Agent {
    /// Answers a request about what is held. The caller's right was checked.
    pub(super) fn answer_privacy(&mut self, ask: &PrivacyAsk, now: i64) -> Reply {
        let by = |session| By { role: None, channel: Channel::CommandLine, session };
        let done = match ask {
            PrivacyAsk::Access { vendor } => self.access(*vendor, now),
            PrivacyAsk::Records { tray, from } => self.records(tray, *from, now),
            PrivacyAsk::Claim => Ok(json!({"claim": self.claim().to_string()})),
            PrivacyAsk::Rectify { case } => self.rectify(case, now),
            PrivacyAsk::Erase { session, .. } => self.erase_everything(by(*session), now),
            PrivacyAsk::Decommission { drain, session } => self.decommission(*drain, by(*session), now),
        };
        match done {
            Ok(body) => Reply::done(body),
            Err(trouble) => Reply::refused(Refused::Failed, trouble.to_string()),
        }
    }

    /// All that is held beside the records of the trays.
    fn access(&mut self, vendor: bool, now: i64) -> Result<Value, Trouble> {
        if vendor {
            self.ask_vendor(PrivacyKind::Access, None, now)?;
        }
        let policy = self.book.policy();
        Ok(json!({
            "held_at": to_text(now),
            "status": self.status(now),
            "policy": {"id": policy.id(), "version": policy.version(), "sha256": policy.hash()},
            "ledger": self.book.lines().collect::<Vec<_>>(),
            "tickets": self.tickets.all(),
            "patients": "No patient's data is held in these records: none is ever taken into them.",
        }))
    }

    /// A page of what waits in a tray: every record by number and hash, and in full while it may be read.
    fn records(&mut self, tray: &str, from: u64, now: i64) -> Result<Value, Trouble> {
        const ITEMS: usize = limits::EXPORT_ITEMS;
        let (usage, vault) = (self.book.permit(now), &self.vault);
        let records = |usage: Usage| records_said(&usage.into_batch().records);
        Ok(match tray {
            SENT => page(&self.sent.page(from, ITEMS), usage, vault, records),
            _ if tray == Tray::Usage.as_str() => {
                let held = self.usage.oldest(from, ITEMS, limits::PAGE_BYTES)?;
                page(&held.iter().collect::<Vec<_>>(), usage, vault, records)
            }
            _ if tray == Tray::Open.as_str() => {
                let held = self.open.oldest(from, ITEMS, limits::PAGE_BYTES)?;
                let said = |piece: Journal| records_said(&piece.into_records().collect::<Vec<_>>());
                page(&held.iter().collect::<Vec<_>>(), usage, vault, said)
            }
            _ => {
                let held = self.requests.oldest(from, ITEMS, limits::PAGE_BYTES)?;
                let rights = Some(self.book.rights());
                page(&held.iter().collect::<Vec<_>>(), rights, vault, |request: VendorRequest| json!(request))
            }
        })
    }

    /// What was sent can only be corrected where it is. A bundle that waits was sealed to the vendor and is made anew.
    fn rectify(&mut self, case: &CaseId, now: i64) -> Result<Value, Trouble> {
        self.ask_vendor(PrivacyKind::Rectify, Some(case.clone()), now)?;
        Ok(json!({"case": case}))
    }

    /// Every yes is taken back, and what was sent under any is to be erased too.
    fn erase_everything(&mut self, by: By, now: i64) -> Result<Value, Trouble> {
        let mut keys = 0;
        if !self.book.is_trusted() {
            self.erase_cases()?;
        }
        for flag in self.book.flags() {
            self.book.begin_withdrawal(&flag, by, now)?;
            let erased = self.finish_withdrawals(now)?;
            // Also what no yes stands for any more: kept under an old policy, or of a case that is over.
            keys += erased.keys + self.vault.shred(&flag.compartment())?.files;
            match &flag {
                Flag::UsageStatistics => self.purge_usage(Reason::NoConsent, now)?,
                Flag::SupportCase(case) | Flag::SupportScanData(case) => {
                    self.purge_case(case, flag.purpose())?;
                }
            }
        }
        self.discard_drafts()?;
        // Anybody may ask, and each request costs the vendor an answer: twice within a day is once.
        self.ask_vendor(PrivacyKind::Erase, None, now - now.rem_euclid(DAY))?;
        Ok(json!({"keys": keys}))
    }

    /// Whether a request that needs the clinic shows this device's claim code.
    pub(super) fn is_claimed(&self, request: &Request) -> bool {
        let shown = request.claim().and_then(|code| code.0.parse::<Claim>().ok());
        request.needs_the_clinic() && shown.is_some_and(|shown| shown == self.claim())
    }

    fn claim(&self) -> Claim {
        let key = self.vault.device_key();
        Claim::new(key.id(), |bytes| key.sign(bytes))
    }

    /// A request about everything, or everything of a case.
    pub(super) fn ask_vendor(
        &mut self,
        kind: PrivacyKind,
        case: Option<CaseId>,
        now: i64,
    ) -> Result<(), Trouble> {
        let newest = self.book.head().map_or(Digest::from_bytes([0; 32]), |(_, hash)| hash);
        self.put_request(VendorRequest::general(kind, case, newest, now), now)
    }
}

/// A page of what is held; what it says only while a permit opens it.
fn page<P: Payload>(
    held: &[&Sealed<P>],
    permit: Option<Permit<'_, P::Purpose>>,
    vault: &Vault,
    said: impl Fn(P) -> Value,
) -> Value {
    let next = held.last().map(|last| last.numbers().end);
    let record = |sealed: &&Sealed<P>| {
        let opened = permit.as_ref().and_then(|permit| sealed.open(permit, vault).ok());
        let content = opened.as_ref().map(|clean| BASE64.encode(&clean.get().to_bytes()));
        json!({
            "number": sealed.numbers().start,
            "records": sealed.records(),
            "epoch": sealed.position().epoch,
            "seq": sealed.position().seq,
            "sealed_sha256": Digest::of(sealed.as_bytes()),
            "content": content,
            "says": opened.map(|clean| said(clean.into_inner())),
        })
    };
    json!({"records": held.iter().map(record).collect::<Vec<_>>(), "next": next})
}

/// Records by the names of the catalog.
fn records_said(records: &[Record]) -> Value {
    let catalog = Catalog::built_in();
    let said = |record: &Record| {
        let amount = match &record.value {
            Amount::Plain => Value::Null,
            Amount::Count(count) => json!(count),
            Amount::Buckets(counts) => json!(counts),
        };
        match catalog.entry(record.entry) {
            None => json!({"entry": record.entry, "attributes": record.attributes, "value": amount}),
            Some(entry) => {
                let described = entry.describe_record(record).into_iter();
                let attributes: serde_json::Map<String, Value> =
                    ordered(described.map(|(name, value)| (name.to_owned(), json!(value))));
                let at = entry.granularity.text(record.at);
                json!({"entry": entry.name, "at": at, "attributes": attributes, "value": amount})
            }
        }
    };
    records.iter().map(said).collect()
}

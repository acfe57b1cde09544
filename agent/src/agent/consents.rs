//! Yes and no: what each does to the rooms, in the order that a power cut can't spoil.

use log::{info, warn};
use protocol::{Digest, Purpose, Reason};
use serde_json::{Value, json};

use super::{Agent, Trouble};
use crate::config::Language;
use crate::consent::permit::{Purpose as _, UsageStatistics};
use crate::consent::receipt::{self, Erased};
use crate::consent::vendor_request::{PrivacyKind, VendorRequest};
use crate::consent::{Channel, ConsentError, Pending};
use crate::deidentify::clean::Clean;
use crate::request::{Caller, ConsentAction, ConsentRequest, Refused, Reply};
use crate::vault::sealed::Sealed;
use crate::{durable, killpoint};

/// An answer of the clinic: what, about which flag, how it came, when (seconds since 1970).
struct Said<'a> {
    request: &'a ConsentRequest,
    purpose: Purpose,
    channel: Channel,
    now: i64,
}

impl Agent {
    /// Answers a request about consent. The caller's right was checked.
    pub(super) fn answer_consent(&mut self, request: &ConsentRequest, caller: Caller, now: i64) -> Reply {
        let channel =
            if caller.kathea && !caller.administrator { Channel::Socket } else { Channel::CommandLine };
        let said = match (request.action, request.purpose) {
            (ConsentAction::List | ConsentAction::Verify, _) => {
                Said { request, purpose: Purpose::UsageStatistics, channel, now }
            }
            (_, Some(purpose)) => Said { request, purpose, channel, now },
            (_, None) => return Reply::refused(Refused::Usage, "name the purpose: usage_statistics"),
        };
        let done = match request.action {
            ConsentAction::List => {
                let status = self.status(now);
                return Reply::done(json!({"consent": status["consent"], "cases": status["cases"]}));
            }
            ConsentAction::Verify => return self.verify_ledger(),
            ConsentAction::Show => return self.show(said.purpose),
            ConsentAction::Grant => self.grant(&said),
            ConsentAction::Deny => self.deny(&said),
            ConsentAction::Withdraw => self.withdraw(&said),
        };
        match done {
            Ok(body) => Reply::done(body),
            Err(Trouble::Consent(e)) if e.is_refusal() => Reply::refused(Refused::NotAllowed, e.to_string()),
            Err(trouble) => Reply::refused(Refused::Failed, trouble.to_string()),
        }
    }

    fn show(&self, purpose: Purpose) -> Reply {
        let policy = self.book.policy();
        let notice = |language| policy.notice(purpose, language);
        let (Some(digest), Some(da), Some(en)) =
            (policy.digest(purpose), notice(Language::Da), notice(Language::En))
        else {
            return Reply::refused(Refused::NotAllowed, ConsentError::NotOffered.to_string());
        };
        Reply::done(json!({
            "purpose": purpose,
            "policy": {"id": policy.id(), "version": policy.version()},
            "digest": digest,
            "text": {"da": da, "en": en},
        }))
    }

    /// A grant first empties the outbox, then writes its entry: it never reaches back.
    fn grant(&mut self, said: &Said<'_>) -> Result<Value, Trouble> {
        let Said { request, purpose, channel, now } = *said;
        let (role, yes) = request.by.zip(request.yes.as_deref()).ok_or(ConsentError::NotShown)?;
        if self.book.permit::<UsageStatistics>(now).is_none() {
            self.discard_outbox(now)?;
        }
        killpoint::step("grant.emptied");
        let entry = self.book.grant(purpose, role, yes, channel, now)?;
        killpoint::step("grant.written");
        self.put_request(VendorRequest::Consent(entry), now)?;
        self.resume_journal(now)?;
        self.consent_changed();
        info!("consent: {purpose} granted");
        Ok(json!({"purpose": purpose, "state": "granted", "entry": entry}))
    }

    /// No to what was allowed is a withdrawal.
    fn deny(&mut self, said: &Said<'_>) -> Result<Value, Trouble> {
        let Said { request, purpose, channel, now } = *said;
        if self.book.granted_since(purpose).is_some() {
            return self.withdraw(said);
        }
        self.book.deny(purpose, request.by, channel, now)?;
        self.consent_changed();
        info!("consent: {purpose} denied");
        Ok(json!({"purpose": purpose, "state": "denied"}))
    }

    /// Step one of five: refuse. From here on no permit exists and a transfer in flight ends.
    fn withdraw(&mut self, said: &Said<'_>) -> Result<Value, Trouble> {
        let Said { request, purpose, channel, now } = *said;
        let begun = self.book.begin_withdrawal(purpose, request.by, channel, now)?;
        killpoint::step("withdraw.refused");
        if request.erase
            && let Some(entry) = begun.or(self.book.head().map(|(_, hash)| hash))
        {
            self.put_request(VendorRequest::privacy(PrivacyKind::Erase, purpose, entry), now)?;
        }
        let receipt = match begun {
            Some(entry) => self.finish_withdrawal(Pending { purpose, entry }, now)?,
            None => return Ok(json!({"purpose": purpose, "state": self.book.state(purpose, now).as_str()})),
        };
        info!("consent: {purpose} withdrawn");
        Ok(json!({"purpose": purpose, "state": "withdrawn", "receipt": receipt}))
    }

    /// What a crash or a power cut left half withdrawn.
    pub(super) fn finish_withdrawals(&mut self, now: i64) -> Result<(), Trouble> {
        for pending in self.book.pending_withdrawals() {
            self.finish_withdrawal(pending, now)?;
        }
        Ok(())
    }

    /// Steps two to five: shred, purge, ask, close. Each is durable and may be repeated.
    fn finish_withdrawal(&mut self, pending: Pending, now: i64) -> Result<Value, Trouble> {
        let counted = short(pending.entry);
        let waiting = self.usage.waiting().records + self.open.waiting().records;
        if self.tally.cursor(counted) == 0 {
            self.tally.drop(Reason::Withdrawn, waiting);
            self.tally.advance(counted, 1);
            self.tally.save()?;
        }
        killpoint::step("withdraw.counted");

        let shredded = self.vault.shred(UsageStatistics::COMPARTMENT)?;
        killpoint::step("withdraw.shredded");

        self.wash.clear();
        self.periods.clear();
        self.open.purge()?;
        self.usage.purge()?;
        self.discard_outbox(now)?;
        killpoint::step("withdraw.purged");

        self.put_request(VendorRequest::privacy(PrivacyKind::Withdraw, pending.purpose, pending.entry), now)?;
        killpoint::step("withdraw.asked");

        self.book.close_withdrawal(pending.purpose, now)?;
        killpoint::step("withdraw.closed");
        self.tally.forget(counted);
        self.tally.save()?;
        self.consent_changed();
        let erased = Erased { keys: shredded.files, records: waiting };
        Ok(receipt(pending, erased, self.config.language, now))
    }

    /// What follows every answer.
    fn consent_changed(&mut self) {
        self.dispatch.consent_changed();
        self.write_flags_for_kathea();
    }

    fn put_request(&mut self, request: VendorRequest, now: i64) -> Result<(), Trouble> {
        let permit = self.book.rights();
        let position = self.requests.position();
        let sealed = Sealed::new(&Clean::from(request), position, &[], &permit, &mut self.vault, now)?;
        Ok(self.requests.put(&[sealed])?)
    }

    fn verify_ledger(&self) -> Reply {
        let findings: Vec<String> = self.book.verify().iter().map(ToString::to_string).collect();
        let entries = self.book.head().map_or(0, |(index, _)| index + 1);
        let body = json!({"entries": entries, "findings": findings});
        if findings.is_empty() {
            return Reply::done(body);
        }
        Reply::refused(Refused::Failed, findings.join("; ")).with(body)
    }

    /// `consent.json` beside the outbox, so that Kathea need not write what would be thrown away.
    pub(super) fn write_flags_for_kathea(&mut self) {
        let Some(beside) = self.config.kathea.outbox.parent() else { return };
        let state = self.book.state(Purpose::UsageStatistics, super::unix_now());
        let text = json!({Purpose::UsageStatistics.as_str(): state.as_str()}).to_string();
        let path = beside.join("consent.json");
        if std::fs::read(&path).is_ok_and(|held| held == text.as_bytes()) {
            return;
        }
        if let Err(e) = durable::replace_public(&path, text.as_bytes()) {
            warn!(
                "consent.json cannot be written beside the outbox ({}): Kathea is not told the flag",
                e.kind()
            );
        }
    }
}

/// What the withdrawal did, and what nobody can promise.
fn receipt(pending: Pending, erased: Erased, language: Language, now: i64) -> Value {
    let text = receipt::withdrawal(pending.purpose, pending.entry, erased, now, language);
    json!({"keys": erased.keys, "records": erased.records, "text": text})
}

fn short(entry: Digest) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&entry.to_bytes()[..16]);
    out
}

//! What a device is informed of beside its answers: who read its data here, and notices of the vendor. Both are lines of the
//! audit. The receipts of a device follow from it, so that an export of the whole fleet costs one line and no write for
//! each device; what a device was given can't be taken back without its next receipt showing it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use protocol::notice::Notice;
use protocol::reply::{NewsReply, NewsRequest, SignedText};
use protocol::signature::Context;
use protocol::uses::{self, Receipt, Use, UseReason, UseRole};
use protocol::{DeviceId, Digest};
use time::OffsetDateTime;

use crate::audit::{Deed, Line};
use crate::failure::Failure;
use crate::heads;
use crate::sign::{self, Signer};
use crate::store::{Reached, Store, rfc3339, text};

/// Receipts of one answer: the longest fill half of what a device reads.
const RECEIPTS: usize = 24;
/// Notices of one answer.
const NOTICES: usize = 3;

/// What devices are informed of, and the key that signs receipts.
pub(crate) struct News {
    signer: Option<Signer>,
    index: Mutex<Index>,
}

/// The lines of the audit that devices are informed of.
#[derive(Default)]
struct Index {
    /// Up to this line of the audit.
    place: i64,
    uses: Vec<Line>,
    /// How many of them are of a device, for the header of each answer.
    counted: BTreeMap<DeviceId, Counted>,
    notices: Vec<Published>,
    /// What the header says of the notices that were not ended; none if there are none.
    standing: Option<String>,
}

/// The uses of one device among the first so many lines.
#[derive(Clone, Copy, Default)]
struct Counted {
    enrolled: i64,
    lines: usize,
    count: usize,
}

/// A notice that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) notice: Notice,
    pub(crate) signed: SignedText,
    pub(crate) at: String,
    /// When it was ended.
    pub(crate) ended: Option<String>,
}

impl News {
    /// Of a data directory. Without its key no device gets a receipt.
    pub(crate) fn of(store: &Store) -> Result<Self, Failure> {
        let signer = sign::of_uses(store.data())?;
        if signer.is_none() {
            log::warn!(
                "no {} in the data directory: clinics are not informed who reads their data; `signing-key` makes one",
                sign::USE_KEY
            );
        }
        Ok(Self { signer, index: Mutex::default() })
    }

    /// Whether so many lines of the audit were read.
    pub(crate) fn has(&self, audits: i64) -> bool {
        self.index.lock().unwrap_or_else(PoisonError::into_inner).place >= audits
    }

    /// What the header of each answer to a device says; none if there is nothing.
    pub(crate) fn offer(
        &self,
        store: &Store,
        (device, enrolled): (DeviceId, i64),
        audits: i64,
    ) -> Result<Option<String>, Failure> {
        self.with(store, audits, |index| {
            let uses = self.signer.as_ref().map_or(0, |_| index.count(device, enrolled));
            if uses == 0 && index.standing.is_none() {
                return None;
            }
            let standing = index.standing.clone().unwrap_or_else(|| short(""));
            Some(format!("{uses}-{standing}"))
        })
    }

    /// Answers a device, and keeps what it has.
    pub(crate) fn answer(
        &self,
        store: &Store,
        (device, enrolled): (DeviceId, i64),
        asked: &NewsRequest,
        now: OffsetDateTime,
    ) -> Result<NewsReply, Failure> {
        let (audits, _) = store.audit_head()?;
        let (texts, notices) = self.with(store, audits, |index| {
            let texts = self.signer.as_ref().map_or(Vec::new(), |_| index.receipts(device, enrolled));
            let now = rfc3339(now);
            let missing = index.standing().filter(|one| one.notice.until > now);
            let missing = missing.filter(|one| !asked.notices.contains(&one.notice.number));
            (texts, missing.map(|one| one.signed.clone()).take(NOTICES).collect::<Vec<_>>())
        })?;
        let has = usize::try_from(asked.receipts).unwrap_or(usize::MAX);
        let digest = |at: usize| texts.get(at).map(|text| Digest::of(text.as_bytes()));
        let is_known = has == 0 || (has <= texts.len() && digest(has - 1) == asked.head);
        // One that knows another chain than this store has gets the end of this one, and sees where they part.
        let from = if is_known { has } else { texts.len().saturating_sub(RECEIPTS) };
        let receipts = texts.iter().skip(from).take(RECEIPTS).map(|text| self.signed(text));
        let receipts = receipts.collect::<Result<_, _>>()?;
        let mut held = asked.notices.clone();
        held.sort_unstable();
        held.dedup();
        held.truncate(64);
        let confirmed = if is_known { asked.receipts } else { 0 };
        store.keep_reached(device, Reached { receipts: confirmed, notices: held }, now)?;
        Ok(NewsReply { receipts, notices })
    }

    fn signed(&self, text: &str) -> Result<SignedText, Failure> {
        let signer = self.signer.as_ref().ok_or_else(|| Failure::new("no key signs use receipts"))?;
        let signature = signer.sign(Context::UseReceipt, Digest::of(text.as_bytes()))?;
        Ok(SignedText { text: text.to_owned(), signature: signature.to_string() })
    }

    fn with<T>(&self, store: &Store, audits: i64, look: impl FnOnce(&mut Index) -> T) -> Result<T, Failure> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        // An answer may be older than what another thread read meanwhile.
        if audits > index.place {
            index.read(store)?;
            // What a transaction added beside something else has no head yet.
            heads::keep(store)?;
        }
        Ok(look(&mut index))
    }
}

/// Every notice that was published here.
pub(crate) fn published(store: &Store) -> Result<Vec<Published>, Failure> {
    let mut index = Index::default();
    index.read(store)?;
    Ok(index.notices)
}

impl Index {
    fn read(&mut self, store: &Store) -> Result<(), Failure> {
        let (mut uses, mut notices) = (Vec::new(), Vec::new());
        let place = store.audit_since(self.place, |line| match line.deed {
            Deed::Publish | Deed::Withhold => notices.push(line),
            _ if what(&line).is_some() => uses.push(line),
            _ => {}
        })?;
        self.place = place;
        self.uses.append(&mut uses);
        notices.into_iter().for_each(|line| self.take(line));
        let digests = self.standing().map(|one| Digest::of(one.signed.text.as_bytes()).to_string());
        let digests: String = digests.collect();
        self.standing = (!digests.is_empty()).then(|| short(&digests));
        Ok(())
    }

    fn take(&mut self, Line { at, deed, count, notice, .. }: Line) {
        if deed == Deed::Withhold {
            let ended = self.notices.iter_mut().filter(|one| one.notice.number == count);
            ended.for_each(|one| one.ended = Some(at.clone()));
        } else if let Some(signed) = notice
            && let Some(notice) = Notice::read(&signed.text)
        {
            self.notices.push(Published { notice, signed, at, ended: None });
        }
    }

    /// Notices that were not ended.
    fn standing(&self) -> impl Iterator<Item = &Published> {
        self.notices.iter().filter(|one| one.ended.is_none())
    }

    /// How many uses of a device's data there were. Looks only at the lines that came since it was asked before.
    fn count(&mut self, device: DeviceId, enrolled: i64) -> usize {
        let known = self.counted.get(&device).filter(|known| known.enrolled == enrolled).copied();
        let known = known.unwrap_or_default();
        let lines = self.uses.len();
        if known.lines == lines {
            return known.count;
        }
        let count = known.count + Self::among(&self.uses[known.lines..], device, enrolled).count();
        self.counted.insert(device, Counted { enrolled, lines, count });
        count
    }

    /// The uses of a device's data since it was enrolled (microseconds), the oldest first.
    fn of(&self, device: DeviceId, enrolled: i64) -> impl Iterator<Item = &Line> {
        Self::among(&self.uses, device, enrolled)
    }

    fn among(uses: &[Line], device: DeviceId, enrolled: i64) -> impl Iterator<Item = &Line> {
        let enrolled = text(enrolled);
        uses.iter().filter(move |line| match line.device {
            Some(of) => of == device,
            // A bundle of which nobody knows whose it is was no use of every device.
            None => matches!(line.deed, Deed::Export | Deed::Losses | Deed::Proofs) && line.at >= enrolled,
        })
    }

    /// The texts of a device's receipts. They follow from the audit alone: the form of what was given out is never changed.
    fn receipts(&self, device: DeviceId, enrolled: i64) -> Vec<String> {
        let (mut texts, mut previous) = (Vec::new(), None);
        for (line, number) in self.of(device, enrolled).zip(1..) {
            let Some(what) = what(line) else { continue };
            // What an older version noted was typed freely, and may name a person.
            let is_plain = line.role.is_some();
            let why = line.why.as_deref().filter(|_| is_plain).and_then(|why| why.parse().ok());
            let own = (what == Use::Access).then_some(UseReason::ClinicRequest);
            let receipt = Receipt {
                format: uses::FORMAT.to_owned(),
                device,
                number,
                previous,
                at: line.at.clone(),
                role: line.role.unwrap_or(UseRole::Operator),
                what,
                purpose: line.purpose,
                case: line.case.clone(),
                to: line.to.clone().filter(|to| is_plain && uses::is_recipient(to)),
                why: why.or(own),
            };
            // It has nothing that JSON can't say.
            let text = serde_json::to_string(&receipt).unwrap_or_default();
            previous = Some(Digest::of(text.as_bytes()));
            texts.push(text);
        }
        texts
    }
}

fn short(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()[..16].to_owned()
}

/// The use that a line is; none if it is another deed.
fn what(line: &Line) -> Option<Use> {
    match line.deed {
        Deed::Export | Deed::Losses => Some(Use::Export),
        Deed::Access => Some(Use::Access),
        Deed::Proof | Deed::Proofs => Some(Use::Proof),
        Deed::Handover => Some(Use::Handover),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(deed: Deed, device: Option<DeviceId>, at: i64) -> Line {
        Line {
            at: text(at),
            who: "anna (1000)".to_owned(),
            deed,
            device,
            purpose: None,
            case: None,
            count: 1,
            to: None,
            why: None,
            role: None,
            notice: None,
            previous: None,
        }
    }

    #[test]
    fn what_is_counted_as_it_comes_is_what_is_counted_at_once() {
        let mut random = crate::store::testing::Random::seeded();
        let device = |number: usize| DeviceId::from_bytes([number as u8; 16]);
        let (mut index, deeds) = (Index::default(), [Deed::Export, Deed::Proof, Deed::Proofs, Deed::Losses]);
        for step in 0..400 {
            let of = [None, Some(device(0)), Some(device(1))][random.index(3)];
            // Also by a clock that goes back.
            index.uses.push(line(deeds[random.index(4)], of, random.below(1000) as i64 * 1_000_000));
            // A device that is enrolled again.
            let (asks, enrolled) = (device(random.index(2)), [0, 500_000_000][random.index(2)]);
            assert_eq!(index.count(asks, enrolled), index.of(asks, enrolled).count(), "step {step}");
            assert_eq!(index.receipts(asks, enrolled).len(), index.count(asks, enrolled));
        }
    }
}

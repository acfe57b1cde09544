//! Proof of consent for everything that is held: what no entry covers is named, and all is counted.

use std::collections::BTreeMap;

use protocol::bundle::receipt;
use protocol::ledger::{self, Entry, EventKind};
use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::failure::Failure;
use crate::lines::{Lines, Whole};
use crate::store::rules::consent::Line;
use crate::store::rules::terms::{Comes, Terms};
use crate::store::{Filed, Refused, Restricted, Store, Stored, Wanted, micros, text};

/// One batch or bundle that no entry covers.
#[derive(Serialize)]
struct Without {
    /// Unknown of a bundle that came on a stick without its consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<Purpose>,
    /// Numbers of a batch's records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<(u64, u64)>,
    /// Number of a bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
    received_at: String,
    why: &'static str,
}

/// The last line.
#[derive(Default, Serialize)]
struct Counted {
    /// Batches and bundles.
    held: u64,
    /// Of them, under a consent that covers them.
    valid: u64,
    batches: u64,
    bundles: u64,
    records: u64,
}

/// Entries of a device, as the rules need them.
pub(super) struct Known {
    lines: Vec<Line>,
}

impl Known {
    /// Of these entries with their lines.
    pub(super) fn of(entries: &[(String, Entry)]) -> Self {
        let line = |(line, entry): &(String, Entry)| Line::new(ledger::line_hash(line), entry);
        Self { lines: entries.iter().map(line).collect() }
    }

    /// For the rules.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }
}

/// What is known of a device whose entries were read once, and every signature checked.
struct Ledger {
    known: Known,
    grants: BTreeMap<Digest, Terms>,
}

impl Ledger {
    fn read(store: &Store, device: DeviceId) -> Result<Self, Failure> {
        let entries = store.entries(device)?;
        let mut grants = BTreeMap::new();
        for (line, entry) in entries.iter().filter(|(_, entry)| entry.event.kind == EventKind::Granted) {
            grants.insert(ledger::line_hash(line), store.terms(entry)?);
        }
        Ok(Self { known: Known::of(&entries), grants })
    }

    /// Whether this entry was a yes to a batch that came then. What ended it later does not count: what was done before
    /// stays lawful.
    fn covers_batch(&self, consent: Digest, purpose: Purpose, comes: Comes, at: i64) -> Result<(), Refused> {
        let Some(terms) = self.grants.get(&consent) else {
            let is_known = self.known.lines.iter().any(|line| line.hash == consent);
            return Err(if is_known { Refused::NotGiven } else { Refused::Unknown });
        };
        if terms.purpose != purpose {
            return Err(Refused::NotGiven);
        }
        terms.cover(&self.known.lines, comes, at)
    }

    /// Whether a yes to support for this case covers a bundle with this manifest that came then. Whether there are scans in
    /// it, only `kathea-case open` can see.
    fn covers_bundle(&self, case: &CaseId, manifest: Digest, at: i64) -> Result<(), Refused> {
        let of_case = |line: &&Line| line.case.as_ref() == Some(case) && line.purpose == Purpose::SupportCase;
        let lines = self.known.lines.iter().filter(of_case);
        let grants = lines.filter_map(|line| self.grants.get(&line.hash));
        let mut refused = Refused::NotGiven;
        for terms in grants {
            match terms.cover(&self.known.lines, Comes::Bundle(manifest), at) {
                Ok(()) => return Ok(()),
                Err(why) => refused = why,
            }
        }
        Err(refused)
    }
}

/// The ledgers that were needed so far.
struct Ledgers<'a> {
    store: &'a Store,
    read: BTreeMap<DeviceId, Ledger>,
}

impl Ledgers<'_> {
    fn of(&mut self, device: DeviceId) -> Result<&Ledger, Failure> {
        use std::collections::btree_map::Entry::{Occupied, Vacant};
        match self.read.entry(device) {
            Occupied(found) => Ok(found.into_mut()),
            Vacant(place) => Ok(place.insert(Ledger::read(self.store, device)?)),
        }
    }
}

/// Checks all that is held, restricted or not: proving uses nothing of it. Gives how much no entry covers.
pub(crate) fn prove(store: &Store, lines: &mut Lines) -> Result<u64, Failure> {
    let mut ledgers = Ledgers { store, read: BTreeMap::new() };
    let (mut counted, mut whole) = (Counted::default(), Whole::default());
    let wanted = Wanted { restricted: Restricted::Included, ..Wanted::default() };
    store.envelopes(wanted, |stored| {
        let Some(Stored { device, received, fresh, batch }) = whole.pass(stored) else { return Ok(()) };
        let Some(ledger) = whole.pass(ledgers.of(device)) else { return Ok(()) };
        let purpose = batch.header.purpose;
        let comes = Comes::Batch(batch.header.retention);
        let covers = ledger.covers_batch(batch.header.consent, purpose, comes, received);
        let records = fresh.iter().map(|(lo, hi)| (hi - lo).saturating_add(1));
        counted.records = records.fold(counted.records, u64::saturating_add);
        counted.batches += 1;
        let Err(why) = covers else {
            counted.valid += 1;
            return Ok(());
        };
        let (device, purpose, received_at) = (Some(device), Some(purpose), text(received));
        lines.put(&Without {
            device,
            purpose,
            records: fresh,
            bundle: None,
            received_at,
            why: why.sentence(),
        })
    })?;
    store.bundles(|bundle| {
        let Some((sha256, filed, _)) = whole.pass(bundle) else { return Ok(()) };
        counted.bundles += 1;
        let why = match owner(&filed) {
            None => "it came on a stick without its consent, and no device reported it yet",
            Some((device, case, manifest)) => {
                let Some(ledger) = whole.pass(ledgers.of(device)) else { return Ok(()) };
                let received = OffsetDateTime::parse(&filed.received_at, &Rfc3339).map_or(i64::MAX, micros);
                match ledger.covers_bundle(case, manifest, received) {
                    Ok(()) => {
                        counted.valid += 1;
                        return Ok(());
                    }
                    Err(why) => why.sentence(),
                }
            }
        };
        let bundle = Some(receipt(sha256));
        let (device, received_at) = (filed.device, filed.received_at);
        lines.put(&Without { device, purpose: None, records: Vec::new(), bundle, received_at, why })
    })?;
    counted.held = counted.batches + counted.bundles;
    lines.put(&counted)?;
    whole.end("batches and bundles")?;
    Ok(counted.held - counted.valid)
}

/// Whose a bundle is, for which case, and under which manifest.
fn owner(filed: &Filed) -> Option<(DeviceId, &CaseId, Digest)> {
    Some((filed.device?, filed.case.as_ref()?, filed.manifest_sha256?))
}

//! Erasure: on request of the owner, or because the retention period is over.

use std::path::Path;

use protocol::rights::{self, Certificate, RemainingCopy};
use protocol::signature::Context;
use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::Serialize;
use time::OffsetDateTime;

use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::sign::Signer;
use crate::store::keystore;
use crate::store::requests::Ticket;
use crate::store::rules::retention::{self, Doubt};
use crate::store::{Order, Store, rfc3339};

/// What `erase` did, for the one who asked.
#[derive(Serialize)]
pub(crate) struct Erased {
    device: DeviceId,
    purpose: Purpose,
    records: u64,
    bundles: u64,
    /// Bundles of which a part had come.
    parts: u64,
    #[serde(rename = "wishes")]
    invitations: u64,
    /// Exports and backups since the oldest of them came: copies that nothing here can reach.
    copies: Vec<Copy>,
}

#[derive(Serialize)]
struct Copy {
    at: String,
    who: String,
    deed: Deed,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// From when on nobody can read in it what was erased: not yet. Absent: it stays readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable_from: Option<String>,
}

/// What retention erased, or would, of one device and purpose.
#[derive(Default, Serialize)]
pub(crate) struct Over {
    /// Absent of bundles that came on a stick and that no device reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    /// Absent of answers, which are of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<Purpose>,
    records: u64,
    bundles: u64,
    parts: u64,
    #[serde(rename = "wishes")]
    invitations: u64,
    /// Ledger entries.
    answers: u64,
    /// Privacy requests, of a device of which nothing else is held.
    requests: u64,
    dry_run: bool,
}

/// Whether a run of retention only says what would go, or may go beyond its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// Only says it.
    Dry,
    /// Does it, within the limits.
    Careful,
    /// Does it, however much it is and whatever the clock says.
    Confirmed,
}

/// Erases what was sent by a device for these purposes until then (microseconds), of one case or of all. The ledger
/// entries stay: they prove that it was allowed while it was here. The numbers stay held: what was erased is never stored again.
pub(crate) fn erase(
    store: &Store,
    device: DeviceId,
    purposes: &[Purpose],
    case: Option<&CaseId>,
    until: i64,
    now: OffsetDateTime,
    mut tell: impl FnMut(&Erased) -> Result<(), Failure>,
) -> Result<(), Failure> {
    store.enrolled(device)?;
    for &purpose in purposes {
        // A stream's records are of no case.
        let taken = match case {
            None => store.erase_envelopes(device, purpose, until)?,
            Some(_) => Default::default(),
        };
        let cleared = match purpose {
            Purpose::UsageStatistics => Default::default(),
            Purpose::SupportCase | Purpose::SupportScanData => store.erase_case(device, case, until)?,
        };
        let (bundles, parts, invitations) = (cleared.bundles, cleared.parts, cleared.invitations);
        let count = taken.records + bundles + parts + invitations;
        store.note_of(Note::new(Deed::Erase, count), device, purpose, case, now)?;
        let oldest = [taken.oldest, cleared.oldest].into_iter().flatten().min();
        let copies = oldest.map_or(Ok(Vec::new()), |oldest| store.copies_since(oldest))?;
        let is_readable = taken.is_readable || cleared.is_readable;
        let copies = copies.into_iter().map(|line| {
            let ends = line.deed == Deed::Backup && !is_readable;
            let unreadable_from = ends.then(|| rfc3339(now + keystore::backup::KEPT));
            Copy { at: line.at, who: line.who, deed: line.deed, to: line.to, unreadable_from }
        });
        let (records, copies) = (taken.records, copies.collect());
        tell(&Erased { device, purpose, records, bundles, parts, invitations, copies })?;
    }
    Ok(())
}

/// Carries out an erasure that was asked for, and keeps its certificate: only that makes the request done.
pub(crate) fn carry_out(
    store: &Store,
    order: &Order,
    now: OffsetDateTime,
    mut tell: impl FnMut(&Erased) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut certificate = Certificate {
        format: rights::FORMAT.to_owned(),
        ticket: order.ticket.to_string(),
        device: order.ticket.device,
        purposes: order.purposes.clone(),
        case: order.case.clone(),
        asked_at: order.asked_at.clone(),
        erased_at: rfc3339(now),
        records: 0,
        bundles: 0,
        parts: 0,
        kept: order.kept.clone(),
        copies: Vec::new(),
    };
    let (device, case) = (order.ticket.device, order.case.as_ref());
    erase(store, device, &order.purposes, case, order.until, now, |erased| {
        certificate.records += erased.records;
        certificate.bundles += erased.bundles;
        certificate.parts += erased.parts;
        for Copy { at, deed, to, unreadable_from, .. } in &erased.copies {
            // Never who made it: a certificate names no person.
            let what = if *deed == Deed::Backup { "backup" } else { "export" };
            let (what, at, to) = (what.to_owned(), at.clone(), to.clone());
            let copy = RemainingCopy { what, at, to, unreadable_from: unreadable_from.clone() };
            let is_same = |known: &&mut RemainingCopy| {
                (&known.what, &known.at, &known.to) == (&copy.what, &copy.at, &copy.to)
            };
            match certificate.copies.iter_mut().find(is_same) {
                None => certificate.copies.push(copy),
                // Something of another purpose stays readable in it.
                Some(known) if copy.unreadable_from.is_none() => known.unreadable_from = None,
                Some(_) => {}
            }
        }
        tell(erased)
    })?;
    let text = serde_json::to_string(&certificate);
    let text = text.map_err(|_| Failure::new("the certificate has no JSON form"))?;
    store.keep_certificate(order, &text, now)
}

/// Carries out every erasure that can't be taken back any more.
pub(crate) fn carry_out_due(
    store: &Store,
    now: OffsetDateTime,
    mut tell: impl FnMut(&Erased) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (orders, damaged) = store.due_erasures(now)?;
    for failure in &damaged {
        log::error!("erasures that are due: {failure}");
    }
    for order in &orders {
        carry_out(store, order, now, &mut tell)?;
        log::info!("erased for ticket {}; `certify` signs its certificate", order.ticket);
    }
    match damaged.len() {
        0 => Ok(()),
        count => Err(Failure::partial(format!("the requests of {count} devices could not be read"))),
    }
}

/// Signs every certificate that has no signature yet, and gives the tickets.
pub(crate) fn certify(store: &Store, key: &Path, now: OffsetDateTime) -> Result<Vec<Ticket>, Failure> {
    let signer = Signer::read(key)?;
    let mut tickets = Vec::new();
    for (ticket, text) in store.unsigned_certificates()? {
        let signature = signer.sign(Context::ErasureCertificate, Digest::of(text.as_bytes()))?;
        store.sign_certificate(ticket, &text, &signature.to_string(), now)?;
        tickets.push(ticket);
    }
    Ok(tickets)
}

/// The same as `retention`, and nothing while another process does it.
pub(crate) fn retention_alone(
    store: &Store,
    run: Run,
    now: OffsetDateTime,
    tell: impl FnMut(&Over) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let _turn = store.upkeep_turn()?.ok_or_else(|| {
        Failure::new("another process does the daily upkeep of this store now: try again when it is done")
    })?;
    retention(store, run, now, tell)
}

/// Erases what is kept longer than its class allows.
pub(crate) fn retention(
    store: &Store,
    run: Run,
    now: OffsetDateTime,
    mut tell: impl FnMut(&Over) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let plan = store.retention_plan(now)?;
    let (going, all) = (plan.going(), plan.all);
    let has_leapt = retention::has_leapt(store.retained()?, plan.newest, crate::store::micros(now));
    let answers = match has_leapt {
        true => (store.answers_over(now)?.len() + store.requests_over(now)?.len()) as u64,
        false => 0,
    };
    let doubt = retention::doubt(going + answers, all, has_leapt);
    if run == Run::Careful
        && let Some(doubt) = doubt
    {
        let why = match doubt {
            Doubt::Clock => "this machine's clock differs too much from the last run",
            Doubt::Part => "that is more than one in twenty",
        };
        return Err(Failure::new(format!(
            "{going} of {all} batches and bundles would be erased, and {why}: look with --dry-run, then confirm with --yes"
        )));
    }
    let dry_run = run == Run::Dry;
    // Copies for the clinics, which had them for thirty days.
    if !dry_run {
        store.end_sealed_answers(now)?;
    }
    for ((no, purpose), group) in plan.groups {
        let device = store.id_of(no)?;
        let (records, bundles, parts, invitations) =
            (group.records, group.bundles.len() as u64, group.parts.len() as u64, group.invitations);
        if !dry_run {
            store.retire_group(device, (no, purpose), &group, now)?;
            let note = Note::new(Deed::Retention, records + bundles + parts + invitations);
            store.note_of(note, device, purpose, None, now)?;
        }
        let (device, purpose) = (Some(device), Some(purpose));
        let over = Over::default();
        tell(&Over { device, purpose, records, bundles, parts, invitations, dry_run, ..over })?;
    }
    if !plan.unclaimed.is_empty() {
        let (bundles, purpose) = (plan.unclaimed.len() as u64, Purpose::SupportCase);
        if !dry_run {
            store.remove_bundles(&plan.unclaimed)?;
            store.note(Note { purpose: Some(purpose), ..Note::new(Deed::Retention, bundles) }, now)?;
        }
        let over = Over { device: None, purpose: Some(purpose), bundles, dry_run, ..Over::default() };
        tell(&over)?;
    }
    // After what they prove.
    for (device, count) in store.answers_over(now)? {
        let answers = if dry_run { count } else { store.end_answers(device, now)? };
        if !dry_run {
            store.note(Note { device: Some(device), ..Note::new(Deed::Retention, answers) }, now)?;
        }
        tell(&Over { device: Some(device), answers, dry_run, ..Over::default() })?;
    }
    for (device, count) in store.requests_over(now)? {
        let requests = if dry_run { count } else { store.end_requests(device, now)? };
        if !dry_run {
            store.note(Note { device: Some(device), ..Note::new(Deed::Retention, requests) }, now)?;
        }
        tell(&Over { device: Some(device), requests, dry_run, ..Over::default() })?;
    }
    if run == Run::Confirmed || (run == Run::Careful && !has_leapt) {
        store.keep_retained(now)?;
    }
    match plan.damaged.as_slice() {
        [] => Ok(()),
        damaged => Err(Failure::partial(format!(
            "{} devices were left out: {}",
            damaged.len(),
            damaged.first().map_or("", String::as_str)
        ))),
    }
}

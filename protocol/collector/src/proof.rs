//! Proof of consent for a record: its ledger entry as the device signed it, the policy text, and later answers.
//! Everything lies here; the device may be gone.

pub(crate) mod all;

use data_encoding::BASE64;
use protocol::bundle::receipt;
use protocol::ledger::{self, Entry, EventKind};
use protocol::policy;
use protocol::{Batch, CaseId, DeviceId, Digest, Epoch, Purpose};
use serde::Serialize;
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::lines::{Lines, Whole};
use crate::store::rules::terms::Comes;
use crate::store::{Restricted, Store, Stored, Wanted, micros, rfc3339, time};
use all::Known;

#[derive(Serialize)]
struct Proof<'a> {
    device: DeviceId,
    purpose: Purpose,
    epoch: Epoch,
    seq: u64,
    received_at: String,
    /// Base64 of the raw Ed25519 key that the entries are signed with.
    public_key: &'a str,
    consent: Digest,
    /// The very line that the device signed.
    line: Option<&'a str>,
    signature_valid: bool,
    /// A yes to this purpose, given before the record came and not over or taken back by then.
    valid: bool,
    policy: Option<Policy<'a>>,
    /// What was said later about the same consent.
    later: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Policy<'a> {
    id: &'a str,
    version: &'a str,
    sha256: Digest,
    /// Absent if it is neither built in nor in `policies/` of the data directory.
    text: Option<String>,
}

#[derive(Serialize)]
struct Said<'a> {
    kind: EventKind,
    at: &'a str,
    line: &'a str,
}

/// What `kathea-case open` reads.
#[derive(Serialize)]
struct BundleProof<'a> {
    id: &'a str,
    sha256: Digest,
    device: DeviceId,
    case: &'a CaseId,
    received_at: &'a str,
    /// How things stood then: consent may end on any later day.
    printed_at: String,
    /// Base64 of the raw Ed25519 key that the entries are signed with.
    public_key: String,
    /// All entries of the case, as the device signed them.
    lines: Vec<&'a str>,
}

/// The entries of the case of the bundle with this number.
pub(crate) fn prove_bundle(
    store: &Store,
    id: &str,
    now: OffsetDateTime,
    lines: &mut Lines,
) -> Result<(), Failure> {
    let mut found = None;
    let mut whole = Whole::default();
    store.bundles(|bundle| {
        found = whole.pass(bundle).filter(|(sha256, ..)| receipt(*sha256) == id).or_else(|| found.take());
        Ok(())
    })?;
    let Some((sha256, filed, _)) = found else {
        whole.end("bundles")?;
        return Err(Failure::new("there is no bundle with this number; `bundles` lists them"));
    };
    let (Some(device), Some(case)) = (filed.device, &filed.case) else {
        return Err(Failure::new(
            "the bundle came on a stick and its device has not reported it yet: whose consent it needs is not known here",
        ));
    };
    let Some(enrolled) = store.device(device)? else {
        return Err(Failure::new(format!("device {device} was never enrolled; `devices` lists them")));
    };
    let entries = store.entries(device)?;
    let of_case = entries.iter().filter(|(_, entry)| entry.processing.case.as_ref() == Some(case));
    lines.put(&BundleProof {
        id,
        sha256,
        device,
        case,
        received_at: &filed.received_at,
        printed_at: rfc3339(now),
        public_key: BASE64.encode(&enrolled.key),
        lines: of_case.map(|(line, _)| line.as_str()).collect(),
    })
}

/// A proof for every record of the device with this number, in whatever epoch.
pub(crate) fn prove(store: &Store, device: DeviceId, seq: u64, lines: &mut Lines) -> Result<(), Failure> {
    let Some(enrolled) = store.device(device)? else {
        return Err(Failure::new(format!("device {device} was never enrolled; `devices` lists them")));
    };
    let entries = store.entries(device)?;
    let public_key = BASE64.encode(&enrolled.key);
    let (mut found, mut whole) = (false, Whole::default());
    store.envelopes(
        Wanted { device: Some(device), restricted: Restricted::Included, ..Wanted::default() },
        |stored| {
            let Some(Stored { received, fresh, batch, .. }) = whole.pass(stored) else { return Ok(()) };
            if !fresh.iter().any(|&(lo, hi)| (lo..=hi).contains(&seq)) {
                return Ok(());
            }
            found = true;
            lines.put(&proof(
                store,
                device,
                seq,
                &batch,
                time(received),
                &entries,
                &enrolled.key,
                &public_key,
            )?)
        },
    )?;
    if found { whole.end("batches") } else { Err(Failure::new("the device has no record with this number")) }
}

#[allow(clippy::too_many_arguments, reason = "the record, the device and all that was said")]
fn proof<'a>(
    store: &Store,
    device: DeviceId,
    seq: u64,
    batch: &Batch,
    received_at: OffsetDateTime,
    entries: &'a [(String, Entry)],
    key: &[u8],
    public_key: &'a str,
) -> Result<Proof<'a>, Failure> {
    let purpose = batch.header.purpose;
    let given = entries.iter().find(|(line, _)| ledger::line_hash(line) == batch.header.consent);
    let at = rfc3339(received_at);
    let later: Vec<Said<'_>> = entries
        .iter()
        .filter(|(_, entry)| given.is_some_and(|(_, given)| follows(entry, given)))
        .map(|(line, entry)| Said { kind: entry.event.kind, at: &entry.event.at, line })
        .collect();
    let signature_valid = given.is_some_and(|(line, _)| ledger::read_line(line, key).is_ok());
    let known = Known::of(entries);
    let covers = match given {
        Some((_, entry)) if entry.processing.purpose == purpose && entry.event.kind == EventKind::Granted => {
            let comes = Comes::Batch(batch.header.retention);
            store.terms(entry)?.cover(known.lines(), comes, micros(received_at)).is_ok()
        }
        _ => false,
    };
    // Whatever ended the yes reached the collector before the record, or it would have been refused: so the clock of
    // the device decides nothing here.
    let policy = match given {
        None => None,
        Some((_, entry)) => {
            let asked = &entry.processing;
            let text = policy_text(store, asked.policy_sha256)?;
            let (id, version) = (asked.policy.as_str(), asked.policy_version.as_str());
            Some(Policy { id, version, sha256: asked.policy_sha256, text })
        }
    };
    Ok(Proof {
        device,
        purpose,
        epoch: batch.epoch,
        seq,
        received_at: at,
        public_key,
        consent: batch.header.consent,
        line: given.map(|(line, _)| line.as_str()),
        signature_valid,
        valid: signature_valid && covers,
        policy,
        later,
    })
}

fn follows(entry: &Entry, given: &Entry) -> bool {
    let (about, asked) = (&entry.processing, &given.processing);
    entry.header.index > given.header.index && about.purpose == asked.purpose && about.case == asked.case
}

/// The policy of this hash: built in, or a file that an operator put into `policies/`.
fn policy_text(store: &Store, sha256: Digest) -> Result<Option<String>, Failure> {
    policy::text_of(sha256).map_or_else(|| store.policy(sha256), |text| Ok(Some(text.to_owned())))
}

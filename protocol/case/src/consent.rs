//! Whether the clinic's consent covers a bundle: the signed entries of its case, as `kathea-collector bundles proof` prints them.

use data_encoding::BASE64;
use protocol::ledger::{self, Entry, EventKind};
use protocol::{CaseId, DeviceId, Digest, Purpose};
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::bundle::Opened;
use crate::failure::Failure;

/// Bytes of one: some hundred entries.
pub(crate) const MOST: u64 = 4 << 20;
/// An older proof says nothing of today: consent may have been withdrawn since. One from the future shows a wrong clock.
const FRESH: Duration = Duration::days(1);

/// What the collector says of a bundle.
#[derive(Debug, Deserialize)]
struct Proof {
    sha256: Digest,
    device: DeviceId,
    case: CaseId,
    printed_at: String,
    /// Base64 of the raw Ed25519 key that the entries are signed with.
    public_key: String,
    /// All entries of the case, as the device signed them.
    lines: Vec<String>,
}

/// A consent that covers a bundle at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// When it ends, RFC 3339; none if it ends with the case.
    pub(crate) until: Option<String>,
    /// When the collector said so.
    pub(crate) printed_at: String,
}

/// Checks the proof of an opened bundle, whose sealed file has this digest where it is at hand.
pub(crate) fn covers(
    proof: &[u8],
    opened: &Opened,
    sealed: Option<Digest>,
    now: OffsetDateTime,
) -> Result<Covered, Failure> {
    let proof: Proof = serde_json::from_slice(proof).map_err(|error| {
        Failure::usage(format!(
            "the proof is not one (line {}): print it with `kathea-collector bundles proof ID`",
            error.line()
        ))
    })?;
    let key = BASE64.decode(proof.public_key.as_bytes()).unwrap_or_default();
    if proof.device != opened.manifest.device || DeviceId::of_public_key(&key) != opened.manifest.device {
        return Err(Failure::not_allowed("the proof is of another device than the bundle"));
    }
    if sealed.is_some_and(|sealed| sealed != proof.sha256) || proof.case != opened.manifest.case {
        return Err(Failure::not_allowed("the proof is of another bundle: print that of this one"));
    }
    let printed = OffsetDateTime::parse(&proof.printed_at, &Rfc3339).ok();
    if printed.is_none_or(|printed| (now - printed).abs() > FRESH) {
        return Err(Failure::not_allowed(
            "the proof is more than a day old, or this computer's clock is wrong: check the clock, then print the proof \
             again",
        ));
    }
    let mut entries = Vec::new();
    for line in &proof.lines {
        let entry = ledger::read_line(line, &key).map_err(|_| {
            Failure::not_allowed("an entry of the proof is not signed by the device: it was changed")
        })?;
        entries.push(entry);
    }
    let ends = opened
        .manifest
        .purposes
        .iter()
        .map(|purpose| until(&entries, *purpose, opened, now))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Covered { until: ends.into_iter().flatten().min(), printed_at: proof.printed_at })
}

/// When the consent to `purpose` ends, if it covers the bundle now.
fn until(
    entries: &[Entry],
    purpose: Purpose,
    opened: &Opened,
    now: OffsetDateTime,
) -> Result<Option<String>, Failure> {
    let is_about = |entry: &&Entry| {
        entry.processing.purpose == purpose && entry.processing.case.as_ref() == Some(&opened.manifest.case)
    };
    let mut about: Vec<&Entry> = entries.iter().filter(is_about).collect();
    about.sort_by_key(|entry| entry.header.index);
    let refused =
        |why: &str| Failure::not_allowed(format!("{purpose} of case {}: {why}", opened.manifest.case));
    let grants = || about.iter().filter(|entry| entry.event.kind == EventKind::Granted);
    // A case may have several bundles, each under a grant of its own. A grant that names no manifest covers its case.
    let covers =
        |entry: &&&Entry| entry.processing.manifest_sha256.is_none_or(|shown| shown == opened.digest);
    let Some(granted) = grants().rfind(covers) else {
        let has_other = grants().next().is_some();
        let why =
            if has_other { "the clinic consented to another bundle" } else { "the clinic never consented" };
        return Err(refused(why));
    };
    let later = about.iter().filter(|entry| entry.header.index > granted.header.index);
    let later: Vec<EventKind> = later.map(|entry| entry.event.kind).collect();
    if later
        .iter()
        .any(|kind| !matches!(kind, EventKind::Granted | EventKind::Restricted | EventKind::Released))
    {
        return Err(refused("the clinic's consent has ended: erase the bundle"));
    }
    let pause = later.iter().rfind(|kind| matches!(kind, EventKind::Restricted | EventKind::Released));
    if pause == Some(&EventKind::Restricted) {
        return Err(refused("the clinic restricted it: keep the bundle closed"));
    }
    let until = granted.event.until.clone();
    let end = until.as_deref().map(|until| OffsetDateTime::parse(until, &Rfc3339));
    match end {
        Some(Ok(end)) if end <= now => Err(refused("the clinic's consent has ended: erase the bundle")),
        Some(Err(_)) => Err(refused("the entry's end is no time")),
        _ => Ok(until),
    }
}

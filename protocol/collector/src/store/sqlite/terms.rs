//! What a stored grant says, for the rule that asks whether it covers what comes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::store::engine::{Connection, OptionalRow};
use protocol::ledger::{self, Entry};
use protocol::period::Kept;
use protocol::policy::{self, EARLIER, POLICIES};
use protocol::{Digest, Purpose};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::device::Device;
use super::rows::micros;
use crate::failure::Failure;
use crate::store::folder::Folder;
use crate::store::rules::consent::{Line, Refused};
use crate::store::rules::terms::{Comes, Terms};
use crate::store::{Store, policies};

/// A line without its signature, which was checked when it came; its hash says that it is the same.
#[derive(Deserialize)]
struct Said {
    entry: Entry,
}

/// What the policies that are built in, of today and earlier, say of how long something is kept.
static BUILT_IN: LazyLock<BTreeMap<Digest, Vec<(Purpose, Kept)>>> = LazyLock::new(|| {
    let texts = POLICIES.iter().map(|(_, text)| *text).chain(EARLIER.iter().copied());
    texts.map(|text| (Digest::of(text.as_bytes()), kept_by(text))).collect()
});

/// What a policy's text says of how long something is kept; nothing of what it does not ask for or does not say.
fn kept_by(text: &str) -> Vec<(Purpose, Kept)> {
    let of = |purpose: &Purpose| Some((*purpose, policy::kept(text, *purpose)?));
    Purpose::ALL.iter().filter_map(of).collect()
}

/// Whether the entry of this hash covers what comes. One that is not known is for another rule to refuse. `lines` are
/// all entries of the device, in the order they came.
pub(crate) fn cover(
    sql: &Connection,
    folder: &Folder,
    device: &Device,
    lines: &[Line],
    consent: Digest,
    comes: Comes,
    now: i64,
) -> Result<Result<(), Refused>, Failure> {
    let Some(n) = lines.iter().position(|line| line.hash == consent) else { return Ok(Ok(())) };
    Ok(read(sql, folder, device, n, consent)?.cover(lines, comes, now))
}

fn read(
    sql: &Connection,
    folder: &Folder,
    device: &Device,
    n: usize,
    consent: Digest,
) -> Result<Terms, Failure> {
    of(folder, &entry(sql, device, n, consent)?)
}

/// The entry with this number and hash.
pub(crate) fn entry(sql: &Connection, device: &Device, n: usize, hash: Digest) -> Result<Entry, Failure> {
    let damaged = || {
        let id = device.id;
        Failure::damaged(format!("ledger line {n} of device {id} is damaged: nothing is taken under it"))
    };
    let statement = "SELECT text FROM line WHERE device = ?1 AND n = ?2";
    let text = sql.prepare_cached(statement)?.query_row((device.no, n as i64), |row| row.get::<String>(0));
    let text = text.optional()?.filter(|text| ledger::line_hash(text) == hash).ok_or_else(damaged)?;
    serde_json::from_str::<Said>(&text).map(|said| said.entry).map_err(|_| damaged())
}

/// When a grant ends, microseconds since 1970; an end that is no time is over.
pub(crate) fn until(entry: &Entry) -> Option<i64> {
    let until = OffsetDateTime::parse(entry.event.until.as_ref()?, &Rfc3339);
    Some(until.map_or(i64::MIN, micros))
}

/// What a grant says.
fn of(folder: &Folder, entry: &Entry) -> Result<Terms, Failure> {
    let (policy, purpose) = (entry.processing.policy_sha256, entry.processing.purpose);
    let said = match BUILT_IN.get(&policy) {
        Some(said) => Some(said.clone()),
        None => policies::text(folder, policy)?.as_deref().map(kept_by),
    };
    let kept = entry.processing.kept().map(|kept| (purpose, kept));
    Ok(Terms {
        purpose,
        index: entry.header.index,
        previous: entry.header.previous,
        until: until(entry),
        knows_policy: said.is_some(),
        class: entry.processing.retention,
        policy_says_so: kept.is_some_and(|kept| said.is_some_and(|said| said.contains(&kept))),
        manifest: entry.processing.manifest_sha256,
    })
}

impl Store {
    /// What a ledger entry says, for the rule that asks whether it covers what came.
    pub(crate) fn terms(&self, entry: &Entry) -> Result<Terms, Failure> {
        of(&self.folder, entry)
    }
}

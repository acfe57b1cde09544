//! What a stored grant says, for the rule that asks whether it covers what comes.

use std::sync::LazyLock;

use crate::store::engine::{Connection, OptionalRow};
use protocol::Digest;
use protocol::ledger::{self, Entry};
use protocol::policy::{EARLIER, POLICIES};
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

/// Digests of the policies that are built in, of today and earlier.
static BUILT_IN: LazyLock<Vec<Digest>> = LazyLock::new(|| {
    let texts = POLICIES.iter().map(|(_, text)| *text).chain(EARLIER.iter().copied());
    texts.map(|text| Digest::of(text.as_bytes())).collect()
});

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
    let policy = entry.processing.policy_sha256;
    Ok(Terms {
        purpose: entry.processing.purpose,
        index: entry.header.index,
        previous: entry.header.previous,
        until: until(entry),
        knows_policy: BUILT_IN.contains(&policy) || policies::text(folder, policy)?.is_some(),
        class: entry.processing.retention,
        manifest: entry.processing.manifest_sha256,
    })
}

impl Store {
    /// What a ledger entry says, for the rule that asks whether it covers what came.
    pub(crate) fn terms(&self, entry: &Entry) -> Result<Terms, Failure> {
        of(&self.folder, entry)
    }
}

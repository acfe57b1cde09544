//! Batches: one transaction from the check of the device to the response.

use std::collections::BTreeMap;

use crate::store::engine::{Connection, OptionalRow};
use protocol::period::Kept;
use protocol::{Batch, DeviceId, Digest, Epoch, Invitation, Retention};
use time::OffsetDateTime;

use super::device::{self, Device};
use super::rows::{self, Word, micros};
use super::streams::{self, Name, Stream};
use super::tx::Tx;
use super::{consents, invitations, sealing, terms};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::jobs::{Reply, Scope};
use crate::store::keystore::{Found, Key};
use crate::store::rules::consent::Line;
use crate::store::rules::decide::{Change, Facts, Request, Standing, Verdict, decide};
use crate::store::rules::limits::Reached;
use crate::store::rules::ranges::Ranges;
use crate::store::rules::sums::{Column, sum};
use crate::store::rules::terms::Comes;
use crate::store::rules::versions::Installed;
use crate::store::rules::{content, limits, retention, versions};

/// A batch whose bytes were read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    request: Request,
    digest: Digest,
    class: Retention,
    agent: String,
    versions: Vec<Installed>,
    body: Vec<u8>,
}

/// What the store says of a batch, and what every answer to a device carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What became of it.
    pub(crate) verdict: Verdict,
    /// The newest ledger entry that is known of the device.
    pub(crate) head: Option<(u64, Digest)>,
    /// The bundles that are asked of it.
    pub(crate) invitations: Vec<Invitation>,
    /// When it came first.
    pub(crate) enrolled: i64,
    /// Lines of the audit.
    pub(crate) audits: i64,
}

impl Put {
    /// `batch`, whose bytes are `body` and have this digest; `None` if it has numbers that are not kept
    /// (WIRE.md, limits).
    pub(crate) fn new(batch: &Batch, digest: Digest, body: Vec<u8>) -> Option<Self> {
        let fits = batch.hi() <= limits::SEQ && batch.gaps.iter().all(|gap| gap.hi <= limits::SEQ);
        fits.then(|| Self {
            request: Request {
                purpose: batch.header.purpose,
                epoch: batch.epoch,
                lo: batch.lo,
                hi: batch.hi(),
                consent: batch.header.consent,
                content: content::digest(batch),
                bytes: body.len() as i64,
                gaps: batch.gaps.clone(),
            },
            digest,
            class: batch.header.retention,
            agent: batch.header.agent.clone(),
            versions: versions::of(batch),
            body,
        })
    }
}

impl Store {
    /// Stores a batch if its consent stands and it adds anything. What it adds is on the disk when the reply comes.
    pub(crate) fn put_batch(&self, device: DeviceId, put: Put, now: OffsetDateTime) -> Reply<Answer> {
        let (now, folder) = (micros(now), self.folder.clone());
        self.submit(Scope::Device(device), move |tx| {
            let Some(mut device) = device::find(tx, device)? else {
                let verdict = Verdict::NotServed(Standing::Unknown);
                return Ok(Answer { verdict, head: None, invitations: Vec::new(), enrolled: 0, audits: 0 });
            };
            device.used = device.used.on(rows::day(now));
            let name = Name { device: device.no, purpose: put.request.purpose, epoch: put.request.epoch };
            let stream = streams::find(tx, name)?;
            let mut facts = facts(tx, &device, name, stream.as_ref(), &put.request)?;
            if device.standing == Standing::Active {
                let comes = Comes::Batch(put.class);
                facts.covers =
                    terms::cover(tx, &folder, &device, &facts.lines, put.request.consent, comes, now)?;
            }
            let verdict = decide(&facts, &put.request);
            if let Verdict::New(change) = &verdict {
                let case = facts.lines.iter().find(|line| line.hash == put.request.consent);
                let case = case.and_then(|line| line.case.as_ref());
                let key = tx.key(device.id, name.purpose, case, now)?;
                let class = class_of(tx, &device, &facts.lines, &put)?;
                let stream = (name, stream.unwrap_or(Stream::NEW));
                store(tx, &mut device, stream, (&put, class), &key, change, now)?;
            }
            // A device beyond its day's requests costs no write.
            if !matches!(verdict, Verdict::NotServed(_) | Verdict::Full(Reached::Today)) {
                // Written for a batch that is held too: its answer then waits for the sync of what it repeats.
                device.seen = device.seen.max(now);
                if device.agent != put.agent {
                    device.agent.clone_from(&put.agent);
                }
                device::save(tx, &mut device)?;
                tx.at(now);
            }
            let invitations = invitations::of(tx, device.no, now)?;
            let (enrolled, audits) = (device.enrolled, tx.state.borrow().audits);
            Ok(Answer { verdict, head: device.head, invitations, enrolled, audits })
        })
    }
}

fn facts(
    tx: &Tx<'_>,
    device: &Device,
    name: Name,
    stream: Option<&Stream>,
    request: &Request,
) -> Result<Facts, Failure> {
    let mut facts = Facts {
        standing: device.standing,
        lines: Vec::new(),
        used: device.used,
        held: Ranges::default(),
        spans: stream.map_or(0, |stream| stream.spans),
        declared: BTreeMap::new(),
        new_streams: i64::from(stream.is_none()),
        same_range: None,
        covers: Ok(()),
    };
    if device.standing != Standing::Active {
        return Ok(facts);
    }
    facts.lines = consents::lines(tx, device)?;
    if stream.is_some_and(|stream| stream.spans > 0) {
        facts.held = streams::held(tx, name, request.lo, request.hi)?;
        // What is stored is held.
        if facts.held.missing(request.lo, request.hi).is_empty() {
            facts.same_range = same_range(tx, device, name, request)?;
        }
    }
    // Of each epoch once, from its first gap to its last.
    let mut reach = BTreeMap::<Epoch, (u64, u64)>::new();
    for gap in &request.gaps {
        let (lo, hi) = reach.entry(gap.epoch).or_insert((gap.lo, gap.hi));
        (*lo, *hi) = ((*lo).min(gap.lo), (*hi).max(gap.hi));
    }
    for &epoch in reach.keys() {
        let found = streams::find(tx, Name { epoch, ..name })?;
        facts.new_streams += i64::from(found.is_none() && epoch != request.epoch);
        facts.declared.insert(epoch, (Ranges::default(), found.map_or(0, |stream| stream.gaps)));
    }
    if facts.declared_spans() < limits::SPANS {
        for (epoch, (declared, spans)) in &mut facts.declared {
            if let Some(&(lo, hi)) = reach.get(epoch)
                && *spans > 0
            {
                *declared = streams::declared(tx, Name { epoch: *epoch, ..name }, lo, hi)?;
            }
        }
    }
    Ok(facts)
}

/// Content of the stored batch of this very range.
fn same_range(
    tx: &Tx<'_>,
    device: &Device,
    name: Name,
    request: &Request,
) -> Result<Option<Digest>, Failure> {
    let statement = "SELECT content, seal FROM envelope WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 AND lo = ?4 \
                     AND hi = ?5 ORDER BY place LIMIT 1";
    let params = (
        name.device,
        name.purpose.place(),
        name.epoch.to_bytes(),
        rows::number(request.lo),
        rows::number(request.hi),
    );
    let found =
        tx.prepare_cached(statement)?.query_row(params, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((content, seal)) = found else { return Ok(None) };
    let (content, seal): (Digest, Option<i64>) = (Digest::from_bytes(content), seal);
    let Some(key) = seal else { return Ok(Some(content)) };
    Ok(match tx.keys.find(device.id, key)? {
        // Equal contents have equal digests under one key.
        Found::Key(key) if key.digest(request.content) == content => Some(request.content),
        Found::Key(_) => Some(content),
        Found::Destroyed => None,
        Found::Missing => return Err(tx.keys.key_is_missing()),
    })
}

fn store(
    tx: &Tx<'_>,
    device: &mut Device,
    (name, mut stream): (Name, Stream),
    (put, class): (&Put, i64),
    key: &Key,
    change: &Change,
    now: i64,
) -> Result<(), Failure> {
    let is_new = stream == Stream::NEW;
    streams::hold(tx, name, &change.swallowed, change.held)?;
    stream.spans += 1 - change.swallowed.len() as i64;
    stream.n += 1;
    stream.received = stream.received.max(now);
    let mut envelope = Envelope {
        name,
        n: stream.n,
        lo: rows::number(put.request.lo),
        hi: rows::number(put.request.hi),
        fresh: write_ranges(&change.fresh),
        received: now,
        consent: put.request.consent,
        class,
        digest: put.digest,
        content: put.request.content,
        seal: None,
    };
    let body = sealing::seal(key, device.id, &mut envelope, &put.body)?;
    stream.chain = envelope.link(stream.chain);
    let place = insert(tx, &envelope, stream.chain, &body)?;
    super::versions::keep(tx, device.no, place, &put.versions)?;
    let mut begun = i64::from(is_new);
    for &(epoch, lo, hi, reason) in &change.gaps {
        let other = Name { epoch, ..name };
        streams::declare(tx, other, lo, hi, reason)?;
        if epoch == name.epoch {
            stream.gaps += 1;
        } else {
            let found = streams::find(tx, other)?;
            begun += i64::from(found.is_none());
            let mut found = found.unwrap_or(Stream::NEW);
            found.gaps += 1;
            streams::save(tx, other, &found)?;
        }
    }
    streams::save(tx, name, &stream)?;
    device.used.bytes = device.used.bytes.saturating_add(body.len() as i64);
    device.used.streams += begun;
    Ok(())
}

/// How long the batch is kept: as its class says, or the consent that it names, one of `lines`, which are all of the device.
fn class_of(sql: &Connection, device: &Device, lines: &[Line], put: &Put) -> Result<i64, Failure> {
    if let Some(kept) = Kept::of_word(put.class) {
        return Ok(retention::number(kept));
    }
    let named = lines.iter().position(|line| line.hash == put.request.consent);
    let named =
        named.ok_or_else(|| Failure::damaged("the consent of a batch is gone: nothing is taken under it"))?;
    Ok(retention::number(consents::nth(sql, device, named)?.class))
}

/// Every column of a stored envelope but its place, its link and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) name: Name,
    pub(crate) n: i64,
    pub(crate) lo: i64,
    pub(crate) hi: i64,
    pub(crate) fresh: String,
    pub(crate) received: i64,
    pub(crate) consent: Digest,
    pub(crate) class: i64,
    pub(crate) digest: Digest,
    pub(crate) content: Digest,
    pub(crate) seal: Option<i64>,
}

impl Envelope {
    /// The link of this envelope, after that of the one before.
    pub(crate) fn link(&self, before: Digest) -> Digest {
        sum(
            "envelope",
            &[
                Column::Bytes(&before.to_bytes()),
                Column::Int(self.name.device),
                Column::Int(self.name.purpose.place()),
                Column::Bytes(&self.name.epoch.to_bytes()),
                Column::Int(self.n),
                Column::Int(self.lo),
                Column::Int(self.hi),
                Column::Text(&self.fresh),
                Column::Int(self.received),
                Column::Bytes(&self.consent.to_bytes()),
                Column::Int(self.class),
                Column::Bytes(&self.digest.to_bytes()),
                Column::Bytes(&self.content.to_bytes()),
                Column::Maybe(self.seal),
            ],
        )
    }
}

fn insert(tx: &Tx<'_>, envelope: &Envelope, link: Digest, body: &[u8]) -> Result<i64, Failure> {
    let statement = "INSERT INTO envelope(device, purpose, epoch, n, lo, hi, fresh, received, consent, class, digest, \
                     content, seal, chain, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
                     RETURNING place";
    let params = (
        envelope.name.device,
        envelope.name.purpose.place(),
        envelope.name.epoch.to_bytes(),
        envelope.n,
        envelope.lo,
        envelope.hi,
        &envelope.fresh,
        envelope.received,
        envelope.consent.to_bytes(),
        envelope.class,
        envelope.digest.to_bytes(),
        envelope.content.to_bytes(),
        envelope.seal,
        link.to_bytes(),
        body,
    );
    tx.put_numbered(statement, params, link)
}

/// `lo-hi` of each range, divided by commas.
fn write_ranges(ranges: &[(u64, u64)]) -> String {
    let each: Vec<String> = ranges.iter().map(|(lo, hi)| format!("{lo}-{hi}")).collect();
    each.join(",")
}

/// Reads what `write_ranges` wrote.
pub(crate) fn read_ranges(text: &str) -> Option<Vec<(u64, u64)>> {
    let range = |range: &str| {
        let (lo, hi) = range.split_once('-')?;
        Some((lo.parse().ok()?, hi.parse().ok()?))
    };
    text.split(',').filter(|range| !range.is_empty()).map(range).collect()
}

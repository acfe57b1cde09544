//! The chain of every stream: first all envelopes in the order of the file, page by page, while others go on; then
//! each stream in which something did not fit, once more and in one moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::store::engine::{Connection, Fetched, Row};
use protocol::{Digest, Epoch, Purpose};

use super::batches::Envelope;
use super::device;
use super::finding::{Finding, Tell};
use super::rows::Word;
use super::streams::{self, Name, Stream};
use super::verify_pages::Entries;
use crate::failure::Failure;
use crate::store::Store;

/// Envelopes that are read in one moment.
const PAGE: i64 = 2000;
const COLUMNS: &str = "SELECT place, device, purpose, epoch, n, lo, hi, fresh, received, consent, class, digest, content, \
                       seal, chain, body FROM envelope NOT INDEXED";

/// How far a stream was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    n: i64,
    chain: Digest,
}

/// A row of `envelope`.
struct Stored {
    place: i64,
    envelope: Envelope,
    link: Digest,
    /// The body is the one that came.
    is_whole: bool,
}

/// Envelopes by the key that they are sealed under: (device's number, key), and how many.
pub(crate) type Seals = BTreeMap<(i64, i64), u64>;

/// What all envelopes together are.
#[derive(Default)]
pub(crate) struct Seen {
    /// Under which keys they are sealed.
    pub(crate) seals: Seals,
    /// What the indexes have to have of them.
    pub(crate) entries: Entries,
    /// The last place that was looked at.
    pub(crate) last: i64,
}

/// Looks at all envelopes.
pub(crate) fn all(store: &Store, tell: Tell<'_>) -> Result<Seen, Failure> {
    let (mut at, ends, last) = store.read(|sql| {
        let (mut at, mut ends) = (HashMap::new(), BTreeMap::new());
        each_stream(sql, |name, stream| {
            at.insert(name, Link { n: stream.base_n, chain: stream.base_chain });
            ends.insert(name, Link { n: stream.n, chain: stream.chain });
        })?;
        Ok((at, ends, sql.given("envelope")?))
    })?;
    let (mut suspects, mut after, mut seen) = (BTreeSet::new(), 0, Seen { last, ..Seen::default() });
    while after < last {
        let until = last.min(after + PAGE);
        let page =
            store.read(|sql| page(sql, after, until).or_else(|_| one_by_one(sql, after, until, tell)))?;
        for stored in page {
            let (envelope, name) = (&stored.envelope, stored.envelope.name);
            if let Some(key) = envelope.seal {
                *seen.seals.entry((name.device, key)).or_default() += 1;
            }
            seen.entries.add(stored.place, envelope);
            let here = Link { n: envelope.n, chain: stored.link };
            let before = at.insert(name, here);
            let fits = before.is_some_and(|before| before.n + 1 == envelope.n)
                && stored.is_whole
                && before.is_some_and(|before| envelope.link(before.chain) == stored.link);
            if !fits {
                suspects.insert(name);
            }
        }
        after = until;
    }
    suspects.extend(at.iter().filter(|(name, link)| ends.get(name) != Some(link)).map(|(name, _)| *name));
    for name in suspects {
        store.read(|sql| one_stream(sql, name, tell))?;
    }
    Ok(seen)
}

/// Rows that cannot be read are reported with the other rows of their device.
fn each_stream(sql: &Connection, mut each: impl FnMut(Name, Stream)) -> Result<(), Failure> {
    let statement = "SELECT device, purpose, epoch, n, chain, base_n, base_chain, spans, gaps, received, sum FROM stream \
                     WHERE device = ?1";
    let mut statement = sql.prepare_cached(statement)?;
    for no in 1..=device::last(sql)? {
        let mut found = statement.query([no])?;
        while let Ok(Some(row)) = found.next() {
            if let Ok(name) = Name::read(&row)
                && let Ok((stream, stored)) = streams::read(&row, 3)
                && let Ok(stream) = streams::check(name, stream, stored)
            {
                each(name, stream);
            }
        }
    }
    Ok(())
}

fn page(sql: &Connection, after: i64, until: i64) -> Result<Vec<Stored>, Failure> {
    let statement = format!("{COLUMNS} WHERE place > ?1 AND place <= ?2 ORDER BY place");
    let mut statement = sql.prepare_cached(&statement)?;
    let mut found = statement.query((after, until))?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        out.push(read(&row)?);
    }
    Ok(out)
}

/// The same where a page of the database is damaged.
fn one_by_one(sql: &Connection, after: i64, until: i64, tell: Tell<'_>) -> Result<Vec<Stored>, Failure> {
    let mut out = Vec::new();
    for place in after + 1..=until {
        match at_place(sql, place) {
            Ok(stored) => out.extend(stored),
            Err(_) => tell(Finding::new(format!("the batch at place {place} cannot be read")))?,
        }
    }
    Ok(out)
}

fn at_place(sql: &Connection, place: i64) -> Result<Option<Stored>, Failure> {
    let mut statement = sql.prepare_cached(&format!("{COLUMNS} WHERE place = ?1"))?;
    let mut found = statement.query([place])?;
    found.next()?.map(|row| read(&row)).transpose()
}

fn read(row: &Row<'_>) -> Result<Stored, Failure> {
    let purpose: i64 = row.get(2)?;
    let name =
        Name { device: row.get(1)?, purpose: Purpose::at(purpose)?, epoch: Epoch::from_bytes(row.get(3)?) };
    let envelope = Envelope {
        name,
        n: row.get(4)?,
        lo: row.get(5)?,
        hi: row.get(6)?,
        fresh: row.get(7)?,
        received: row.get(8)?,
        consent: Digest::from_bytes(row.get(9)?),
        class: row.get(10)?,
        digest: Digest::from_bytes(row.get(11)?),
        content: Digest::from_bytes(row.get(12)?),
        seal: row.get(13)?,
    };
    let body = row.bytes(15).unwrap_or_default();
    let is_whole = Digest::of(body) == envelope.digest;
    Ok(Stored { place: row.get(0)?, envelope, link: Digest::from_bytes(row.get(14)?), is_whole })
}

/// One stream, link by link. What was erased is no loss: its links are known.
fn one_stream(sql: &Connection, name: Name, tell: Tell<'_>) -> Result<(), Failure> {
    let device = device::id_of(sql, name.device).ok();
    let mut say = |what: String, range: Option<(i64, i64)>| {
        let (lo, hi) = range.unzip();
        let (purpose, epoch) = (Some(name.purpose), Some(name.epoch));
        tell(Finding { device, purpose, epoch, lo, hi, ..Finding::new(what) })
    };
    let key = (name.device, name.purpose.place(), name.epoch.to_bytes());
    // By the index alone, so that a damaged page of the table hides only what is on it.
    let places = "SELECT place FROM envelope WHERE device = ?1 AND purpose = ?2 AND epoch = ?3";
    let places: Fetched<Vec<i64>> = sql.prepare_cached(places)?.query_map(key, |row| row.get(0));
    let Ok(places) = places else { return say("the stream's index cannot be read".to_owned(), None) };
    let mut here = BTreeMap::new();
    for place in places {
        match at_place(sql, place) {
            Ok(Some(stored)) if stored.envelope.name == name => drop(here.insert(stored.envelope.n, stored)),
            Ok(_) | Err(_) => say(format!("the batch at place {place} was changed or cannot be read"), None)?,
        }
    }
    let Some(stream) = streams::find(sql, name).ok().flatten() else {
        return say(
            format!("the stream's row is damaged or gone; {} of its batches are here", here.len()),
            None,
        );
    };
    let gone = "SELECT n, chain FROM gone WHERE device = ?1 AND purpose = ?2 AND epoch = ?3";
    let gone = sql.prepare_cached(gone)?.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let gone: BTreeMap<i64, [u8; 32]> = gone.into_iter().collect();
    // The link before; unknown behind one that is lost.
    let mut before = Some(stream.base_chain);
    for n in stream.base_n + 1..=stream.n {
        if let Some(stored) = here.remove(&n) {
            let range = Some((stored.envelope.lo, stored.envelope.hi));
            if !stored.is_whole {
                say(format!("batch {n}: its bytes are not those that came"), range)?;
            } else if before.is_some_and(|before| stored.envelope.link(before) != stored.link) {
                say(format!("batch {n}: it, or the one before, was changed"), range)?;
            }
            before = Some(stored.link);
        } else if let Some(link) = gone.get(&n) {
            before = Some(Digest::from_bytes(*link));
        } else {
            say(format!("batch {n} of {} is gone", stream.n), None)?;
            before = None;
        }
    }
    if before.is_some_and(|before| before != stream.chain) {
        say("the stream's last batch was changed".to_owned(), None)?;
    }
    for (n, stored) in here {
        let range = Some((stored.envelope.lo, stored.envelope.hi));
        say(format!("batch {n} should have been erased, or belongs to another stream"), range)?;
    }
    Ok(())
}

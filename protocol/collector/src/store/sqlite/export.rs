//! Stored envelopes, page by page in the order they came. No page holds a read transaction while somebody else works:
//! a long one would keep the write-ahead log from being emptied.

use std::collections::BTreeMap;

use crate::store::engine::{Connection, Error, Row};
use protocol::{Batch, DeviceId, Digest, Epoch, Purpose, Reason};

use super::batches::read_ranges;
use super::rows::{self, Word};
use super::sealing::{Keys, Sealed};
use super::streams::{Name, gap_sum, held_sum};
use super::{Listed, copy, device, restrictions, versions};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::keystore::KeyStore;
use crate::store::rules::ranges::Ranges;
use crate::store::rules::restriction::Hidden;
use crate::store::rules::versions::Since;

/// Rows and bytes of one page.
const PAGE: usize = 512;
const PAGE_BYTES: usize = 4 << 20;

/// One stored envelope.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) device: DeviceId,
    /// When it came, microseconds.
    pub(crate) received: i64,
    /// Numbers of the records that it was the first to bring.
    pub(crate) fresh: Vec<(u64, u64)>,
    pub(crate) batch: Batch,
}

/// How far an export came, and of which life of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    life: String,
    pub(crate) place: i64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.life, self.place)
    }
}

impl std::str::FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let cursor = text.split_once('-').and_then(|(life, place)| {
            let place = place.parse().ok().filter(|place| *place >= 0)?;
            Some(Self { life: life.to_owned(), place })
        });
        cursor.ok_or("not a cursor; take what the last export printed, or `start`")
    }
}

/// What becomes of what is restricted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Restricted {
    /// It is left out and counted, as every reader needs it.
    #[default]
    LeftOut,
    /// It is looked at too: to prove that it may be here, which uses nothing of it.
    Included,
}

/// What a look at envelopes came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The last place that was looked at: those behind it came later.
    pub(crate) last: i64,
    /// Envelopes that were left out because their processing is restricted.
    pub(crate) restricted: u64,
}

/// Which envelopes are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Behind this place.
    pub(crate) after: i64,
    /// Up to this place.
    pub(crate) until: Option<i64>,
    /// Of this device.
    pub(crate) device: Option<DeviceId>,
    /// For this purpose.
    pub(crate) purpose: Option<Purpose>,
    /// What becomes of what is restricted.
    pub(crate) restricted: Restricted,
}

impl Store {
    /// How many records an export could read at most, of one device or of all.
    pub(crate) fn readable(&self, device: Option<DeviceId>) -> Result<u64, Failure> {
        self.read(|sql| {
            let no = match device {
                Some(device) => Some(super::device::enrolled(sql, device)?.no),
                None => None,
            };
            let count = "SELECT CAST(coalesce(sum(hi - lo + 1), 0) AS BIGINT) FROM envelope WHERE ?1 < 0 OR device = ?1";
            let count: i64 = sql.query_row(count, [no.unwrap_or(-1)], |row| row.get(0))?;
            Ok(super::rows::seq(count))
        })
    }
}

impl Store {
    /// The last place that is taken.
    pub(crate) fn last_place(&self) -> Result<i64, Failure> {
        if self.is_postgres() {
            // Behind every batch that is being written at this moment: none of them gets a lower place later.
            return self.write(false, |tx| Ok(tx.given("envelope")?));
        }
        self.read(|sql| Ok(sql.given("envelope")?))
    }

    /// The place of a cursor. One of another life is refused: a restored store gave its places to other batches.
    pub(crate) fn place_of(&self, cursor: &Cursor) -> Result<i64, Failure> {
        if self.read(copy::life)? == cursor.life {
            return Ok(cursor.place);
        }
        Err(Failure::new(
            "the store was restored after that export: export everything again with --since start into a new directory",
        ))
    }

    /// The cursor of a place.
    pub(crate) fn cursor(&self, place: i64) -> Result<Cursor, Failure> {
        Ok(Cursor { life: self.read(copy::life)?, place })
    }

    /// The versions of a device's components by name, ascending by day.
    pub(crate) fn versions(&self, device: DeviceId) -> Result<BTreeMap<String, Vec<Since>>, Failure> {
        self.read(|sql| versions::of(sql, device::enrolled(sql, device)?.no))
    }

    /// Hands `each` every wanted envelope, in the order they came; a damaged one as its sentence.
    pub(crate) fn envelopes(
        &self,
        wanted: Wanted,
        mut each: impl FnMut(Listed<Stored>) -> Result<(), Failure>,
    ) -> Result<Looked, Failure> {
        let last = self.last_place()?;
        let until = wanted.until.map_or(last, |until| until.min(last));
        let device = wanted.device.map(|id| self.enrolled(id)).transpose()?.map(|device| device.no);
        let (mut after, mut restricted) = (wanted.after, 0);
        loop {
            let page = self.read(|sql| {
                // Asked anew for each page: a restriction counts from the moment that it is kept.
                let mut hidden = Restrictions::new(wanted.restricted, &self.keys);
                page(sql, after, until, device, wanted.purpose, &mut hidden)
                    .or_else(|_| one_by_one(sql, after, until, device, wanted.purpose, &mut hidden))
            })?;
            let Some((place, _)) = page.last() else {
                return Ok(Looked { last: until.max(wanted.after), restricted });
            };
            after = *place;
            for (_, stored) in page {
                match stored {
                    Some(stored) => each(stored)?,
                    None => restricted += 1,
                }
            }
        }
    }

    /// Hands `each` every declared gap that nothing filled, each number once.
    pub(crate) fn losses(
        &self,
        mut each: impl FnMut(Listed<(DeviceId, Name, u64, u64, Reason)>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.read(|sql| {
            let statement = "SELECT device, purpose, epoch, lo, hi, reason, sum FROM gap ORDER BY device, purpose, epoch, lo";
            let mut statement = sql.prepare_cached(statement)?;
            let mut found = statement.query(())?;
            let mut stream: Option<(Name, Ranges)> = None;
            while let Some(row) = found.next()? {
                let mut gap = || {
                    let (name, lo, hi, reason) = gap(&row)?;
                    if stream.as_ref().is_none_or(|(known, _)| *known != name) {
                        stream = Some((name, all_held(sql, name)?));
                    }
                    let held = stream.as_ref().map(|(_, held)| held.missing(lo, hi)).unwrap_or_default();
                    Ok((device::id_of(sql, name.device)?, name, held, reason))
                };
                match gap() {
                    Err(failure) => each(Err(failure))?,
                    Ok((device, name, left, reason)) => {
                        left.into_iter().try_for_each(|(lo, hi)| each(Ok((device, name, lo, hi, reason))))?;
                    }
                }
            }
            Ok(())
        })
    }
}

fn gap(row: &Row<'_>) -> Result<(Name, u64, u64, Reason), Failure> {
    let name = Name::read(row)?;
    let (lo, hi, reason): (i64, i64, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
    rows::check(row.get(6)?, gap_sum(name, lo, hi, reason), || {
        format!("a gap of device number {}", name.device)
    })?;
    Ok((name, rows::seq(lo), rows::seq(hi), Reason::at(reason)?))
}

/// All held ranges of a stream.
pub(crate) fn all_held(sql: &Connection, name: Name) -> Result<Ranges, Failure> {
    let statement =
        "SELECT lo, hi, sum FROM held WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 ORDER BY lo";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query((name.device, name.purpose.place(), name.epoch.to_bytes()))?;
    let mut out = Ranges::default();
    while let Some(row) = found.next()? {
        let (lo, hi): (i64, i64) = (row.get(0)?, row.get(1)?);
        let what = || format!("a held range of device number {}", name.device);
        rows::check(row.get(2)?, held_sum(name, lo, hi), what)?;
        out.insert(rows::seq(lo), rows::seq(hi));
    }
    Ok(out)
}

const COLUMNS: &str = "SELECT place, device.id, received, fresh, digest, body, envelope.device, purpose, seal, epoch, n, lo, hi \
                       FROM envelope NOT INDEXED \
                       LEFT JOIN device ON device.no = envelope.device";

/// One place of a page: an envelope, the sentence that names its damage, or none where it is restricted.
type Shown = Option<Listed<Stored>>;

/// What is hidden of the devices of a page.
struct Restrictions<'a> {
    wanted: Restricted,
    keys: Keys<'a>,
    known: BTreeMap<i64, Result<Hidden, String>>,
}

impl<'a> Restrictions<'a> {
    fn new(wanted: Restricted, keys: &'a KeyStore) -> Self {
        Self { wanted, keys: Keys::of(keys), known: BTreeMap::new() }
    }

    /// Whether this batch of device number `device` is hidden.
    fn hides_under(&self, device: i64, batch: &Batch) -> bool {
        let known = self.known.get(&device).and_then(|known| known.as_ref().ok());
        known.is_none_or(|hidden| hidden.hides_under(batch.header.purpose, batch.header.consent))
    }

    /// What is hidden of device number `device`, if some of the purpose is. What can't be determined is not shown.
    fn hide(&mut self, sql: &Connection, device: i64, purpose: i64) -> Result<Option<&Hidden>, Failure> {
        if self.wanted == Restricted::Included {
            return Ok(None);
        }
        let known = self.known.entry(device).or_insert_with(|| {
            let hidden = device::numbered(sql, device).and_then(|device| restrictions::of(sql, &device));
            hidden.map_err(|failure| failure.to_string())
        });
        let purpose = Purpose::at(purpose)?;
        let hides = known.as_ref().is_ok_and(|hidden| hidden.hides(purpose));
        match known {
            Ok(hidden) => Ok(Some(&*hidden).filter(|_| hides)),
            Err(failure) => {
                Err(Failure::damaged(format!("whether it is restricted is not known: {failure}")))
            }
        }
    }
}

/// The same by single places, where a page of the database is damaged: it hides only what is on it.
fn one_by_one(
    sql: &Connection,
    after: i64,
    until: i64,
    device: Option<i64>,
    purpose: Option<Purpose>,
    hidden: &mut Restrictions<'_>,
) -> Result<Vec<(i64, Shown)>, Failure> {
    let mut statement = sql.prepare_cached(&format!("{COLUMNS} WHERE place = ?1"))?;
    let (mut out, mut bytes) = (Vec::new(), 0);
    for place in after + 1..=until {
        let found = statement.query_row([place], |row| {
            let (of, kind): (i64, i64) = (row.get(6)?, row.get(7)?);
            let is_wanted = device.is_none_or(|device| device == of)
                && purpose.is_none_or(|purpose| purpose.place() == kind);
            Ok(is_wanted.then(|| shown(sql, row, (of, kind), hidden, &mut bytes)))
        });
        match found {
            Ok(Some(shown)) => out.push((place, shown.map(|stored| at(place, stored)))),
            Ok(None) | Err(Error::NoRow) => {}
            Err(error) => out.push((place, Some(at(place, Err(error.into()))))),
        }
        if out.len() >= PAGE || bytes > PAGE_BYTES {
            break;
        }
    }
    Ok(out)
}

fn at(place: i64, stored: Listed<Stored>) -> Listed<Stored> {
    stored
        .map_err(|failure| Failure::damaged(format!("the batch at place {place} cannot be read: {failure}")))
}

fn page(
    sql: &Connection,
    after: i64,
    until: i64,
    device: Option<i64>,
    purpose: Option<Purpose>,
    hidden: &mut Restrictions<'_>,
) -> Result<Vec<(i64, Shown)>, Failure> {
    let statement = format!(
        "{COLUMNS} WHERE place > ?1 AND place <= ?2 AND (CAST(?3 AS BIGINT) IS NULL OR envelope.device = ?3) \
         AND (CAST(?4 AS BIGINT) IS NULL OR purpose = ?4) ORDER BY place LIMIT ?5"
    );
    let mut statement = sql.prepare_cached(&statement)?;
    let mut found = statement.query((after, until, device, purpose.map(Word::place), PAGE as i64))?;
    let (mut out, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let (place, of) = (row.get(0)?, (row.get(6)?, row.get(7)?));
        let shown = shown(sql, &row, of, hidden, &mut bytes);
        out.push((place, shown.map(|stored| at(place, stored))));
        if bytes > PAGE_BYTES {
            break;
        }
    }
    Ok(out)
}

/// The envelope of a row, of a device's number and a purpose's place.
fn shown(
    sql: &Connection,
    row: &Row<'_>,
    (device, purpose): (i64, i64),
    hidden: &mut Restrictions<'_>,
    bytes: &mut usize,
) -> Shown {
    match hidden.hide(sql, device, purpose) {
        Ok(None) => Some(stored(row, &mut hidden.keys, bytes)),
        Ok(Some(_)) => match stored(row, &mut hidden.keys, bytes) {
            Ok(Stored { batch, .. }) if hidden.hides_under(device, &batch) => None,
            shown => Some(shown),
        },
        Err(failure) => Some(Err(failure)),
    }
}

fn stored(row: &Row<'_>, keys: &mut Keys<'_>, bytes: &mut usize) -> Listed<Stored> {
    let device: Option<[u8; 16]> = row.get(1)?;
    let device =
        device.map(DeviceId::from_bytes).ok_or_else(|| Failure::damaged("its device is not there"))?;
    let (fresh, digest): (String, [u8; 32]) = (row.get(3)?, row.get(4)?);
    let body = row.bytes(5).ok_or_else(|| Failure::damaged("it is damaged"))?;
    *bytes += body.len();
    if Digest::of(body).to_bytes() != digest {
        return Err(Failure::damaged("its bytes are not those that came"));
    }
    let opened = match row.get::<Option<i64>>(8)? {
        None => None,
        Some(key) => Some(keys.open(&sealed(row, device, key)?, body)?),
    };
    let batch = Batch::decode(opened.as_deref().unwrap_or(body))
        .map_err(|error| Failure::new(format!("{error}; a newer collector wrote it")))?;
    let fresh = read_ranges(&fresh).ok_or_else(|| Failure::damaged("its list of new records is damaged"))?;
    Ok(Stored { device, received: row.get(2)?, fresh, batch })
}

/// What the seal of a row is bound to.
fn sealed(row: &Row<'_>, device: DeviceId, key: i64) -> Result<Sealed, Failure> {
    let purpose: i64 = row.get(7)?;
    let numbers = (row.get(10)?, row.get(11)?, row.get(12)?);
    Ok(Sealed { device, purpose: Purpose::at(purpose)?, epoch: Epoch::from_bytes(row.get(9)?), numbers, key })
}

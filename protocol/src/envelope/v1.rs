//! The body of envelope version 1: frozen. Records of one shape form a table, and every attribute
//! a column of it, because a column's values repeat where a record's do not. A column lists its rows
//! sorted by the columns before it, because a value often follows from those (an error's subsystem
//! from its code) and then comes in runs.
//!
//! All columns of all tables lie in flat lists, so that a count on the wire can never ask for more
//! memory than the limits of [`super`]. No zero-sized element, no recursion, no attribute of serde
//! that changes what is written (`tests/wire_types.rs` holds it).

use std::vec;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{DecodeError, MAX_AGENT, MAX_ATTRIBUTES, MAX_BUCKETS, MAX_GAPS, MAX_RECORDS, WIRE};
use crate::batch::{self, Batch, Header, Record, Value};
use crate::identity::{Digest, Epoch, Purpose, Reason, Retention};

pub(super) const VERSION: u8 = 1;

const MAX_COLUMNS: usize = MAX_RECORDS * (MAX_ATTRIBUTES + MAX_BUCKETS);

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    purpose: Purpose,
    agent: &'a str,
    catalog: Digest,
    consent: Digest,
    retention: Retention,
    epoch: Epoch,
    lo: u64,
    #[serde(deserialize_with = "bounded::<_, _, MAX_GAPS>")]
    gaps: Vec<Gap>,
    /// Per record, in sequence order: its table.
    #[serde(deserialize_with = "bounded::<_, _, MAX_RECORDS>")]
    order: Vec<u32>,
    /// In order of first appearance.
    #[serde(deserialize_with = "bounded::<_, _, MAX_RECORDS>")]
    tables: Vec<Table>,
    /// Table by table, row by row: `at`, as the difference from the row before (first: from 0).
    #[serde(deserialize_with = "bounded::<_, _, MAX_RECORDS>")]
    at: Vec<i64>,
    /// Table by table, column by column: how many distinct values it has.
    #[serde(deserialize_with = "bounded::<_, _, MAX_COLUMNS>")]
    distinct: Vec<u32>,
    /// Per column its distinct values, ascending, as the difference from the one before.
    #[serde(deserialize_with = "bounded::<_, _, MAX_COLUMNS>")]
    steps: Vec<u64>,
    /// Per column and row, in the column's own order of rows: which of its distinct values.
    #[serde(deserialize_with = "bounded::<_, _, MAX_COLUMNS>")]
    index: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct Gap {
    epoch: Epoch,
    lo: u64,
    hi: u64,
    reason: Reason,
}

/// Columns: the attributes, then what the shape adds.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Table {
    entry: u16,
    attributes: u32,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Shape {
    Plain,
    Count,
    Buckets(u32),
}

impl Table {
    fn of(record: &Record) -> Self {
        let shape = match &record.value {
            Value::Plain => Shape::Plain,
            Value::Count(_) => Shape::Count,
            Value::Buckets(buckets) => Shape::Buckets(buckets.len() as u32),
        };
        Self { entry: record.entry, attributes: record.attributes.len() as u32, shape }
    }

    fn columns(&self) -> usize {
        self.attributes as usize
            + match self.shape {
                Shape::Plain => 0,
                Shape::Count => 1,
                Shape::Buckets(buckets) => buckets as usize,
            }
    }

    fn within_limits(&self) -> bool {
        self.attributes as usize <= MAX_ATTRIBUTES
            && match self.shape {
                Shape::Buckets(buckets) => (1..=MAX_BUCKETS).contains(&(buckets as usize)),
                Shape::Plain | Shape::Count => true,
            }
    }
}

pub(super) fn encode(batch: &Batch) -> Vec<u8> {
    let mut body = Body {
        purpose: batch.header.purpose,
        agent: &batch.header.agent,
        catalog: batch.header.catalog,
        consent: batch.header.consent,
        retention: batch.header.retention,
        epoch: batch.epoch,
        lo: batch.lo,
        gaps: batch
            .gaps
            .iter()
            .map(|gap| Gap { epoch: gap.epoch, lo: gap.lo, hi: gap.hi, reason: gap.reason })
            .collect(),
        order: Vec::with_capacity(batch.records.len()),
        tables: Vec::new(),
        at: Vec::with_capacity(batch.records.len()),
        distinct: Vec::new(),
        steps: Vec::new(),
        index: Vec::new(),
    };
    let mut rows: Vec<Vec<&Record>> = Vec::new();
    for record in &batch.records {
        let table = Table::of(record);
        let number = body.tables.iter().position(|known| *known == table).unwrap_or_else(|| {
            body.tables.push(table);
            rows.push(Vec::new());
            rows.len() - 1
        });
        body.order.push(number as u32);
        rows[number].push(record);
    }
    for (table, rows) in rows.iter().enumerate() {
        let mut before = 0;
        for row in rows {
            body.at.push(i64::from(row.at) - before);
            before = i64::from(row.at);
        }
        let mut sorted: Vec<usize> = (0..rows.len()).collect();
        for column in 0..body.tables[table].columns() {
            body.push_column(sorted.iter().map(|&row| cell(rows[row], column)).collect());
            sorted.sort_by_key(|&row| cell(rows[row], column));
        }
    }
    // Writing these types to memory cannot fail: no map, no sequence of unknown length.
    bincode::serde::encode_to_vec(&body, WIRE).unwrap_or_default()
}

/// The value of `record` in a column of its table.
fn cell(record: &Record, column: usize) -> u64 {
    let beyond = column.wrapping_sub(record.attributes.len());
    match (record.attributes.get(column), &record.value) {
        (Some(value), _) | (None, Value::Count(value)) => *value,
        (None, Value::Buckets(buckets)) => buckets.get(beyond).copied().unwrap_or_default(),
        (None, Value::Plain) => 0,
    }
}

impl Body<'_> {
    fn push_column(&mut self, values: Vec<u64>) {
        let mut distinct = values.clone();
        distinct.sort_unstable();
        distinct.dedup();
        self.distinct.push(distinct.len() as u32);
        self.index.extend(values.iter().map(|value| distinct.partition_point(|known| known < value) as u32));
        let mut before = 0;
        for value in distinct {
            self.steps.push(value - before);
            before = value;
        }
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Batch, DecodeError> {
    let (body, read) = bincode::serde::borrow_decode_from_slice::<Body<'_>, _>(bytes, WIRE)
        .map_err(|_| DecodeError::Body)?;
    if read != bytes.len() {
        return Err(DecodeError::Body);
    }
    check_head(&body)?;
    let mut columns = Columns {
        distinct: body.distinct.into_iter(),
        steps: body.steps.into_iter(),
        index: body.index.into_iter(),
    };
    let mut at = body.at.into_iter();
    let mut tables = Vec::with_capacity(body.tables.len());
    for (number, table) in body.tables.iter().enumerate() {
        let rows = body.order.iter().filter(|&&known| known as usize == number).count();
        tables.push(read_table(table, rows, &mut at, &mut columns)?.into_iter());
    }
    if at.len() + columns.distinct.len() + columns.steps.len() + columns.index.len() > 0 {
        return Err(DecodeError::Columns("more cells than the tables have"));
    }
    let records = body
        .order
        .iter()
        .map(|&table| tables.get_mut(table as usize).and_then(Iterator::next))
        .collect::<Option<Vec<_>>>()
        .ok_or(DecodeError::Columns("a record of a table that is not there"))?;
    Ok(Batch {
        header: Header {
            purpose: body.purpose,
            agent: body.agent.to_owned(),
            catalog: body.catalog,
            consent: body.consent,
            retention: body.retention,
        },
        epoch: body.epoch,
        lo: body.lo,
        records,
        gaps: body
            .gaps
            .iter()
            .map(|gap| batch::Gap { epoch: gap.epoch, lo: gap.lo, hi: gap.hi, reason: gap.reason })
            .collect(),
    })
}

/// Checks what is said once for all.
fn check_head(body: &Body<'_>) -> Result<(), DecodeError> {
    let columns = DecodeError::Columns;
    if body.agent.len() > MAX_AGENT || !body.agent.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(columns("the agent's version is too long or not plain text"));
    }
    if body.order.is_empty() {
        return Err(columns("no record"));
    }
    if body.lo.checked_add(body.order.len() as u64).is_none() {
        return Err(columns("sequence numbers overflow"));
    }
    if body.gaps.iter().any(|gap| gap.lo > gap.hi) {
        return Err(columns("a gap ends before it begins"));
    }
    if !body.tables.iter().all(Table::within_limits) {
        return Err(columns("too many attributes or buckets"));
    }
    Ok(())
}

fn read_table(
    table: &Table,
    rows: usize,
    at: &mut vec::IntoIter<i64>,
    columns: &mut Columns,
) -> Result<Vec<Record>, DecodeError> {
    if rows == 0 {
        return Err(DecodeError::Columns("a table without records"));
    }
    let mut records = Vec::with_capacity(rows);
    let mut before = 0_i64;
    for _ in 0..rows {
        let time =
            at.next().and_then(|step| before.checked_add(step)).and_then(|time| u32::try_from(time).ok());
        let time = time.ok_or(DecodeError::Columns("a time that is missing or out of range"))?;
        before = i64::from(time);
        let value = match table.shape {
            Shape::Plain => Value::Plain,
            Shape::Count => Value::Count(0),
            Shape::Buckets(buckets) => Value::Buckets(Vec::with_capacity(buckets as usize)),
        };
        let attributes = Vec::with_capacity(table.attributes as usize);
        records.push(Record { entry: table.entry, at: time, attributes, value });
    }
    let mut sorted: Vec<usize> = (0..rows).collect();
    for column in 0..table.columns() {
        let cells = columns.next_column(&mut sorted)?;
        for (record, cell) in records.iter_mut().zip(cells) {
            match &mut record.value {
                Value::Count(count) if column >= table.attributes as usize => *count = cell,
                Value::Buckets(buckets) if column >= table.attributes as usize => buckets.push(cell),
                _ => record.attributes.push(cell),
            }
        }
    }
    Ok(records)
}

/// The flat lists, read from the front.
struct Columns {
    distinct: vec::IntoIter<u32>,
    steps: vec::IntoIter<u64>,
    index: vec::IntoIter<u32>,
}

impl Columns {
    /// The next column's values by row. `sorted` are the rows as the column lists them; then as the
    /// next one does.
    fn next_column(&mut self, sorted: &mut [usize]) -> Result<Vec<u64>, DecodeError> {
        let short = DecodeError::Columns("fewer cells than the tables have");
        let rows = sorted.len();
        let count = self.distinct.next().ok_or(short)? as usize;
        if count == 0 || count > rows || count > self.steps.len() || rows > self.index.len() {
            return Err(short);
        }
        let mut distinct = Vec::with_capacity(count);
        let mut before = 0_u64;
        for step in self.steps.by_ref().take(count) {
            before = before.checked_add(step).ok_or(DecodeError::Columns("a value overflows"))?;
            distinct.push(before);
        }
        let mut cells = vec![0; rows];
        for (&row, index) in sorted.iter().zip(self.index.by_ref()) {
            let value = distinct.get(index as usize);
            cells[row] = *value.ok_or(DecodeError::Columns("a cell refers to no value"))?;
        }
        sorted.sort_by_key(|&row| cells[row]);
        Ok(cells)
    }
}

/// Reads a list of at most `MAX` elements; a longer length on the wire fails before any element.
fn bounded<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "at most {MAX} elements")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let length = list.size_hint().unwrap_or_default();
            if length > MAX {
                return Err(A::Error::invalid_length(length, &self));
            }
            let mut out = Vec::with_capacity(length);
            while let Some(element) = list.next_element()? {
                out.push(element);
            }
            Ok(out)
        }
    }

    deserializer.deserialize_seq(Bounded::<T, MAX>(std::marker::PhantomData))
}

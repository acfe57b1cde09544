//! Validation: an event is checked against the catalog and kept as numbers, or refused. No other text gets through.

mod refusal;

use std::collections::{BTreeMap, HashMap};

use protocol::catalog::{Catalog, Contribution, EventType, Observe};
use protocol::civil::{Granularity, Moment};
use protocol::{Batch, Header, Reason, Record, Value};

use super::journal::{Journal, Period, Row};
use super::line::{self, Flat, Refusal, Scalar};
use crate::collect::Raw;
use crate::consent::permit::UsageStatistics;
use crate::history::{Days, figures};
use crate::limits;
use crate::seal::payload::{Clean, Payload, Queue};
use crate::seal::record::Position;
pub(crate) use batches::batches;
pub use batches::{Batches, joined};
pub use refusal::{Wrong, explain};

mod batches;

/// Records of usage, ready to leave: a batch and its envelope.
#[derive(Debug)]
pub struct Usage {
    batch: Batch,
    envelope: Vec<u8>,
}

impl Usage {
    /// A batch of validated records. Only this module makes one, of what it took and of what was clean.
    fn clean(batch: Batch) -> Clean<Self> {
        let envelope = batch.encode();
        Clean::new(Self { batch, envelope })
    }

    /// The batch.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The batch, to join with others.
    pub fn into_batch(self) -> Batch {
        self.batch
    }
}

impl Payload for Usage {
    type Purpose = UsageStatistics;
    const QUEUE: Queue = Queue::Usage;

    fn records(&self) -> u32 {
        u32::try_from(self.batch.records.len()).unwrap_or(u32::MAX)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.envelope.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Batch::decode(bytes).ok().map(|batch| Self { batch, envelope: bytes.to_vec() })
    }
}

/// Which lines may be taken, by their time. Seconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The grant: it never reaches back.
    pub granted: i64,
    /// Now.
    pub now: i64,
}

/// Which queues still need a line: after a restart one may have it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Events.
    pub usage: bool,
    /// Everything that folds.
    pub open: bool,
}

/// What was taken in since the last commit.
#[derive(Debug)]
pub struct Validator {
    catalog: &'static Catalog,
    event_types: HashMap<&'static str, &'static EventType>,
    values: Vec<Option<u64>>,
    /// The row looked for: most are there already, so that most contributions allocate nothing.
    row: Row,
    events: Vec<Record>,
    journals: BTreeMap<Period, Journal>,
    /// For the clinic's own history.
    own: Days,
}

impl Validator {
    /// Nothing yet.
    pub fn new(catalog: &'static Catalog) -> Self {
        let event_types =
            catalog.event_types().iter().map(|event_type| (event_type.name.as_str(), event_type)).collect();
        Self {
            catalog,
            event_types,
            values: Vec::new(),
            row: Row { entry: 0, attributes: Vec::new() },
            events: Vec::new(),
            journals: BTreeMap::new(),
            own: Days::default(),
        }
    }

    /// The catalog that lines are checked against.
    pub fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    /// Takes one line in, or says why not; a refused line leaves nothing behind.
    pub fn take(&mut self, raw: Raw<'_>, window: Window, wanted: Wanted) -> Result<(), Refusal> {
        self.take_both(raw, window, wanted, None)
    }

    /// The same, and for the clinic's own history, which is kept since `own`, what no grant covers.
    pub fn take_both(
        &mut self,
        raw: Raw<'_>,
        window: Window,
        wanted: Wanted,
        own: Option<i64>,
    ) -> Result<(), Refusal> {
        let Flat(pairs) = line::parse(raw)?;
        let (event_type, moment) = self.subject(&pairs)?;
        let own = own.filter(|since| *since <= moment.utc);
        let is_covered = window.granted <= moment.utc;
        if !is_covered && own.is_none() {
            return Err(Reason::BeforeGrant.into());
        }
        if moment.utc > window.now.saturating_add(limits::CLOCK_AHEAD) {
            return Err(Reason::BadTime.into());
        }
        // Renewed on purpose only: what was promised to end ends by itself.
        let day = Granularity::Day.period(moment);
        if event_type.fed_entries().all(|entry| entry.last_day < day) {
            return Err(Reason::Ended.into());
        }
        self.check(event_type, &pairs)?;
        if let Some(since) = own {
            let since =
                Granularity::Day.period(Moment { utc: since, civil: u64::try_from(since).unwrap_or(0) });
            figures::note(&mut self.own, event_type, &self.values, day, since);
        }
        if !is_covered {
            return Err(Reason::BeforeGrant.into());
        }
        self.fold(event_type, moment, wanted);
        Ok(())
    }

    /// Takes one line in for the clinic's own history alone. False if it is of no figure of it.
    pub fn take_own(&mut self, raw: Raw<'_>, since: i64, now: i64) -> Result<bool, Refusal> {
        let nobody = Window { granted: i64::MAX, now };
        let nothing = Wanted { usage: false, open: false };
        let before = std::mem::take(&mut self.own);
        let taken = self.take_both(raw, nobody, nothing, Some(since));
        let noted = std::mem::replace(&mut self.own, before);
        let is_noted = !noted.is_empty();
        self.own.absorb(noted);
        match taken {
            Err(refusal) if refusal.reason != Reason::BeforeGrant => Err(refusal),
            _ => Ok(is_noted),
        }
    }

    /// Puts back what [`Self::own`] handed on.
    pub fn put_back(&mut self, own: Days) {
        self.own = own;
    }

    /// Hands on what was taken for the clinic's own history so far.
    pub fn own(&mut self) -> Days {
        std::mem::take(&mut self.own)
    }

    /// What happened and when: the two reserved keys.
    fn subject(&self, pairs: &Pairs<'_>) -> Result<(&'static EventType, Moment), Reason> {
        let event_type = self.event_types.get(one_text(pairs, "event")?).ok_or(Reason::UnknownEvent)?;
        let moment = Moment::parse(one_text(pairs, "at")?)?;
        Ok((event_type, moment))
    }

    /// Every attribute known, present unless optional, once, of its type, in its range.
    fn check(&mut self, event_type: &EventType, pairs: &Pairs<'_>) -> Result<(), Reason> {
        self.values.clear();
        self.values.resize(event_type.attributes.len(), None);
        for (key, value) in pairs.iter().filter(|(key, _)| key != "event" && key != "at") {
            let position = event_type.position(key).ok_or(Reason::UnknownAttribute)?;
            let kind = &event_type.attributes[position].kind;
            let value = match value {
                Scalar::Text(text) => kind.check_text(text)?,
                Scalar::Number(number) => kind.check_number(*number)?,
                Scalar::Other => return Err(Reason::BadType),
            };
            if self.values[position].replace(value).is_some() {
                return Err(Reason::RepeatedAttribute);
            }
        }
        let missing = |(attribute, value): (&protocol::catalog::Attribute, &Option<u64>)| {
            value.is_none() && !attribute.optional
        };
        if event_type.attributes.iter().zip(&self.values).any(missing) {
            return Err(Reason::MissingAttribute);
        }
        Ok(())
    }

    fn fold(&mut self, event_type: &'static EventType, moment: Moment, wanted: Wanted) {
        let (events, journals, row) = (&mut self.events, &mut self.journals, &mut self.row);
        let (mut touched, day) = ([None; 4], Granularity::Day.period(moment));
        event_type.feeds(&self.values, &mut |contribution: Contribution<'_>| {
            let Contribution { entry, attributes, what } = &contribution;
            if entry.last_day < day {
                return;
            }
            let at = || entry.granularity.period(moment);
            if *what == Observe::Event {
                if wanted.usage {
                    let (at, attributes) = (at(), attributes.to_vec());
                    events.push(Record { entry: entry.number, at, attributes, value: Value::Plain });
                }
                return;
            }
            if wanted.open {
                let keys = |(value, attribute): (&u64, &protocol::catalog::Attribute)| {
                    if *what != Observe::State || attribute.key { *value } else { 0 }
                };
                row.entry = entry.number;
                row.attributes.clear();
                row.attributes.extend(attributes.iter().zip(&entry.attributes).map(keys));
                let period = *touched[entry.granularity as usize]
                    .get_or_insert_with(|| Period { granularity: entry.granularity, at: at() });
                let journal = journals.entry(period).or_insert_with(|| Journal::new(period));
                journal.observe(row, &contribution, moment.utc);
            }
        });
        for period in touched.into_iter().flatten() {
            if let Some(journal) = journals.get_mut(&period) {
                journal.events = journal.events.saturating_add(1);
            }
        }
    }

    /// Forgets what could not be kept; its source is read again.
    pub fn clear(&mut self) {
        self.events.clear();
        self.journals.clear();
        self.own = Days::default();
    }

    /// Hands on the events taken so far, numbered from `position` on, in batches that fit a sealed record.
    pub fn events(&mut self, header: &Header, position: Position) -> Batches {
        batches(std::mem::take(&mut self.events), header, position, self.catalog)
    }

    /// Hands on the journal taken so far, in pieces that fit a sealed record.
    pub fn journals(&mut self) -> Vec<Clean<Journal>> {
        std::mem::take(&mut self.journals)
            .into_values()
            .flat_map(|journal| journal.split(limits::SEALED_CONTENT))
            .map(Clean::new)
            .collect()
    }
}

type Pairs<'a> = [(std::borrow::Cow<'a, str>, Scalar<'a>)];

/// The one text under a reserved key.
fn one_text<'a>(pairs: &'a Pairs<'_>, key: &str) -> Result<&'a str, Reason> {
    let mut found = pairs.iter().filter(|(name, _)| name == key);
    match (found.next(), found.next()) {
        (None, _) => Err(Reason::MissingAttribute),
        (Some(_), Some(_)) => Err(Reason::RepeatedAttribute),
        (Some((_, Scalar::Text(text))), None) => Ok(text),
        (Some(_), None) => Err(Reason::BadType),
    }
}

#[cfg(test)]
mod tests;

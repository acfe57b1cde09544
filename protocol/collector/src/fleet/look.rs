//! A look at the store: what the page and the metrics are made of, taken anew when it is older than half a minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::errors::Errors;
use super::{Bundles, Device, Fleet, Request, Standing};
use crate::failure::Failure;
use crate::store::{self, Seen, Store};

/// A scraper and a page that is loaded again share one look.
const FRESH: Duration = Duration::from_secs(30);

/// The newest look, and what is counted from one to the next.
#[derive(Default)]
pub(crate) struct Glance(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    newest: Option<(Instant, Arc<Fleet>)>,
    errors: Errors,
}

impl Glance {
    /// The newest look, or one that is taken now. It reads the disk.
    pub(crate) fn at(&self, store: &Store, now: Instant) -> Result<Arc<Fleet>, Failure> {
        // Held while one looks: the others wait for it instead of looking too.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((taken, fleet)) = &kept.newest
            && now.saturating_duration_since(*taken) < FRESH
        {
            return Ok(fleet.clone());
        }
        let mut fleet = look(store)?;
        fleet.errors = kept.errors.look(store, OffsetDateTime::now_utc())?;
        let fleet = Arc::new(fleet);
        kept.newest = Some((now, fleet.clone()));
        Ok(fleet)
    }
}

fn look(store: &Store) -> Result<Fleet, Failure> {
    let mut fleet = Fleet::default();
    let mut damaged = Vec::new();
    devices(store, |device| {
        match device {
            Ok(device) => fleet.devices.push(device),
            Err(failure) => damaged.push(failure.to_string()),
        }
        Ok(())
    })?;
    store.requests(|kept| {
        match kept {
            Ok(kept) if kept.due.is_some() => fleet.requests.push(Request {
                due: kept.due.map_or(store::time(kept.received), store::time),
                ticket: kept.ticket.to_string(),
                device: kept.ticket.device,
                kind: kept.kind.as_str(),
                received: rfc3339(&kept.received_at),
            }),
            Ok(_) => {}
            Err(failure) => damaged.push(failure.to_string()),
        }
        Ok(())
    })?;
    store.bundles(|bundle| {
        match bundle {
            Ok((_, filed, _)) => {
                let of: &mut Bundles = fleet.bundles.entry(filed.case).or_default();
                of.count += 1;
                of.bytes = of.bytes.saturating_add(filed.size);
                of.last = of.last.max(Some(rfc3339(&filed.received_at)));
                fleet.bytes.bundles = fleet.bytes.bundles.saturating_add(filed.size);
            }
            Err(failure) => damaged.push(failure.to_string()),
        }
        Ok(())
    })?;
    fleet.bytes.log = store.log_bytes()?;
    fleet.bytes.database = store.database_bytes()?;
    fleet.last_backup = store.last_backup()?;
    fleet.last_verification = store.verified()?.map(store::time);
    fleet.last_retention = store.retained()?.map(store::time);
    fleet.damaged = damaged;
    Ok(fleet)
}

/// Hands `each` every device; a damaged one as its sentence.
pub(crate) fn devices(
    store: &Store,
    mut each: impl FnMut(Result<Device, Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    store.devices(|seen| each(seen.map(device)))
}

fn device(seen: Seen) -> Device {
    let streams = || seen.streams.values();
    Device {
        id: seen.device.id,
        standing: match seen.device.standing {
            store::Standing::Revoked => Standing::Revoked,
            store::Standing::Retired => Standing::Retired,
            store::Standing::Active => Standing::Active,
            store::Standing::Unknown => Standing::Unknown,
        },
        last_contact: store::time(seen.device.seen),
        held: streams().map(|count| count.held).fold(0, u64::saturating_add),
        lost: streams().map(|count| count.lost).fold(0, u64::saturating_add),
        missing: streams().map(|count| count.missing).fold(0, u64::saturating_add),
        fork: seen.is_fork,
        label: seen.label,
        agent: seen.device.agent,
    }
}

fn rfc3339(text: &str) -> OffsetDateTime {
    // The store wrote it.
    OffsetDateTime::parse(text, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

//! Enrolment: one-time tokens, renewal, revocation.

use crate::store::engine::{Connection, OptionalRow, Row};
use data_encoding::BASE64URL_NOPAD;
use protocol::{DeviceId, Digest, Invitation};
use ring::rand::{SecureRandom, SystemRandom};
use time::{Duration, OffsetDateTime};

use super::audit::{self, Deed, Note};
use super::device::{self, Device};
use super::rows::{micros, time};
use super::tx::{self, Tx};
use super::{invitations, labels};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::replay::Entry;
use crate::store::rules::decide::Standing;
use crate::store::rules::retention::DAY;

/// How long a token can be used.
const LIFE: Duration = Duration::DAY;

/// What became of a token that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// It is used now; nobody else can use it, also after a power cut.
    Now,
    /// It was used before by the device with the same key, whose answer may have been lost: when.
    Again(OffsetDateTime),
    /// It was used before.
    Before,
    /// Never made, or too old.
    Never,
}

/// What every answer to a device rests on and carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    /// Whether it may come.
    pub(crate) standing: Standing,
    /// The newest ledger entry that is known of it.
    pub(crate) head: Option<(u64, Digest)>,
    /// The bundles that are asked of it.
    pub(crate) invitations: Vec<Invitation>,
    /// When it came first.
    pub(crate) enrolled: i64,
    /// Lines of the audit.
    pub(crate) audits: i64,
}

impl Store {
    /// Makes a token and returns it; it can't be shown again. Its label becomes that of the device that uses it.
    pub(crate) fn make_token(&self, label: Option<&str>, now: OffsetDateTime) -> Result<String, Failure> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| Failure::new("the system gives no random numbers; no token was made"))?;
        let token = BASE64URL_NOPAD.encode(&secret);
        let hash = Digest::of(token.as_bytes());
        let label = label.map(labels::read).transpose()?;
        let (made, until) = (micros(now), micros(now + LIFE));
        self.write(false, move |tx| {
            tx.at(made);
            // Tokens are good for a day, so those of the day before yesterday say nothing any more.
            tx.remove("DELETE FROM token WHERE until < ?1", [made.saturating_sub(until - made)])?;
            let params = (hash.to_bytes(), made, until, label.as_deref());
            tx.put("INSERT INTO token(hash, made, until, label) VALUES(?1, ?2, ?3, ?4)", params, hash)
        })?;
        Ok(token)
    }

    /// Whether the device of `public_key` could use a token now.
    pub(crate) fn look_at_token(
        &self,
        token: &str,
        public_key: &[u8],
        now: OffsetDateTime,
    ) -> Result<Redeemed, Failure> {
        let hash = Digest::of(token.as_bytes());
        self.read(|sql| Ok(token_state(sql, hash, public_key, micros(now))?.0))
    }

    /// Uses a token up for the device of `public_key`, which is enrolled from now on.
    pub(crate) fn enrol(
        &self,
        token: &str,
        public_key: &[u8],
        not_after: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Redeemed, Failure> {
        let hash = Digest::of(token.as_bytes());
        let (key, not_after, now) = (public_key.to_owned(), micros(not_after), micros(now));
        self.write(false, move |tx| {
            let (state, label) = token_state(tx, hash, &key, now)?;
            if state != Redeemed::Now {
                return Ok(state);
            }
            tx.put("UPDATE token SET used = ?2 WHERE hash = ?1", (hash.to_bytes(), now), hash)?;
            let device = certified(tx, &key, not_after, now)?;
            if let Some(label) = label {
                labels::put(tx, device.no, &label)?;
            }
            Ok(state)
        })
    }

    /// Remembers a new certificate for the device of `public_key`.
    pub(crate) fn renew(
        &self,
        public_key: &[u8],
        not_after: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let (key, not_after, now) = (public_key.to_owned(), micros(not_after), micros(now));
        self.write(false, move |tx| certified(tx, &key, not_after, now).map(drop))
    }

    /// Whether a device may come at this moment, and what its answer carries.
    pub(crate) fn visit(&self, device: DeviceId, now: OffsetDateTime) -> Result<Visit, Failure> {
        self.read(|sql| {
            let Some(device) = device::find(sql, device)? else {
                let (standing, head, invitations) = (Standing::Unknown, None, Vec::new());
                return Ok(Visit { standing, head, invitations, enrolled: 0, audits: 0 });
            };
            let invitations = invitations::of(sql, device.no, micros(now))?;
            let (standing, head, enrolled) = (device.standing, device.head, device.enrolled);
            let audits = tx::state(sql)?.audits;
            Ok(Visit { standing, head, invitations, enrolled, audits })
        })
    }

    /// The row of a device, if it was ever enrolled.
    pub(crate) fn device(&self, device: DeviceId) -> Result<Option<Device>, Failure> {
        self.read(|sql| device::find(sql, device))
    }

    /// Refuses a device from its next request on.
    pub(crate) fn revoke(&self, device: DeviceId, now: OffsetDateTime) -> Result<(), Failure> {
        let now = micros(now);
        self.write(true, move |tx| {
            let mut device = device::enrolled(tx, device)?;
            if device.standing != Standing::Revoked {
                device.standing = Standing::Revoked;
                device::save(tx, &mut device)?;
                tx.again(&Entry::Revoked { device: device.id, at: now })?;
                audit::add(tx, Note { device: Some(device.id), ..Note::new(Deed::Revoke, 1) }, now)?;
            }
            tx.truncate_after();
            Ok(())
        })
    }
}

impl Store {
    /// Takes no more data from a device, as after its owner's decommissioning; it still hears of its requests. The periods
    /// that begin when a device is taken out of use begin now, also of one that was revoked or never enrolled.
    pub(crate) fn retire(&self, device: DeviceId, why: &str, now: OffsetDateTime) -> Result<(), Failure> {
        let (now, why) = (micros(now), why.to_owned());
        self.write(true, move |tx| {
            let mut device = device::enrolled(tx, device)?;
            if device.retired.is_none() {
                device.retired = Some(now);
                if device.standing != Standing::Revoked {
                    device.standing = Standing::Retired;
                }
                device::save(tx, &mut device)?;
                tx.again(&Entry::Retired { device: device.id, why: why.clone(), at: now })?;
                let note =
                    Note { device: Some(device.id), why: Some(why.clone()), ..Note::new(Deed::Retire, 1) };
                audit::add(tx, note, now)?;
            }
            tx.truncate_after();
            Ok(())
        })
    }
}

/// What a token is worth, and the label that it carries.
fn token_state(
    sql: &Connection,
    hash: Digest,
    key: &[u8],
    now: i64,
) -> Result<(Redeemed, Option<String>), Failure> {
    let statement = "SELECT used, until, label FROM token WHERE hash = ?1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = sql.prepare_cached(statement)?.query_row([hash.to_bytes()], read).optional()?;
    let found: Option<(Option<i64>, i64, Option<String>)> = found;
    Ok(match found {
        None => (Redeemed::Never, None),
        Some((Some(used), until, _)) if until > now && is_of(sql, key, used)? => {
            (Redeemed::Again(time(used)), None)
        }
        Some((Some(_), ..)) => (Redeemed::Before, None),
        Some((None, until, _)) if until <= now => (Redeemed::Never, None),
        // Made by a clock that was ahead: it would be good for years.
        Some((None, until, _)) if until - now > 2 * DAY => (Redeemed::Never, None),
        Some((None, _, label)) => (Redeemed::Now, label),
    })
}

/// Whether the token that was `used` then enrolled the device of `key`: one transaction wrote both times. A device
/// that enrolled before, and was seen since, can no longer be distinguished from others.
fn is_of(sql: &Connection, key: &[u8], used: i64) -> Result<bool, Failure> {
    let found = device::find(sql, DeviceId::of_public_key(key))?;
    Ok(found.is_some_and(|device| device.key == key && (device.enrolled == used || device.seen == used)))
}

fn certified(tx: &Tx<'_>, key: &[u8], not_after: i64, now: i64) -> Result<Device, Failure> {
    let id = DeviceId::of_public_key(key);
    let found = match device::find(tx, id)? {
        None => device::find_in_table(tx, id)?,
        found => found,
    };
    let mut device = found.unwrap_or_else(|| Device::new(key, now));
    if device.standing == Standing::Unknown {
        // Until now only what came on a stick was known of it.
        (device.standing, device.enrolled) = (Standing::Active, now);
    }
    device.not_after = not_after;
    device.seen = device.seen.max(now);
    device::save(tx, &mut device)?;
    tx.at(now);
    Ok(device)
}

//! The certificate's life: renewed at two thirds of it, and, after months without, once it has ended. Nobody is asked,
//! because the device's key stays the same; nothing leaves for it unless something else may leave.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::{info, warn};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::cx::Cx;
use super::super::health::{Cause, Subject};
use super::{About, Transfer, Uplink, connection};
use crate::config::Config;
use crate::ship::enrol::{self, EnrolError};
use crate::ship::exchange::Outcome;
use crate::texts::Text;
use crate::{durable, limits, presence};

/// How long the certificate holds, both in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    from: i64,
    until: i64,
}

impl Life {
    /// From when it was given until `not_after` (RFC 3339).
    fn new(from: i64, not_after: &str) -> Option<Self> {
        let until = OffsetDateTime::parse(not_after, &Rfc3339).ok()?.unix_timestamp();
        Some(Self { from, until })
    }

    /// What was kept beside the certificate; none if it is not known, and then it is renewed when it is refused.
    ///
    /// # Errors
    /// It cannot be read now.
    pub(super) fn read(config: &Config) -> io::Result<Option<Self>> {
        Ok(certificate_life(&config.data_dir)?.map(|(from, until)| Self { from, until }))
    }

    /// Keeps it, beside the certificate that was given at `from`.
    pub(super) fn keep(config: &Config, from: i64, not_after: &str) -> io::Result<()> {
        let Some(life) = Self::new(from, not_after) else { return Ok(()) };
        durable::replace(&path(&config.data_dir), format!("{} {}\n", life.from, life.until).as_bytes())
    }

    pub(super) fn has_ended(self, now: i64) -> bool {
        now >= self.until
    }

    /// Whether two thirds are over. A clock from before it was given tells nothing.
    fn wants_renewal(self, now: i64) -> bool {
        now >= self.from.saturating_add(self.until.saturating_sub(self.from) / 3 * 2)
    }
}

/// How long the device's certificate holds.
#[derive(Clone, Copy)]
pub(super) enum Certificate {
    /// It is not known: renewed when it is refused.
    Unknown,
    Valid(Life),
    /// It is over and not shown: nothing goes before its renewal.
    Ended(Life),
}

impl Certificate {
    pub(super) fn has_ended(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    pub(super) fn life(self) -> Option<Life> {
        match self {
            Self::Unknown => None,
            Self::Valid(life) | Self::Ended(life) => Some(life),
        }
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("certificate.life")
}

/// From when and until when the certificate below `data_dir` holds, in seconds since 1970; none if that is not known.
///
/// # Errors
/// It cannot be read now, or not by this account.
pub fn certificate_life(data_dir: &Path) -> io::Result<Option<(i64, i64)>> {
    // A line that was cut names an end that nobody gave.
    let life = |text: String| {
        let (from, until) = text.strip_suffix('\n')?.split_once(' ')?;
        Some((from.parse().ok()?, until.parse().ok()?))
    };
    Ok(presence::read_text(&path(data_dir))?.found().flatten().and_then(life))
}

impl Uplink {
    /// The renewal, if it is due, something may leave, and the last try is long enough ago.
    pub(in crate::agent) fn next_renewal(&mut self, cx: &Cx<'_>, request_waits: bool) -> Option<Transfer> {
        let life = self.certificate.life().filter(|life| life.wants_renewal(cx.now))?;
        if !(cx.may_send() || request_waits && life.has_ended(cx.now)) {
            return None;
        }
        if let Some(again) = self.renew_again.filter(|again| *again > cx.elapsed) {
            self.due_at(again);
            return None;
        }
        let key = cx.vault.device_key();
        let exchange = enrol::renew(key.public_key(), |text| key.sign(text)).ok()?;
        Some(Transfer { exchange, about: About::Renewal })
    }

    /// Uses the new certificate, or keeps the old one and tries again later.
    pub(in crate::agent) fn renewed(&mut self, cx: &mut Cx<'_>, outcome: Outcome) {
        let key = cx.vault.device_key();
        let renewed = presence::given(&cx.config.collector.ca)
            .map_err(|_| EnrolError::NotTrusted)
            .and_then(|ca| enrol::enrolled(outcome, key.id(), key.pkcs8(), &ca, cx.now.unsigned_abs()));
        let kept = renewed.map_err(|e| e.as_renewal()).and_then(|(identity, reply)| {
            connection::keep(cx.config, &identity, &reply.not_after, cx.now)
                .map_err(|e| Cause::NotSaved { why: e.kind() }.said())
        });
        match kept {
            Ok(()) => {
                info!("the certificate was renewed");
                if let Err(e) = self.connect(cx) {
                    cx.trouble(Subject::Connection, &e.into());
                }
            }
            Err(why) => {
                let what = Cause::NotRenewed { why };
                warn!("{what}");
                cx.raise(Subject::Certificate, &what);
                let jitter = Duration::from_secs(cx.jitter() % limits::RENEW_AGAIN.as_secs());
                self.renew_again = Some(cx.elapsed + limits::RENEW_AGAIN + jitter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_life_and_after_its_end() {
        let life = Life::new(0, "1970-04-01T00:00:00Z").unwrap();
        assert_eq!(life, Life { from: 0, until: 90 * DAY });
        assert!(!life.wants_renewal(60 * DAY - 1) && life.wants_renewal(60 * DAY));
        assert!(!life.has_ended(90 * DAY - 1) && life.has_ended(90 * DAY));
        assert!(life.wants_renewal(400 * DAY));
        assert_eq!(Life::new(0, "soon"), None);
    }

    #[test]
    fn it_is_kept_beside_the_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        assert_eq!(Life::read(&config).unwrap(), None);
        Life::keep(&config, 5, "1970-01-01T00:00:09Z").unwrap();
        assert_eq!(Life::read(&config).unwrap(), Some(Life { from: 5, until: 9 }));
        let whole = std::fs::read(path(dir.path())).unwrap();
        for end in 0..whole.len() {
            std::fs::write(path(dir.path()), &whole[..end]).unwrap();
            assert_eq!(Life::read(&config).unwrap(), None, "cut at {end}");
        }
        std::fs::write(path(dir.path()), "five nine\n").unwrap();
        assert_eq!(Life::read(&config).unwrap(), None, "damaged");
    }
}

//! The collector without sockets and without a clock of its own: the same routes, rules and store, one question at a
//! time, at the time that it is given. `tests/simulation` joins it with agents in one process.

mod bundles;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use protocol::{Batch, DeviceId, Digest, Epoch, Purpose, Record};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

pub use bundles::Bundle;

use crate::answering;
use crate::erasure::{self, Run};
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::news::News;
use crate::pki::{Authority, Shown};
use crate::routes::{self, Clock, Collector, Peer, Turns, Watch};
use crate::serve::admission::Admission;
use crate::store::keystore::places::{self, Settings};
use crate::store::place::Place;
use crate::store::rules::consent::{self, Line};
use crate::store::{Restricted, Store, Stored, Wanted, backup, time};
use crate::{export, init};

/// Bytes of the longest answer.
const ANSWER: usize = 1 << 20;
/// Microseconds.
const SECOND: i64 = 1_000_000;

/// A collector in this process. Only one may have a data directory open.
pub struct InProcess {
    runtime: Runtime,
    router: Router,
    store: Arc<Store>,
    clock: Arc<AtomicI64>,
}

/// What a device asks.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The client certificate that it shows, PEM.
    pub chain_pem: Option<&'a [u8]>,
    /// The HTTP method.
    pub method: &'a str,
    /// From `/v1` on.
    pub path: &'a str,
    /// Names in lower case, and values.
    pub headers: Vec<(&'a str, &'a str)>,
    /// What is sent.
    pub body: Vec<u8>,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// What is sent back.
    pub body: Vec<u8>,
}

/// One record as a reader of the export gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Whose.
    pub device: DeviceId,
    /// What for.
    pub purpose: Purpose,
    /// Of which store of the device.
    pub epoch: Epoch,
    /// Its number there.
    pub seq: u64,
    /// When it came, seconds since 1970.
    pub received: i64,
    /// What it says.
    pub record: Record,
}

impl InProcess {
    /// Makes a new data directory: keys, authority, an empty store. The private key of bundles goes beside it.
    ///
    /// # Errors
    /// What cannot be written, in a sentence.
    pub fn create(data: &Path, now: i64) -> Result<(), String> {
        init::make(data, &[], None, None, at(now)).map(drop).map_err(said)
    }

    /// Opens a data directory.
    ///
    /// # Errors
    /// Why it cannot be served, in a sentence.
    pub fn open(data: &Path, now: i64) -> Result<Self, String> {
        let store = Arc::new(Store::open(data, &Place::Embedded, &Settings::default()).map_err(said)?);
        let clock = Arc::new(AtomicI64::new(now.saturating_mul(1_000_000)));
        let collector = Arc::new(Collector {
            news: News::of(&store).map_err(said)?,
            store: store.clone(),
            authority: Authority::read(data).map_err(said)?,
            turns: Turns::default(),
            completions: routes::completions(),
            clock: Clock::Set(clock.clone()),
            residency: "EEA".to_owned(),
        });
        let metrics = Arc::new(Metrics::new(store.times()));
        let router = routes::router(collector, Watch { admission: Admission::new(), metrics, access: None });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {}", error.kind()))?;
        Ok(Self { runtime, router, store, clock })
    }

    /// It is `now`, seconds since 1970. Within one second each question comes a microsecond after the one before.
    pub fn set_time(&self, now: i64) {
        if self.clock.load(Ordering::Acquire).div_euclid(SECOND) != now {
            self.clock.store(now.saturating_mul(SECOND), Ordering::Release);
        }
    }

    fn now(&self) -> OffsetDateTime {
        time(self.clock.load(Ordering::Acquire))
    }

    /// Answers a device. None if TLS would refuse the certificate that it shows.
    ///
    /// # Errors
    /// The question is none of HTTP.
    pub fn ask(&self, question: Question<'_>) -> Result<Option<Answer>, String> {
        self.clock.fetch_add(1, Ordering::AcqRel);
        let peer = match question.chain_pem {
            None => Peer::STRANGER,
            Some(pem) => {
                let leaf = CertificateDer::pem_slice_iter(pem).next().and_then(Result::ok);
                let Some(shown) = leaf.as_ref().and_then(Shown::read) else { return Ok(None) };
                let peer = Peer::at(shown, self.now());
                if peer == Peer::STRANGER {
                    return Ok(None);
                }
                peer
            }
        };
        let method = Method::from_bytes(question.method.as_bytes()).map_err(|_| "no method".to_owned())?;
        let mut request = Request::builder().method(method).uri(question.path).extension(peer);
        for (name, value) in question.headers {
            request = request.header(name, value);
        }
        let request = request.header("content-length", question.body.len());
        let request = request.body(Body::from(question.body)).map_err(|_| "no request".to_owned())?;
        let router = TowerToHyperService::new(self.router.clone());
        self.runtime.block_on(async move {
            let Ok(response) = router.call(request).await;
            let headers = response.headers().iter();
            let headers = headers.map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            let (status, headers) = (response.status().as_u16(), headers.collect());
            let body = to_bytes(response.into_body(), ANSWER).await.map_err(|_| "no body".to_owned())?;
            Ok(Some(Answer { status, headers, body: body.to_vec() }))
        })
    }

    /// A one-time enrolment token.
    ///
    /// # Errors
    /// The store failed, in a sentence.
    pub fn token(&self) -> Result<String, String> {
        self.store.make_token(None, self.now()).map_err(said)
    }

    /// What the collector does once a day: erasures that cannot be taken back any more, then retention. Where retention
    /// asks for a confirmation, the operator has looked and gives it.
    ///
    /// # Errors
    /// What failed, in a sentence.
    pub fn upkeep(&self) -> Result<(), String> {
        let now = self.now();
        self.store.sweep(now).map_err(said)?;
        erasure::carry_out_due(&self.store, now, |_| Ok(())).map_err(said)?;
        answering::answer_due(&self.store, now).map_err(said)?;
        erasure::retention(&self.store, Run::Careful, now, |_| Ok(()))
            .or_else(|_| erasure::retention(&self.store, Run::Confirmed, now, |_| Ok(())))
            .map_err(said)
    }

    /// Erases the usage statistics that a device sent until then, as the operator's `erase` does.
    ///
    /// # Errors
    /// What failed, in a sentence.
    pub fn erase(&self, device: DeviceId, until: i64) -> Result<(), String> {
        let (purposes, until) = ([Purpose::UsageStatistics], until.saturating_mul(1_000_000));
        erasure::erase(&self.store, device, &purposes, None, until, self.now(), |_| Ok(())).map_err(said)
    }

    /// Every finding of `verify`.
    ///
    /// # Errors
    /// It could not be read to its end, in a sentence.
    pub fn verify(&self) -> Result<Vec<String>, String> {
        let mut findings = Vec::new();
        let found = self.store.verify(self.now(), |finding| {
            findings.push(finding.what);
            Ok(())
        });
        found.map_err(said)?;
        Ok(findings)
    }

    /// Writes a backup to a new directory.
    ///
    /// # Errors
    /// What cannot be written, in a sentence.
    pub fn backup(&self, to: &Path) -> Result<(), String> {
        backup::write(&self.store, to, self.now()).map(drop).map_err(said)
    }

    /// Makes a new data directory of a backup, with the key store of the data directory of before.
    ///
    /// # Errors
    /// What cannot be read or written, in a sentence.
    pub fn restore(from: &Path, before: &Path, data: &Path, now: i64) -> Result<(), String> {
        let (keys, seal_key) = (before.join("keys"), places::beside(before));
        let beside = backup::Beside { keys: Some(&keys), seal_key: Some(&seal_key), is_without_log: false };
        backup::restore(from, data, &Settings::default(), beside, at(now)).map(drop).map_err(said)
    }

    /// What a reader of the export gets, in the order it came.
    ///
    /// # Errors
    /// What cannot be read, in a sentence.
    pub fn exported(&self) -> Result<Vec<Exported>, String> {
        Ok(self.records(Restricted::LeftOut, 0)?.0)
    }

    /// What is held, also what no reader gets; of what came after a place, and the last place of now.
    ///
    /// # Errors
    /// What cannot be read, in a sentence.
    pub fn held(&self, after: i64) -> Result<(Vec<Exported>, i64), String> {
        self.records(Restricted::Included, after)
    }

    fn records(&self, restricted: Restricted, after: i64) -> Result<(Vec<Exported>, i64), String> {
        let mut out = Vec::new();
        let looked = self.store.envelopes(Wanted { restricted, after, ..Wanted::default() }, |stored| {
            let stored = stored?;
            for &(lo, hi) in &stored.fresh {
                let records = export::records_of(&stored.batch, lo, hi);
                out.extend(records.map(|(seq, record)| of(&stored, &stored.batch, seq, record)));
            }
            Ok(())
        });
        Ok((out, looked.map_err(said)?.last))
    }

    /// The grants of usage statistics of a device under which its batches are taken.
    ///
    /// # Errors
    /// What cannot be read, in a sentence.
    pub fn standing_grants(&self, device: DeviceId) -> Result<Vec<Digest>, String> {
        let lines = self.store.ledger(device).map_err(said)?;
        let stands = |line: &&Line| consent::allows(&lines, line.hash, Purpose::UsageStatistics).is_ok();
        Ok(lines.iter().filter(stands).map(|line| line.hash).collect())
    }
}

fn of(stored: &Stored, batch: &Batch, seq: u64, record: &Record) -> Exported {
    Exported {
        device: stored.device,
        purpose: batch.header.purpose,
        epoch: batch.epoch,
        seq,
        received: stored.received.div_euclid(1_000_000),
        record: record.clone(),
    }
}

fn at(now: i64) -> OffsetDateTime {
    time(now.saturating_mul(1_000_000))
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn said(failure: Failure) -> String {
    failure.to_string()
}

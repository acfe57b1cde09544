//! Metrics of the collector, as OpenMetrics. No label names a device, a case or an address.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use time::OffsetDateTime;

use crate::fleet::Fleet;
use crate::fleet::gauges::Gauges;

/// The media type of the answer to `/metrics`.
pub(crate) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How a TLS handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// With a device's certificate.
    Device,
    /// Without a certificate: somebody who enrols.
    Stranger,
    /// Not TLS 1.3, or a certificate that is not of this authority, or has ended.
    Failed,
    /// Not within the time there is.
    TimedOut,
    /// The connection was the oldest, and a newer one needed its place.
    Displaced,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// Stored.
    Stored,
    /// All of it was held already.
    Held,
    /// Refused, or the store failed.
    Refused,
}

impl Handshake {
    fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Stranger => "stranger",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Displaced => "made_room",
        }
    }
}

impl Batch {
    fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Held => "held",
            Self::Refused => "refused",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// Of seconds.
type Latencies = Family<Route, Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kept {
    durability: &'static str,
}

/// How a cluster keeps what it acknowledges, at the moment of the question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClusterNow {
    /// What the configuration demands.
    pub(crate) durability: &'static str,
    /// Whether that is so; otherwise nothing is acknowledged.
    pub(crate) is_met: bool,
    /// Replicas that confirm each commit.
    pub(crate) replicas: i64,
}

/// How long the store takes; it measures itself.
#[derive(Clone)]
pub(crate) struct StoreTimes(Family<Operation, Histogram, fn() -> Histogram>);

impl Default for StoreTimes {
    fn default() -> Self {
        Self(Family::new_with_constructor(histogram))
    }
}

impl StoreTimes {
    /// One transaction of all that waited, with its sync.
    pub(crate) fn committed(&self, took: Duration) {
        self.0.get_or_create(&Operation { operation: "commit" }).observe(took.as_secs_f64());
    }

    /// One moment that was looked at.
    pub(crate) fn read(&self, took: Duration) {
        self.0.get_or_create(&Operation { operation: "read" }).observe(took.as_secs_f64());
    }
}

/// Every counter, and the registry that prints them.
pub(crate) struct Metrics {
    registry: Registry,
    handshakes: Family<Outcome, Counter>,
    displaced: Counter,
    turned_away: Counter,
    accept_failures: Counter,
    connections: Family<Kind, Gauge>,
    requests: Family<Answered, Counter>,
    latencies: Latencies,
    batches: Family<Outcome, Counter>,
    records: Counter,
    in_flight: Gauge,
    certificate_end: Gauge,
    descriptors: Gauge,
    access_lines_lost: Counter,
    kept: Family<Kept, Gauge>,
    replicas: Gauge,
    fleet: Gauges,
}

impl Metrics {
    /// With the times of the store.
    pub(crate) fn new(store: &StoreTimes) -> Self {
        let latencies: Latencies = Family::new_with_constructor(histogram);
        let mut metrics = Self {
            registry: Registry::with_prefix("kathea_collector"),
            handshakes: Family::default(),
            displaced: Counter::default(),
            turned_away: Counter::default(),
            accept_failures: Counter::default(),
            connections: Family::default(),
            requests: Family::default(),
            latencies,
            batches: Family::default(),
            records: Counter::default(),
            in_flight: Gauge::default(),
            certificate_end: Gauge::default(),
            descriptors: Gauge::default(),
            access_lines_lost: Counter::default(),
            kept: Family::default(),
            replicas: Gauge::default(),
            fleet: Gauges::default(),
        };
        metrics.register();
        metrics.registry.register_with_unit(
            "store_duration",
            "Transactions of the store by what they do",
            Unit::Seconds,
            store.0.clone(),
        );
        metrics.fleet.register(&mut metrics.registry);
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("handshakes", "TLS handshakes by their end", self.handshakes.clone());
        registry.register(
            "connections_closed_for_room",
            "Idle connections closed because a newer one needed the place",
            self.displaced.clone(),
        );
        registry.register(
            "connections_turned_away",
            "New connections closed at once because every place was at work",
            self.turned_away.clone(),
        );
        registry.register(
            "accept_failures",
            "Connections that the system could not give, for want of descriptors",
            self.accept_failures.clone(),
        );
        registry.register("connections", "Open connections by who holds them", self.connections.clone());
        registry.register("requests", "Answered requests by route and status", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "From a request's head to its answer, its body included",
            Unit::Seconds,
            self.latencies.clone(),
        );
        registry.register("requests_in_flight", "Requests being read or answered", self.in_flight.clone());
        registry.register("batches", "Batches by what became of them", self.batches.clone());
        registry.register("records", "Records of the batches that were stored", self.records.clone());
        registry.register_with_unit(
            "server_certificate_end_timestamp",
            "When the server's certificate ends, since 1970",
            Unit::Seconds,
            self.certificate_end.clone(),
        );
        registry.register(
            "descriptors_limit",
            "Files and sockets that may be open",
            self.descriptors.clone(),
        );
        registry.register(
            "access_log_lines_lost",
            "Lines of the access log that could not be written in time",
            self.access_lines_lost.clone(),
        );
    }

    /// Says of a store in PostgreSQL how it keeps what it acknowledges.
    pub(crate) fn show_cluster(&mut self) {
        self.registry.register(
            "store_acknowledges",
            "1 if the cluster keeps what it acknowledges as it is demanded; 0: nothing is acknowledged",
            self.kept.clone(),
        );
        self.registry.register(
            "store_replicas",
            "Synchronous replicas of the cluster that are there now",
            self.replicas.clone(),
        );
    }

    /// A TLS handshake ended.
    pub(crate) fn handshake(&self, how: Handshake) {
        self.handshakes.get_or_create(&Outcome { result: how.word() }).inc();
        if how == Handshake::Displaced {
            self.displaced();
        }
    }

    /// Counts an idle connection that was closed in favour of a new one.
    pub(crate) fn displaced(&self) {
        self.displaced.inc();
    }

    /// A new connection found no place.
    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// A connection could not be taken from the system.
    pub(crate) fn accept_failed(&self) {
        self.accept_failures.inc();
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.latencies.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { route, status }).inc();
    }

    /// A batch of so many records was answered.
    pub(crate) fn batch(&self, became: Batch, records: u64) {
        self.batches.get_or_create(&Outcome { result: became.word() }).inc();
        if became == Batch::Stored {
            self.records.inc_by(records);
        }
    }

    /// A line of the access log was lost.
    pub(crate) fn access_line_lost(&self) {
        self.access_lines_lost.inc();
    }

    /// The descriptors that the process may have.
    pub(crate) fn set_descriptors(&self, limit: u64) {
        self.descriptors.set(i64::try_from(limit).unwrap_or(i64::MAX));
    }

    /// What is measured at the moment of the question, and then everything.
    pub(crate) fn print(&self, now: Moment, fleet: Option<&Fleet>) -> Result<String, fmt::Error> {
        let set = |kind, count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.connections.get_or_create(&Kind { kind }).set(count);
        };
        set("stranger", now.strangers);
        set("device", now.devices);
        self.in_flight.set(i64::try_from(now.in_flight).unwrap_or(i64::MAX));
        self.certificate_end.set(now.certificate_end);
        if let Some(ClusterNow { durability, is_met, replicas }) = now.cluster {
            self.kept.get_or_create(&Kept { durability }).set(i64::from(is_met));
            self.replicas.set(replicas);
        }
        if let Some(fleet) = fleet {
            self.fleet.set(fleet, now.at);
        }
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// What is not counted but looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: OffsetDateTime,
    pub(crate) strangers: usize,
    pub(crate) devices: usize,
    pub(crate) in_flight: usize,
    pub(crate) certificate_end: i64,
    pub(crate) cluster: Option<ClusterNow>,
}

/// From 1 ms to 65 s.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 9))
}

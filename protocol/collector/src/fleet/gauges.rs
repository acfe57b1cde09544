//! Fleet metrics. Labels are words of closed lists.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use time::OffsetDateTime;

use super::Fleet;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStanding {
    standing: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Task {
    task: &'static str,
}

/// What is set anew at each question.
#[derive(Default)]
pub(crate) struct Gauges {
    devices: Family<OfStanding, Gauge>,
    silent: Gauge,
    missing: Gauge,
    forks: Gauge,
    requests: Gauge,
    overdue: Gauge,
    oldest_request: Gauge,
    bundles: Gauge,
    bundle_bytes: Gauge,
    database_bytes: Gauge,
    log_bytes: Gauge,
    damaged: Gauge,
    done: Family<Task, Gauge>,
}

impl Gauges {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let mut add = |name: &str, help: &str, gauge: &Gauge| registry.register(name, help, gauge.clone());
        add("devices_silent", "Active devices that sent nothing for 14 days", &self.silent);
        add(
            "records_missing",
            "Numbers below the highest held that are neither held nor declared lost",
            &self.missing,
        );
        add("devices_forked", "Devices of which two copies have written", &self.forks);
        add("privacy_requests_open", "Privacy requests that are not done", &self.requests);
        add(
            "privacy_requests_overdue",
            "Privacy requests that were to be answered before now",
            &self.overdue,
        );
        add("bundles", "Support bundles that are whole", &self.bundles);
        add("damaged_rows", "Rows of the store that could not be read for these figures", &self.damaged);
        let mut add = |name: &str, help: &str, unit: Unit, gauge: &Gauge| {
            registry.register_with_unit(name, help, unit, gauge.clone());
        };
        add(
            "privacy_request_oldest",
            "Age of the oldest open privacy request",
            Unit::Seconds,
            &self.oldest_request,
        );
        add("bundles_size", "Support bundles that are whole", Unit::Bytes, &self.bundle_bytes);
        add("database_size", "The database with its log", Unit::Bytes, &self.database_bytes);
        add("database_log_size", "The database's write-ahead log alone", Unit::Bytes, &self.log_bytes);
        registry.register("devices", "Devices that were ever enrolled, by standing", self.devices.clone());
        registry.register_with_unit(
            "task_done_timestamp",
            "When this was last done without a finding, since 1970; absent if never",
            Unit::Seconds,
            self.done.clone(),
        );
    }

    /// Sets everything.
    pub(crate) fn set(&self, fleet: &Fleet, now: OffsetDateTime) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let totals = fleet.totals(now);
        for (standing, count) in
            [("active", totals.active), ("revoked", totals.revoked), ("retired", totals.retired)]
        {
            self.devices.get_or_create(&OfStanding { standing }).set(number(count));
        }
        self.silent.set(number(totals.silent));
        self.missing.set(number(totals.missing));
        self.forks.set(number(totals.forks));
        self.requests.set(number(fleet.requests.len() as u64));
        self.overdue.set(number(fleet.requests.iter().filter(|request| request.due < now).count() as u64));
        self.oldest_request.set(fleet.oldest_request(now));
        self.bundles.set(number(fleet.bundles.values().map(|bundles| bundles.count).sum()));
        self.bundle_bytes.set(number(fleet.bytes.bundles));
        self.database_bytes.set(number(fleet.bytes.database));
        self.log_bytes.set(number(fleet.bytes.log));
        self.damaged.set(number(fleet.damaged.len() as u64));
        let tasks = [
            ("backup", fleet.last_backup),
            ("verification", fleet.last_verification),
            ("retention", fleet.last_retention),
        ];
        for (task, done) in tasks {
            if let Some(done) = done {
                self.done.get_or_create(&Task { task }).set(done.unix_timestamp());
            }
        }
    }
}

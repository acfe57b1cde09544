//! `doctor`: checks configuration, folders, disk, clock, keys and connectivity without starting the agent. Each check
//! reports the state and, unless it passes, a remedy.

mod here;
mod texts;
mod way;

use crate::checks::Finding;
use crate::config::Config;

/// How far the examination goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing leaves the machine.
    Offline,
    /// One connection to the collector, without data: a person asked for it.
    Collector,
}

/// What the system says of proxies, for the check of `[collector] proxy`: the value of `HTTPS_PROXY` or its like,
/// without a password, or the address of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemProxy {
    /// `host:port`.
    pub address: Option<String>,
    /// A script (PAC) decides.
    pub script: bool,
}

/// Examines everything. `now` is seconds since 1970.
pub fn examine(config: &Config, reach: Reach, system: &SystemProxy, now: i64) -> Vec<Finding> {
    let (service, status) = here::service(config);
    let mut checks = vec![
        Finding::pass("configuration", texts::Is::IsRead),
        here::data_dir(&config.data_dir),
        here::disk(config),
    ];
    checks.push(here::outbox(&config.kathea.outbox));
    checks.extend(here::folders(config));
    checks.extend(here::seen_by_the_agent(status.as_ref()));
    checks.extend([service, here::clock(now), here::catalog(now), here::keys(config, status.as_ref())]);
    checks.extend(here::machine(&config.data_dir));
    checks.extend(here::enrolment(status.as_ref()));
    checks.extend(way::certificate(&config.data_dir, now));
    checks.push(way::proxy(config.collector.proxy.as_deref(), system));
    checks.extend(way::collector(config, reach, now));
    checks
}

#[cfg(test)]
mod tests;

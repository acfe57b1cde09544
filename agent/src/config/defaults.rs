//! Defaults of the configuration: the paths that the installers create.

use std::path::PathBuf;
use std::time::Duration;

use super::{Collector, Config, Consent, Kathea, Keys, Language, Protector, Ship, Spool, Support, Vendor};

/// `C:\ProgramData`, wherever it is.
#[cfg(windows)]
fn below_program_data(name: &str) -> PathBuf {
    std::env::var_os("ProgramData").map_or_else(|| r"C:\ProgramData".into(), PathBuf::from).join(name)
}

#[cfg(windows)]
mod places {
    use std::path::PathBuf;

    use super::below_program_data;

    pub(super) fn config() -> PathBuf {
        below_program_data(r"Kathea Agent\agent.toml")
    }

    pub(super) fn data() -> PathBuf {
        below_program_data(r"Kathea Agent\data")
    }

    pub(super) fn ca() -> PathBuf {
        below_program_data(r"Kathea Agent\vendor-ca.pem")
    }

    pub(super) fn outbox() -> PathBuf {
        below_program_data(r"Kathea\outbox")
    }

    pub(super) fn logs() -> PathBuf {
        below_program_data(r"Kathea\logs")
    }

    pub(super) fn scans() -> PathBuf {
        below_program_data(r"Kathea\scans")
    }

    pub(super) fn socket() -> PathBuf {
        r"\\.\pipe\kathea-agent".into()
    }
}

#[cfg(not(windows))]
mod places {
    use std::path::PathBuf;

    pub(super) fn config() -> PathBuf {
        "/etc/kathea-agent/agent.toml".into()
    }

    pub(super) fn data() -> PathBuf {
        "/var/lib/kathea-agent".into()
    }

    pub(super) fn ca() -> PathBuf {
        "/etc/kathea-agent/vendor-ca.pem".into()
    }

    pub(super) fn outbox() -> PathBuf {
        "/var/lib/kathea/outbox".into()
    }

    pub(super) fn logs() -> PathBuf {
        "/var/log/kathea".into()
    }

    pub(super) fn scans() -> PathBuf {
        "/var/lib/kathea/scans".into()
    }

    pub(super) fn socket() -> PathBuf {
        "/run/kathea-agent/kathea.sock".into()
    }
}

impl Config {
    /// Where the configuration is when nobody names one.
    pub fn default_path() -> PathBuf {
        places::config()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: places::data(),
            policy: "copenhagen-imaging".into(),
            language: Language::En,
            policy_language: None,
            kathea: Kathea::default(),
            collector: Collector::default(),
            consent: Consent { group: "kathea-consent".into(), forbid: false },
            ship: Ship::default(),
            spool: Spool::default(),
            support: Support::default(),
            keys: Keys::default(),
            vendor: Vendor::default(),
        }
    }
}

impl Default for Kathea {
    fn default() -> Self {
        Self {
            outbox: places::outbox(),
            logs: vec![places::logs()],
            scans: vec![places::scans()],
            program: Vec::new(),
            names: Vec::new(),
            socket: places::socket(),
            user: "kathea".into(),
        }
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self { url: "https://127.0.0.1:8443".into(), ca: places::ca(), proxy: None }
    }
}

impl Default for Ship {
    fn default() -> Self {
        Self { interval: Duration::from_secs(6 * 3600), rate: 64 << 10 }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self { quota: 64 << 20 }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self { protector: Protector::Auto }
    }
}

//! Which log lines there are. Whatever `RUST_LOG` says, libraries stay at warnings: what they print below that
//! may be a body, a header or a key's neighbourhood.

use std::io::Write;

use env_logger::{Builder, Env, Logger};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// Crates whose log lines are known to carry no content.
const OURS: &[&str] = &["agent", "protocol", "kathea_agent"];

struct Ours(Logger);

impl Log for Ours {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_shown(metadata.target(), metadata.level()) && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if is_shown(record.target(), record.level()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

fn is_shown(target: &str, level: Level) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    level <= Level::Warn || OURS.contains(&name)
}

/// Starts logging to standard error: `RUST_LOG`, or else this level. A second start, by another program in the
/// same process, keeps the first.
pub(crate) fn start(level: LevelFilter) {
    let logger = Builder::from_env(Env::default().default_filter_or(level.as_str()))
        .format(|out, record| writeln!(out, "{:5} {}: {}", record.level(), record.target(), record.args()))
        .build();
    let most = logger.filter();
    if log::set_boxed_logger(Box::new(Ours(logger))).is_ok() {
        log::set_max_level(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_stay_at_warnings_and_we_do_not() {
        for library in ["ureq::run", "ureq_proto", "rustls::client", "sled", "agentless::agent", ""] {
            assert!(!is_shown(library, Level::Info) && !is_shown(library, Level::Trace), "{library}");
            assert!(is_shown(library, Level::Warn));
        }
        for ours in ["agent", "agent::collect::socket", "protocol::batch", "kathea_agent::run"] {
            assert!(is_shown(ours, Level::Trace), "{ours}");
        }
    }
}

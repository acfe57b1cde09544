//! Which log lines there are, and where they go: standard error, the journal, a file and the event log of Windows.
//! Whatever `RUST_LOG` says, libraries stay at warnings: what they print below that may be a body, a header or a
//! key's neighbourhood.

#[cfg(any(windows, test))]
mod file;

use std::io::Write;

use agent::harmless;
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

/// Starts logging to standard error, and through it to the journal: `RUST_LOG`, or else this level. A second start,
/// by another program in the same process, keeps the first.
pub(crate) fn start(level: LevelFilter) {
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let mut builder = Builder::from_env(Env::default().default_filter_or(level.as_str()));
    builder.format(move |out, record| {
        let text = record.args().to_string();
        let text = harmless::line(&text);
        if journal {
            writeln!(out, "<{}>{}: {text}", priority(record.level()), record.target())
        } else {
            writeln!(out, "{:5} {}: {text}", record.level(), record.target())
        }
    });
    install(Ours(builder.build()));
}

fn install(ours: Ours) {
    let most = ours.0.filter();
    if log::set_boxed_logger(Box::new(ours)).is_ok() {
        log::set_max_level(most);
    }
}

/// As systemd reads it at the beginning of a line (sd-daemon(3)).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Bytes of one log file; in two are some ten thousand lines, months of an ordinary agent.
#[cfg(windows)]
const LOG: u64 = 1 << 20;

/// Starts logging as a service of Windows: everything to a file below `data_dir`, what somebody should see also to
/// the event log under `source`.
#[cfg(windows)]
pub(crate) fn to_windows(data_dir: &std::path::Path, source: &'static str) {
    let mut builder = Builder::from_env(Env::default().default_filter_or(LevelFilter::Info.as_str()));
    builder.format(move |out, record| {
        let text = record.args().to_string();
        let text = harmless::line(&text);
        if record.level() <= Level::Warn {
            to_event_log(source, &text);
        }
        let now = time::OffsetDateTime::now_utc();
        let now = now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        writeln!(out, "{now} {:5} {}: {text}", record.level(), record.target())
    });
    if let Ok(file) = file::RotatingFile::open(&data_dir.join("log").join("agent.log"), LOG) {
        builder.target(env_logger::Target::Pipe(Box::new(file)));
    }
    install(Ours(builder.build()));
}

/// One warning in the event log, where the system has one.
#[cfg(windows)]
pub(crate) fn to_event_log(source: &str, text: &str) {
    use winsafe::HEVENTLOG;
    use winsafe::co::EVENTLOG;
    if let Ok(log) = HEVENTLOG::RegisterEventSource(None, source) {
        let _ = log.ReportEvent(EVENTLOG::WARNING_TYPE, 0, 1, None, &[text], &[]);
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

//! Waiting for long work, with a bar on whatever takes longer than a second.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

use agent::api::support::{Progress, Work};
use agent::request::SupportRequest;
use indicatif::{ProgressBar, ProgressStyle};
use serde::de::DeserializeOwned;

use crate::exit::Failure;
use crate::reach::Line;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// Work that is over sooner needs no bar.
const SOON: Duration = Duration::from_secs(1);

/// Asks until the work is done; what came of it.
pub(super) fn wait<T: DeserializeOwned>(line: &mut Line<'_>) -> Result<T, Failure> {
    let mut bar = Bar::new();
    loop {
        match super::ask(line, SupportRequest::Progress)? {
            Work::Done(done) => return Ok(done),
            Work::Running(Progress { stage, done, total, held, .. }) => bar.show(&stage, done, total, held),
        }
        thread::sleep(LOOK);
    }
}

/// A bar on standard error, if that is a terminal.
pub(super) struct Bar {
    started: Instant,
    stage: String,
    bar: Option<ProgressBar>,
    is_watched: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        let is_watched = io::stderr().is_terminal();
        Self { started: Instant::now(), stage: String::new(), bar: None, is_watched }
    }

    /// So much of so much of a stage is done; held while a scan runs.
    pub(super) fn show(&mut self, stage: &str, done: u64, total: u64, is_held: bool) {
        if !self.is_watched || self.started.elapsed() < SOON {
            return;
        }
        if self.stage != stage || self.bar.is_none() {
            stage.clone_into(&mut self.stage);
            if let Some(bar) = self.bar.replace(bar(stage, total)) {
                bar.finish_and_clear();
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done.min(total.max(done)));
            bar.set_message(if is_held {
                "waits: a scan runs (--now overrides)".to_owned()
            } else {
                stage.to_owned()
            });
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(stage: &str, total: u64) -> ProgressBar {
    let template = match (stage, total) {
        (_, 0) => "{spinner} {msg}",
        ("sealing" | "writing", _) => "{msg} {wide_bar} {bytes}/{total_bytes}, {eta} left",
        _ => "{msg} {wide_bar} {pos}/{len}, {eta} left",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}

//! Waiting for long work, with a bar on whatever takes longer than a second.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use agent::api::Done;
use agent::api::support::{Begun, Bundled, List, Progress, Work};
use agent::request::SupportRequest;
use agent::support::record::State;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::ledger::Role;
use serde::de::DeserializeOwned;

use crate::consent::session;
use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach::Line;
use crate::texts::say;
use crate::texts::support::{Say, Stage};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// Work that is over sooner needs no bar.
const SOON: Duration = Duration::from_secs(1);

/// Ctrl-C was pressed while work was waited for.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Begins work in the service and asks until it is done; what came of it. Ctrl-C ends the work in the service too, from
/// the moment that it is asked for.
pub(super) fn work<T: DeserializeOwned>(line: &mut Line<'_>, request: SupportRequest) -> Result<T, Failure> {
    let mut bar = Bar::new();
    // A second handler is refused: then the first one is still there.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) || !WAITING.load(Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    INTERRUPTED.store(false, Ordering::Relaxed);
    WAITING.store(true, Ordering::Relaxed);
    let begun: Result<Begun, Failure> = line.support(request);
    let done = begun.and_then(|Begun { .. }| watched(line, &mut bar));
    WAITING.store(false, Ordering::Relaxed);
    done
}

/// Work of the service is being waited for.
static WAITING: AtomicBool = AtomicBool::new(false);

fn watched<T: DeserializeOwned>(line: &mut Line<'_>, bar: &mut Bar) -> Result<T, Failure> {
    let mut is_stopped = false;
    loop {
        if !is_stopped && INTERRUPTED.load(Ordering::Relaxed) {
            let Done {} = line.support(SupportRequest::Stop)?;
            is_stopped = true;
        }
        // Also then: the service knows whether it was stopped, or was done already.
        match line.support(SupportRequest::Progress)? {
            Work::Done(done) => return Ok(done),
            Work::Running(Progress { stage, done, total, held, .. }) => bar.show(&stage, done, total, held),
        }
        thread::sleep(LOOK);
    }
}

/// Says yes to a draft, and waits until it is sealed.
pub(super) fn sealed(line: &mut Line<'_>, draft: String, yes: String, by: Role) -> Result<Bundled, Failure> {
    work(line, SupportRequest::Create { draft, yes, by, session: Some(session()) })
}

/// Waits until the collector confirmed the bundle, or refused it.
pub(super) fn delivered(line: &mut Line<'_>, id: &str, json: bool) -> Result<Exit, Failure> {
    let mut bar = Bar::new();
    loop {
        let list: List = line.support(SupportRequest::List)?;
        let row = list
            .bundles
            .into_iter()
            .find(|row| row.id == id)
            .ok_or_else(|| Failure::usage(say(Say::NoBundle)))?;
        match row.state {
            State::Sent => {
                drop(bar);
                return print::answer(&row, json, || {
                    let receipt = row.receipt.clone().unwrap_or_default();
                    print::words(&say(Say::Delivered { receipt }));
                    Ok(())
                });
            }
            State::Failed => {
                let (id, case) = (id.to_owned(), row.case);
                return Err(Failure::failed(say(Say::BundleRefused { id, case })));
            }
            State::Queued | State::Sending if line.is_direct() => return Err(not_sent()),
            State::Queued | State::Sending => bar.show("sending", row.offset, row.size, false),
        }
        thread::sleep(LOOK);
    }
}

/// Whoever waits would wait for ever.
pub(super) fn not_sent() -> Failure {
    Failure::busy(say(Say::NotSent))
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
            bar.set_message(if is_held { say(Say::WaitsForScan) } else { say(Stage::of(stage)) });
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
        (_, 0) => "{spinner} {msg}".to_owned(),
        ("sealing" | "writing" | "sending", _) => {
            say(Say::Bar { bar: "{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta}" })
        }
        _ => say(Say::Bar { bar: "{msg} {wide_bar} {pos}/{len}, {eta}" }),
    };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}

//! A draft: made by the service from its own folders, or here, as the caller's account, from paths that a person
//! named; then the service takes it in.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use agent::api::status::Status;
use agent::api::support::{Drafted, Elsewhere};
use agent::collect::caller::Accounts;
use agent::config::Config;
use agent::durable;
use agent::harmless;
use agent::request::{Request, SupportRequest};
use agent::support::gather::{self, CaseRequest, GatherError, Site};
use agent::support::manifest::PolicyName;
use agent::support::watch::{Progress, Watch};
use ring::rand::SystemRandom;
use time::OffsetDateTime;

use super::wait::{self, Bar};
use crate::exit::Failure;
use crate::print;
use crate::reach::Line;
use crate::texts::refusal::Refusal;
use crate::texts::say;
use crate::texts::support::Say;

/// Between two questions whether a scan runs.
const BUSY_LOOK: Duration = Duration::from_secs(2);

/// Collects what `case_request` asks for, and prints which files were left out. If the typed contact or case ID looks
/// like a patient's name or number, it asks at a terminal whether to send it as typed.
pub(super) fn draft(
    line: &mut Line<'_>,
    config: &Config,
    mut case_request: CaseRequest,
) -> Result<Drafted, Failure> {
    let made = match gathered(line, config, &case_request) {
        Err(failure) if failure.is_personal && io::stdin().is_terminal() => {
            print::words(&failure.to_string());
            print::words(&say(Say::AsTyped));
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer);
            if read.is_err() || !["yes", "ja"].contains(&answer.trim()) {
                return Err(failure);
            }
            case_request.as_typed = true;
            gathered(line, config, &case_request)?
        }
        made => made?,
    };
    for file in &made.left_out {
        let (file, finding) = (harmless::line(&file.input).into_owned(), file.finding.to_string());
        print::words(&say(Say::LeftOut { file, finding }));
    }
    Ok(made)
}

fn gathered(line: &mut Line<'_>, config: &Config, case_request: &CaseRequest) -> Result<Drafted, Failure> {
    let is_named = case_request.named_paths().next().is_some();
    if is_named && line.is_service()? && Accounts::new(config).own().administrator {
        return here(line, config, case_request);
    }
    wait::work(line, SupportRequest::Preview { case_request: case_request.clone() })
}

fn here(line: &mut Line<'_>, config: &Config, case_request: &CaseRequest) -> Result<Drafted, Failure> {
    let begun: Elsewhere = line.support(SupportRequest::Begin { case: case_request.case.clone() })?;
    let site = Site {
        config: config.clone(),
        program: std::env::current_exe().map_err(|_| Failure::failed(say(Refusal::NoProgram)))?,
        status: begun.status.document(),
        device: begun.device,
        policy: PolicyName { id: begun.policy.id, version: begun.policy.version },
        pseudonyms: begun.pseudonyms,
        now: OffsetDateTime::now_utc().unix_timestamp(),
        id: begun.draft,
    };
    let (started, progress) = (Instant::now(), Progress::default());
    let (bar, looked) = (RefCell::new(Bar::new()), Cell::new(None::<Instant>));
    let line = RefCell::new(line);
    let held = Cell::new(Duration::ZERO);
    let wait = || loop {
        let (stage, done, total) = progress.now();
        let is_due = looked.get().is_none_or(|looked| looked.elapsed() >= BUSY_LOOK);
        let mut is_held = false;
        if is_due && !case_request.now {
            let status = line.borrow_mut().ask::<Status>(Request::Status);
            is_held = status.is_ok_and(|status| status.busy);
            looked.set(Some(Instant::now()));
        }
        bar.borrow_mut().show(stage, done, total, is_held);
        if !is_held {
            break;
        }
        std::thread::sleep(BUSY_LOOK);
        held.set(held.get() + BUSY_LOOK);
    };
    let clock = || started.elapsed().saturating_sub(held.get());
    let watch = Watch { clock: &clock, wait: &wait, progress: &progress };
    let (made, key) = gather::run(&site, case_request, SystemRandom::new(), &watch).map_err(|e| match e {
        GatherError::Personal(..) => Failure::personal(say(e)),
        e => Failure::failed(say(e)),
    })?;
    // What root wrote the agent's account could not read.
    let path = agent::support::draft::path(&config.data_dir, made.id());
    durable::give(&path, &config.data_dir)
        .map_err(|e| Failure::failed(say(Say::NotGiven { why: e.kind() })))?;
    drop(bar);
    let request = SupportRequest::Adopt { draft: made.id().to_owned(), key: key.to_hex().to_string() };
    line.borrow_mut().support(request)
}

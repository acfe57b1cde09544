//! Background jobs of the service that this window started, and the speed of an upload.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent::api::status::Status;
use agent::api::support::{Begun, Bundled, Drafted, Progress, Scans, Work};
use agent::request::{Request, SupportRequest};
use agent::support::draft::LeftOut;
use agent::support::gather::Scan;

use crate::ask::{Agent, Failure};

/// What was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scans,
    Preview,
    Create,
}

/// What came of it, until something else is begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Came {
    /// The newest scans, to choose from.
    pub(crate) scans: Option<Vec<Scan>>,
    /// Of the last draft.
    pub(crate) left_out: Vec<LeftOut>,
    /// Why the last work ended without a result.
    pub(crate) failure: Option<Failure>,
}

/// Work begun here.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<Kind>,
    begun: u64,
    came: Came,
    /// Of each bundle: where it stood when this was last looked at, and its bytes a second.
    pace: BTreeMap<String, Pace>,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    at: Instant,
    offset: u64,
    rate: Option<f64>,
}

/// Between two looks at where a bundle stands.
const LOOK: Duration = Duration::from_secs(1);
/// How much the latest look counts.
const LATEST: f64 = 0.3;

impl Jobs {
    /// Begins work.
    pub(crate) fn begin(&self, agent: &Agent, kind: Kind, request: SupportRequest) -> Result<(), Failure> {
        let Begun { .. } = agent.ask(&Request::Support(request))?;
        let mut state = self.locked();
        state.running = Some(kind);
        state.begun += 1;
        state.came.failure = None;
        // What was left out belongs to the draft that it was left out of.
        if kind != Kind::Scans {
            state.came.left_out = Vec::new();
        }
        Ok(())
    }

    /// How far the work is that was begun here; what came of it is kept.
    pub(crate) fn look(&self, agent: &Agent) -> Option<Progress> {
        let kind = self.locked().running?;
        let request = Request::Support(SupportRequest::Progress);
        let looked = match kind {
            Kind::Scans => agent.ask(&request).map(|work: Work<Scans>| match work {
                Work::Running(progress) => Some(progress),
                Work::Done(Scans { scans }) => {
                    self.locked().came.scans = Some(scans);
                    None
                }
            }),
            Kind::Preview => agent.ask(&request).map(|work: Work<Drafted>| match work {
                Work::Running(progress) => Some(progress),
                Work::Done(made) => {
                    self.locked().came.left_out = made.left_out;
                    None
                }
            }),
            Kind::Create => agent.ask(&request).map(|work: Work<Bundled>| match work {
                Work::Running(progress) => Some(progress),
                Work::Done(_) => None,
            }),
        };
        match looked {
            Ok(Some(progress)) => return Some(progress),
            Ok(None) => self.locked().running = None,
            // It may be back before the work is given up.
            Err(Failure::NoAnswer) => {}
            Err(failure) => {
                let mut state = self.locked();
                state.running = None;
                state.came.failure = Some(failure);
            }
        }
        None
    }

    /// How often work was begun: work that is over at the next look is still seen to have been.
    pub(crate) fn begun(&self) -> u64 {
        self.locked().begun
    }

    pub(crate) fn came(&self) -> Came {
        self.locked().came.clone()
    }

    /// Bytes a second of a bundle that is being sent, once there are two looks at it.
    pub(crate) fn rate(&self, bundle: &str) -> Option<f64> {
        self.locked().pace.get(bundle).and_then(|pace| pace.rate).filter(|rate| *rate > 0.0)
    }

    /// Looks at where the bundles stand.
    pub(crate) fn watch(&self, status: &Status, now: Instant) {
        let mut state = self.locked();
        let is_there = |id: &String| status.bundles.iter().any(|bundle| bundle.id == *id);
        state.pace.retain(|id, _| is_there(id));
        for bundle in &status.bundles {
            let fresh = Pace { at: now, offset: bundle.offset, rate: None };
            let pace = state.pace.entry(bundle.id.clone()).or_insert(fresh);
            let passed = now.duration_since(pace.at);
            if passed < LOOK {
                continue;
            }
            let latest = bundle.offset.saturating_sub(pace.offset) as f64 / passed.as_secs_f64();
            let rate = pace.rate.map_or(latest, |rate| rate + LATEST * (latest - rate));
            *pace = Pace { at: now, offset: bundle.offset, rate: Some(rate) };
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

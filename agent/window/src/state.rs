//! What every request needs, for the life of the window.

use std::time::Instant;

use agent::config::Config;

use crate::ask::Agent;
use crate::door::Door;
use crate::job::Jobs;
use crate::life::Life;

/// What every request needs.
pub(crate) struct Window {
    pub(crate) config: Config,
    pub(crate) agent: Agent,
    pub(crate) jobs: Jobs,
    pub(crate) door: Door,
    pub(crate) life: Life,
}

impl Window {
    pub(crate) fn new(config: Config, door: Door) -> Self {
        let agent = Agent::new(config.kathea.socket.clone());
        Self { config, agent, jobs: Jobs::default(), door, life: Life::new(Instant::now()) }
    }
}

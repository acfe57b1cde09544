//! Opening the agent: the lock, then every subsystem, then recovery of what a crash or power cut left half done.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use log::warn;
use protocol::Reason;
use ring::rand::{SecureRandom, SystemRandom};

use super::cases::{self, Cases};
use super::clock::Watched;
use super::consents::{Consents, Effects, OWNER};
use super::edges::Edges;
use super::folders::Folders;
use super::health::{Cause, Health, Subject};
use super::intake::Looks;
use super::requests::Requests;
use super::uplink::Uplink;
use super::usage::Statistics;
use super::vendor_answer::VendorAnswer;
use super::{Agent, OpenError, Parts, Trouble, Wake, decommission, format};
use crate::api::status::Service;
use crate::config::Config;
use crate::consent::news::News;
use crate::consent::tickets::Tickets;
use crate::consent::{Policy, Registry, vendor_head};
use crate::counters::Counters;
use crate::history::{FILES, Store};
use crate::limits;
use crate::seal::payload::Payload;
use crate::seal::record::Sealed;
use crate::spool::{Spool, SpoolError};
use crate::vault::{Protector, Vault};
use crate::workstation::{self, MACHINE};
use crate::{durable, presence};

impl Agent {
    /// Takes the lock, opens every subsystem, and finishes what a crash or power cut left half done.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        Self::open_with(config, Edges::system())
    }

    /// The same for `status` alone: what waits is counted without sled, where it lies there whole. Nothing is read or put.
    ///
    /// # Errors
    /// As [`Agent::open`].
    pub fn open_to_tell(config: Config) -> Result<Self, OpenError> {
        match Self::open_queues(config.clone(), Edges::system(), Look::Glance) {
            // What a crash cut is finished with open queues.
            Err(OpenError::Unfinished(Trouble::Spool(SpoolError::Unsettled))) => Self::open(config),
            opened => opened,
        }
    }

    /// The same with other edges than the system's.
    ///
    /// # Errors
    /// Whatever keeps it from starting; nothing was destroyed.
    pub fn open_with(config: Config, edges: Edges) -> Result<Self, OpenError> {
        Self::open_queues(config, edges, Look::Whole)
    }

    fn open_queues(config: Config, edges: Edges, look: Look) -> Result<Self, OpenError> {
        let now = edges.clock.wall();
        let data = config.data_dir.clone();
        durable::create_directory(&data).map_err(|e| OpenError::data_dir(&data, &e))?;
        let lock = take_lock(&data, || thread::sleep(limits::LOCK_LOOK))?;
        if decommission::is_final(&data).map_err(|e| OpenError::unreadable(&data, &e))? {
            decommission::finish(&data).map_err(|e| OpenError::data_dir(&data, &e))?;
            return Err(OpenError::Decommissioned);
        }
        format::check(&data)?;
        let policy = Policy::configured(&config)?;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let protector = Protector::choose(config.keys.protector, credentials.as_deref())?;
        let (mut vault, losses) = Vault::open(&data, &protector, now)?;
        let forbid = config.consent.forbid || is_there(&decommission::begun(&data))?;
        let mut registry = Registry::open(&data, policy, forbid, vault.device_key());
        vendor_head::recall(&data, &mut registry)
            .map_err(|e| OpenError::unreadable(&data.join("ledger.vendor"), &e))?;
        // One that was cut is as old as the ledger says.
        let owner = data.join(OWNER);
        let kept = presence::read_text(&owner).map_err(|e| OpenError::unreadable(&owner, &e))?;
        registry.set_owner(kept.found().flatten().and_then(|text| text.parse().ok()).unwrap_or(0));
        let clock = data.join("clock.json");
        presence::read(&clock).map_err(|e| OpenError::unreadable(&clock, &e))?;
        let news = reading(data.join("news.json"), News::open)?;
        let (tickets, tickets_lost) = reading(data.join("tickets.json"), Tickets::open)?;
        workstation::note_machine(&data, &SystemRandom::new())
            .map_err(|e| OpenError::unreadable(&data.join(MACHINE), &e))?;
        let (mut counters, counters_lost) = reading(data.join("tally.json"), Counters::open)?;

        let random = SystemRandom::new();
        let mut health = Health::default();
        let (open, open_recovery) = open_queue(&data, &vault, &random, look)?;
        let (usage, usage_recovery) = open_queue(&data, &vault, &random, look)?;
        // Most starts have none to send: it is opened when one is read or put.
        let (requests, requests_recovery) = open_queue(&data, &vault, &random, Look::Glance)?;
        let wakes = mpsc::channel();
        let job_is_over = wakes.0.clone();
        let wake = Arc::new(move || drop(job_is_over.send(Wake::Support)));
        let (cases, bundles_lost) = Cases::open(&data, &mut vault, wake)
            .map_err(|e| OpenError::unreadable(&data.join("bundles"), &e))?;
        // Those of a withdrawal that was cut are counted by it.
        if bundles_lost > 0 && registry.pending_withdrawals().is_empty() {
            let what = Cause::BundlesLost { count: bundles_lost };
            warn!("{what}");
            health.raise(Subject::BundlesLost, &what, Duration::ZERO);
            counters.drop(Reason::Damaged, bundles_lost as u64);
            counters.save().map_err(|e| OpenError::data_dir(&data, &e))?;
        }
        if counters_lost {
            health.raise(Subject::CountsLost, &Cause::CountsLost, Duration::ZERO);
        }
        if tickets_lost {
            health.raise(Subject::TicketsLost, &Cause::TicketsLost, Duration::ZERO);
        }
        let (history, history_lost) = reading(data.join(FILES[0]), |_| Store::open(&data, &mut vault))?;
        durable::finish_erasures(&data).map_err(|e| OpenError::data_dir(&data, &e))?;
        if history_lost {
            health.raise(Subject::HistoryLost, &Cause::HistoryLost, Duration::ZERO);
        }
        for loss in losses {
            health.raise(Subject::KeysLost, &loss, Duration::ZERO);
        }
        let mut agent = Self {
            protector,
            uplink: Uplink::new(&config, (edges.jitter)(), now)
                .map_err(|e| OpenError::unreadable(&data.join("retry-after"), &e))?,
            config,
            vault,
            registry,
            counters,
            usage: reading(data.join("sent.sealed"), |sent| Statistics::new(open, usage, sent, history))?,
            consents: Consents::new(Requests::new(requests, tickets, news, VendorAnswer::new(&data))),
            cases,
            health,
            folders: Folders::default(),
            busy_until: None,
            service: Service::Stopped,
            device_due: Duration::ZERO,
            expiry_due: Duration::ZERO,
            edges,
            looks: Looks::default(),
            random,
            wakes,
            outbox_signalled: Arc::default(),
            _lock: lock,
        };
        cases::note_failed(&agent.cases.queue, &mut agent.health, Duration::ZERO);
        for recovery in [open_recovery, usage_recovery, requests_recovery] {
            agent.parts().cx.note_losses(&recovery)?;
        }
        if agent.finish_withdrawals()?.is_some() {
            agent.follow(Effects::ANSWERED)?;
        }
        let Parts { usage, mut cx, .. } = agent.parts();
        let clock = Watched::now(&cx);
        usage.shred_ended(&mut cx, clock)?;
        agent.with_cases(|cases, cx| cases.expire(cx))?;
        let Parts { usage, uplink, mut cx, .. } = agent.parts();
        usage.resume_journal(&mut cx)?;
        usage.forget_stale_cursors(&mut cx)?;
        uplink.connect(&mut cx).map_err(|e| OpenError::unreadable(&data.join("certificate"), &e))?;
        agent.resume_decommissioning(now)?;
        Ok(agent)
    }
}

fn is_there(path: &Path) -> Result<bool, OpenError> {
    presence::is_there(path).map_err(|e| OpenError::unreadable(path, &e))
}

/// Opens what a file keeps.
fn reading<T>(path: PathBuf, open: impl FnOnce(PathBuf) -> io::Result<T>) -> Result<T, OpenError> {
    open(path.clone()).map_err(|e| OpenError::unreadable(&path, &e))
}

/// How a queue is looked at.
#[derive(Clone, Copy)]
enum Look {
    /// By sled: it can be read and put.
    Whole,
    /// By its raw files.
    Glance,
}

fn open_queue<P: Payload>(
    data: &Path,
    vault: &Vault,
    random: &SystemRandom,
    look: Look,
) -> Result<(Spool<P>, crate::spool::Recovery), OpenError> {
    let run = random_u64(random)?.to_le_bytes();
    let dir = data.join("spool").join(P::QUEUE.as_str());
    let verify = |sealed: &Sealed<P>| sealed.verifies(vault);
    Ok(match look {
        Look::Whole => Spool::open(&dir, run, &verify)?,
        Look::Glance => Spool::glance(&dir, run, &verify)?,
    })
}

/// The lock of the data directory. A command that holds it for a moment is waited for, with a `pause` between looks.
fn take_lock(data: &Path, mut pause: impl FnMut()) -> Result<File, OpenError> {
    let path = data.join("lock");
    let file = durable::private(File::options().write(true).create(true).truncate(false))
        .open(path)
        .map_err(|e| OpenError::data_dir(data, &e))?;
    for _ in 0..limits::LOCK_LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => pause(),
            Err(TryLockError::Error(e)) => return Err(OpenError::data_dir(data, &e)),
        }
    }
    Err(OpenError::Locked)
}

fn random_u64(random: &SystemRandom) -> Result<u64, OpenError> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).map_err(|_| OpenError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use protocol::Purpose;
    use protocol::ledger::Role;

    use super::*;
    use crate::consent::state::to_text;
    use crate::consent::{By, Channel, Flag};
    use crate::killpoint;

    /// The status, and how often sled opened something for it.
    fn status_by(open: fn(Config) -> Result<Agent, OpenError>, config: &Config) -> (String, u32) {
        let (agent, opened) = killpoint::openings(|| open(config.clone()).unwrap());
        let status = agent.status(agent.now());
        assert!(status.waiting.each().iter().all(|(_, waiting)| waiting.records > 0), "{:?}", status.waiting);
        (serde_json::to_string(&status).unwrap(), opened)
    }

    #[test]
    fn a_status_by_a_glance_is_the_whole_one_and_opens_no_store() {
        let dir = tempfile::tempdir().unwrap();
        let [data, outbox, ca] = ["data", "outbox", "ca.pem"].map(|name| dir.path().join(name));
        std::fs::create_dir(&outbox).unwrap();
        let text = format!(
            "data_dir = {data:?}\n[kathea]\noutbox = {outbox:?}\n[collector]\nca = {ca:?}\n[keys]\nprotector = \"file\"\n"
        );
        let config = Config::parse(&text).unwrap();
        let mut agent = Agent::open(config.clone()).unwrap();
        let yes = agent.registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
        let by = By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None };
        agent.grant(&Flag::UsageStatistics, &yes, None, by).unwrap();
        let at = to_text(agent.now());
        let error = format!(
            r#"{{"event":"device.error","at":"{at}","code":4711,"subsystem":"detector","severity":"error","repeats":2}}"#
        );
        let used = format!(r#"{{"event":"feature.used","at":"{at}","feature":"viewer_3d"}}"#);
        let taken = agent.take_lines(&[error.as_bytes(), used.as_bytes()]);
        assert!(taken.iter().all(Result::is_ok), "{taken:?}");
        drop(agent);

        let (whole, opened) = status_by(Agent::open, &config);
        assert!(opened > 0);
        let (glanced, opened) = status_by(Agent::open_to_tell, &config);
        assert_eq!((glanced, opened), (whole, 0));

        // What a crash cut is finished all the same, with open queues.
        std::fs::remove_dir_all(data.join("spool/usage")).unwrap();
        let agent = Agent::open_to_tell(config.clone()).unwrap();
        let status = agent.status(agent.now());
        assert!(status.waiting.usage.records == 0 && status.dropped.values().sum::<u64>() > 0);
    }

    #[test]
    fn a_holder_of_the_lock_that_lets_go_soon_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut holder = Some(take_lock(dir.path(), || ()).unwrap());
        let mut pauses = 0;
        let again = take_lock(dir.path(), || {
            pauses += 1;
            if pauses == 3 {
                holder = None;
            }
        });
        assert!(again.is_ok() && pauses == 3, "{pauses}");
        let mut pauses = 0;
        let second = take_lock(dir.path(), || pauses += 1);
        assert!(matches!(second, Err(OpenError::Locked)), "a second agent");
        assert_eq!(pauses, limits::LOCK_LOOKS);
    }
}

//! The start: the lock, then every room, then what a crash or a power cut left half done.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use log::warn;
use protocol::Reason;
use protocol::catalog::Catalog;
use ring::rand::{SecureRandom, SystemRandom};

use super::dispatch::Dispatch;
use super::intake::Taking;
use super::periods::Periods;
use super::sent::LastSent;
use super::support::Support;
use super::{Agent, OpenError, Problems, decommission, format, unix_now, wishes};
use crate::collect::device::MACHINE;
use crate::config::Config;
use crate::consent::tickets::Tickets;
use crate::consent::{Book, Policy};
use crate::deidentify::clean::Payload;
use crate::deidentify::usage::Wash;
use crate::spool::Spool;
use crate::tally::Tally;
use crate::vault::{Protector, Vault};
use crate::{durable, presence};

impl Agent {
    /// Takes the lock, opens every room, and finishes what a crash or a power cut left half done.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let (started, now) = (Instant::now(), unix_now());
        let data = config.data_dir.clone();
        durable::create_directory(&data).map_err(|e| OpenError::data_dir(&data, &e))?;
        let lock = take_lock(&data)?;
        if is_there(&decommission::certificate(&data))? {
            return Err(OpenError::Decommissioned);
        }
        format::check(&data)?;
        let policy = Policy::load(&config.policy)?;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let protector = Protector::choose(config.keys.protector, credentials.as_deref())?;
        let (mut vault, losses) = Vault::open(&data, &protector, now)?;
        let forbid = config.consent.forbid || is_there(&decommission::begun(&data))?;
        let book = Book::open(&data, policy, forbid, vault.device_key());
        let clock = data.join("clock.json");
        presence::read(&clock).map_err(|e| OpenError::unreadable(&clock, &e))?;
        let (tickets, tickets_lost) = reading(data.join("tickets.json"), Tickets::open)?;
        let copied = crate::collect::device::note_machine(&data, &SystemRandom::new())
            .map_err(|e| OpenError::unreadable(&data.join(MACHINE), &e))?;
        let (mut tally, tally_lost) = reading(data.join("tally.json"), Tally::open)?;

        let random = SystemRandom::new();
        let mut problems = Problems::default();
        let (open, open_recovery) = open_tray(&data, &vault, &random)?;
        let (usage, usage_recovery) = open_tray(&data, &vault, &random)?;
        let (requests, requests_recovery) = open_tray(&data, &vault, &random)?;
        let (support, bundles_lost) =
            Support::open(&data, &mut vault).map_err(|e| OpenError::unreadable(&data.join("bundles"), &e))?;
        // Those of a withdrawal that was cut are counted by it.
        if bundles_lost > 0 && book.pending_withdrawals().is_empty() {
            let what = format!("{bundles_lost} bundles were lost with their keys: gather them again");
            warn!("{what}");
            problems.note("bundles", what);
            tally.drop(Reason::Damaged, bundles_lost as u64);
            tally.save().map_err(|e| OpenError::data_dir(&data, &e))?;
        }
        if tally_lost {
            problems.note("tally", "the counts of dropped records were damaged and begin anew");
        }
        if tickets_lost {
            problems.note("tickets", "the list of requests to the vendor was damaged and begins anew");
        }
        if copied {
            problems.note(
                "device",
                "the data was made on another computer: this one is a copy; doctor says what to do",
            );
        }
        for loss in losses {
            problems.note("keys", loss.to_string());
        }
        let mut agent = Self {
            protector,
            dispatch: Dispatch::new(&config, random_u64(&random)?, now)
                .map_err(|e| OpenError::unreadable(&data.join("retry-after"), &e))?,
            wash: Wash::new(Catalog::built_in()),
            wishes: wishes::kept(&config)
                .map_err(|e| OpenError::unreadable(&data.join("wishes.json"), &e))?,
            config,
            vault,
            book,
            tally,
            open,
            usage,
            sent: reading(data.join("sent.sealed"), LastSent::open)?,
            requests,
            tickets,
            support,
            taking: Taking::default(),
            periods: Periods::default(),
            problems,
            busy_until: None,
            kept: None,
            running: false,
            device_due: Duration::ZERO,
            quiet_until: Duration::ZERO,
            seconds_told: 0,
            poisoned: false,
            started,
            random,
            wakes: mpsc::channel(),
            outbox_told: Arc::default(),
            _lock: lock,
        };
        agent.note_losses(&open_recovery)?;
        agent.note_losses(&usage_recovery)?;
        agent.note_losses(&requests_recovery)?;
        agent.finish_withdrawals(now)?;
        agent.shred_ended(agent.look_at_clock(now), now)?;
        agent.expire_support(now)?;
        agent.resume_journal(now)?;
        agent.forget_stale_cursors(now)?;
        agent
            .dispatch
            .connect(&agent.config, agent.book.policy(), &agent.vault, now)
            .map_err(|e| OpenError::unreadable(&data.join("certificate"), &e))?;
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

fn open_tray<P: Payload>(
    data: &Path,
    vault: &Vault,
    random: &SystemRandom,
) -> Result<(Spool<P>, crate::spool::Recovery), OpenError> {
    let run = random_u64(random)?.to_le_bytes();
    Ok(Spool::open(&data.join("spool").join(P::TRAY.as_str()), run, &|sealed| sealed.verifies(vault))?)
}

fn take_lock(data: &Path) -> Result<File, OpenError> {
    let path = data.join("lock");
    let file = durable::private(File::options().write(true).create(true).truncate(false))
        .open(path)
        .map_err(|e| OpenError::data_dir(data, &e))?;
    file.try_lock().map_err(|_| OpenError::Locked)?;
    Ok(file)
}

fn random_u64(random: &SystemRandom) -> Result<u64, OpenError> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).map_err(|_| OpenError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}

//! A workstation: the real agent with its real files below `/dev/shm`, its clock, and what its disk does.
//!
//! The agent runs on the caller's thread. A kill copies the folders at a step of the code, as they are at that moment, and
//! the process is the copy from then on: nothing that a destructor still writes survives.

use std::cell::Cell;
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use agent::agent::{Agent, Edges, Transfers};
use agent::api::Reply;
use agent::api::privacy::Page;
use agent::api::status::Status;
use agent::config::Config;
use agent::killpoint::{self, Point};
use agent::request::{Caller, PrivacyAsk, Request};
use data_encoding::BASE64;
use protocol::{Batch, DeviceId, Digest};
use test_support::random::Random;

use crate::link::Link;
use crate::world::{PcClock, World};

/// What becomes of the process at the points of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing.
    None,
    /// It is killed at a step, so many steps from now.
    Kill(u64),
    /// One read fails with EIO, so many reads from now.
    Read(u64),
    /// One write fails with EIO, so many writes from now.
    Write(u64),
    /// No write succeeds.
    Full,
}

const EIO: i32 = 5;
/// A key of the vendor, whose private half nobody needs here.
const RECIPIENT: &str = "age1calm7lzz2alzk4puvu4a4hfnr4sa3k2kcgw7p9cmddu4pj52m4jqhdevzm";

/// The process ended at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

/// A workstation.
pub struct Workstation {
    root: PathBuf,
    world: Arc<World>,
    /// What its clock is ahead.
    pub ahead: Arc<AtomicI64>,
    link: Link,
    /// What the agent draws.
    pub jitter: Random,
    config: Config,
    agent: Option<Agent>,
    started: i64,
    harm: Rc<Cell<Harm>>,
    /// Harm that came to pass.
    pub harmed: u64,
    /// Its device, once it is known.
    pub device: Option<DeviceId>,
}

impl Workstation {
    /// A new one below `root`, with the CA of its collector and a policy.
    pub fn new(root: &Path, world: Arc<World>, link: Link, ca: &Path, policy: &str, jitter: Random) -> Self {
        let config = config(root, ca, policy);
        let _ = fs::create_dir_all(root.join("pc/outbox"));
        Self {
            root: root.to_owned(),
            world,
            ahead: Arc::default(),
            link,
            jitter,
            config,
            agent: None,
            started: 0,
            harm: Rc::new(Cell::new(Harm::None)),
            harmed: 0,
            device: None,
        }
    }

    /// Another policy from the next start on.
    pub fn set_policy(&mut self, policy: &str) {
        policy.clone_into(&mut self.config.policy);
    }

    /// Where Kathea writes.
    pub fn outbox(&self) -> PathBuf {
        self.root.join("pc/outbox")
    }

    /// What the agent keeps.
    pub fn data(&self) -> PathBuf {
        self.root.join("pc/data")
    }

    /// What its clock shows.
    pub fn wall(&self) -> i64 {
        self.world.now() + self.ahead.load(Ordering::Relaxed)
    }

    /// Whether the agent runs.
    pub fn is_on(&self) -> bool {
        self.agent.is_some()
    }

    /// What happens at the points of the code from now on.
    pub fn set_harm(&mut self, harm: Harm) {
        self.harm.set(harm);
        if harm == Harm::None {
            killpoint::watch(None);
            return;
        }
        let (planned, root) = (self.harm.clone(), self.root.clone());
        killpoint::watch(Some(Box::new(move |point| harm_at(&planned, point, &root))));
    }

    /// Whether the planned harm is still to come.
    pub fn is_harm_due(&self) -> bool {
        self.harm.get() != Harm::None
    }

    /// Starts the agent. An error is what it says at its start.
    ///
    /// # Errors
    /// Outside: it was killed. Inside: it did not start.
    pub fn start(&mut self) -> Result<Result<(), String>, Killed> {
        self.started = self.world.now();
        let seed = self.jitter.next();
        let random = std::sync::Mutex::new(Random::new(seed));
        let clock = PcClock { world: self.world.clone(), ahead: self.ahead.clone(), started: self.started };
        let edges = Edges {
            clock: Arc::new(clock),
            connect: self.link.connect(),
            jitter: Arc::new(move || random.lock().map_or(0, |mut random| random.next())),
            transfers: Transfers::Here,
        };
        let config = self.config.clone();
        let opened = self.guarded(|_| Agent::open_with(config, edges).map_err(|error| error.to_string()))?;
        match opened {
            Ok(mut agent) => {
                let begun = self.guarded(|_| {
                    agent.begin();
                    agent
                })?;
                self.agent = Some(begun);
                Ok(Ok(()))
            }
            Err(what) => Ok(Err(what)),
        }
    }

    /// Ends the agent as the service manager does.
    pub fn stop(&mut self) {
        self.set_harm(Harm::None);
        self.agent = None;
    }

    /// Power off: what is on the disk now is what the next start finds.
    pub fn power_off(&mut self) {
        self.set_harm(Harm::None);
        copy_folders(&self.root);
        self.agent = None;
        take_copy(&self.root);
    }

    /// A digest of the names, lengths and contents of all that the agent keeps.
    pub fn digest(&self) -> Digest {
        let mut all = Vec::new();
        collect(&self.data(), &mut all);
        all.sort();
        Digest::of(&all.concat())
    }

    /// Takes the data of the agent as it was when it was kept under `name`. The outbox stays.
    pub fn restore_image(&mut self, name: &str) {
        self.agent = None;
        let _ = fs::remove_dir_all(self.data());
        let _ = copy(&self.root.join(name), &self.data());
    }

    /// Keeps the data of the agent under `name`; the agent is off.
    pub fn keep_image(&self, name: &str) {
        let _ = fs::remove_dir_all(self.root.join(name));
        let _ = copy(&self.data(), &self.root.join(name));
    }

    /// Changes the outbox for another one, empty at first, and back; the agent is off.
    ///
    /// # Errors
    /// Of the disk.
    pub fn change_outbox(&self) -> io::Result<()> {
        let (here, other, between) =
            (self.outbox(), self.root.join("other-outbox"), self.root.join("between"));
        fs::create_dir_all(&other)?;
        fs::rename(&here, &between)?;
        fs::rename(&other, &here)?;
        fs::rename(&between, &other)
    }

    /// One turn of the loop: when the next is due, in true time.
    ///
    /// # Errors
    /// It was killed.
    pub fn step(&mut self) -> Result<Option<i64>, Killed> {
        let Some(mut agent) = self.agent.take() else { return Ok(None) };
        let (agent, due) = self.guarded(move |_| {
            let due = agent.step();
            (agent, due)
        })?;
        // A loop that ended lets go of its lock, so that the next start finds it free.
        let due = due.map_err(|_| Killed)?;
        self.agent = Some(agent);
        let seconds = |due: Duration| {
            i64::try_from(due.as_secs()).unwrap_or(i64::MAX / 2) + i64::from(due.subsec_nanos() > 0)
        };
        Ok(due.map(|due| self.started.saturating_add(seconds(due))))
    }

    /// The system reports a file in the outbox.
    pub fn notice_outbox(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.notice_outbox();
        }
    }

    /// Asks the agent as the command line does. None if it is off.
    ///
    /// # Errors
    /// It was killed.
    pub fn ask(&mut self, request: &Request) -> Result<Option<Reply>, Killed> {
        let Some(mut agent) = self.agent.take() else { return Ok(None) };
        let caller = Caller { administrator: true, kathea: true, may_grant: true };
        let (agent, reply) = self.guarded(move |_| {
            let reply = agent.answer(request, caller);
            (agent, reply)
        })?;
        self.agent = Some(agent);
        Ok(Some(reply))
    }

    /// `status`.
    pub fn status(&mut self) -> Option<Status> {
        self.without_harm(|pc| pc.ask(&Request::Status)).ok()??.read()
    }

    /// Every batch that waits in the queue `usage` and can be read; none where the agent does not give it now.
    pub fn waiting(&mut self) -> Option<Vec<Batch>> {
        let (mut batches, mut from) = (Vec::new(), 0);
        loop {
            let ask = Request::Privacy(PrivacyAsk::Records { queue: "usage".to_owned(), from });
            let page = self.without_harm(|pc| pc.ask(&ask)).ok().flatten().and_then(Reply::read::<Page>)?;
            for record in &page.records {
                let content = record.content.as_ref().and_then(|text| BASE64.decode(text.as_bytes()).ok());
                batches.extend(content.and_then(|bytes| Batch::decode(&bytes).ok()));
            }
            match page.next {
                Some(next) => from = next,
                None => return Some(batches),
            }
        }
    }

    fn without_harm<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let planned = self.harm.replace(Harm::None);
        let done = act(self);
        self.harm.set(planned);
        done
    }

    /// Names of the files of keys that open usage.
    pub fn usage_keys(&self) -> Vec<String> {
        let listed = fs::read_dir(self.data().join("keys")).into_iter().flatten().flatten();
        let names = listed.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains("usage")).collect()
    }

    /// Files that were set aside because they did not verify.
    pub fn set_aside(&self) -> Vec<String> {
        let listed = fs::read_dir(self.data().join("keys")).into_iter().flatten().flatten();
        let names = listed.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains("quarantine")).collect()
    }

    /// Runs `act`, which a kill ends: then the folders are those of that moment.
    fn guarded<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> Result<T, Killed> {
        let before = self.harm.get();
        let done = panic::catch_unwind(AssertUnwindSafe(|| act(self)));
        if before != Harm::None && self.harm.get() != before && self.harm.get() == Harm::None {
            self.harmed += 1;
        }
        match done {
            Ok(done) => Ok(done),
            Err(why) if why.is::<Killed>() => {
                self.agent = None;
                take_copy(&self.root);
                self.set_harm(Harm::None);
                Err(Killed)
            }
            Err(why) => panic::resume_unwind(why),
        }
    }
}

fn harm_at(planned: &Cell<Harm>, point: Point<'_>, root: &Path) -> io::Result<()> {
    let counted = |left: u64, next: fn(u64) -> Harm| {
        planned.set(if left == 0 { Harm::None } else { next(left - 1) });
        left == 0
    };
    match (planned.get(), point) {
        (Harm::Kill(left), Point::Step(_)) if counted(left, Harm::Kill) => {
            copy_folders(root);
            panic::resume_unwind(Box::new(Killed));
        }
        (Harm::Read(left), Point::Read(_)) if counted(left, Harm::Read) => {
            Err(io::Error::from_raw_os_error(EIO))
        }
        (Harm::Write(left), Point::Write(_)) if counted(left, Harm::Write) => {
            Err(io::Error::from_raw_os_error(EIO))
        }
        (Harm::Full, Point::Write(_)) => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    }
}

/// The folders of the workstation, as a kill leaves them.
fn copy_folders(root: &Path) {
    let to = root.join("killed");
    let _ = fs::remove_dir_all(&to);
    let _ = copy(&root.join("pc"), &to);
}

fn take_copy(root: &Path) {
    let _ = fs::remove_dir_all(root.join("pc"));
    let _ = fs::rename(root.join("killed"), root.join("pc"));
}

/// Copies a folder with the times of its files.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target)?;
        } else if entry.file_name() == "ballast" {
            // Four MiB of zeros that nobody changes: made whole, or removed.
            fs::hard_link(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
            fs::File::options().write(true).open(&target)?.set_modified(entry.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

fn config(root: &Path, ca: &Path, policy: &str) -> Config {
    let text = format!(
        "data_dir = {:?}\npolicy = {policy:?}\n[kathea]\noutbox = {:?}\nscans = []\nlogs = []\n[collector]\nca = {ca:?}\n\
         [consent]\ngroup = \"\"\n[support]\nrecipients = [{RECIPIENT:?}]\n[ship]\nrate = \"1 KiB/s\"\n[keys]\nprotector = \"file\"\n",
        root.join("pc/data"),
        root.join("pc/outbox"),
    );
    Config::parse(&text).unwrap_or_default()
}

fn collect(folder: &Path, all: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, all);
        } else if path.file_name().is_some_and(|name| name != "lock") {
            let content = fs::read(&path).unwrap_or_default();
            all.push([path.to_string_lossy().as_bytes(), &content].concat());
        }
    }
}

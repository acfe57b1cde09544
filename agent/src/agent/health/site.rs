//! A workstation whose problems are looked at: an agent and its folders.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::ledger::Role;
use protocol::{Digest, Purpose};
use ring::rand::SystemRandom;

use super::*;
use crate::agent::{Agent, Edges, Parts};
use crate::config::Config;
use crate::consent::state::to_text;
use crate::consent::{By, Channel, Flag};
use crate::presence;
use crate::ship::pace::Fate;
use crate::support::pseudonyms::Pseudonyms;
use crate::support::record::{Bundle, State};

/// An agent and its folders; what is moved away comes back.
pub(super) struct Site {
    pub(super) agent: Agent,
    pub(super) config: Config,
    pub(super) dir: tempfile::TempDir,
}

impl Site {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("outbox")).unwrap();
        fs::write(at("ca.pem"), "").unwrap();
        let text = format!(
            "data_dir = {:?}\n[kathea]\noutbox = {:?}\n[collector]\nca = {:?}\n[keys]\nprotector = \"file\"\n",
            at("data"),
            at("outbox"),
            at("ca.pem")
        );
        let config = Config::parse(&text).unwrap();
        Self { agent: Agent::open(config.clone()).unwrap(), config, dir }
    }

    /// Where the clinic said yes to usage statistics.
    pub(super) fn granted() -> Self {
        let mut site = Self::new();
        let yes = site.agent.registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
        let by = By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None };
        site.agent.grant(&Flag::UsageStatistics, &yes, None, by).unwrap();
        site
    }

    pub(super) fn data(&self, name: &str) -> PathBuf {
        self.config.data_dir.join(name)
    }

    pub(super) fn outbox(&self, name: &str) -> PathBuf {
        self.config.kathea.outbox.join(name)
    }

    /// Ends the agent, does `harm` to its data, and starts it again.
    pub(super) fn restart(&mut self, harm: impl FnOnce(&Self)) {
        let aside = tempfile::tempdir().unwrap();
        let other = Config { data_dir: aside.path().join("data"), ..self.config.clone() };
        // The lock goes with the agent.
        drop(std::mem::replace(&mut self.agent, Agent::open(other).unwrap()));
        harm(self);
        self.agent = Agent::open(self.config.clone()).unwrap();
    }

    pub(super) fn record(&mut self) -> usize {
        let at = to_text(unix_now());
        let line = format!(
            r#"{{"event":"device.error","at":"{at}","code":4711,"subsystem":"detector","severity":"error","repeats":2}}"#
        );
        self.agent.take_lines(&[line.as_bytes(); 64]).iter().filter(|answer| answer.is_ok()).count()
    }

    /// What `status` says of `subject`.
    pub(super) fn shown(&self, subject: Subject) -> bool {
        self.agent.status(unix_now()).problem_texts.iter().any(|problem| problem.key == subject.key())
    }

    /// In the place of a folder a file: whoever looks into it meets an error.
    pub(super) fn block(&self, path: &Path) {
        if presence::is_there(path).unwrap() {
            fs::rename(path, self.dir.path().join("aside")).unwrap();
        }
        fs::write(path, b"").unwrap();
    }

    pub(super) fn unblock(&self, path: &Path) {
        fs::remove_file(path).unwrap();
        let aside = self.dir.path().join("aside");
        if presence::is_there(&aside).unwrap() {
            fs::rename(aside, path).unwrap();
        }
    }

    pub(super) fn bundle(&mut self) {
        let queue = &mut self.agent.cases.queue;
        queue.prepare().unwrap();
        fs::write(queue.path("00000001"), b"sealed").unwrap();
        let bundle = Bundle {
            id: "00000001".into(),
            case: "A-1".parse().unwrap(),
            purposes: vec![Purpose::SupportCase],
            consents: vec![Digest::of(b"entry")],
            sealed_at: unix_now(),
            size: 6,
            sha256: Digest::of(b"sealed"),
            manifest: Digest::of(b"manifest"),
            state: State::Queued,
            offset: 0,
            url: None,
            receipt: None,
            pseudonyms: Pseudonyms::draw(&SystemRandom::new()).unwrap(),
            scans: Vec::new(),
        };
        queue.add(bundle, &mut self.agent.vault, unix_now()).unwrap();
    }

    /// Sends all usage to a collector that takes it.
    pub(super) fn drain(&mut self) {
        let Parts { usage, mut cx, .. } = self.agent.parts();
        while let Some((parcel, _, missing)) = usage.next_batch(&mut cx, 1000).unwrap() {
            let taken = Fate::Settle { records: parcel.records(), rejected: vec![] };
            usage.settle_batch(&mut cx, &parcel, &missing, &taken).unwrap();
        }
        assert_eq!(usage.waiting_usage().records, 0);
    }

    pub(super) fn with_cx(&mut self, act: impl FnOnce(&mut Parts<'_>)) {
        act(&mut self.agent.parts());
    }

    pub(super) fn work(&mut self) {
        self.agent.work();
    }
}

pub(super) fn unix_now() -> i64 {
    Edges::system().clock.wall()
}

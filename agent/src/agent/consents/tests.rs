//! Answers whose second half the disk refuses.

use std::fs;
use std::io;

use protocol::Purpose;
use protocol::ledger::Role;

use super::*;
use crate::agent::{Agent, Parts};
use crate::config::Config;
use crate::consent::Channel;
use crate::killpoint::{self, Point};

fn by() -> By {
    By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None }
}

fn granted(dir: &Path) -> Agent {
    fs::create_dir(dir.join("outbox")).unwrap();
    fs::write(dir.join("ca.pem"), "").unwrap();
    let text = format!(
        "data_dir = {:?}\n[kathea]\noutbox = {:?}\n[collector]\nca = {:?}\n[keys]\nprotector = \"file\"\n",
        dir.join("data"),
        dir.join("outbox"),
        dir.join("ca.pem")
    );
    let mut agent = Agent::open(Config::parse(&text).unwrap()).unwrap();
    let yes = agent.registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
    agent.grant(&Flag::UsageStatistics, &yes, None, by()).unwrap();
    agent
}

/// Requests that wait, of this kind.
fn waits(agent: &mut Agent, kind: PrivacyKind) -> bool {
    let Parts { requests, cx, .. } = agent.parts();
    let is_it =
        |request: &VendorRequest| matches!(request, VendorRequest::Privacy { kind: of, .. } if *of == kind);
    requests.waits(&cx, is_it).unwrap()
}

/// Lets each write fail but those of the ledger and of its directory, while `work` runs.
fn with_ledger_alone<T>(work: impl FnOnce() -> T) -> T {
    killpoint::watch(Some(Box::new(|point| match point {
        Point::Write(path) if !path.ends_with("data") && !path.to_string_lossy().contains("ledger") => {
            Err(io::ErrorKind::StorageFull.into())
        }
        _ => Ok(()),
    })));
    let done = work();
    killpoint::watch(None);
    done
}

/// The loop's next turn, on a disk that works again.
fn next_turn(agent: &mut Agent) {
    agent.mend().unwrap();
}

#[test]
fn a_restriction_and_its_release_reach_the_queue_the_second_time_if_the_disk_kept_them_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = granted(dir.path());
    let (flag, now) = (Flag::UsageStatistics, agent.now());
    assert!(with_ledger_alone(|| agent.decide(ConsentAction::Restrict, &flag, by())).is_err());
    next_turn(&mut agent);
    assert_eq!(agent.registry.state(&flag, now), State::Restricted, "the ledger has it");
    assert!(!waits(&mut agent, PrivacyKind::Restrict));
    agent.decide(ConsentAction::Restrict, &flag, by()).unwrap();
    assert!(waits(&mut agent, PrivacyKind::Restrict));

    assert!(with_ledger_alone(|| agent.decide(ConsentAction::Release, &flag, by())).is_err());
    next_turn(&mut agent);
    assert_eq!(agent.registry.state(&flag, now), State::Granted, "the ledger has it");
    assert!(!waits(&mut agent, PrivacyKind::Release));
    agent.decide(ConsentAction::Release, &flag, by()).unwrap();
    assert!(waits(&mut agent, PrivacyKind::Release));
}

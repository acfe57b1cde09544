//! The states of a flag, and a withdrawal cut at every step.

mod answers_end;
mod cases;
mod standing;

use std::path::PathBuf;

use protocol::Purpose;
use protocol::ledger::{EventKind, Role};

use super::*;
use crate::consent::permit::UsageStatistics;
use crate::consent::vendor_head;
use crate::vault::{Protector, Vault};

const NOW: i64 = 1_780_000_000;
const DAY: i64 = 86_400;
const USAGE: &Flag = &Flag::UsageStatistics;
const PERSON: By = By { role: Some(Role::PrivacyOfficer), channel: Channel::CommandLine, session: None };

/// A data directory, and what it takes to open its registry.
struct Site {
    dir: tempfile::TempDir,
    key: DeviceKey,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open(dir.path(), &Protector::File, NOW).unwrap();
        Self { dir, key: vault.device_key().clone() }
    }

    fn registry(&self) -> Registry {
        self.registry_under(policy())
    }

    fn registry_under(&self, policy: Policy) -> Registry {
        Registry::open(self.dir.path(), policy, false, &self.key)
    }

    fn granted() -> Self {
        let site = Self::new();
        yes(&mut site.registry(), NOW).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn case(id: &str) -> CaseId {
    id.parse().unwrap()
}

fn policy() -> Policy {
    Policy::load("copenhagen-imaging").unwrap()
}

fn yes(registry: &mut Registry, now: i64) -> Result<Digest, ConsentError> {
    let digest = registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
    registry.grant(USAGE, &digest[..16], None, PERSON, now)
}

fn withdraw(registry: &mut Registry, now: i64) -> Option<Digest> {
    registry.begin_withdrawal(USAGE, PERSON, now).unwrap()
}

fn is_open(registry: &Registry, now: i64) -> bool {
    registry.permit::<UsageStatistics>(now).is_some()
}

#[test]
fn the_states_and_what_they_open() {
    let edited = || Policy::parse(&TEXT.replace("version = \"2024-05-16\"", "version = \"2\"")).unwrap();
    let withheld = || {
        let (before, usage) = TEXT.split_once("[purposes.usage_statistics]").unwrap();
        let (_, rest) = usage.split_once("[purposes.support_case]").unwrap();
        Policy::parse(&format!("{before}[purposes.support_case]{rest}")).unwrap()
    };
    let says_nothing = |_: &mut Registry| {};
    let says_yes = |registry: &mut Registry| assert!(yes(registry, NOW).is_ok());
    let says_no = |registry: &mut Registry| assert!(registry.deny(USAGE, PERSON, NOW).is_ok());
    let withdraws =
        |registry: &mut Registry| assert!(yes(registry, NOW).is_ok() && withdraw(registry, NOW).is_some());
    let closes = |registry: &mut Registry| {
        assert!(yes(registry, NOW).is_ok() && withdraw(registry, NOW).is_some());
        registry.close_withdrawal(USAGE, NOW).unwrap();
    };
    type Act = fn(&mut Registry);
    let cases: [(State, Act, Policy, i64); 10] = [
        (State::Unset, says_nothing, policy(), NOW),
        (State::NotOffered, says_yes, withheld(), NOW),
        (State::Granted, says_yes, policy(), NOW + 700 * DAY),
        (State::Granted, says_yes, policy(), NOW - DAY),
        (State::Expired, says_yes, policy(), NOW + 731 * DAY),
        (State::Expired, says_yes, policy(), NOW - 2 * DAY),
        (State::StalePolicy, says_yes, edited(), NOW),
        (State::Denied, says_no, policy(), NOW),
        (State::Withdrawn, withdraws, policy(), NOW),
        (State::Withdrawn, closes, policy(), NOW),
    ];
    for (state, act, policy, now) in cases {
        let site = Site::new();
        act(&mut site.registry());
        let registry = site.registry_under(policy);
        assert_eq!(registry.state(USAGE, now), state, "at {now}");
        assert_eq!(is_open(&registry, now), state == State::Granted, "{state}");
        assert_eq!(registry.verify(), []);
    }
}

const TEXT: &str = protocol::policy::POLICIES[0].1;

#[test]
fn a_restriction_closes_and_its_end_opens_again() {
    let site = Site::granted();
    let mut registry = site.registry();
    let mut happen = |kind| {
        let asked = registry.asked(USAGE).unwrap();
        registry.record(asked, kind, By::AGENT, None, NOW).unwrap();
        registry.state(USAGE, NOW)
    };
    assert_eq!(happen(EventKind::Restricted), State::Restricted);
    assert_eq!(happen(EventKind::Released), State::Granted);
    assert_eq!(happen(EventKind::Expired), State::Expired);
}

#[test]
fn the_administrators_no_stands_above_every_flag() {
    let site = Site::granted();
    let mut registry = Registry::open(site.dir.path(), policy(), true, &site.key);
    assert_eq!(registry.state(USAGE, NOW), State::Denied);
    assert!(!is_open(&registry, NOW));
    assert_eq!(yes(&mut registry, NOW), Err(ConsentError::Forbidden));
    assert!(is_open(&site.registry(), NOW), "and takes nothing away for ever");
}

#[test]
fn a_yes_is_refused_without_the_notice_the_offer_or_a_sane_clock() {
    let site = Site::new();
    let mut registry = site.registry();
    let digest = registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
    let mut grant = |flag: &Flag, yes: &str, now| registry.grant(flag, yes, None, PERSON, now).unwrap_err();
    assert_eq!(grant(USAGE, &digest[..15], NOW), ConsentError::NotShown);
    assert_eq!(grant(USAGE, &"0".repeat(64), NOW), ConsentError::NotShown);
    assert_eq!(grant(&Flag::SupportCase(case("A-1")), &digest, NOW), ConsentError::NotShown, "another's");
    assert_eq!(grant(USAGE, &digest, 0), ConsentError::Clock);
    assert_eq!(grant(USAGE, &digest, i64::MIN), ConsentError::Clock);
    assert_eq!(grant(USAGE, &digest, i64::MAX), ConsentError::Clock);
    assert!(!site.path("ledger.ndjson").exists());
    yes(&mut registry, NOW).unwrap();
    assert_eq!(registry.deny(USAGE, PERSON, NOW), Err(ConsentError::Granted));
}

#[test]
fn a_yes_given_while_the_clock_was_ahead_does_not_last_longer() {
    let site = Site::new();
    yes(&mut site.registry(), NOW + 3650 * DAY).unwrap();
    let registry = site.registry();
    assert_eq!(registry.state(USAGE, NOW), State::Expired);
    assert!(registry.problems(NOW).iter().any(|problem| problem.en.contains("clock")));
    assert!(is_open(&registry, NOW + 3650 * DAY), "it is not lost either");
}

#[test]
fn a_permit_names_the_line_that_goes_to_the_vendor() {
    let site = Site::granted();
    let registry = site.registry();
    let permit = registry.permit::<UsageStatistics>(NOW).unwrap();
    let line = registry.line(permit.entry()).unwrap();
    let entry = protocol::ledger::read_line(line, site.key.public_key()).unwrap();
    assert_eq!(registry.head(), Some((0, permit.entry())));
    assert_eq!(registry.granted_since(USAGE), Some(NOW));
    assert_eq!(
        (entry.event.role, entry.event.channel.as_str()),
        (Some(Role::PrivacyOfficer), "command_line")
    );
    assert_eq!(entry.event.until.as_deref(), Some("2028-05-28T20:26:40Z"));
    assert_eq!(Some(entry.processing.notice_sha256), registry.policy().digest(Purpose::UsageStatistics));
}

#[test]
fn a_withdrawal_stops_permits_and_transfers_at_once_and_is_finished_after_any_cut() {
    let site = Site::granted();
    let mut registry = site.registry();
    let lease = registry.permit::<UsageStatistics>(NOW).unwrap().lease();
    assert!(lease.stands());
    let entry = withdraw(&mut registry, NOW + 1).unwrap();
    assert!(!lease.stands() && !is_open(&registry, NOW + 1));
    assert!(registry.rights().lease().stands());
    drop(registry);

    for _ in 0..3 {
        // Cut before the end, as often as it likes.
        let mut registry = site.registry();
        assert!(!is_open(&registry, NOW + 1));
        assert_eq!(registry.pending_withdrawals(), [Pending { flag: USAGE.clone(), entry }]);
        assert_eq!(withdraw(&mut registry, NOW + 2), Some(entry), "begun once");
        assert_eq!(yes(&mut registry, NOW + 2), Err(ConsentError::Withdrawing));
        assert_eq!(registry.deny(USAGE, PERSON, NOW), Err(ConsentError::Withdrawing));
    }
    for _ in 0..2 {
        site.registry().close_withdrawal(USAGE, NOW + 3).unwrap();
        assert_eq!(site.registry().pending_withdrawals(), []);
        assert_eq!(site.registry().head().map(|(index, _)| index), Some(2), "closed once");
    }
    let mut registry = site.registry();
    assert_eq!(withdraw(&mut registry, NOW + 4), None, "nothing left to withdraw");
    yes(&mut registry, NOW + 5).unwrap();
    assert!(is_open(&registry, NOW + 5) && !lease.stands());
    assert_eq!(registry.granted_since(USAGE), Some(NOW + 5));
}

#[test]
fn after_a_cut_in_any_step_a_withdrawal_leaves_no_key_of_its_own_and_every_other() {
    const COMPARTMENTS: [&str; 2] = ["usage_statistics", "rights"];
    for step in 0..4 {
        let site = Site::granted();
        let open = || Vault::open(site.dir.path(), &Protector::File, NOW).unwrap().0;
        let mut vault = open();
        let keys = COMPARTMENTS.map(|name| vault.sealing_key(name, NOW).unwrap().0.id());
        let old = vault.sealing_key("usage_statistics", NOW - 40 * DAY).unwrap().0.id();

        // The power goes after this step.
        let entry = withdraw(&mut site.registry(), NOW).unwrap();
        if step == 1 {
            crate::durable::erase(&site.path(&format!("keys/usage_statistics-{old}.key"))).unwrap();
        }
        if step >= 2 {
            vault.shred("usage_statistics").unwrap();
        }
        if step >= 3 {
            site.registry().close_withdrawal(USAGE, NOW).unwrap();
        }

        // And comes back.
        let (mut vault, mut registry) = (open(), site.registry());
        let pending = if step < 3 { vec![Pending { flag: USAGE.clone(), entry }] } else { vec![] };
        assert_eq!(registry.pending_withdrawals(), pending, "step {step}");
        for _ in pending {
            vault.shred("usage_statistics").unwrap();
            registry.close_withdrawal(USAGE, NOW).unwrap();
        }
        let vault = open();
        assert!(vault.opening_key("usage_statistics", keys[0]).is_none(), "step {step}");
        assert!(vault.opening_key("usage_statistics", old).is_none(), "step {step}");
        assert!(vault.opening_key("rights", keys[1]).is_some(), "step {step}");
        assert_eq!(
            (site.registry().state(USAGE, NOW), site.registry().pending_withdrawals()),
            (State::Withdrawn, vec![])
        );
    }
}

#[test]
fn a_withdrawal_that_cannot_be_written_stops_everything_all_the_same() {
    let site = Site::granted();
    let mut registry = site.registry();
    let lease = registry.permit::<UsageStatistics>(NOW).unwrap().lease();
    std::fs::remove_file(site.path("ledger.ndjson")).unwrap();
    std::fs::create_dir(site.path("ledger.ndjson")).unwrap();
    let refused = registry.begin_withdrawal(USAGE, PERSON, NOW);
    assert!(matches!(refused, Err(ConsentError::Ledger(_))));
    assert!(!lease.stands() && !is_open(&registry, NOW));
    assert_eq!(registry.state(USAGE, NOW), State::Withdrawn);
    // It is written nowhere: what Kathea reports is kept until it is, or the process begins again.
    assert_eq!(registry.standing(USAGE, NOW, true), Standing::Kept(Kept::Registry));
}

#[test]
fn an_untrusted_ledger_must_be_withdrawn_before_a_new_yes_and_the_chain_goes_on() {
    let site = Site::granted();
    let ledger = site.path("ledger.ndjson");
    let damaged = std::fs::read_to_string(&ledger).unwrap().replacen("granted", "grantee", 1);
    std::fs::write(&ledger, &damaged).unwrap();

    let mut registry = site.registry();
    assert_eq!(registry.state(USAGE, NOW), State::Unset);
    assert_eq!(registry.verify().first().and_then(|finding| finding.line), Some(1));
    assert_eq!(yes(&mut registry, NOW), Err(ConsentError::Untrusted));
    assert_eq!(registry.deny(USAGE, PERSON, NOW), Err(ConsentError::Untrusted));
    let entry = withdraw(&mut registry, NOW).unwrap();
    assert_eq!(registry.head(), Some((1, entry)), "behind the damaged line");
    assert_eq!(std::fs::read_to_string(site.path("ledger-before-1.0.ndjson")).unwrap(), damaged);

    let mut registry = site.registry();
    assert_eq!(registry.pending_withdrawals().len(), 1);
    registry.close_withdrawal(USAGE, NOW).unwrap();
    yes(&mut registry, NOW).unwrap();
    assert!(is_open(&site.registry(), NOW));
    assert_eq!((site.registry().verify(), site.registry().problems(NOW)), (vec![], vec![]));
}

#[test]
fn a_restored_old_copy_is_closed_by_what_the_vendor_knows() {
    let site = Site::granted();
    let files = ["ledger.ndjson", "ledger.head"];
    let old = files.map(|name| std::fs::read(site.path(name)).unwrap());
    withdraw(&mut site.registry(), NOW).unwrap();
    site.registry().close_withdrawal(USAGE, NOW).unwrap();
    let (index, newest) = site.registry().head().unwrap();
    for (name, bytes) in files.iter().zip(old) {
        std::fs::write(site.path(name), bytes).unwrap();
    }

    let mut registry = site.registry();
    let (first, hash) = registry.head().unwrap();
    assert!(is_open(&registry, NOW) && registry.compare_head(first, hash), "the copy alone shows nothing");
    let lease = registry.permit::<UsageStatistics>(NOW).unwrap().lease();
    assert!(!registry.compare_head(index, newest));
    assert!(!is_open(&registry, NOW) && !lease.stands());
    assert_eq!((registry.state(USAGE, NOW), registry.problems(NOW).len()), (State::Unset, 1));

    // What the vendor said outlives the process, until the ledger is behind it.
    vendor_head::keep(site.dir.path(), index, newest).unwrap();
    let mut registry = site.registry();
    assert!(is_open(&registry, NOW), "the control: the ledger alone does not know it");
    vendor_head::recall(site.dir.path(), &mut registry).unwrap();
    assert!(!is_open(&registry, NOW) && site.path("ledger.vendor").exists());

    let entry = withdraw(&mut registry, NOW).unwrap();
    assert_eq!(registry.head(), Some((index + 1, entry)), "behind the newest line that the vendor knows");
    let mut registry = site.registry();
    vendor_head::recall(site.dir.path(), &mut registry).unwrap();
    assert!(registry.is_trusted() && !site.path("ledger.vendor").exists());
    assert!(registry.compare_head(index + 1, entry) && registry.compare_head(index, newest));
    assert!(!registry.compare_head(index + 1, newest), "another line at the same place");
}

#[test]
fn a_yes_that_is_renewed_in_time_covers_what_the_first_one_covered() {
    let site = Site::granted();
    let mut registry = site.registry();
    yes(&mut registry, NOW + 100 * DAY).unwrap();
    assert_eq!(registry.granted_since(USAGE), Some(NOW));
    yes(&mut registry, NOW + 900 * DAY).unwrap();
    assert_eq!(registry.granted_since(USAGE), Some(NOW + 900 * DAY), "after it expired, only from then on");
    withdraw(&mut registry, NOW + 901 * DAY).unwrap();
    registry.close_withdrawal(USAGE, NOW + 901 * DAY).unwrap();
    yes(&mut registry, NOW + 902 * DAY).unwrap();
    assert_eq!(registry.granted_since(USAGE), Some(NOW + 902 * DAY));
}

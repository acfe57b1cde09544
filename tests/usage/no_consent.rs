//! Without a yes nothing is kept and nothing is sent: the outbox is emptied unread, sled never starts, and no
//! packet leaves. A yes never reaches back.

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::peer::{self, Skipped};
use crate::common::relay::Relay;
use crate::common::totals::Totals;
use crate::common::workstation::Workstation;
use crate::common::{seeded, until};
use test_support::or_skip;

const RECORD: [&str; 6] =
    ["record", "device.error", "code=1042", "subsystem=generator", "severity=error", "repeats=3"];

/// A workstation that could send if it were allowed to: it is enrolled.
fn enrolled() -> (Collector, Relay, Workstation) {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::new(&relay.url(), &collector.ca());
    workstation.enroll(&collector.token());
    (collector, relay, workstation)
}

#[test]
fn nothing_is_kept_or_sent_until_somebody_says_yes() {
    let (collector, relay, workstation) = enrolled();
    let mut unseen = Outbox::new(seeded());
    let connections = relay.connections();
    assert!(connections > 0, "the relay saw the enrolment");

    unseen.fill(&workstation, 2000, 500, Outbox::device_error);
    unseen.fill(&workstation, 1000, 500, Outbox::exposure);
    workstation.leave("broken.ndjson", "nobody reads this to find that it is no JSON\n");
    workstation.expect(0, &["run", "--once", "--close"]);
    assert_eq!(workstation.in_outbox(), 0);
    assert_eq!(workstation.status()["dropped"], serde_json::json!({"no_consent": 3001}));

    let service = workstation.serve();
    unseen.fill(&workstation, 2000, 500, Outbox::device_error);
    until("the service empties the outbox", || workstation.in_outbox() == 0);
    workstation.expect(4, &RECORD);
    until("the service counts", || workstation.dropped("no_consent") == 5002);
    assert_eq!(workstation.status()["consent"]["usage_statistics"], "unset");
    assert!(!workstation.data().join("spool").exists());
    assert_eq!(relay.connections(), connections);

    unseen.fill(&workstation, 500, 500, Outbox::device_error);
    workstation.grant();
    assert_eq!(workstation.dropped("no_consent"), 5502, "a yes first empties the outbox");
    let old = r#"{"event":"device.restart","at":"2026-11-01T00:00:00Z","cause":"operator","ready_s":60}"#;
    workstation.leave("old.ndjson", format!("{old}\n").repeat(20));
    let mut seen = Outbox::new(seeded());
    seen.fill(&workstation, 300, 300, Outbox::device_error);
    until("what came after the yes is sent", || {
        workstation.status()["sent"]["usage_statistics"]["records"] == 300
    });
    assert_eq!(workstation.dropped("before_grant"), 20);
    assert!(relay.connections() > connections && workstation.data().join("spool").exists());
    Totals::exported(&collector.export()).assert_are(&seen.expected);
    service.kill();
}

/// All packets of all interfaces while the agent runs once in a network of its own, with nothing but a
/// loopback in it.
#[cfg(target_os = "linux")]
fn captured(workstation: &Workstation) -> Result<u64, Skipped> {
    let agent = workstation.agent(&["run", "--once", "--close"]);
    let script = "ip link set lo up && { \"$@\" 2>/dev/null; cat /proc/net/dev; }";
    let output = std::process::Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", script, "sh"])
        .arg(agent.get_program())
        .args(agent.get_args())
        .output();
    let counted = String::from_utf8(output.map(|output| output.stdout).unwrap_or_default()).unwrap();
    peer::need(!counted.is_empty(), "this account can't have a network of its own")?;
    // "lo: BYTES PACKETS ..." behind two lines of headings.
    let packets = |line: &str| line.split_once(':')?.1.split_whitespace().nth(1)?.parse::<u64>().ok();
    Ok(counted.lines().filter_map(packets).sum())
}

#[cfg(target_os = "linux")]
#[test]
fn no_packet_leaves_until_somebody_says_yes() {
    let (_collector, _relay, workstation) = enrolled();
    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, 1000, 500, Outbox::device_error);
    let packets = or_skip!(captured(&workstation));
    assert_eq!((packets, workstation.in_outbox()), (0, 0));
    workstation.grant();
    outbox.fill(&workstation, 1000, 500, Outbox::device_error);
    assert!(captured(&workstation).unwrap() > 0, "after a yes the capture sees packets");
}

//! Thirty days of a clinic with every flag off, in a network of its own: not a packet, on any interface, and no socket
//! of the internet is even made, though the clinic keeps its own history of them. The program gets the days from faketime; Kathea writes what it writes in them.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::collector::Collector;
use crate::common::kathea::{self, Plan};
use crate::common::outbox::Outbox;
use crate::common::peer::{self, Skipped};
use crate::common::seeded;
use crate::common::workstation::Workstation;
use serde_json::Value as Json;
use test_support::or_skip;
use time::{Duration, OffsetDateTime};

/// Each day the service starts, empties the outbox of what Kathea wrote, and ends; then it runs once more by hand. On the
/// last day its calls are traced. At the end: all packets of all interfaces, and the calls that made or used a socket of
/// the internet.
const DAYS: &str = r#"
ip link set lo up || exit 99
for try in $(seq 100); do lib=$(faketime -f +0d printenv LD_PRELOAD) && break; done
[ -n "$lib" ] || exit 97
outbox=$1 kathea=$2 trace=$3 days=$4; shift 4
for day in $(seq 0 $((days - 1))); do
    mv "$kathea/$day"/*.ndjson "$outbox" 2>/dev/null
    FAKETIME="+${day}d" LD_PRELOAD=$lib "$@" run > /dev/null 2>&1 & service=$!
    until [ -z "$(ls "$outbox")" ]; do kill -0 $service || exit 98; sleep 0.05; done
    kill $service; wait $service
    FAKETIME="+${day}d" LD_PRELOAD=$lib "$@" run --once --close 2>/dev/null
done
strace -f -q -e trace=socket,connect,sendto,sendmsg -o "$trace" -E FAKETIME="+${day}d" -E LD_PRELOAD="$lib" \
    "$@" run --once --close 2>/dev/null
cat /proc/net/dev
"#;

/// Packets of so many days, and traced calls about the internet.
fn captured(
    workstation: &Workstation,
    days: u32,
    random: &mut kathea::Random,
) -> Result<(u64, usize), Skipped> {
    let written = workstation.path().join("kathea");
    let _ = fs::remove_dir_all(&written);
    for day in 0..days {
        let outbox = written.join(day.to_string());
        fs::create_dir_all(&outbox).unwrap();
        let start = OffsetDateTime::now_utc() + Duration::days(day.into());
        // Five days of the week somebody is there; the others say nothing.
        kathea::write(&outbox, &Plan { seed: random.next(), start, days: 1, squeezed: None }).unwrap();
    }
    let agent = workstation.agent(&[]);
    let trace = workstation.path().join("trace");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", DAYS, "sh"])
        .args([workstation.outbox().as_path(), &written, &trace, Path::new(&days.to_string())])
        .arg(agent.get_program())
        .args(agent.get_args())
        .output()
        .unwrap();
    let counted = String::from_utf8(output.stdout).unwrap();
    peer::need(!counted.is_empty(), "this account can't have a network of its own")?;
    assert_ne!(output.status.code(), Some(97), "faketime does not name its library");
    assert_ne!(output.status.code(), Some(98), "the service ended of itself");
    // "lo: BYTES PACKETS ..." behind two lines of headings; received, and sent ten columns on.
    let packets = |line: &str| line.split_once(':')?.1.split_whitespace().nth(1)?.parse::<u64>().ok();
    let traced = fs::read_to_string(&trace).unwrap_or_default();
    let calls = traced.lines().filter(|line| line.contains("AF_INET")).count();
    Ok((counted.lines().filter_map(packets).sum(), calls))
}

#[test]
fn thirty_days_with_every_flag_off_make_no_packet() {
    if !peer::has("faketime") || !peer::has("strace") {
        return;
    }
    let mut random = seeded();
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    // Everything that could be a reason to speak is there, and over: a yes that was taken back, data that was sent, a
    // request that was answered, a certificate, a restriction's end.
    Outbox::new(random.clone()).fill(&workstation, 100, 100, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    workstation.expect(0, &["run", "--once"]);
    let ticket = collector.lines("requests", &[])[0]["ticket"].as_str().unwrap().to_owned();
    collector.command("requests", &["--done", &ticket]);
    workstation.expect(0, &["run", "--once"]);

    // The clinic's own history is kept all the while, and is no reason to speak either.
    workstation.expect(0, &["history", "on"]);

    let (packets, calls) = or_skip!(captured(&workstation, 30, &mut random));
    assert_eq!((packets, calls, workstation.in_outbox()), (0, 0, 0));
    let unread = workstation.dropped("no_consent");
    println!("{unread} events of Kathea's in thirty days, {packets} packets");
    assert!(unread > 100);
    let history = workstation.json(&["history", "--json"]);
    let days = |figure: &Json| figure["values"].as_object().map_or(0, serde_json::Map::len);
    let kept = history["figures"].as_array().unwrap().iter().map(days).max();
    println!("{kept:?} days of the clinic's own history");
    assert!(kept > Some(15), "{history}");

    workstation.grant();
    let (packets, calls) = captured(&workstation, 1, &mut random).unwrap();
    assert!(packets > 0 && calls > 0, "negative control: after a yes the same looks see it try");
}

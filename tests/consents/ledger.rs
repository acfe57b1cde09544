//! A ledger that somebody or something changed, cut, replaced or filled the disk under: found by the program, every flag
//! closed, nothing sent and nothing erased for it, until a person decides anew. `EDITS=all` edits every byte.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share is outside of `#[test]` functions"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::peer::{self, Skipped};
use crate::common::relay::Relay;
use crate::common::workstation::Workstation;
use crate::common::{bundle, seeded};
use serde_json::json;
use test_support::or_skip;

const NOWHERE: &str = "https://127.0.0.1:1";

/// A granted workstation with 100 events that wait, and could leave; its ledger has three lines.
fn ready() -> (Collector, Relay, Workstation) {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.expect(0, &["consent", "restrict", "usage_statistics"]);
    workstation.expect(0, &["consent", "release", "usage_statistics", "--by", "owner"]);
    workstation.run(&["run", "--once"]);
    workstation.configure(&relay.url(), NOWHERE);
    Outbox::new(seeded()).fill(&workstation, 100, 100, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    workstation.configure(NOWHERE, &relay.url());
    (collector, relay, workstation)
}

fn ledger(workstation: &Workstation) -> PathBuf {
    workstation.data().join("ledger.ndjson")
}

fn waits(workstation: &Workstation) -> u64 {
    workstation.status()["waiting"]["usage"]["records"].as_u64().unwrap()
}

#[test]
fn an_edit_of_any_byte_is_found_and_its_line_is_named() {
    let (_collector, _relay, workstation) = ready();
    let path = ledger(&workstation);
    let whole = fs::read(&path).unwrap();
    let mut random = seeded();
    let all = std::env::var("EDITS").is_ok_and(|edits| edits == "all");
    let step = if all { 1 } else { whole.len() / 60 };
    let mut edits = 0;
    for at in (0..whole.len()).step_by(step) {
        let mut edited = whole.clone();
        edited[at] ^= u8::try_from(random.within(1, 255)).unwrap();
        fs::write(&path, &edited).unwrap();
        let line = 1 + whole[..at].iter().filter(|byte| **byte == b'\n').count();
        let output = workstation.run(&["consent", "verify"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let named = output.status.code() == Some(1) && said.contains(&format!("line {line}:"));
        assert!(named, "byte {at}, {} for {}: {said}", edited[at], whole[at]);
        edits += 1;
    }
    println!("{edits} edits in {} bytes", whole.len());
    fs::write(&path, whole).unwrap();
    workstation.expect(0, &["consent", "verify"]);
}

#[test]
fn with_a_harmed_ledger_nothing_leaves_and_nothing_is_erased() {
    let (collector, relay, workstation) = ready();
    let (path, head) = (ledger(&workstation), workstation.data().join("ledger.head"));
    let (whole, newest) = (fs::read(&path).unwrap(), fs::read(&head).unwrap());
    let first = 1 + whole.iter().position(|byte| *byte == b'\n').unwrap();
    let before = relay.connections();
    let harms: [(&str, &dyn Fn()); 7] = [
        ("edited", &|| fs::write(&path, [&whole[..40], b"X", &whole[41..]].concat()).unwrap()),
        ("an older copy", &|| fs::write(&path, &whole[..first]).unwrap()),
        ("cut in a line", &|| fs::write(&path, &whole[..first + 99]).unwrap()),
        ("gone", &|| fs::remove_file(&path).unwrap()),
        ("without its head", &|| fs::remove_file(&head).unwrap()),
        ("its head is another's", &|| fs::write(&head, newest.to_ascii_uppercase()).unwrap()),
        ("unreadable", &|| {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }),
    ];
    for (harm, inflict) in harms {
        inflict();
        workstation.run(&["run", "--once", "--close"]);
        let status = workstation.status();
        assert_eq!(status["consent"]["usage_statistics"], "unset", "{harm}");
        assert!(status["problems"].to_string().contains("consent ledger"), "{harm}: {status}");
        assert_eq!(status["waiting"]["usage"]["records"], 100, "{harm}");
        let digest = workstation.json(&["consent", "show", "usage_statistics", "--json"])["digest"].clone();
        let yes =
            ["consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest.as_str().unwrap()];
        workstation.expect(4, &yes);
        workstation.expect(1, &["consent", "verify"]);
        assert_eq!((relay.connections(), collector.export().len()), (before, 0), "{harm}");
        let _ = fs::remove_dir(&path);
        fs::write(&path, &whole).unwrap();
        fs::write(&head, &newest).unwrap();
    }
    workstation.expect(0, &["run", "--once"]);
    assert_eq!((collector.export().len(), waits(&workstation)), (100, 0), "unharmed, it goes");
}

#[test]
fn a_new_ledger_begins_without_any_case_that_only_the_old_one_knew() {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    let consent = bundle::open_case(&workstation, "A-1");
    bundle::queue(&workstation, "A-1", consent, 9_000, &mut seeded());
    let keys = || {
        let names = fs::read_dir(workstation.data().join("keys")).unwrap().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with("support")).count()
    };
    assert_eq!(keys(), 1);
    let mut bytes = fs::read(ledger(&workstation)).unwrap();
    bytes[30] ^= 1;
    fs::write(ledger(&workstation), bytes).unwrap();
    assert_eq!((&workstation.status()["cases"], keys()), (&json!([]), 1), "nobody knows of the case");
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    assert_eq!((keys(), &workstation.status()["bundles"]), (0, &json!([])));
    workstation.expect(0, &["consent", "verify"]);
    workstation.grant();
}

/// Says yes in a mount of its own, whose data directory has so many pages of 4 KiB free, and reads the flags there.
fn yes_on_a_disk(workstation: &Workstation, pages: usize) -> Result<(i32, String), Skipped> {
    let digest = workstation.json(&["consent", "show", "usage_statistics", "--json"])["digest"].clone();
    let yes = ["consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest.as_str().unwrap()];
    let agent = workstation.agent(&yes);
    let script = "cp -a \"$0\" \"$0.was\" && mount -t tmpfs -o size=1m tmpfs \"$0\" && cp -a \"$0.was/.\" \"$0\" || exit 99
        while head -c 4096 /dev/zero 2>/dev/null >> \"$0/other\"; do :; done 2>/dev/null
        truncate -s -$((4096 * $1)) \"$0/other\"
        shift; program=$1; config=$3
        \"$@\" >&2; code=$?
        rm -f \"$0/other\"
        \"$program\" --config \"$config\" consent verify >&2 || exit 98
        \"$program\" --config \"$config\" consent list --json
        exit $code";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(workstation.data())
        .arg(pages.to_string())
        .arg(agent.get_program())
        .args(agent.get_args())
        .output()
        .unwrap();
    let (code, said) = (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
    let forbidden = matches!(code, 1 | 99) && said.contains("Operation not permitted");
    peer::need(!forbidden, "this account may not mount a small disk")?;
    fs::remove_dir_all(workstation.data().with_extension("was")).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&said);
    Ok((code, list["consent"]["usage_statistics"].as_str().unwrap().to_owned() + " " + &said))
}

#[test]
fn a_yes_that_a_full_disk_cannot_take_is_no_yes() {
    let collector = Collector::start();
    let workstation = Workstation::new(&format!("https://{}", collector.address()), &collector.ca());
    let mut taken = 0;
    for pages in [0, 1, 2, 3, 4, 6, 8, 12, 100] {
        let (code, said) = or_skip!(yes_on_a_disk(&workstation, pages));
        let is_yes = said.starts_with("granted");
        assert!(
            is_yes == (code == 0) && (is_yes || code == 1 && said.starts_with("unset")),
            "{pages}: {said}"
        );
        assert!(is_yes || said.contains("full") || said.contains("space"), "{pages}: {said}");
        taken += usize::from(is_yes);
    }
    assert!((1..9).contains(&taken), "{taken} of 9 disks were large enough");
}

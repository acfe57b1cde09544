//! What a clinic may ask (GDPR art. 7 and 15 to 20), each with the program as it is run: not for now, show me, delete
//! it, the end of the device; and a copy of the device from before it said no.

use std::fs;

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::spool::{copy, readable};
use crate::common::workstation::Workstation;
use crate::common::{seeded, until};
use agent::consent::permit::UsageStatistics;
use agent::consent::{Policy, Registry};
use agent::seal::payload::Payload;
use agent::seal::record::Sealed;
use agent::spool::Spool;
use agent::usage::validation::Usage;
use agent::vault::{Protector, Vault};
use data_encoding::BASE64;
use protocol::Digest;
use serde_json::{Value as Json, json};

const NOWHERE: &str = "https://127.0.0.1:1";

/// A granted workstation with `events` that wait, behind a relay; it can't reach it yet.
fn waiting(events: usize) -> (Collector, Relay, Workstation) {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.configure(&relay.url(), NOWHERE);
    Outbox::new(seeded()).fill(&workstation, events, 500, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    assert_eq!(waits(&workstation), events as u64);
    (collector, relay, workstation)
}

fn waits(workstation: &Workstation) -> u64 {
    workstation.status()["waiting"]["usage"]["records"].as_u64().unwrap()
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64
}

fn kinds(collector: &Collector) -> Vec<String> {
    let mut kinds: Vec<_> = collector
        .lines("requests", &[])
        .iter()
        .map(|line| line["kind"].as_str().unwrap().to_owned())
        .collect();
    kinds.sort();
    kinds
}

#[test]
fn what_is_restricted_is_kept_and_not_sent_until_it_is_released() {
    let (collector, relay, workstation) = waiting(800);
    workstation.expect(0, &["consent", "restrict", "usage_statistics"]);
    workstation.configure(NOWHERE, &relay.url());
    workstation.run(&["run", "--once", "--close"]);
    let status = workstation.status();
    assert_eq!(status["consent"]["usage_statistics"], "restricted");
    assert_eq!((waits(&workstation), collector.export().len()), (800, 0));
    assert_eq!(kinds(&collector), ["restrict"]);

    workstation.expect(0, &["consent", "release", "usage_statistics", "--by", "owner"]);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!((waits(&workstation), collector.export().len()), (0, 800), "nothing was lost by it");
}

/// What the queue holds, by number: the hash of the sealed bytes and the bytes they open to.
fn held(workstation: &Workstation) -> Vec<(u64, Digest, Vec<u8>)> {
    let (vault, _) = Vault::open(&workstation.data(), &Protector::File, now()).unwrap();
    let policy = Policy::load("copenhagen-imaging").unwrap();
    let registry = Registry::open(&workstation.data(), policy, false, vault.device_key());
    let permit = registry.permit::<UsageStatistics>(now()).unwrap();
    let verify = |sealed: &Sealed<Usage>| sealed.verifies(&vault);
    let dir = workstation.data().join("spool").join("usage");
    let (mut queue, _) = Spool::<Usage>::open(&dir, [7; 8], &verify).unwrap();
    let records = queue.oldest(0, usize::MAX, usize::MAX).unwrap();
    let open = |sealed: &Sealed<Usage>| sealed.open(&permit, &vault).unwrap().get().to_bytes();
    records
        .iter()
        .map(|sealed| (sealed.numbers().start, Digest::of(sealed.as_bytes()), open(sealed)))
        .collect()
}

fn exported(workstation: &Workstation, name: &str) -> Json {
    let dir = workstation.path().join(name);
    workstation.expect(0, &["privacy", "export", "-o", dir.to_str().unwrap()]);
    assert!(fs::read_to_string(dir.join("held.txt")).unwrap().contains("usage_statistics"));
    #[cfg(unix)]
    for file in ["held.json", "held.txt"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(dir.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    serde_json::from_slice(&fs::read(dir.join("held.json")).unwrap()).unwrap()
}

#[test]
fn the_export_is_what_is_held_byte_for_byte_and_after_an_erasure_only_the_ledger() {
    let (collector, relay, workstation) = waiting(700);
    Outbox::new(seeded()).fill(&workstation, 200, 200, Outbox::exposure);
    workstation.expect(3, &["run", "--once"]);
    let export = exported(&workstation, "first");
    let shown = |export: &Json| -> Vec<(u64, Digest, Vec<u8>)> {
        let record = |record: &Json| {
            let content = BASE64.decode(record["content"].as_str().unwrap().as_bytes()).unwrap();
            let hash = record["sealed_sha256"].as_str().unwrap().parse().unwrap();
            (record["number"].as_u64().unwrap(), hash, content)
        };
        export["records"]["usage"].as_array().unwrap().iter().map(record).collect()
    };
    assert_eq!(shown(&export), held(&workstation));
    let said = export["records"]["usage"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|record| record["says"].as_array().unwrap());
    assert_eq!(said.filter(|said| said["entry"] == "device.error").count(), 700);
    assert!(!export["records"]["open"].as_array().unwrap().is_empty());
    let ledger = fs::read_to_string(workstation.data().join("ledger.ndjson")).unwrap();
    let lines = |export: &Json| -> Vec<String> {
        export["held"]["ledger"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(lines(&export), ledger.lines().collect::<Vec<_>>());

    workstation.expect(0, &["privacy", "erase"]);
    workstation.configure(NOWHERE, &relay.url());
    workstation.run(&["run", "--once"]);
    let export = exported(&workstation, "second");
    assert_eq!(export["records"], json!({"open": [], "usage": [], "requests": [], "sent": []}));
    assert_eq!(lines(&export).len(), 3, "yes, not any more, erased");
    assert_eq!(
        (kinds(&collector), collector.export().len()),
        (vec!["erase".to_owned(), "withdraw".to_owned()], 0)
    );
    let open: Vec<_> = export["held"]["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|ticket| ticket["state"] == "open")
        .collect();
    assert_eq!(open.len(), 1, "the vendor has yet to erase");

    let ticket = open[0]["ticket"].as_str().unwrap();
    collector.command("erase", &["--ticket", ticket, "--at-once", "--why", "asked by letter"]);
    workstation.expect(0, &["run", "--once"]);
    assert!(
        workstation.status()["requests"].as_array().unwrap().iter().all(|ticket| ticket["state"] == "done")
    );
    let connections = relay.connections();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(relay.connections(), connections, "nothing more is asked");
}

#[test]
fn a_device_that_is_taken_out_of_use_holds_nothing_that_can_be_read() {
    let (collector, relay, workstation) = waiting(600);
    let claim = workstation.expect(0, &["privacy", "claim"]);
    let spool = workstation.data().join("spool");
    let aside = workstation.path().join("aside");
    copy(&spool, &aside);
    assert!(readable(&aside, &workstation) > 0, "as long as there are keys");

    workstation.expect(3, &["decommission", "--yes", "--discard"]);
    assert_eq!(readable(&aside, &workstation), 0);
    workstation.configure(NOWHERE, &relay.url());
    workstation.run(&["run", "--once"]);
    let data = workstation.data();
    let certificate = fs::read_to_string(data.join("decommissioned")).unwrap();
    assert!(certificate.contains("600 records") && certificate.contains("Certificate"), "{certificate}");
    let keys = fs::read_dir(data.join("keys")).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(keys.collect::<Vec<_>>(), ["CACHEDIR.TAG"]);
    let mut left: Vec<_> = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        ["decommissioned", "decommissioning", "format", "keys", "ledger.head", "ledger.ndjson", "lock"]
    );
    assert_eq!((kinds(&collector), collector.export().len()), (vec!["decommission".to_owned()], 0));
    assert_eq!(collector.lines("devices", &[])[0]["standing"], "retired");
    workstation.expect(1, &["status"]);

    // The owner keeps a piece of paper.
    collector.command("claim", &[claim.trim()]);
    assert_eq!(kinds(&collector), ["decommission", "erase"]);
}

#[test]
fn what_waits_is_sent_first_where_a_device_is_drained() {
    let (collector, relay, workstation) = waiting(600);
    workstation.configure(NOWHERE, &relay.url());
    let certificate = workstation.expect(0, &["decommission", "--yes"]);
    assert!(certificate.contains("0 records"), "{certificate}");
    assert_eq!(collector.export().len(), 600);
}

#[test]
fn after_a_withdrawal_no_key_opens_any_record_of_an_old_segment() {
    let (_collector, _relay, workstation) = waiting(2000);
    let aside = workstation.path().join("aside");
    copy(&workstation.data().join("spool"), &aside);
    let before = readable(&aside, &workstation);
    assert!(before > 0, "as long as the yes stands");
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    assert_eq!(readable(&aside, &workstation), 0, "of {before}");
    workstation.grant();
    assert_eq!(readable(&aside, &workstation), 0, "nor under the next yes");
}

/// What leaves a workstation whose data directory was put back to what it was before; `withdraw`n or not meanwhile.
fn sent_by_a_restored_copy(withdrawn: bool) -> (u64, usize, Json) {
    let (collector, relay, workstation) = waiting(20_000);
    let (data, aside) = (workstation.data(), workstation.path().join("aside"));
    copy(&data, &aside);
    workstation.configure(NOWHERE, &relay.url());
    if withdrawn {
        workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
        workstation.expect(0, &["run", "--once"]);
        assert_eq!(kinds(&collector), ["withdraw"]);
    }
    fs::remove_dir_all(&data).unwrap();
    copy(&aside, &data);
    let before = relay.bytes();
    workstation.run(&["run", "--once"]);
    let sent = relay.bytes() - before;
    (sent, collector.export().len(), workstation.status())
}

#[test]
fn a_copy_from_before_the_withdrawal_sends_no_payload() {
    let (with_yes, records, _) = sent_by_a_restored_copy(false);
    assert_eq!(records, 20_000);
    let (sent, records, _) = sent_by_a_restored_copy(true);
    println!("{with_yes} bytes with the yes, {sent} after a withdrawal");
    assert_eq!(records, 0);
    assert!(sent < 16_000 && with_yes > 4 * sent, "handshakes, the question for the head, and ledger lines");
}

#[test]
fn two_policies_ask_for_different_things() {
    let (_collector, _relay, workstation) = waiting(10);
    let shown = |purpose: &str| workstation.json(&["consent", "show", purpose, "--json"]);
    let ours = shown("support_scan_data");
    assert_eq!(ours["policy"]["id"], "copenhagen-imaging");
    let path = workstation.config();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("policy = \"novo-imaging\"\n{text}")).unwrap();
    assert_eq!(shown("usage_statistics")["policy"]["id"], "novo-imaging");
    assert!(shown("usage_statistics")["text"]["en"].as_str().unwrap().contains("14 months"));
    workstation.expect(4, &["consent", "show", "support_scan_data"]);
    let digest = ours["digest"].as_str().unwrap();
    let grant = ["consent", "grant", "support_scan_data", "--case", "A-1", "--by", "owner", "--yes", digest];
    workstation.expect(4, &grant);
    assert_eq!(workstation.status()["consent"]["usage_statistics"], "stale_policy", "a yes to somebody else");
}

#[test]
fn a_changed_policy_stops_everything_and_a_change_of_words_nothing() {
    let (collector, relay, workstation) = waiting(300);
    let ours = protocol::policy::POLICIES[0].1;
    let file = workstation.path().join("policy.toml");
    let config = fs::read_to_string(workstation.config()).unwrap();
    fs::write(workstation.config(), format!("policy = {file:?}\n{config}")).unwrap();
    workstation.configure(NOWHERE, &relay.url());
    let run_under = |text: &str| {
        fs::write(&file, text).unwrap();
        workstation.run(&["run", "--once"]);
        let state = workstation.status()["consent"]["usage_statistics"].as_str().unwrap().to_owned();
        (state, waits(&workstation), collector.export().len())
    };
    let material = ours.replacen("never sold", "sold", 1);
    assert_eq!(run_under(&material), ("stale_policy".to_owned(), 300, 0));
    let changes = format!("editorial_change_of = [\"{}\", ", Digest::of(ours.as_bytes()));
    let editorial = material.replacen("editorial_change_of = [", &changes, 1);
    assert_eq!(run_under(&editorial), ("granted".to_owned(), 0, 300));

    for (wrong, said) in [
        (ours.replacen("[purposes.support_case]", "[purposes.support_cases]", 1), "line"),
        (ours.replacen("legal_basis = \"GDPR art. 6(1)(a)\"\n", "", 1), "legal_basis"),
    ] {
        fs::write(&file, wrong).unwrap();
        let output = workstation.run(&["status"]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && errors.contains("line ") && errors.contains(said), "{errors}");
    }
    let future = ours.replacen("effective = 2024-05-16", "effective = 2999-01-01", 1);
    assert_eq!(run_under(&future).0, "unset");
    let problems = workstation.status()["problems"].to_string();
    assert!(problems.contains("line ") && problems.contains("future"), "{problems}");
}

#[test]
fn the_running_service_carries_out_what_another_process_asks() {
    let (collector, relay, workstation) = waiting(400);
    workstation.configure("interval = \"0s\"", "interval = \"6h\"");
    workstation.configure(NOWHERE, &relay.url());
    let service = workstation.serve();
    workstation.expect(0, &["consent", "restrict", "usage_statistics"]);
    until("the vendor knows", || kinds(&collector) == ["restrict"]);
    let receipt = workstation.json(&["consent", "receipt", "usage_statistics", "--json"]);
    assert_eq!(receipt["entries"].as_array().unwrap().len(), 2);
    assert_eq!(receipt["entries"][1]["entry"]["event"]["session"], "unattended");
    workstation.expect(0, &["privacy", "erase"]);
    until("the vendor is asked to erase", || kinds(&collector).contains(&"erase".to_owned()));
    assert_eq!((waits(&workstation), collector.export().len()), (0, 0));
    service.kill();
}

#[test]
fn outside_of_the_group_erasure_and_a_new_owner_need_the_claim_code() {
    let (collector, relay, workstation) = waiting(20);
    let (_other_collector, _other_relay, other) = waiting(1);
    workstation.configure("group = \"\"", "group = \"no-such-group\"");
    workstation.configure(NOWHERE, &relay.url());
    let code_of = |workstation: &Workstation, name: &str| {
        let file = workstation.path().join(name);
        fs::write(&file, workstation.expect(0, &["privacy", "claim"])).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (own, foreign) = (code_of(&workstation, "claim"), code_of(&other, "claim"));
    let asks = [
        &["privacy", "erase"][..],
        &["consent", "withdraw", "usage_statistics", "--erase"],
        &["consent", "new-owner"],
    ];
    for ask in asks {
        for proof in [&[][..], &["--claim-file", &foreign]] {
            let output = workstation.run(&[ask, proof].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(4), "{said}");
            assert!(
                said.contains("claim") && !said.contains(&fs::read_to_string(&foreign).unwrap()),
                "{said}"
            );
        }
    }
    let state = || workstation.status()["consent"]["usage_statistics"].clone();
    assert_eq!((state(), waits(&workstation), kinds(&collector).len()), (json!("granted"), 20, 0));

    workstation.expect(0, &["consent", "new-owner", "--claim-file", &own]);
    assert_eq!((state(), waits(&workstation)), (json!("expired"), 0));
    // What the owner before printed is no code any more, here and at the vendor.
    for ask in asks {
        let output = workstation.run(&[ask, &["--claim-file", &own]].concat());
        assert_eq!(output.status.code(), Some(4), "{ask:?}");
    }
    let before = fs::read_to_string(&own).unwrap();
    let claim = |code: &str| {
        let mut command = std::process::Command::new(crate::common::collector::program());
        command.args(["claim", "--data"]).arg(collector.data()).arg(code.trim());
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    workstation.run(&["run", "--once"]);
    let (taken, said) = claim(&before);
    assert!(!taken && said.contains("another owner"), "{said}");
    let own = code_of(&workstation, "claim of the new owner");
    workstation.expect(0, &["consent", "withdraw", "usage_statistics", "--erase", "--claim-file", &own]);
    workstation.expect(0, &["privacy", "erase", "--claim-file", &own]);
    workstation.run(&["run", "--once"]);
    let erasures = || kinds(&collector).iter().filter(|kind| *kind == "erase").count();
    assert_eq!(erasures(), 2);
    // A code is one request, however often it is handed in; a new one is another.
    let (first, second) = (fs::read_to_string(&own).unwrap(), workstation.expect(0, &["privacy", "claim"]));
    for (code, count) in [(&first, 3), (&first, 3), (&second, 4)] {
        assert!(claim(code).0, "{code}");
        assert_eq!(erasures(), count);
    }
}

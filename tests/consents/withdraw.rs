//! A yes that is taken back: the key is gone, what waited is gone and can't be read even where a copy of it comes
//! back, the vendor is informed although nothing else may leave, and a kill in the middle changes none of it.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::spool::copy;
use crate::common::workstation::Workstation;
use crate::common::{seeded, until};
use serde_json::{Value as Json, json};

const NOWHERE: &str = "https://127.0.0.1:1";
const WITHDRAW: [&str; 3] = ["consent", "withdraw", "usage_statistics"];

/// A workstation that can't reach its collector, and its collector's address.
fn apart() -> (Collector, Workstation, String) {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    workstation.configure(&url, NOWHERE);
    (collector, workstation, url)
}

/// Takes in `events`, which wait then.
fn take_in(workstation: &Workstation, outbox: &mut Outbox, events: usize) {
    let before = workstation.status()["waiting"]["usage"]["records"].as_u64().unwrap();
    outbox.fill(workstation, events, 100, Outbox::device_error);
    workstation.expect(3, &["run", "--once"]);
    assert_eq!(workstation.status()["waiting"]["usage"]["records"], before + events as u64);
}

/// The files of data keys.
fn data_keys(workstation: &Workstation) -> usize {
    let names = fs::read_dir(workstation.data().join("keys")).unwrap().flatten();
    names.filter(|entry| entry.file_name().to_string_lossy().starts_with("usage")).count()
}

/// Number of usage queues on disk.
fn queues(workstation: &Workstation) -> usize {
    ["usage", "open"].iter().filter(|queue| workstation.data().join("spool").join(queue).exists()).count()
}

fn withdrawals(collector: &Collector) -> Vec<Json> {
    let requests = collector.lines("requests", &[]);
    requests.into_iter().filter(|request| request["kind"] == "withdraw").collect()
}

#[test]
fn what_waited_is_erased_and_the_vendor_is_informed() {
    let (collector, workstation, url) = apart();
    let mut outbox = Outbox::new(seeded());
    take_in(&workstation, &mut outbox, 500);
    outbox.fill(&workstation, 300, 300, Outbox::exposure);
    workstation.expect(3, &["run", "--once"]);
    let waited = |queue: &str| workstation.status()["waiting"][queue]["records"].as_u64().unwrap();
    let waiting = waited("usage") + waited("open");
    assert!(waited("usage") == 500 && waited("open") > 0 && data_keys(&workstation) > 0);

    let receipt = workstation.expect(0, &WITHDRAW);
    assert!(receipt.contains(&waiting.to_string()), "{receipt}");
    let status = workstation.status();
    assert_eq!(status["consent"]["usage_statistics"], "withdrawn");
    assert_eq!((waited("usage"), waited("open")), (0, 0));
    assert_eq!((data_keys(&workstation), queues(&workstation)), (0, 0));
    assert_eq!(status["dropped"]["withdrawn"], waiting);

    outbox.fill(&workstation, 300, 300, Outbox::device_error);
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once", "--close"]);
    assert_eq!(withdrawals(&collector).len(), 1);
    assert_eq!(withdrawals(&collector)[0]["purposes"], json!(["usage_statistics"]));
    assert_eq!((collector.export().len(), workstation.in_outbox()), (0, 0));
    workstation.expect(0, &["consent", "verify"]);
}

#[test]
fn a_copy_of_the_spool_that_comes_back_cannot_be_read() {
    let (collector, workstation, url) = apart();
    let mut outbox = Outbox::new(seeded());
    take_in(&workstation, &mut outbox, 500);
    let (spool, aside) = (workstation.data().join("spool"), workstation.path().join("aside"));
    copy(&spool, &aside);
    workstation.expect(0, &WITHDRAW);
    let put_back = || {
        fs::remove_dir_all(&spool).unwrap();
        copy(&aside, &spool);
    };

    workstation.configure(NOWHERE, &url);
    put_back();
    workstation.run(&["run", "--once", "--close"]);
    assert_eq!(collector.export().len(), 0);
    put_back();
    workstation.grant();
    outbox.fill(&workstation, 7, 7, Outbox::device_error);
    workstation.expect(0, &["run", "--once", "--close"]);
    assert_eq!(collector.export().len(), 7, "only what came after the new yes");
}

#[test]
fn a_copy_can_be_read_as_long_as_the_yes_stands() {
    let (collector, workstation, url) = apart();
    take_in(&workstation, &mut Outbox::new(seeded()), 500);
    let (spool, aside) = (workstation.data().join("spool"), workstation.path().join("aside"));
    copy(&spool, &aside);
    fs::remove_dir_all(&spool).unwrap();
    copy(&aside, &spool);
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(collector.export().len(), 500);
}

#[test]
fn a_withdrawal_that_is_killed_is_finished_at_the_next_start() {
    let (collector, workstation, url) = apart();
    let mut random = seeded();
    let mut outbox = Outbox::new(random.clone());
    let ledger = workstation.data().join("ledger.ndjson");
    let (rounds, mut cut) = (12, 0);
    for round in 1..=rounds {
        take_in(&workstation, &mut outbox, 100);
        let (length, delay) = (fs::metadata(&ledger).unwrap().len(), random.within(0, 8));
        let mut begun = None;
        let mut withdrawing = workstation.start(&WITHDRAW);
        while !withdrawing.ended()
            && begun.is_none_or(|begun: Instant| begun.elapsed().as_millis() < delay.into())
        {
            if fs::metadata(&ledger).unwrap().len() > length {
                begun.get_or_insert_with(Instant::now);
            }
            std::thread::yield_now();
        }
        withdrawing.kill();
        cut += usize::from(data_keys(&workstation) > 0);

        let status = workstation.status();
        assert_eq!(status["consent"]["usage_statistics"], "withdrawn");
        assert_eq!(status["waiting"]["usage"]["records"], 0);
        assert_eq!(status["dropped"]["withdrawn"], 100 * round, "counted once");
        assert_eq!((data_keys(&workstation), queues(&workstation)), (0, 0));
        workstation.grant();
    }
    println!("{cut} of {rounds} were killed while the key was still there");
    assert!(cut > 0);
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(withdrawals(&collector).len(), rounds, "each is reported once");
    assert_eq!(collector.export().len(), 0);
    workstation.expect(0, &["consent", "verify"]);
}

#[test]
fn the_running_service_withdraws_and_tells_by_itself() {
    let (collector, workstation, url) = apart();
    let mut outbox = Outbox::new(seeded());
    take_in(&workstation, &mut outbox, 500);
    workstation.configure(NOWHERE, &url);
    workstation.configure("interval = \"0s\"", "interval = \"6h\"");
    let service = workstation.serve();
    workstation.expect(0, &["consent", "withdraw", "usage_statistics", "--erase"]);
    assert_eq!(data_keys(&workstation), 0);
    until("the vendor is informed", || collector.lines("requests", &[]).len() == 2);
    let mut kinds: Vec<_> =
        collector.lines("requests", &[]).iter().map(|line| line["kind"].to_string()).collect();
    kinds.sort();
    assert_eq!(kinds, ["\"erase\"", "\"withdraw\""]);
    assert_eq!(collector.export().len(), 0);
    service.kill();
}

#[test]
fn a_second_after_a_no_no_byte_of_usage_passes() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.configure(&relay.url(), NOWHERE);
    take_in(&workstation, &mut Outbox::new(seeded()), 20_000);
    workstation.configure(NOWHERE, &relay.url());
    workstation.configure("1 GiB/s", "4 KiB/s");
    let service = workstation.serve();
    until("three batches are there", || collector.export().len() >= 3_000);
    let (flowing, begun) = (relay.bytes(), Instant::now());
    until("it goes on by itself", || relay.bytes() > flowing + 8_000);
    println!("{} bytes in {:?} while the yes stood", relay.bytes() - flowing, begun.elapsed());

    workstation.expect(0, &WITHDRAW);
    let withdrawn = Instant::now();
    until("the vendor is informed", || !withdrawals(&collector).is_empty());
    until("a second has passed", || withdrawn.elapsed() > Duration::from_secs(1));
    let (bytes, records) = (relay.bytes(), collector.export().len());
    until("three more have", || withdrawn.elapsed() > Duration::from_secs(4));
    assert_eq!((relay.bytes() - bytes, collector.export().len() - records), (0, 0));
    let last = relay.last().unwrap().saturating_duration_since(withdrawn);
    println!("{records} records had gone; the last byte, of the request too, {last:?} after the answer");
    assert!(records < 20_000);
    service.kill();
}

#[test]
fn a_withdrawal_does_not_wait_for_an_enrolment_that_nobody_answers() {
    let (_collector, workstation, _url) = apart();
    take_in(&workstation, &mut Outbox::new(seeded()), 100);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let token = workstation.path().join("token");
    let service = workstation.serve();
    let mut enrolling =
        workstation.start(&["enroll", "--url", &url, "--token-file", token.to_str().unwrap()]);
    let connection = silent.accept().unwrap(); // and not a word
    let asked = Instant::now();
    workstation.expect(0, &WITHDRAW);
    println!("withdrawn in {:?}", asked.elapsed());
    assert!(!enrolling.ended(), "the enrolment still waits");
    assert_eq!(workstation.status()["consent"]["usage_statistics"], "withdrawn");
    drop(connection);
    until("the enrolment is refused", || enrolling.ended());
    assert_eq!(enrolling.code(), Some(1));
    service.kill();
}

#[test]
fn a_yes_must_repeat_what_was_shown_and_the_administrators_no_stands_above_it() {
    let (collector, workstation, url) = apart();
    take_in(&workstation, &mut Outbox::new(seeded()), 100);
    workstation.expect(0, &WITHDRAW);
    let grant = |code: i32, yes: &str| {
        workstation.expect(code, &["consent", "grant", "usage_statistics", "--by", "owner", "--yes", yes]);
    };
    let digest = workstation.json(&["consent", "show", "usage_statistics", "--json"])["digest"].clone();
    let digest = digest.as_str().unwrap();
    grant(4, &"0".repeat(64));
    grant(4, &digest[..15]);
    workstation.configure("forbid = false", "forbid = true");
    grant(4, digest);
    workstation.configure("forbid = true", "forbid = false");
    grant(0, &digest[..16]);

    take_in(&workstation, &mut Outbox::new(seeded()), 100);
    workstation.configure("forbid = false", "forbid = true");
    workstation.configure(NOWHERE, &url);
    workstation.run(&["run", "--once"]);
    assert_eq!(workstation.status()["consent"]["usage_statistics"], "denied");
    assert_eq!(collector.export().len(), 0, "what waits stays while the administrator says no");
}

#[test]
fn two_erasures_after_one_line_of_the_ledger_are_two_requests_and_the_same_one_twice_is_one() {
    let (collector, workstation, url) = apart();
    workstation.expect(0, &WITHDRAW);
    let erase =
        |more: &[&str]| workstation.expect(0, &[&["consent", "withdraw"], more, &["--erase"]].concat());
    erase(&["usage_statistics"]);
    workstation.expect(0, &["consent", "deny", "support_case", "--case", "A-1"]);
    erase(&["support_case", "--case", "A-1"]);
    erase(&["support_case", "--case", "A-1"]);
    (0..3).for_each(|_| drop(workstation.expect(0, &["privacy", "erase"])));
    let waiting = workstation.status()["waiting"]["requests"]["records"].as_u64().unwrap();
    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    let requests = collector.lines("requests", &[]);
    let erasures: Vec<_> = requests.iter().filter(|line| line["kind"] == "erase").collect();
    let about: Vec<_> = erasures.iter().map(|line| (&line["purposes"], &line["case"])).collect();
    assert!((3..=4).contains(&about.len()), "all erased, and at midnight once more: {about:?}");
    assert!(about.contains(&(&json!(["usage_statistics"]), &Json::Null)), "{about:?}");
    assert!(about.contains(&(&json!(["support_case"]), &json!("A-1"))), "{about:?}");
    assert_eq!(waiting, 3 + about.len() as u64, "beside a yes and a withdrawal, its line and its request");
}

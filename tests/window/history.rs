//! The clinic's own history: kept whatever is answered to the vendor, read by the clinic alone, never sent, and erased when
//! the clinic says so.

use std::collections::BTreeMap;
use std::fs;

use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::peer;
use crate::common::relay::Relay;
use crate::common::seeded;
use crate::common::window::Opened;
use crate::common::workstation::Workstation;
use serde_json::{Value as Json, json};

const HISTORY: [&str; 2] = ["history", "--json"];

/// What Kathea says of one day, and what the history has to show of it.
fn a_day(lines: &mut Vec<String>, date: &str, random: &mut crate::common::Random, said: &mut Said) {
    let (date, month) = (date.to_owned(), &date[..7]);
    let at = |minute: u32| format!("{date}T09:{minute:02}:00+00:00");
    for minute in 0..random.within(5, 40) {
        let mode = random.one(&["cbct", "panoramic"]);
        let dap = random.within(100, 20_000);
        lines.push(format!(
            r#"{{"event":"exposure.completed","at":"{}","mode":"{mode}","patient_size":"small","kv":90,"ma":8,"beam_s":12.5,"dap":{}.{}}}"#,
            at(minute),
            dap / 10,
            dap % 10
        ));
        *said.counts.entry((format!("exposures_{mode}"), date.clone())).or_default() += 1;
        let (sum, count) = said.doses.entry((format!("dap_{mode}"), month.to_owned())).or_default();
        (*sum, *count) = (*sum + dap, *count + 1);
    }
    let repeats = random.within(1, 9);
    lines.push(format!(
        r#"{{"event":"device.error","at":"{}","code":7,"subsystem":"motion","severity":"error","repeats":{repeats}}}"#,
        at(50)
    ));
    *said.counts.entry(("errors".to_owned(), date.clone())).or_default() += repeats;
    let free = random.within(100, 900);
    for free in [free + 5, free, free + 9] {
        lines.push(format!(
            r#"{{"event":"host.resources","at":"{}","volume":"scans","free_gib":{free},"smart":"ok","ram_gib":16,"ram_peak":50,"gpu_memory_peak":50}}"#,
            at(51)
        ));
    }
    said.counts.insert(("disk_scans".to_owned(), date.clone()), free);
    // Of no figure, and no event at all.
    lines.push(format!(r#"{{"event":"feature.used","at":"{}","feature":"mpr"}}"#, at(52)));
    lines.push("no event".to_owned());
    said.refused += 2;
}

#[derive(Default)]
struct Said {
    counts: BTreeMap<(String, String), u32>,
    doses: BTreeMap<(String, String), (u32, u32)>,
    refused: u32,
}

fn values<'a>(history: &'a Json, figure: &str) -> &'a Json {
    let series = history["figures"].as_array().unwrap().iter().find(|series| series["figure"] == figure);
    series.map_or(&Json::Null, |series| &series["values"])
}

impl Said {
    fn is_shown_by(&self, history: &Json) {
        for ((figure, date), count) in &self.counts {
            assert_eq!(values(history, figure)[date].as_f64(), Some(f64::from(*count)), "{figure} {date}");
        }
        for ((figure, month), (sum, count)) in &self.doses {
            let mean = f64::from(*sum) / f64::from(*count) / 10.0;
            let shown = values(history, figure)[month].as_f64().unwrap();
            assert!((shown - mean).abs() < 0.006, "{figure}: {shown}, {mean}");
        }
    }
}

#[test]
fn thirty_days_without_a_yes_are_kept_and_nothing_is_sent() {
    if !peer::has("faketime") {
        return;
    }
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::new(&relay.url(), &collector.ca());
    workstation.enroll(&collector.token());
    let connections = relay.connections();
    assert!(connections > 0, "the relay saw the enrolment");
    let on = |day: u32, args: &[&str]| {
        let output = workstation.on(&format!("2026-10-{day:02} 18:00:00"), args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    on(1, &["consent", "deny", "usage_statistics"]);
    let after_no = relay.connections();
    on(1, &["history", "on"]);
    let flags: Json =
        serde_json::from_slice(&fs::read(workstation.path().join("consent.json")).unwrap()).unwrap();
    assert_eq!((&flags["usage_statistics"], &flags["own_history"]), (&json!("denied"), &json!(true)));
    let (mut random, mut said) = (seeded(), Said::default());
    for day in 2..32 {
        let mut lines = Vec::new();
        a_day(&mut lines, &format!("2026-10-{day:02}"), &mut random, &mut said);
        workstation.leave(&format!("{day}.ndjson"), lines.join("\n") + "\n");
        on(day, &["run", "--once", "--close"]);
    }
    assert_eq!(workstation.in_outbox(), 0);
    let history = workstation.json_on("2026-10-31 19:00:00", &HISTORY);
    said.is_shown_by(&history);
    let status = workstation.status_on("2026-10-31 19:00:00");
    assert_eq!(status["dropped"], json!({"no_consent": said.refused}));
    // The no itself is a privacy request: it may leave, and nothing else does.
    assert_eq!(relay.connections(), after_no, "a packet left");
    assert!(
        !workstation.data().join("spool/usage").exists() && !workstation.data().join("spool/open").exists()
    );
    assert_eq!(status["waiting"]["usage"]["records"], 0);
}

#[test]
fn two_years_are_small_and_the_charts_show_what_kathea_said() {
    if !peer::has("faketime") {
        return;
    }
    let clinic = Clinic::new();
    let workstation = &clinic.workstation;
    let today = time::OffsetDateTime::now_utc().date();
    // The months that the page shows; of the one that runs, what is over.
    let mut first = today.replace_day(1).unwrap();
    for _ in 0..23 {
        first = first.previous_day().unwrap().replace_day(1).unwrap();
    }
    let switched = workstation.on(&format!("{} 00:00:00", first.previous_day().unwrap()), &["history", "on"]);
    assert!(switched.status.success());
    let (mut random, mut said, mut lines, mut day) = (seeded(), Said::default(), Vec::new(), first);
    while day < today {
        a_day(&mut lines, &day.to_string(), &mut random, &mut said);
        let next = day.next_day().unwrap();
        if next.day() == 1 || next == today {
            workstation.leave(&format!("{day}.ndjson"), lines.join("\n") + "\n");
            lines.clear();
            workstation.on(&format!("{next} 01:00:00"), &["run", "--once"]);
        }
        day = next;
    }
    assert_eq!(workstation.in_outbox(), 0);
    let size = fs::metadata(workstation.data().join("history.sealed")).unwrap().len();
    println!(
        "{} days and {} lines that are no figure's: {size} bytes",
        (today - first).whole_days(),
        said.refused
    );
    assert!(size < 2 << 20, "{size}");
    said.is_shown_by(&workstation.json(&HISTORY));
    let _service = workstation.serve();
    let page = Opened::new(&clinic).get("history");
    let mut months: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    for ((figure, date), count) in &said.counts {
        let place = ["exposures_cbct", "exposures_panoramic"].iter().position(|known| known == figure);
        if let Some(place) = place {
            months.entry(&date[..7]).or_default()[place] += count;
        }
    }
    assert!(months.len() >= 23);
    for (month, [cbct, panoramic]) in months {
        let row = format!(
            "<th scope=\"row\">{month}</th><td class=\"n\">{cbct}</td><td class=\"n\">{panoramic}</td>"
        );
        assert!(page.contains(&row), "{row}");
    }
}

/// A workstation without a collector whose history has four exposures and an error.
fn with_history() -> Workstation {
    let workstation = Workstation::new("https://127.0.0.1:1", std::path::Path::new("/nowhere/ca.pem"));
    workstation.expect(0, &["history", "on"]);
    exposures(&workstation, "a.ndjson", 4);
    workstation.run(&["run", "--once"]);
    assert_eq!(count(&workstation), 4.0);
    workstation
}

fn exposures(workstation: &Workstation, name: &str, count: usize) {
    let at = later();
    let line = format!(
        r#"{{"event":"exposure.completed","at":"{at}","mode":"cbct","patient_size":"small","kv":90,"ma":8,"beam_s":12.5,"dap":171.5,"kv_deviation":1.2}}"#
    );
    workstation.leave(name, format!("{line}\n").repeat(count));
}

/// An hour from now: later than what switched it on.
fn later() -> String {
    let at = time::OffsetDateTime::now_utc() + std::time::Duration::from_secs(3600);
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}

fn count(workstation: &Workstation) -> f64 {
    let history = workstation.json(&HISTORY);
    let counts = values(&history, "exposures_cbct")
        .as_object()
        .map(|values| values.values().cloned().collect::<Vec<Json>>());
    counts.unwrap_or_default().iter().filter_map(Json::as_f64).sum()
}

#[test]
fn it_stays_whatever_is_answered_to_the_vendor_and_is_fed_by_each_answer() {
    let workstation = with_history();
    workstation.grant();
    exposures(&workstation, "granted.ndjson", 5);
    workstation.run(&["run", "--once"]);
    assert_eq!(count(&workstation), 9.0);
    assert!(workstation.status()["waiting"]["open"]["records"].as_u64() > Some(0), "the vendor's too");
    workstation.expect(0, &["consent", "restrict", "usage_statistics"]);
    exposures(&workstation, "rests.ndjson", 6);
    workstation.run(&["run", "--once"]);
    workstation.run(&["run", "--once"]);
    assert_eq!((count(&workstation), workstation.in_outbox()), (15.0, 1), "the file stays for the vendor");
    workstation.expect(0, &["consent", "release", "usage_statistics", "--by", "owner"]);
    workstation.run(&["run", "--once"]);
    assert_eq!((count(&workstation), workstation.in_outbox()), (15.0, 0), "once each");
    exposures(&workstation, "waits.ndjson", 7);
    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    workstation.run(&["run", "--once"]);
    assert_eq!((count(&workstation), workstation.in_outbox()), (22.0, 0));
    workstation
        .expect(0, &["record", "device.error", "code=1", "subsystem=motion", "severity=error", "repeats=3"]);
    workstation.expect(4, &["record", "feature.used", "feature=mpr"]);
    workstation.expect(0, &["history", "off"]);
    exposures(&workstation, "off.ndjson", 8);
    workstation.run(&["run", "--once"]);
    assert_eq!((count(&workstation), workstation.in_outbox()), (22.0, 0), "what was kept stays");
}

#[test]
fn a_grant_empties_the_outbox_into_it_first() {
    let workstation = with_history();
    exposures(&workstation, "before.ndjson", 3);
    workstation.grant();
    assert_eq!((count(&workstation), workstation.in_outbox()), (7.0, 0));
}

#[test]
fn no_single_exposure_is_shown_and_nothing_lies_in_plain_text() {
    let workstation = Workstation::new("https://127.0.0.1:1", std::path::Path::new("/nowhere/ca.pem"));
    workstation.expect(0, &["history", "on"]);
    exposures(&workstation, "a.ndjson", 2);
    workstation.run(&["run", "--once"]);
    let shown = workstation.expect(0, &HISTORY) + &workstation.expect(0, &["history", "--csv"]);
    assert!(!shown.contains("171") && !shown.contains("1.2"), "{shown}");
    exposures(&workstation, "b.ndjson", 1);
    workstation.run(&["run", "--once"]);
    let shown = workstation.expect(0, &["history", "--excel"]);
    assert!(shown.starts_with('\u{feff}') && shown.contains(";171,5"), "{shown}");
    assert!(!shown.contains(&later()[10..13]), "no time of day: {shown}");
    let sealed = fs::read(workstation.data().join("history.sealed")).unwrap();
    assert!(sealed.starts_with(b"KHIS\x01") && workstation.keys("history-") == 1);
}

#[test]
fn it_is_exported_and_goes_with_an_erasure_a_new_owner_and_the_end_of_the_device() {
    for end in [
        &["privacy", "erase"][..],
        &["consent", "new-owner", "--by", "owner"],
        &["decommission", "--yes", "--discard"],
        &["history", "erase"],
    ] {
        let workstation = with_history();
        let held = workstation.path().join("held");
        workstation.expect(0, &["privacy", "export", "-o", held.to_str().unwrap()]);
        let export: Json = serde_json::from_slice(&fs::read(held.join("held.json")).unwrap()).unwrap();
        assert_eq!(values(&export["history"], "exposures_cbct").as_object().unwrap().len(), 1);
        assert!(fs::read_to_string(held.join("held.txt")).unwrap().contains("exposures_cbct"));
        fs::write(workstation.data().join("history.damaged"), "an earlier one").unwrap();
        workstation.run(end);
        for gone in ["history.sealed", "history.damaged"] {
            assert!(!workstation.data().join(gone).exists(), "{end:?}: {gone}");
        }
        assert_eq!(workstation.keys("history-"), 0, "{end:?}");
        if end[0] != "decommission" {
            assert_eq!(workstation.json(&HISTORY), json!({"keeping": "off", "figures": []}), "{end:?}");
        }
    }
}

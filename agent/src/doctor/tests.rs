//! The lines as a whole; each subject's own are with it.

use std::fs;

use crate::config::Protector as Asked;
use crate::workstation as device;

use super::*;
use crate::checks::Verdict;

fn verdicts(checks: &[Finding]) -> Vec<(&str, Verdict)> {
    checks.iter().map(|check| (check.check, check.result)).collect()
}

#[test]
fn an_empty_machine_says_what_is_missing_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
    config.kathea.outbox = dir.path().join("outbox");
    config.kathea.socket = dir.path().join("socket");
    config.kathea.logs = vec![dir.path().join("logs")];
    config.kathea.scans = vec![dir.path().join("scans")];
    config.collector.ca = dir.path().join("ca.pem");
    config.keys.protector = Asked::File;
    let checks = examine(&config, Reach::Offline, &SystemProxy::default(), 0);
    let expected = [
        ("configuration", Verdict::Pass),
        ("data_dir", Verdict::Warn),
        ("disk", if device::free_space(dir.path()).is_some() { Verdict::Pass } else { Verdict::Warn }),
        ("outbox", Verdict::Fail),
        ("logs", Verdict::Warn),
        ("scans", Verdict::Warn),
        ("service", Verdict::Warn),
        ("clock", Verdict::Fail),
        ("catalog", Verdict::Pass),
        ("keys", Verdict::Warn),
        ("proxy", Verdict::Pass),
        ("ca", Verdict::Fail),
    ];
    assert_eq!(verdicts(&checks), expected);
    assert!(checks.iter().all(|check| (check.result == Verdict::Pass) == check.remedy.is_none()));

    fs::write(&config.collector.ca, "no certificate").unwrap();
    assert_eq!(examine(&config, Reach::Offline, &SystemProxy::default(), 0).last().unwrap().check, "ca");
}

#[test]
fn it_is_printed_as_documented() {
    let check = Finding::warn("clock", texts::Is::ClockBefore, texts::Remedy::SetClock);
    let text = r#"{"check":"clock","result":"warn","what":"this computer's clock shows a time before 2026","remedy":"set it","key":"clock_before","arguments":{}}"#;
    assert_eq!(serde_json::to_string(&check.in_language(crate::texts::Language::En)).unwrap(), text);
    let danish = check.in_language(crate::texts::Language::Da);
    assert_eq!((&*danish.what, &*danish.remedy), ("computerens ur viser en tid før 2026", "stil det"));
}

#[test]
fn the_end_of_the_catalog_is_announced_sixty_days_before() {
    let last = i64::from(protocol::Catalog::built_in().entries().map(|entry| entry.last_day).min().unwrap());
    let check = |day: i64| here::catalog(day * 86_400).result;
    assert_eq!((check(last - 60), check(last - 59)), (Verdict::Pass, Verdict::Warn));
    assert_eq!((check(last), check(last + 1)), (Verdict::Warn, Verdict::Warn));
    assert!(here::catalog((last + 1) * 86_400).what.en.contains("not collected any more"));
}

#[test]
fn folders_that_cannot_be_looked_into_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("2026")).unwrap();
    assert_eq!(here::unreadable(dir.path()), 0);
    assert_eq!(here::unreadable(&dir.path().join("gone")), 1);
}

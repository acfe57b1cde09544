//! Notices: signed where the key is, published once, given to every device, and who has not got it.

use std::fs;
use std::process::Command;

use protocol::notice::{Notice, NoticeKind};
use protocol::reply::NewsRequest;
use protocol::signature::{Context, TrustedKey, TrustedKeys};
use serde_json::json;

use crate::device::Device;
use crate::program::{Collector, PROGRAM, attempt};
use crate::uses::{news, offered};

/// Signs a notice; the exit code, and the file.
fn sign(dir: &std::path::Path, text: &str) -> (Option<i32>, String) {
    let (file, key) = (dir.join("notice.toml"), dir.join("notices.pem"));
    fs::write(&file, text).unwrap();
    let mut program = Command::new(PROGRAM);
    let output = program.args(["notice", "sign"]).arg(&file).arg("--key").arg(&key).output().unwrap();
    (output.status.code(), format!("{}.signed", file.display()))
}

fn draft(number: u64) -> String {
    let until = time::OffsetDateTime::now_utc() + time::Duration::days(30);
    format!(
        "number = {number}\nkind = \"breach\"\nuntil = \"{}-{:02}-{:02}T00:00:00Z\"\nen = \"A stick was lost.\"\n\
         da = \"En nøgle blev væk.\"\n",
        until.year(),
        u8::from(until.month()),
        until.day()
    )
}

fn key(dir: &std::path::Path) -> TrustedKeys {
    let file = dir.join("notices.pem");
    let made = Command::new(PROGRAM)
        .args(["signing-key", "--signs", "notice", "-o", file.to_str().unwrap()])
        .output()
        .unwrap();
    let entry = String::from_utf8(made.stdout).unwrap();
    let key = entry.split('"').nth(1).unwrap().parse().unwrap();
    TrustedKeys::new(vec![TrustedKey { key, signs: vec![Context::Notice] }])
}

fn publish(collector: &Collector, file: &str) -> Option<i32> {
    attempt(collector.data(), "notice", &["publish", file]).status.code()
}

#[test]
fn a_notice_is_signed_apart_published_once_and_listed_until_every_device_confirmed_it() {
    let dir = tempfile::tempdir().unwrap();
    let keys = key(dir.path());
    for bad in [
        draft(0),
        draft(1).replace("breach", "reboot"),
        draft(1).replace("A stick was lost.", &"x".repeat(1201)),
        draft(1).replace("until = \"2", "until = \"1"),
        draft(1) + "run = \"reboot\"\n",
    ] {
        assert_eq!(sign(dir.path(), &bad).0, Some(1), "{bad}");
    }
    let collector = Collector::start();
    let (one, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    assert_eq!(publish(&collector, dir.path().join("notice.toml").to_str().unwrap()), Some(1), "not signed");
    let (code, file) = sign(dir.path(), &draft(3));
    assert_eq!((code, publish(&collector, &file)), (Some(0), Some(0)));
    assert_eq!(publish(&collector, &file), Some(1), "twice");
    assert_eq!(publish(&collector, &sign(dir.path(), &draft(2)).1), Some(1), "an earlier number");

    let offer = offered(&one, &collector).unwrap();
    assert!(offer.starts_with("0-"), "{offer}");
    let reply = news(&one, &collector, &NewsRequest::default());
    let got = Notice::verify(&reply.notices[0].text, &reply.notices[0].signature, &keys).unwrap();
    assert_eq!((reply.notices.len(), got.number, got.kind), (1, 3, NoticeKind::Breach));
    let listed = || collector.lines("notice", &["list"]);
    assert_eq!(
        (&listed()[0]["reached"], &listed()[0]["number"]),
        (&json!(0), &json!(3)),
        "given is not confirmed"
    );
    let has = NewsRequest { notices: vec![3], ..NewsRequest::default() };
    assert!(news(&one, &collector, &has).notices.is_empty());
    let line = listed().remove(0);
    assert_eq!(line["reached"], json!(1));
    assert_eq!(line["not_reached"][0]["device"], json!(other.id().to_string()));
    assert_eq!(line["not_reached"].as_array().unwrap().len(), 1);

    assert_eq!(attempt(collector.data(), "notice", &["end", "4"]).status.code(), Some(1));
    assert_eq!(attempt(collector.data(), "notice", &["end", "3"]).status.code(), Some(0));
    assert!(news(&other, &collector, &NewsRequest::default()).notices.is_empty());
    assert_eq!(offered(&other, &collector), None);
    assert!(listed()[0]["ended"].is_string());
    assert!(collector.findings("verify").is_empty());
}

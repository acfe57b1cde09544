//! Every kind of bad input in one call: each ends as it must, the rest is done, and memory stays within its bound.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use test_support::peer;

use super::hostile::{End, huge, plant, scan};
use super::{PROGRAM, run};

/// Kilobytes that no call may use, its child included.
const MEMORY: i64 = 64 << 10;
/// Bytes that are read of a scan however long it is.
const HEADER: u64 = 3 * 8192;

/// The most that any program used that this test started: an upper bound, over all calls so far.
fn most_memory() -> i64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}

#[test]
fn every_bad_input_ends_as_it_must_and_the_rest_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let expected = plant(dir.path());
    fs::create_dir(dir.path().join("loop")).unwrap();
    symlink("..", dir.path().join("loop/up")).unwrap();
    nix::unistd::mkfifo(&dir.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let run = run(&[], &[dir.path(), Path::new("/dev/zero"), &dir.path().join("absent")], &[]);
    assert_eq!(run.code, Some(3), "{}", run.words);
    let files = run.files();
    for (name, end) in &expected {
        let file = files[*name];
        let (outcome, reason) = (file["outcome"].as_str().unwrap(), file["reason"].as_str());
        println!("{name:32} {outcome:8} {}", reason.unwrap_or(""));
        match end {
            End::Cleaned => assert_eq!((outcome, reason), ("cleaned", None), "{name}"),
            End::Refused(reasons) => assert!(reasons.contains(&reason.unwrap_or(outcome)), "{name}: {file}"),
            End::Any => assert_eq!(outcome == "cleaned", reason.is_none(), "{name}"),
        }
    }
    for (name, reason) in
        [("up", "symbolic_link"), ("pipe", "not_a_file"), ("zero", "not_a_file"), ("absent", "missing")]
    {
        assert_eq!(files[name]["reason"], reason, "{name}");
    }
    let listed = run.words.matches("refused (").count() as u64;
    assert_eq!(run.report["totals"]["refused"], listed, "{}", run.words);
    assert_eq!(run.report["totals"]["files"], expected.len() as u64 + 4);
    for name in ["half a gigabyte of pixels.dcm", "half a gigabyte in front.dcm"] {
        let read = files[name]["bytes_read"].as_u64().unwrap();
        println!("{name}: {read} bytes read");
        assert!(read <= HEADER, "{name}: {read}");
    }
    for output in run.outputs() {
        let text = String::from_utf8_lossy(&output);
        for who in ["Skovgaard", "110458", "19580411"] {
            assert!(!text.contains(who), "{text}");
        }
    }
    let memory = most_memory();
    println!("most memory of a process: {memory} KiB");
    assert!(memory < MEMORY, "{memory} KiB");
}

#[test]
fn as_many_patients_as_can_be_searched_for_fit_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let context = dir.path().join("context");
    fs::create_dir(&context).unwrap();
    for file in 0..40 {
        let person = |number: u32| {
            let number = 1250 * file + number;
            // Two words of a name, one of them short, so that it is joined in every order.
            let (name, short) = (name(number), &name(number / 7)[..4]);
            format!(
                r#"{{"patientName":"{name}^{short} Bo","patientId":"{:010}","birthDate":"19{:02}-03-05","phone":"{:08}"}}"#,
                1_234_567_u64 * u64::from(number + 1) % 10_000_000_000,
                number % 90,
                20_000_000 + 997 * number,
            )
        };
        let persons: Vec<_> = (0..1250).map(person).collect();
        fs::write(context.join(format!("{file}.json")), format!("[{}]", persons.join(","))).unwrap();
    }
    let log = dir.path().join("x.log");
    let line = format!("2026-11-21 10:32:11 [INFO] ui(12): {} opened after 312 ms\n", name(7777));
    fs::write(&log, line).unwrap();
    let run = run(&[], &[&log], &[&context]);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert_eq!(run.report["persons_learned"], 50_000, "{}", run.words);
    let outputs = run.outputs();
    let text = String::from_utf8_lossy(&outputs[0]);
    assert!(text.ends_with("[INFO] ui(12): [name] opened after 312 ms\n"), "{text}");
    let memory = most_memory();
    println!("{}; most memory of a process: {memory} KiB", run.words.trim());
    assert!(memory < MEMORY, "{memory} KiB");
}

/// A name of five syllables.
fn name(number: u32) -> String {
    const SYLLABLES: [&str; 12] =
        ["ska", "lov", "vin", "thu", "bre", "mol", "kjel", "gav", "sten", "dri", "hau", "pel"];
    (0..5).map(|place| SYLLABLES[(number / 12_u32.pow(place) % 12) as usize]).collect()
}

/// Bytes that the program reads of a file, as counted by the system.
#[test]
fn half_a_gigabyte_is_touched_in_its_header_only() {
    let dir = tempfile::tempdir().unwrap();
    let (path, trace) = (dir.path().join("volume.dcm"), dir.path().join("trace"));
    huge(&path, 0x7fe0_0010);
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "trace=read,pread64,readv,preadv,mmap", "-o"]).arg(&trace);
    command.args([PROGRAM, "deidentify"]).arg(&path).arg("-o").arg(dir.path().join("out"));
    if !peer::has("strace") {
        return;
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let trace = fs::read_to_string(trace).unwrap();
    let calls: Vec<&str> = trace.lines().filter(|line| line.contains("volume.dcm>")).collect();
    let read: u64 = calls.iter().filter_map(|line| line.rsplit(" = ").next()?.parse::<u64>().ok()).sum();
    println!("{} calls read {read} bytes of {}", calls.len(), path.metadata().unwrap().len());
    assert!(!calls.is_empty() && calls.iter().all(|call| call.contains("read")), "{calls:?}");
    // Once to see what it is, once to learn, once to clean.
    assert!(read <= 3 * HEADER, "{read}");
}

#[test]
fn what_may_not_be_read_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, mode) in [("a.dcm", 0o644), ("b.dcm", 0o000)] {
        fs::write(dir.path().join(name), scan().file("")).unwrap();
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let before: &[&str] = if nix::unistd::geteuid().is_root() {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let can = Command::new(nobody[0]).args(&nobody[1..]).arg("true").output();
        let can = can.is_ok_and(|done| done.status.success());
        if !peer::can(can, "setpriv cannot start a program as another account, and root reads everything") {
            return;
        }
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    } else {
        &[]
    };
    let run = run(before, &[dir.path()], &[]);
    assert_eq!(run.code, Some(3), "{}", run.words);
    let files = run.files();
    assert_eq!(files["b.dcm"]["reason"], "no_permission");
    assert_eq!(files["a.dcm"]["outcome"], "cleaned");
}

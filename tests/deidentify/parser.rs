//! The process that reads files: what it gave up, and what becomes of a file that brings it down.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use agent::deidentify::child::{Parser, ROLE};
use agent::deidentify::files::{self, Job, Known};
use zeroize::Zeroizing;

use super::PROGRAM;
use super::hostile::heavy;

/// A log, `scan` if there is one, and another log, read within so many megabytes: why each was refused.
fn reasons(scan: Option<&[u8]>, megabytes: u64) -> Option<Vec<Option<&'static str>>> {
    let dir = tempfile::tempdir().unwrap();
    let log = "2026-11-21 10:32:11 [INFO] detector(2107): lost 17 frames\n";
    fs::write(dir.path().join("1.log"), log).unwrap();
    fs::write(dir.path().join("3.log"), log).unwrap();
    scan.iter().for_each(|scan| fs::write(dir.path().join("2.dcm"), scan).unwrap());
    let (paths, out) = ([dir.path().to_owned()], tempfile::tempdir().unwrap());
    let job = Job { paths: &paths, contexts: &[], output: out.path(), known: Known::default() };
    let parser = Parser { program: Path::new(PROGRAM), memory: megabytes << 20 };
    let report = files::run(&job, parser, &Zeroizing::new([7; 32]), |_| {}).ok()?;
    assert_eq!(report.totals.cleaned as usize, fs::read_dir(out.path()).unwrap().count());
    Some(report.files.iter().map(|file| file.reason).collect())
}

#[test]
fn a_file_that_brings_the_parser_down_is_refused_and_the_rest_is_done() {
    let heavy = heavy();
    // As little as two logs need; what a program maps differs between builds.
    let least =
        (8..128).step_by(8).find(|megabytes| reasons(None, *megabytes) == Some(vec![None; 2])).unwrap();
    assert_eq!(reasons(Some(&heavy), least + 8), Some(vec![None, Some("fatal"), None]));
    assert_eq!(
        reasons(Some(&heavy), 256),
        Some(vec![None; 3]),
        "the control: nothing is wrong with the file"
    );
    println!("two logs: {least} MiB; a scan that keeps ten does not fit {}", least + 8);
}

#[test]
fn the_parser_has_no_rights_that_it_does_not_need() {
    let inherited = fs::File::open("/dev/null").unwrap();
    nix::fcntl::fcntl(&inherited, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let mut child = Command::new(PROGRAM)
        .args([ROLE, &(256_u64 << 20).to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let of = |what: &str| format!("/proc/{}/{what}", child.id());
    let filters = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("Seccomp_filters:")).unwrap_or("0");
        line.trim().parse::<u32>().unwrap()
    };
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let status = loop {
        let status = fs::read_to_string(of("status")).unwrap();
        if filters(&status) > filters(&own) {
            break status;
        }
        assert!(std::time::Instant::now() < end, "the parser takes no filter:\n{status}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
    let mut open: Vec<_> = fs::read_dir(of("fd")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    open.sort_unstable();
    assert_eq!(open, ["0", "1", "2"]);
    let limits = fs::read_to_string(of("limits")).unwrap();
    for (name, most) in [("Max address space", "268435456"), ("Max file size", "0"), ("Max open files", "16")]
    {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line.trim_start_matches(name).split_whitespace().next(), Some(most), "{line}");
    }
    assert_eq!(fs::read(of("environ")).unwrap().len(), fs::read("/proc/self/environ").unwrap().len());
    child.stdin.take().unwrap().write_all(b"no order").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

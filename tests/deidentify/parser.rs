//! The process that reads files: what it gave up, and what becomes of a file that brings it down.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use agent::cleaning::{self, Job};
use deidentify::child::{Parser, ROLE};
use deidentify::files::{Known, Order, Outlet, Said, find};
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
    let parser = Parser { memory: megabytes << 20, ..Parser::new(Path::new(PROGRAM)) };
    let report = cleaning::run(&job, parser, &Zeroizing::new([7; 32]), |_| {}).ok()?;
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

/// What became of each file, and all that came out.
#[derive(Default)]
struct Outcomes {
    reasons: Vec<Option<&'static str>>,
    out: Vec<u8>,
}

impl Write for Outcomes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Outcomes {
    fn say(&mut self, said: Said) -> io::Result<()> {
        if let Said::Finished(outcome) = said {
            self.reasons.push(outcome.err().map(|(_, reason)| reason.as_str()));
        }
        Ok(())
    }
}

/// What is done to a file after it was listed, and why it is refused then.
type Swap<'a> = (&'a dyn Fn(&Path), Option<&'a str>);

/// Three logs in `dir`, of which `swap` replaces the second after all were listed.
fn swapped(dir: &Path, parser: Parser<'_>, swap: impl FnOnce(&Path)) -> Outcomes {
    for name in ["1.log", "2.log", "3.log"] {
        fs::write(dir.join(name), "2026-11-21 10:32:11 [INFO] detector(2107): lost 17 frames\n").unwrap();
    }
    let files = find(&[dir.to_owned()]);
    assert_eq!(files.len(), 3);
    let mut order = Order {
        key: [7; 32],
        files,
        contexts: Vec::new(),
        typed: Vec::new(),
        own: Vec::new(),
        done: 0,
        known: Known::default(),
    };
    swap(&dir.join("2.log"));
    let mut outcomes = Outcomes::default();
    parser.run(&mut order, &mut outcomes).unwrap();
    outcomes
}

#[test]
fn what_took_a_files_name_after_the_listing_is_not_read() {
    let (dir, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = beside.path().join("secret.log");
    fs::write(&secret, "2026-11-21 10:32:11 [INFO] detector(2107): lost 4711 frames\n").unwrap();
    let parser = Parser::new(Path::new(PROGRAM));
    let pipe = |path: &Path| {
        fs::remove_file(path).unwrap();
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    };
    let link = |path: &Path| {
        fs::remove_file(path).unwrap();
        symlink(&secret, path).unwrap();
    };
    let hard_link = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::hard_link(&secret, path).unwrap();
    };
    let gone = |path: &Path| fs::remove_file(path).unwrap();
    let swaps: [Swap<'_>; 5] = [
        (&|_| (), None),
        (&pipe, Some("not_a_file")),
        (&link, Some("symbolic_link")),
        (&hard_link, Some("replaced")),
        (&gone, Some("missing")),
    ];
    for (swap, reason) in swaps {
        let outcomes = swapped(dir.path(), parser, swap);
        assert_eq!(outcomes.reasons, [None, reason, None]);
        let text = String::from_utf8(outcomes.out).unwrap();
        assert!(text.contains("lost 17 frames") && !text.contains("4711"), "{text}");
        let _ = fs::remove_file(dir.path().join("2.log"));
    }
}

/// A folder on the way to the file is swapped for a link: the file behind it is another one.
#[test]
fn a_folder_that_became_a_link_after_the_listing_leads_nowhere() {
    let (dir, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(beside.path().join("2.log"), "2026-11-21 10:32:11 [INFO] lost 4711 frames\n").unwrap();
    let outcomes = swapped(&logs, Parser::new(Path::new(PROGRAM)), |_| {
        fs::rename(&logs, dir.path().join("old")).unwrap();
        symlink(beside.path(), &logs).unwrap();
    });
    assert_eq!(outcomes.reasons, [Some("missing"), Some("replaced"), Some("missing")]);
    assert_eq!(outcomes.out, b"");
}

/// The first child hangs at the second file; the next one does the rest.
#[test]
fn a_file_that_takes_too_long_is_refused_and_the_rest_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let program = tempfile::tempdir().unwrap();
    let path = program.path().join("hangs");
    let reading = |file: u8| format!("\\002\\000\\000\\000\\001\\000\\00{file}");
    let text = format!(
        "#!/bin/sh\nmkdir {}/once 2>/dev/null || exec {PROGRAM} \"$@\"\nprintf '{}{}'\nexec sleep 120\n",
        program.path().display(),
        reading(0),
        reading(1)
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let parser = Parser { patience: Duration::from_secs(6), ..Parser::new(&path) };
    let begun = std::time::Instant::now();
    let outcomes = swapped(dir.path(), parser, |_| ());
    assert_eq!(outcomes.reasons, [None, Some("fatal"), None]);
    assert!(begun.elapsed() < Duration::from_secs(100), "the child was waited for until it ended by itself");
}

//! Every file that the program ever creates for a support case, from the preview to the last byte sent, by a trace of
//! the system's calls: none holds anything of it in plain but those that a person named.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::bundle::status;
use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::peer;
use serde_json::Value as Json;

/// What is in the bundle: of a log, of the manifest, of a sidecar, of a scan's header, and whom to answer.
const NEEDLES: &[&str] =
    &["generator(1042)", "kathea-support-manifest", "encoder_errors", "00080060", "Klinikken"];

/// Calls that create a file or fill one.
const CALLS: &str = "trace=open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,memfd_create,mmap,write,\
                     writev,pwrite64,pwritev,pwritev2,sendfile,splice,tee,vmsplice,copy_file_range";

/// Runs `command` to its good end; gives what it printed, and adds its calls to `trace`.
fn traced(clinic: &Clinic, command: &Command, trace: &mut String) -> String {
    let file = clinic.path("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-qq", "-s", "1000000", "-e", CALLS, "-o"]).arg(&file);
    strace.arg(command.get_program()).args(command.get_args());
    let output = strace.env("TMPDIR", clinic.path("tmp")).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    trace.push_str(&fs::read_to_string(&file).unwrap());
    fs::remove_file(file).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The calls of a trace: name, and arguments with what came of it.
fn calls(trace: &str) -> impl Iterator<Item = (&str, &str)> {
    let number = |c: char| c.is_ascii_digit() || c == ' ';
    trace.lines().filter_map(move |line| line.trim_start_matches(number).split_once('('))
}

/// Each write to a file, as its path and what strace shows of the bytes. Pipes and sockets are no files.
fn writes(trace: &str) -> Vec<(&Path, &str)> {
    let writes = calls(trace).filter(|(name, _)| name.starts_with("write") || name.starts_with("pwrite"));
    let parted = writes.filter_map(|(_, arguments)| arguments.split_once('<')?.1.split_once('>'));
    parted.filter(|(path, _)| path.starts_with('/')).map(|(path, text)| (Path::new(path), text)).collect()
}

/// The files that were created under any name, also one that they do not have any more.
fn created(trace: &str) -> Vec<PathBuf> {
    let opens = calls(trace).filter(|(name, _)| name.starts_with("open") || *name == "creat");
    let creates = opens.filter(|(name, arguments)| {
        *name == "creat" || arguments.contains("O_CREAT") || arguments.contains("O_TMPFILE")
    });
    creates.filter_map(|(_, arguments)| arguments.split('"').nth(1).map(PathBuf::from)).collect()
}

/// Writes of a needle to a file that is neither `copy` nor below it.
fn revealed<'a>(trace: &'a str, copy: &Path) -> Vec<&'a Path> {
    let is_revealed = |text: &str| NEEDLES.iter().any(|needle| text.contains(needle));
    let elsewhere = writes(trace).into_iter().filter(|(path, _)| !path.starts_with(copy));
    elsewhere.filter(|(_, text)| is_revealed(text)).map(|(path, _)| path).collect()
}

#[test]
fn nothing_is_ever_written_in_plain_but_where_a_person_pointed() {
    if !peer::has("strace") {
        return;
    }
    let collector = Collector::start();
    let clinic = Clinic::of(&collector, &format!("https://{}", collector.address()));
    let (copy, stick) = (clinic.text("copy"), clinic.text("stick.age"));
    let mut trace = String::new();
    let mut run = |args: &[&str]| traced(&clinic, &clinic.workstation.agent(args), &mut trace);

    let asked = ["--case", "CASE-1", "--reason", "error", "--last-scan", "--contact", "Klinikken"];
    let draft = run(&[&["support", "preview", "--json", "-o", &copy], &asked[..]].concat());
    let draft: Json = serde_json::from_str(&draft).unwrap();
    let (id, digest) = (draft["draft"].as_str().unwrap(), draft["digest"].as_str().unwrap());
    assert!(run(&["support", "show", id, "logs/x1-0001.log"]).contains("generator(1042)"));
    run(&["support", "create", id, "--yes", digest, "--by", "owner"]);
    run(&["support", "export", id, "-o", &stick]);
    run(&["run", "--once"]);
    assert_eq!(status(&clinic.workstation)["state"], "sent");

    assert_eq!(revealed(&trace, Path::new(&copy)), Vec::<&Path>::new());
    let home = clinic.workstation.path();
    let outside: Vec<_> =
        created(&trace).into_iter().filter(|path| !path.starts_with(home) && path != "/dev/null").collect();
    assert_eq!(outside, Vec::<PathBuf>::new());
    // A copy of what the agent wrote is no other than what it wrote.
    let own = format!("<{}/", clinic.workstation.data().display());
    let other_ways = calls(&trace).filter(|(name, arguments)| match *name {
        "copy_file_range" => arguments.split_once(',').is_none_or(|(source, _)| !source.contains(&own)),
        "mmap" => arguments.contains("MAP_SHARED") && arguments.contains("PROT_WRITE"),
        name => ["memfd_create", "sendfile", "splice", "tee", "vmsplice"].contains(&name),
    });
    assert_eq!(other_ways.collect::<Vec<_>>(), Vec::<(&str, &str)>::new(), "a way that is not looked at");

    // The trace does see what is written: the clinic's copy in plain, the rest sealed.
    let all = writes(&trace);
    for needle in NEEDLES {
        assert!(all.iter().any(|(path, text)| path.starts_with(&copy) && text.contains(needle)), "{needle}");
    }
    for sealed in [clinic.workstation.data().join("bundles"), home.to_owned()] {
        let is_age =
            |(path, text): &(&Path, &str)| path.starts_with(&sealed) && text.contains("age-encryption");
        assert!(all.iter().any(is_age), "{}", sealed.display());
    }
    assert!(all.iter().any(|(path, _)| path.starts_with(clinic.workstation.data().join("drafts"))));

    let planted = clinic.workstation.data().join("planted");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf %s '{}' > {}", NEEDLES[0], planted.display())]);
    traced(&clinic, &shell, &mut trace);
    assert_eq!(revealed(&trace, Path::new(&copy)), [planted.as_path()], "negative control");
}

//! The README's way from nothing to a first batch, and what it says a clinic may ask, run word for word.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::common::collector;
use crate::common::kathea::workplace;
use serde_json::Value as Json;
use tempfile::TempDir;

/// A shell whose `/tmp` is a directory of its own, and whose programs are those of this build.
struct Shell {
    dir: TempDir,
    serving: Option<Child>,
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(mut child) = self.serving.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Shell {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        for (name, program) in [
            ("kathea-agent", env!("CARGO_BIN_EXE_kathea-agent").into()),
            ("kathea-collector", collector::program()),
        ] {
            symlink::<PathBuf, _>(program, dir.path().join("bin").join(name)).unwrap();
        }
        Self { dir, serving: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut bash = Command::new("bash");
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let line = line.replace("/tmp/", &format!("{}/", self.dir.path().display()));
        bash.args(["-c", &line]).env("PATH", path).current_dir(self.dir.path()).stdin(Stdio::null());
        bash
    }

    /// Runs a line, which must succeed.
    fn run(&self, line: &str) -> String {
        let Output { status, stdout, stderr } = self.command(line).output().unwrap();
        assert!(status.success(), "{line}: {status}, {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// Starts the line that ends in `&`, on a free port, and writes its address where the agent looks for it.
    fn serve(&mut self, line: &str) {
        let line = line.trim_end_matches('&').replace(":8443", ":0");
        let mut child = self.command(&format!("exec {line}")).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        self.serving = Some(child);
        let toml = self.path("vendor/agent.toml");
        let url = said.trim_end().strip_prefix("listening ").unwrap();
        let text = fs::read_to_string(&toml).unwrap().replace("https://127.0.0.1:8443", url);
        fs::write(toml, text).unwrap();
    }

    /// What the README says to put into the configuration.
    fn configure(&self) {
        let toml = self.path("agent.toml");
        let at = |name: &str| self.path(name).display().to_string();
        let text = fs::read_to_string(&toml).unwrap();
        let text = format!(
            "data_dir = {:?}\n{text}\n[kathea]\noutbox = {:?}\nsocket = {:?}\nuser = \"\"\n[consent]\ngroup = \"\"\n\
             [keys]\nprotector = \"file\"\n",
            at("agent"),
            at("outbox"),
            at("kathea.sock"),
        );
        fs::create_dir(self.path("outbox")).unwrap();
        fs::write(toml, text).unwrap();
    }

    fn agent(&self, words: &str) -> String {
        self.run(&format!("kathea-agent --config /tmp/agent.toml {words}"))
    }
}

/// The lines of the code block below a heading, or below a line that ends so, without comments.
fn block(below: &str) -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rest = readme.split_once(below).unwrap().1;
    let block = rest.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let lines = block.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The README's lines up to the first batch.
fn first_batch() -> Shell {
    let mut shell = Shell::new();
    let lines = block("## Set up and send a first batch");
    assert!(lines[0].starts_with("cargo build") && lines.len() > 10, "{lines:?}");
    for line in &lines[1..] {
        if line.ends_with('&') {
            shell.serve(line);
        } else if line.contains("DIGEST") {
            let shown: Json =
                serde_json::from_str(&shell.agent("consent show usage_statistics --json")).unwrap();
            shell.run(&line.replace("DIGEST", shown["digest"].as_str().unwrap()));
        } else {
            let printed = shell.run(line);
            if line.starts_with("cp ") {
                shell.configure();
            }
            if line.contains("export") {
                assert_eq!(printed.lines().count(), 1, "one event arrived: {printed}");
                assert!(printed.contains("4711"), "{printed}");
            }
        }
    }
    shell
}

#[test]
fn the_way_to_a_first_batch_leads_there_and_a_yes_is_taken_back() {
    let shell = first_batch();
    let lines = block("## How to withdraw consent");
    assert_eq!(lines.len(), 2, "{lines:?}");
    // The first is for before a yes.
    for line in lines.iter().rev() {
        shell.agent(line.strip_prefix("kathea-agent ").unwrap());
    }
    let status: Json = serde_json::from_str(&shell.agent("status --json")).unwrap();
    assert_eq!(status["consent"]["usage_statistics"], "denied");
}

#[test]
fn the_own_history_is_switched_on_and_files_are_checked_and_cleaned() {
    let shell = first_batch();
    for line in block("## The clinic's own history") {
        shell.agent(line.strip_prefix("kathea-agent ").unwrap());
    }
    let event = "{\"event\":\"device.error\",\"at\":\"2026-11-21T10:32:11+01:00\",\"code\":4711,\"subsystem\":\"detector\",\
                 \"severity\":\"warn\",\"repeats\":1}\n";
    fs::write(shell.path("events.ndjson"), event).unwrap();
    let line = block("## For programs").into_iter().find(|line| line.contains("validate")).unwrap();
    shell.run(&line);
    for name in ["scans", "all-scans"] {
        fs::create_dir(shell.path(name)).unwrap();
    }
    let mut random = crate::common::seeded();
    let now = time::OffsetDateTime::now_utc();
    workplace::write(&shell.path("logs"), &shell.path("scans"), now, &mut random).unwrap();
    let log = fs::read_dir(shell.path("logs")).unwrap().flatten().find(|entry| entry.path().is_file());
    fs::copy(log.unwrap().path(), shell.path("kathea.log")).unwrap();
    shell.run(&block("## Scans and logs without patients")[0]);
    assert!(fs::read_to_string(shell.path("out.html")).unwrap().contains("<html"));
    assert!(fs::read_dir(shell.path("out")).unwrap().count() > 1);
}

#[test]
fn a_support_case_is_made_step_by_step() {
    let shell = first_batch();
    let toml = shell.path("agent.toml");
    let (logs, scans) = (shell.path("logs"), shell.path("scans"));
    workplace::write(&logs, &scans, time::OffsetDateTime::now_utc(), &mut crate::common::seeded()).unwrap();
    let text = fs::read_to_string(&toml).unwrap();
    let places = format!("[kathea]\nlogs = [{logs:?}]\nscans = [{scans:?}]\n");
    fs::write(&toml, text.replace("[kathea]\n", &places)).unwrap();
    let lines = block("or step by step:");
    assert_eq!(lines.len(), 5, "{lines:?}");
    let (mut draft, mut digest) = (String::new(), String::new());
    for line in &lines {
        let line = line.replace("DRAFT", &draft).replace("DIGEST", &digest).replace("BUNDLE", &draft);
        let line = line.replace("/media/stick/", "/tmp/");
        let is_preview = line.contains(" preview ") && !line.contains("--dry-run");
        let said = shell.agent(&format!(
            "{}{}",
            line.strip_prefix("kathea-agent ").unwrap(),
            if is_preview { " --json" } else { "" }
        ));
        if is_preview {
            let made: Json = serde_json::from_str(&said).unwrap();
            [draft, digest] = ["draft", "digest"].map(|key| made[key].as_str().unwrap().to_owned());
        }
    }
    assert!(fs::metadata(shell.path("CASE-1042.age")).unwrap().len() > 1000);
    assert!(shell.path("CASE-1042.age.consent").exists() && shell.path("case/preview.html").exists());
}

#[test]
fn what_else_a_clinic_may_ask_is_answered() {
    let shell = first_batch();
    let lines = block("All other requests of a clinic");
    assert!(lines.len() > 6 && lines.last().unwrap().starts_with("kathea-agent decommission"), "{lines:?}");
    for line in &lines {
        shell.agent(line.strip_prefix("kathea-agent ").unwrap());
    }
    assert!(fs::read_to_string(shell.path("certificate.txt")).unwrap().len() > 100);
    assert!(fs::read_dir(shell.path("what-is-held")).unwrap().count() > 0);
}

//! A program that an administrator swaps for another one between its digest and the moment at which it is read.
//!
//! ```text
//! digest --> swap --> the confined child reads --> swapped back --> the table is kept, or not
//!            `------------- done by a program in the child's place ------------'
//! ```

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use agent::config::Config;
use agent::programs::{self, BuildError};
use test_support::{or_skip, peer};

use super::installed;
use super::site::{PROGRAM, Site};

/// Runs the agent as the child and passes on what it says, the end of it only behind the last command.
const CHILD: &str = r#"#!/usr/bin/env PYTHON
import os, subprocess, sys
os.environ["PATH"] = "/usr/bin:/bin"
def shell(text):
    subprocess.run(["sh", "-ec", text], check=True, stdin=subprocess.DEVNULL)
shell("""FIRST""")
child = subprocess.Popen(["PROGRAM", *sys.argv[1:]], stdout=subprocess.PIPE)
while part := os.read(child.stdout.fileno(), 1 << 16):
    try:
        child.wait(0.5)
        part += child.stdout.read()
        shell("""LAST""")
    except subprocess.TimeoutExpired:
        pass  # it waits for a file
    os.write(1, part)
"#;

struct Swap {
    site: Site,
    /// A program that no list has.
    theirs: PathBuf,
    python: String,
}

impl Swap {
    fn new() -> Result<Self, peer::Skipped> {
        let python = peer::python("subprocess")?;
        let (site, theirs) =
            (Site::installed(&["Command %s timed out"])?, Site::installed(&["flurble zorp of %s"])?);
        let aside = site.path().join("theirs");
        fs::create_dir(&aside).unwrap();
        fs::copy(theirs.folder().join("x1"), aside.join("x1")).unwrap();
        installed::list(&site.folder());
        for name in ["installed.sha256", "installed.sha256.sig"] {
            fs::copy(site.folder().join(name), aside.join(name)).unwrap();
        }
        Ok(Self { site, theirs: aside, python })
    }

    /// Makes the table while `first` is done before the child reads, and `last` behind that.
    fn build(&self, first: &str, last: &str) -> Result<(), BuildError> {
        let (ours, theirs) = (self.site.folder(), &self.theirs);
        let named = |text: &str| {
            let place = |path: &Path| path.to_str().unwrap().to_owned();
            text.replace("OURS", &place(&ours)).replace("THEIRS", &place(theirs))
        };
        let child = self.site.path().join("child");
        let text = CHILD.replace("PYTHON", &self.python);
        let text =
            text.replace("PROGRAM", PROGRAM).replace("FIRST", &named(first)).replace("LAST", &named(last));
        fs::write(&child, text).unwrap();
        fs::set_permissions(&child, fs::Permissions::from_mode(0o755)).unwrap();
        let config = Config::load(&self.site.path().join("agent.toml")).unwrap();
        programs::build(&config, &child, 0).map(|_| ())
    }
}

#[test]
fn a_program_that_is_swapped_while_it_is_read_teaches_nothing() {
    if !peer::is_root() {
        return;
    }
    let log = "Command quux timed out\nflurble zorp of Xyzzyq\n";
    let ways = [
        ("another in its place", "cp THEIRS/x1 OURS/new; mv OURS/new OURS/x1", ":"),
        ("written over", "cat THEIRS/x1 > OURS/x1", ":"),
        (
            "written over and back, with its old time",
            "cp -p OURS/x1 THEIRS/was; cat THEIRS/x1 > OURS/x1; touch -r THEIRS/was OURS/x1",
            "cat THEIRS/was > OURS/x1; touch -r THEIRS/was OURS/x1",
        ),
        ("its folder, and back", "mv OURS OURS.was; mv THEIRS OURS", "mv OURS THEIRS; mv OURS.was OURS"),
    ];
    let mut wrong = Vec::new();
    for (way, first, last) in ways {
        let swap = or_skip!(Swap::new());
        let built = swap.build(first, last);
        if !matches!(&built, Err(BuildError::Changing(path)) if path.ends_with("x1")) {
            wrong.push(format!("{way}: {built:?}"));
        }
        if swap.site.cleaned(log, &[]).contains("flurble") {
            wrong.push(format!("{way}: its words stay"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The control: a program that nobody touches teaches its words, read by the same child.
    let swap = or_skip!(Swap::new());
    swap.build(":", ":").unwrap();
    assert!(swap.site.cleaned(log, &[]).starts_with("Command [text] timed out"));
}

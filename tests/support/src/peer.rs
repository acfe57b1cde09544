//! The one way to skip a test: aloud, and never where `REQUIRE_PEERS=1` says that every peer has to be there.
//!
//! A peer is a program of others that a test compares with, or a right of this account: to mount, to be root, to have
//! a network of its own. `tests/rules/source_rules.rs` holds that no test ends early in another way.
//!
//! ```
//! use test_support::{or_skip, peer};
//!
//! fn measured() -> Result<u32, peer::Skipped> {
//!     peer::need(1 + 1 == 2, "this system cannot count")?;
//!     Ok(2)
//! }
//!
//! fn a_test() {
//!     if !peer::has("rustc") {
//!         return;
//!     }
//!     let two = or_skip!(measured());
//!     assert_eq!(two, 2);
//! }
//! # a_test();
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Proof that the reason was printed. Only [`need`] makes one.
#[derive(Debug)]
pub struct Skipped(());

/// Goes on if `there`. Otherwise prints that the test is skipped because of `missing`.
///
/// # Panics
///
/// Under `REQUIRE_PEERS`, if the peer is not there.
pub fn need(there: bool, missing: &str) -> Result<(), Skipped> {
    if there {
        return Ok(());
    }
    assert!(env::var_os("REQUIRE_PEERS").is_none(), "REQUIRE_PEERS is set, but {missing}");
    eprintln!("SKIPPED: {missing}");
    Err(Skipped(()))
}

/// Whether `there`, like [`need`], for the condition of an `if`.
pub fn can(there: bool, missing: &str) -> bool {
    need(there, missing).is_ok()
}

/// Whether sweeps run at their full length, by `SLOW_TESTS=1` as `.ci/run` sets it. Otherwise says aloud what is left out.
pub fn is_slow(left_out: &str) -> bool {
    let is_slow = env::var_os("SLOW_TESTS").is_some();
    if !is_slow {
        eprintln!("SKIPPED without SLOW_TESTS=1: {left_out}");
    }
    is_slow
}

/// Whether `program` can be started.
pub fn has(program: &str) -> bool {
    can(starts(program), &format!("{program} cannot be started: install it"))
}

fn starts(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A Python that has `module`: `PYTHON`, or else `python3`.
pub fn python(module: &str) -> Result<String, Skipped> {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut import = Command::new(&python);
    import.args(["-c", &format!("import {module}")]).stderr(Stdio::null());
    let found = import.status().is_ok_and(|status| status.success());
    need(found, &format!("{python} has no module {module}: install it, or set PYTHON")).map(|()| python)
}

/// The folder `node_modules` that holds `packages`: `NODE_PEERS`, or else what `.ci/run` installs below `root`.
pub fn node(root: &Path, packages: &[&str]) -> Result<PathBuf, Skipped> {
    let modules =
        env::var_os("NODE_PEERS").map_or_else(|| root.join("target/ci-node/node_modules"), PathBuf::from);
    for package in packages {
        need(modules.join(package).is_dir(), &format!("Node has no {package}: set NODE_PEERS"))?;
    }
    need(starts("node"), "node cannot be started: install it")?;
    Ok(modules)
}

/// Whether this is root, who alone can start a process of another account.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    can(
        status.lines().any(|line| line.starts_with("Uid:\t0\t0")),
        "only root can start a process of another account",
    )
}

/// The value, or the end of the test that was [`Skipped`].
#[macro_export]
macro_rules! or_skip {
    ($what:expr) => {
        match $what {
            Ok(value) => value,
            Err($crate::peer::Skipped { .. }) => return,
        }
    };
}

/// The command with another clock, as faketime understands it: `+25h`, `@2019-01-01 10:00:00`. By its library alone: the
/// program of that name does not start where one with its process number was killed before, so it is asked again, under
/// another.
pub fn at(clock: &str, mut command: Command) -> Command {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let ask = || {
            Command::new("faketime")
                .args(["-f", "+0d", "printenv", "LD_PRELOAD"])
                .output()
                .expect("faketime runs")
                .stdout
        };
        let shown = std::iter::repeat_with(ask).take(100).find(|shown| !shown.is_empty());
        String::from_utf8(shown.expect("the path of faketime's library"))
            .expect("a path in UTF-8")
            .trim()
            .to_owned()
    });
    command.env("LD_PRELOAD", library).env("FAKETIME", clock);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This test, started again by itself with and without `REQUIRE_PEERS`: a missing peer is said, and then fails.
    #[test]
    fn a_missing_peer_is_said_aloud_and_fails_where_it_is_required() {
        if env::var_os("TEST_SUPPORT_INNER").is_some() {
            assert!(!has("/nowhere/a-program"));
            return;
        }
        let again = |required: bool| {
            let mut command = Command::new(env::current_exe().expect("this program"));
            command.args([
                "--exact",
                "peer::tests::a_missing_peer_is_said_aloud_and_fails_where_it_is_required",
            ]);
            command.arg("--nocapture").env("TEST_SUPPORT_INNER", "yes").env_remove("REQUIRE_PEERS");
            let output =
                command.envs(required.then_some(("REQUIRE_PEERS", "1"))).output().expect("this program");
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (passed, said) = again(false);
        assert!(passed && said.contains("SKIPPED: /nowhere/a-program cannot be started"), "{said}");
        let (passed, said) = again(true);
        assert!(!passed && said.contains("REQUIRE_PEERS is set, but /nowhere/a-program"), "{said}");
        assert!(has("rustc") || env::var_os("REQUIRE_PEERS").is_none());
    }
}

//! Programs of others that a test compares with: without one it says so, and fails where peers are required.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Whether `program` can be started.
pub(crate) fn has(program: &str) -> bool {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if started.is_err() {
        assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "{program} cannot be started");
        eprintln!("SKIPPED: {program} cannot be started");
    }
    started.is_ok()
}

/// The command with another clock, as faketime understands it: `+25h`, `@2019-01-01 10:00:00`. By its library alone: the
/// program of that name does not start where one with its process number was killed before, so it is asked again, under
/// another.
pub(crate) fn at(clock: &str, mut command: Command) -> Command {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let ask = || {
            Command::new("faketime").args(["-f", "+0d", "printenv", "LD_PRELOAD"]).output().unwrap().stdout
        };
        let shown = std::iter::repeat_with(ask).take(100).find(|shown| !shown.is_empty());
        String::from_utf8(shown.expect("the path of faketime's library")).unwrap().trim().to_owned()
    });
    command.env("LD_PRELOAD", library).env("FAKETIME", clock);
    command
}

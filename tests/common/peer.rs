//! Programs of others that a test compares with, and a program that is told another time.

use std::process::Command;
use std::sync::OnceLock;

#[allow(unused_imports, reason = "each test uses its part")]
pub(crate) use test_support::peer::{Skipped, can, has, is_root, is_slow, need, node};

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

//! `kathea-case` under a name that cargo builds for this package's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    kathea_case::main(std::env::args_os())
}

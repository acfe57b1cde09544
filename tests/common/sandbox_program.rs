//! `kathea-sandbox` under a name that cargo builds for this package's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    kathea_sandbox::main(std::env::args_os())
}

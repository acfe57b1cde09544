//! `kathea-sandbox`, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kathea_sandbox::main(std::env::args_os())
}

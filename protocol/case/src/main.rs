//! `kathea-case`, the program.

fn main() -> std::process::ExitCode {
    kathea_case::main(std::env::args_os())
}

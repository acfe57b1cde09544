//! `kathea-agent`, the program.
fn main() -> std::process::ExitCode {
    kathea_agent::main(std::env::args_os())
}

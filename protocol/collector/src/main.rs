//! `kathea-collector`, the program.
fn main() -> std::process::ExitCode {
    kathea_collector::main(std::env::args_os())
}

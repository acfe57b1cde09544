//! `kathea-window`, the program.
#![cfg_attr(windows, windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    kathea_window::main(std::env::args_os())
}

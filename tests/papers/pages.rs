//! Writes the manual pages and the shells' completions into a folder, for the package: `pages DIR`.

use std::path::PathBuf;

use clap_complete::{Shell, generate_to};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "usage: pages DIR"));
    };
    std::fs::create_dir_all(&folder)?;
    let mut command = kathea_agent::command_line();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "kathea-agent", &folder)?;
    }
    clap_mangen::generate_to(command, &folder)?;
    // `help` is explained by itself.
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.to_string_lossy().contains("-help") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

//! Writes the manual pages and the shells' completions, for the packages: `pages DIR` fills DIR for the agent and
//! DIR/collector and DIR/case for the collector and `kathea-case`.

use std::path::{Path, PathBuf};

use clap_complete::{Shell, generate_to};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "usage: pages DIR"));
    };
    write(kathea_agent::command_line(), "kathea-agent", &folder)?;
    write(kathea_collector::command_line(), "kathea-collector", &folder.join("collector"))?;
    write(kathea_case::command_line(), "kathea-case", &folder.join("case"))
}

fn write(mut command: clap::Command, name: &str, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, name, folder)?;
    }
    clap_mangen::generate_to(command, folder)?;
    // `help` is explained by itself.
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().contains("-help") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

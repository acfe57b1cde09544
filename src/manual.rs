//! `completions` and `man`: what a shell and a reader of manuals want, made from the command line itself.

use clap_complete::{Shell, generate};

use crate::exit::{Exit, Failure};
use crate::print;
use crate::texts::refusal::{Hint, Refusal};
use crate::texts::say;

/// `completions SHELL`.
pub(crate) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    generate(shell, &mut crate::cli::command_line(), "kathea-agent", &mut text);
    write(text)
}

/// `man [COMMAND]...`: the page of the program, or of one of its commands.
pub(crate) fn man(words: &[String]) -> Result<Exit, Failure> {
    let mut command = crate::cli::command_line();
    command.build();
    for word in words {
        let found = command.find_subcommand(word).cloned().ok_or_else(|| {
            let known = command.get_subcommands().map(clap::Command::get_name);
            let nearest = agent::nearest::nearest(word, known);
            let nearest = nearest.map(|nearest| say(Hint::Nearest { nearest: nearest.to_owned() }));
            let hint = nearest.map_or_else(String::new, |nearest| format!("; {nearest}"));
            Failure::usage(say(Refusal::NoSuchCommand { hint }))
        })?;
        command = found;
    }
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(command).render(&mut text);
    write(text)
}

fn write(text: Vec<u8>) -> Result<Exit, Failure> {
    print::data(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

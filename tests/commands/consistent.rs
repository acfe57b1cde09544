//! `-o`, `--json` and `--by` mean the same in every command, and no command that could have one lacks it.

/// Commands that answer nothing to a program: they serve, print a file or a page as it is, ask at a terminal, or write
/// what they answer into files.
const WITHOUT_JSON: &[&str] = &[
    "run",
    "open",
    "completions",
    "man",
    "consent ask",
    "support show",
    "privacy export",
    "privacy report",
    "service install",
    "service uninstall",
    "service start",
    "service stop",
];

/// Commands by which somebody answers, and which the ledger keeps.
const ANSWERS: &[&str] = &[
    "consent grant",
    "consent deny",
    "consent withdraw",
    "consent restrict",
    "consent release",
    "consent new-owner",
    "consent ask",
    "privacy erase",
    "decommission",
    "support create",
    "support close",
];

/// Every command that does something, with its words.
fn leaves(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let words = format!("{words} {}", sub.get_name()).trim().to_owned();
        if sub.has_subcommands() {
            leaves(sub, &words, found);
        } else {
            found.push((words, sub.clone()));
        }
    }
}

fn long<'a>(command: &'a clap::Command, name: &str) -> Option<&'a clap::Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

/// What is not consistent.
fn wrong(commands: &[(String, clap::Command)]) -> Vec<String> {
    let mut wrong = vec![];
    for (words, command) in commands {
        if long(command, "json").is_none() != WITHOUT_JSON.contains(&words.as_str()) {
            wrong.push(format!("{words}: --json"));
        }
        if long(command, "by").is_some() != ANSWERS.contains(&words.as_str()) {
            wrong.push(format!("{words}: --by"));
        }
        if long(command, "output").is_some_and(|arg| arg.get_short() != Some('o')) {
            wrong.push(format!("{words}: --output without -o"));
        }
        let o = command.get_arguments().find(|arg| arg.get_short() == Some('o'));
        if o.is_some_and(|arg| arg.get_long() != Some("output")) {
            wrong.push(format!("{words}: -o is not --output"));
        }
    }
    wrong
}

#[test]
fn each_option_is_in_every_command_that_can_have_it() {
    let mut commands = vec![];
    leaves(&kathea_agent::command_line(), "", &mut commands);
    assert!(commands.len() > 40, "only {} commands were found", commands.len());
    assert_eq!(wrong(&commands), [""; 0]);
    for listed in WITHOUT_JSON.iter().chain(ANSWERS) {
        assert!(commands.iter().any(|(words, _)| words == listed), "{listed} is no command");
    }
    let planted = clap::Command::new("new")
        .arg(clap::Arg::new("a").long("output"))
        .arg(clap::Arg::new("b").long("by"))
        .arg(clap::Arg::new("c").short('o').long("other"));
    let found = wrong(&[("new".to_owned(), planted)]);
    assert_eq!(found, ["new: --json", "new: --by", "new: --output without -o", "new: -o is not --output"]);
}

#[test]
fn the_old_spellings_stay() {
    for line in [
        "consent withdraw usage_statistics --by owner --erase",
        "support create 0a1b2c3d --yes 0011223344556677 --by owner",
        "support preview --case CASE-1 --reason error --output case",
        "catalog --format json",
        "privacy erase",
        "decommission --yes",
        "support list --json",
    ] {
        let words = std::iter::once("kathea-agent").chain(line.split(' '));
        let read = kathea_agent::command_line().try_get_matches_from(words);
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
}

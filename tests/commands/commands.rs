//! The program accepts every command that a person is asked to type: in the README and the papers, in help
//! and messages, on pages, in what the installers do and the Start menu shows.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share is outside of `#[test]` functions"
)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::peer;
use crate::common::terminal::Terminal;
use crate::common::workstation::Workstation;
use clap::error::ErrorKind;

/// What follows a program's name where it is not a command.
const PROSE: &[&str] =
    &["-p", "&&", "/var/lib/kathea-agent", "2>/dev/null", "Source=", "KeyPath=", "Type=", "{}"];

/// What stands before a program's name where it is that of its account, group, unit or folder.
const OTHERWISE: &[&str] =
    &["-u ", "-g ", "-o ", "chown -R ", "passwd ", "group ", "start ", "status ", "lib/", "etc/", "backups/"];

/// Files that tell a person, a shell or an installer what to run.
const PLACES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "GLOSSARY.md",
    "packaging",
    "protocol/SOCKET.md",
    "protocol/WIRE.md",
    "protocol/socket.schema.json",
    "protocol/policies",
    "protocol/src",
    "protocol/case/src",
    "protocol/collector/src",
    "src",
    "agent/src",
    "agent/deidentify/src",
];

/// A command as it stands somewhere.
struct Typed {
    at: String,
    words: Vec<String>,
    /// Named in a sentence: it may stand there without what it needs.
    is_named: bool,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            files(&entry.unwrap().path(), found);
        }
    } else {
        found.push(path.to_owned());
    }
}

/// The text of a file as it is shown: of code its literals' lines, joined, without comments and tests.
fn shown(path: &Path) -> String {
    let text = String::from_utf8(fs::read(path).unwrap()).unwrap_or_default();
    if path.extension().is_none_or(|extension| extension != "rs") {
        return text
            .replace("&quot;", "\"")
            .replace(" \\\n", " ")
            .replace("$(date +%F)", "DAY")
            .replace("\"$KATHEA_TOKEN_FILE\"", "FILE");
    }
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    let is_shown = |line: &&str| !line.trim_start().starts_with("//") || line.trim_start().starts_with("///");
    let lines = code.lines().filter(is_shown).collect::<Vec<_>>().join("\n");
    let mut out = String::new();
    for (at, piece) in lines.split("\\\n").enumerate() {
        out += if at == 0 { piece } else { piece.trim_start() };
    }
    out.replace("\\n", "\n").replace("\\\"", "\"")
}

/// Where a command ends.
const ENDS: &[&str] =
    &["`", "<", "\"", "\n", " && ", " > ", " | ", " ||", " &\n", " #", "; ", ", ", ". ", ": ", ")", "'", "…"];

/// The commands of `program` in a text.
fn commands(at: &str, text: &str, program: &str) -> Vec<Typed> {
    let mut found = vec![];
    for (start, _) in text.match_indices(program) {
        let before = &text[..start];
        let rest = &text[start + program.len()..];
        let rest = rest.strip_prefix(".exe\"").unwrap_or(rest);
        let Some(rest) = rest.strip_prefix(' ') else { continue };
        let end = ENDS.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        let words = rest[..end].split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let Some(first) = words.first() else { continue };
        let is_otherwise = OTHERWISE.iter().any(|context| before.ends_with(context));
        if PROSE.contains(&first.as_str()) || is_otherwise || before.ends_with(['-', '_', '.', ':']) {
            continue;
        }
        let is_named = before.ends_with('`') && rest[end..].starts_with('`');
        found.push(Typed { at: at.to_owned(), words, is_named });
    }
    found
}

/// What stands for something else, with something.
fn filled(word: &str) -> String {
    const HEX: &str = "0a1b2c3d4e5f6a7b";
    let mut out = word.to_owned();
    for (name, value) in [
        ("{purpose}", "usage_statistics"),
        ("{take_back}", "usage_statistics"),
        ("{command}", "usage_statistics"),
        ("{case}", "CASE-1"),
        ("{draft}", HEX),
        ("{digits}", HEX),
        ("{id}", HEX),
        ("{}", HEX),
        ("[COLLECTOR_URL]", "https://collector.example:8443"),
        ("{data}", "/var/lib/kathea-collector"),
        ("ADDR:PORT", "127.0.0.1:8443"),
    ] {
        out = out.replace(name, value);
    }
    match out.as_str() {
        "DRAFT" | "BUNDLE" | "DIGEST" => HEX.to_owned(),
        "ROLE" => "owner".to_owned(),
        "URL" => "https://collector.example:8443".to_owned(),
        "DEVICE" => HEX.repeat(2),
        "N" => "1".to_owned(),
        "TICKET" => format!("{0}-{0}", HEX.repeat(2)),
        "PURPOSE" => "usage_statistics".to_owned(),
        _ => out,
    }
}

/// What the real command line says against a command, if anything.
fn wrong(program: clap::Command, typed: &Typed) -> Option<String> {
    let words = std::iter::once("program".to_owned()).chain(typed.words.iter().map(|word| filled(word)));
    let error = program.try_get_matches_from(words).err()?;
    let lacks = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::MissingSubcommand,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        kind => typed.is_named && lacks.contains(&kind),
    };
    let first = error.to_string().lines().next().unwrap_or_default().to_owned();
    (!is_fine).then(|| format!("{}: {}: {first}", typed.at, typed.words.join(" ")))
}

fn typed_everywhere(program: &str) -> Vec<Typed> {
    let mut paths = vec![];
    PLACES.iter().for_each(|place| files(&root().join(place), &mut paths));
    let is_test =
        |path: &Path| path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    // A record of answers is no page: what is printed of them is looked at where it is made.
    let is_script = |path: &Path| {
        path.ends_with("check")
            || path.extension().is_some_and(|extension| extension == "ndjson")
            || path.ends_with("wrong-inputs.md")
            || path.ends_with("sysusers.conf")
            || path.ends_with("control")
    };
    paths.retain(|path| !is_test(path) && !is_script(path));
    paths
        .iter()
        .flat_map(|path| {
            commands(&path.strip_prefix(root()).unwrap().to_string_lossy(), &shown(path), program)
        })
        .collect()
}

#[test]
fn the_agent_accepts_every_documented_command() {
    let typed = typed_everywhere("kathea-agent");
    for place in [
        "README.md",
        "kathea-agent.wxs",
        "receipt.rs",
        "cli.rs",
        "held.rs",
        "page/mod.rs",
        "postinst",
        "texts/consent.rs",
    ] {
        assert!(typed.iter().any(|typed| typed.at.ends_with(place)), "nothing was found in {place}");
    }
    assert!(typed.len() > 80, "only {} commands were found", typed.len());
    let wrong =
        typed.iter().filter_map(|typed| wrong(kathea_agent::command_line(), typed)).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), typed.len(), wrong.join("\n"));

    let text = fs::read_to_string(root().join("packaging/windows/kathea-agent.wxs")).unwrap();
    let installer = text.split("ExeCommand=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let installer = installer.map(|words| {
        commands("wxs", &format!("kathea-agent {}\n", words.replace("&quot;", "")), "kathea-agent")
    });
    let installer = installer.flatten().collect::<Vec<_>>();
    assert!(
        installer.len() > 5
            && installer.iter().all(|typed| self::wrong(kathea_agent::command_line(), typed).is_none())
    );

    for bad in [
        "kathea-agent consent withdrew usage_statistics\n",
        "kathea-agent support show\n",
        "`kathea-agent statsu`",
    ] {
        let typed = commands("negative control", bad, "kathea-agent");
        assert!(
            typed.iter().any(|typed| self::wrong(kathea_agent::command_line(), typed).is_some()),
            "{bad}"
        );
    }
}

#[test]
fn the_collector_accepts_every_documented_command() {
    let typed = typed_everywhere("kathea-collector");
    assert!(typed.len() > 4, "only {} commands were found", typed.len());
    let wrong =
        typed.iter().filter_map(|typed| wrong(kathea_collector::command_line(), typed)).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), typed.len(), wrong.join("\n"));
}

#[test]
fn the_program_for_bundles_accepts_every_documented_command() {
    let typed = typed_everywhere("kathea-case");
    assert!(typed.len() > 4, "only {} commands were found", typed.len());
    let wrong =
        typed.iter().filter_map(|typed| wrong(kathea_case::command_line(), typed)).collect::<Vec<_>>();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), typed.len(), wrong.join("\n"));
}

/// Messages name commands without the program: `consent show`.
#[test]
fn a_command_that_a_message_names_without_the_program_is_one() {
    let mut paths = vec![];
    ["src", "agent/src", "agent/deidentify/src"]
        .iter()
        .for_each(|place| files(&root().join(place), &mut paths));
    let names = kathea_agent::command_line()
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect::<Vec<_>>();
    let mut found = 0;
    for path in paths.iter().filter(|path| !path.components().any(|part| part.as_os_str() == "tests")) {
        let text = shown(path);
        let quoted = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("///"))
            .flat_map(|line| line.split('`').skip(1).step_by(2));
        for words in quoted.map(|quoted| quoted.split_whitespace().map(str::to_owned).collect::<Vec<_>>()) {
            if words.len() > 1 && names.contains(&words[0]) {
                let typed = Typed { at: path.display().to_string(), words, is_named: true };
                assert_eq!(wrong(kathea_agent::command_line(), &typed), None);
                found += 1;
            }
        }
    }
    assert!(found > 12, "only {found} were found");
}

/// What the Start menu starts is no error at a terminal: it asks, or shows.
#[test]
fn every_entry_of_the_start_menu_leads_somewhere() {
    if !peer::has("script") {
        return;
    }
    let wxs = shown(&root().join("packaging/windows/kathea-agent.wxs"));
    let entries = wxs.split("<Shortcut ").skip(1).map(|entry| entry.split("/>").next().unwrap());
    let commands = entries.flat_map(|entry| commands("menu", entry, "kathea-agent")).collect::<Vec<_>>();
    // One entry is the window's program itself, which takes no words; it is a file of the installer.
    let windows = wxs.matches("Target=\"[INSTALLDIR]kathea-window.exe\" />").count();
    assert!(windows == 1 && wxs.contains("Source=\"kathea-window.exe\""));
    assert_eq!(commands.len() + windows, wxs.matches("<Shortcut ").count());
    for typed in commands {
        let words = typed.words.iter().map(String::as_str).collect::<Vec<_>>();
        let workstation = Workstation::new("https://127.0.0.1:1", Path::new("/nowhere/ca.pem"));
        let mut terminal = Terminal::start(&workstation.agent(&words));
        match words.as_slice() {
            ["consent", "ask"] => {
                terminal.answer("nothing changes if you leave", "yes");
                terminal.answer("Who answers?", "nobody");
                terminal.answer("Please type 1, 2 or 3.", "owner");
            }
            ["doctor"] => {}
            other => panic!("say here what {other:?} asks"),
        }
        let (code, shown) = terminal.end();
        let is_fine = match words[0] {
            "consent" => code == Some(0) && workstation.status()["consent"]["usage_statistics"] == "granted",
            _ => shown.contains("configuration") && code == Some(1),
        };
        assert!(is_fine, "{words:?}: {code:?} {shown}");
    }
}

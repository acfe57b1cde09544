//! `consent ask` at a terminal, in Danish and English: what is read, what is answered, and what comes of it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::peer;
use common::workstation::Workstation;

/// Asks at a terminal of its own, where this is typed; gives the exit code and all that stood on the screen.
fn asked(workstation: &Workstation, typed: &str) -> (i32, String) {
    let agent = workstation.agent(&["consent", "ask", "--by", "owner"]);
    let words = [agent.get_program()].into_iter().chain(agent.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Kept open to the end: the terminal is there although nobody types any more.
    let mut keys = terminal.stdin.take().unwrap();
    keys.write_all(typed.as_bytes()).unwrap();
    let output = terminal.wait_with_output().unwrap();
    drop(keys);
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn state(workstation: &Workstation) -> String {
    workstation.status()["consent"]["usage_statistics"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_reads_and_answers_in_danish_or_english() {
    if !peer::has("script") {
        return;
    }
    let workstation = Workstation::new("https://127.0.0.1:1", Path::new("/nowhere/ca.pem"));
    workstation.expect(2, &["consent", "ask", "--by", "owner"]);
    let (code, screen) = asked(&workstation, "\n");
    assert_eq!((code, state(&workstation)), (0, "unset".to_owned()), "nobody answered: {screen}");

    let (code, screen) = asked(&workstation, "maybe\nyes\n");
    assert_eq!((code, state(&workstation)), (0, "granted".to_owned()), "{screen}");
    for said in
        ["May this workstation send statistics", "Datatilsynet", "Please type yes or no.", "Thank you."]
    {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    let receipt = workstation.json(&["consent", "receipt", "usage_statistics", "--json"]);
    let event = &receipt["entries"][0]["entry"]["event"];
    assert_eq!((&event["role"], &event["session"]), (&"owner".into(), &"console".into()));

    let config = std::fs::read_to_string(workstation.config()).unwrap();
    std::fs::write(workstation.config(), format!("language = \"da\"\n{config}")).unwrap();
    let (code, screen) = asked(&workstation, "no\nnej\n");
    assert_eq!((code, state(&workstation)), (0, "withdrawn".to_owned()), "{screen}");
    for said in [
        "Må denne arbejdsstation sende statistik",
        "Dit ja gælder til",
        "Skriv ja eller nej.",
        "Intet indsamles.",
    ] {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    let (code, screen) = asked(&workstation, "ja\n");
    assert_eq!((code, state(&workstation)), (0, "granted".to_owned()), "{screen}");
    assert!(screen.contains("Tak. "), "{screen}");
}

//! `consent ask` at a terminal, in Danish and English: what is read, what is answered, and what comes of it.

#![cfg(target_os = "linux")]

use std::path::Path;

use crate::common::peer;
use crate::common::terminal::Terminal;
use crate::common::workstation::Workstation;

/// Asks at a terminal, where each line is typed when its words are shown; gives the exit code and all that was shown.
fn asked(workstation: &Workstation, typed: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut terminal = Terminal::start(&workstation.agent(&["consent", "ask", "--by", "owner"]));
    typed.iter().for_each(|(shown, line)| terminal.answer(shown, line));
    terminal.end()
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
    let (code, screen) = asked(&workstation, &[("nothing changes if you leave", "")]);
    assert_eq!((code, state(&workstation)), (Some(0), "unset".to_owned()), "nobody answered: {screen}");

    let (code, screen) =
        asked(&workstation, &[("nothing changes if you leave", "maybe"), ("Please type yes or no.", "yes")]);
    assert_eq!((code, state(&workstation)), (Some(0), "granted".to_owned()), "{screen}");
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
    let (code, screen) = asked(&workstation, &[("hvis I afbryder", "no"), ("Skriv ja eller nej.", "nej")]);
    assert_eq!((code, state(&workstation)), (Some(0), "withdrawn".to_owned()), "{screen}");
    for said in [
        "Må denne arbejdsstation sende statistik",
        "Jeres samtykke gælder til",
        "Skriv ja eller nej.",
        "Intet indsamles.",
    ] {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    let (code, screen) = asked(&workstation, &[("hvis I afbryder", "ja")]);
    assert_eq!((code, state(&workstation)), (Some(0), "granted".to_owned()), "{screen}");
    assert!(screen.contains("Tak. "), "{screen}");
}

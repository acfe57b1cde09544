//! With `language = "da"` a clinic's person meets Danish in the terminal, with `en` English: each command is really run,
//! and words that only the other language has are looked for in all that it says.

#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::fs;

use common::clinic::Clinic;
use common::peer;
use common::terminal::Terminal;
use common::workstation::Workstation;

/// Words that stand in nearly every English sentence and in no Danish one.
const ENGLISH: &[&str] = &[
    "the", "is", "of", "and", "not", "with", "it", "that", "was", "are", "this", "no", "what", "be", "has",
    "from", "your", "cannot", "will", "nothing", "none", "until", "yes", "read", "nor", "which", "there",
    "case", "files", "bundle", "waits", "granted", "denied", "running", "queued", "failed", "pass", "warn",
    "fail", "digest",
];

/// Words that stand in nearly every Danish sentence and in no English one.
const DANISH: &[&str] =
    &["og", "ikke", "er", "den", "det", "til", "af", "som", "intet", "kan", "sag", "fra", "jeres"];

/// What is no sentence: commands, keys and values of the configuration, paths, names, codes.
fn prose(text: &str) -> String {
    // Log lines are in English whatever the language is.
    let logged = |line: &&str| line.starts_with("ERROR ") || line.starts_with("WARN ");
    let mut prose = String::new();
    for line in text.lines().filter(|line| !logged(line)) {
        // A command stands at the end of its line, in backticks, or after its name.
        let mut line = line.to_owned();
        while let Some((before, rest)) = line.split_once('`') {
            let after = rest.split_once('`').map_or("", |(_, after)| after);
            line = format!("{before} {after}");
        }
        prose += line.split("kathea-agent ").next().unwrap();
        prose.push('\n');
    }
    prose
}

/// Words of `list` in `text`.
fn words_of(text: &str, list: &[&str]) -> Vec<String> {
    let is_name = |word: &&str| {
        word.contains(['_', '/', '\\', '=', '@']) || word.starts_with("--") || word.contains(".to")
    };
    let prose = prose(text).to_lowercase();
    let words = prose.split_whitespace().filter(|word| !is_name(word));
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.filter(|word| list.contains(word)).map(str::to_owned).collect()
}

/// What a command says, to both ends.
fn said(workstation: &Workstation, args: &[&str]) -> String {
    let output = workstation.run(args);
    assert!(output.status.code().is_some_and(|code| code <= 5), "{args:?}");
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat()
}

/// Every command that a clinic's person meets, what is refused too, on a workstation with a case.
fn walked(language: &str) -> Vec<(String, String)> {
    let clinic = Clinic::new();
    let workstation = &clinic.workstation;
    workstation.configure("data_dir", &format!("language = {language:?}\ndata_dir"));
    let mut walked = Vec::new();
    let mut walk = |line: &str| {
        let args = line.split(' ').collect::<Vec<_>>();
        walked.push((line.to_owned(), said(workstation, &args)));
    };
    for line in ["status", "consent list", "consent show usage_statistics", "consent show support_scan_data"]
    {
        walk(line);
    }
    for line in [
        "consent grant usage_statistics --by owner --yes 0123456789abcdef",
        "consent grant support_case --by owner --yes 0123456789abcdef",
        "consent withdraw usage_statistics --case CASE-9",
        "consent withdraw support_case --case CASE-9",
        "consent restrict usage_statistics",
        "consent release usage_statistics --by owner",
        "consent ask",
    ] {
        walk(line);
    }
    let shown = workstation.json(&["consent", "show", "usage_statistics", "--json"]);
    walk(&format!("consent grant usage_statistics --by owner --yes {}", shown["digest"].as_str().unwrap()));
    fs::write(workstation.outbox().join("a.ndjson"), "{}\n[]\n").unwrap();
    fs::create_dir(workstation.outbox().join("b.ndjson")).unwrap();
    walk("run --once");
    for line in [
        "status",
        "consent restrict usage_statistics",
        "status",
        "consent release usage_statistics --by owner",
        "consent receipt",
        "consent verify",
        "support",
        "support list",
        "support check",
        "doctor --offline",
        "doctor",
        "contact",
        "support send 00000000",
        "support show 00000000 manifest.json",
        "support create 00000000 --by owner --yes 0123456789abcdef",
        "support discard 00000000",
        "support find scan-0003",
        "support close CASE-8",
        "support preview --case CASE-1 --reason error --pick -o nowhere",
        "support preview --case CASE-1 --reason error --dry-run",
        "support preview --case CASE-1 --reason error --scans /nowhere/scan -o nowhere",
        "support preview --case CASE-1 --reason error --description 010203-1234 -o nowhere",
    ] {
        walk(line);
    }
    let copy = clinic.text("copy");
    walk(&format!("support preview --case CASE-1 --reason error --last-scan -o {copy}"));
    walk(&format!("support preview --case CASE-1 --reason error --last-scan -o {copy}"));
    let draft = clinic.list()["drafts"][0].clone();
    let [id, digest] = ["draft", "digest"].map(|key| draft[key].as_str().unwrap().to_owned());
    walk(&format!("support create {id} --by owner --yes {digest}"));
    let sealed = clinic.text("sealed.age");
    for line in [
        "support list".to_owned(),
        format!("support export {id} -o {sealed}"),
        format!("support send {id}"),
        format!("support send {id} --wait"),
        "support list --watch".to_owned(),
        "support find scan-0001".to_owned(),
        "privacy rectify --case CASE-1".to_owned(),
        "privacy rectify --case CASE-7".to_owned(),
        format!("privacy report -o {}", clinic.text("report.html")),
        format!("privacy export -o {}", clinic.text("held")),
        "privacy claim".to_owned(),
        "privacy revoke".to_owned(),
        "support close CASE-1 --by owner".to_owned(),
        "consent deny usage_statistics".to_owned(),
        "status".to_owned(),
        "consent new-owner --by owner".to_owned(),
        "privacy erase --by owner".to_owned(),
        "status".to_owned(),
    ] {
        walk(&line);
    }
    walked.push(("held.txt".to_owned(), fs::read_to_string(clinic.path("held/held.txt")).unwrap()));
    walked
}

/// What the other language's words are found in.
fn foreign(walked: &[(String, String)], list: &[&str]) -> Vec<String> {
    let found = walked.iter().map(|(line, text)| (line, text, words_of(text, list)));
    found
        .filter(|(.., words)| !words.is_empty())
        .map(|(line, text, words)| format!("{line}: {words:?}\n{text}"))
        .collect()
}

#[test]
fn each_command_speaks_the_configured_language_alone() {
    let (danish, english) = (walked("da"), walked("en"));
    let [wrong, missed] = [ENGLISH, DANISH].map(|list| foreign(&danish, list));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), danish.len(), wrong.join("\n---\n"));
    // The control: each language's words are found in what is said in it.
    assert!(missed.len() > danish.len() * 3 / 4, "{} of {}", missed.len(), danish.len());
    let [found, wrong] = [ENGLISH, DANISH].map(|list| foreign(&english, list));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), english.len(), wrong.join("\n---\n"));
    assert!(found.len() > english.len() * 3 / 4, "{} of {}", found.len(), english.len());
    let letters =
        |(line, text): &(String, String)| text.contains(['æ', 'ø', 'å']).then(|| format!("{line}: {text}"));
    assert_eq!(english.iter().filter_map(letters).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn json_is_the_same_in_each_language() {
    let clinic = Clinic::new();
    let workstation = &clinic.workstation;
    let all = || {
        let status = workstation.status();
        let doctor = workstation.run(&["doctor", "--offline", "--json"]).stdout;
        let check = workstation.run(&["support", "check", "--json"]).stdout;
        let refused =
            ["problems", "problem_texts", "consent", "service"].map(|field| status[field].to_string());
        // Free space changes from one look to the next.
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(|c: char| c.is_ascii_digit(), "");
        (refused, text(doctor), text(check))
    };
    let english = all();
    workstation.configure("data_dir", "language = \"da\"\ndata_dir");
    assert_eq!(all(), english);
}

#[test]
fn consent_is_asked_in_danish() {
    if !peer::has("script") {
        return;
    }
    let clinic = Clinic::new();
    clinic.workstation.configure("data_dir", "language = \"da\"\ndata_dir");
    let mut terminal = Terminal::start(&clinic.workstation.agent(&["consent", "ask"]));
    terminal.answer("hvis I går", "ja");
    terminal.answer("Hvem siger det?", "ejer");
    let (code, shown) = terminal.end();
    let screen = shown.replace("\r\n", "\n");
    assert_eq!((code, words_of(&screen, ENGLISH)), (Some(0), Vec::new()), "{screen}");
}

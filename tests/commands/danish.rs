//! With `language = "da"` a clinic's person meets Danish in the terminal, with `en` English: each command is really run,
//! and words that only the other language has are looked for in all that it says.

use std::fs;

use crate::common::clinic::Clinic;
use crate::common::peer;
use crate::common::terminal::Terminal;
use crate::common::workstation::Workstation;

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
        // The words of the catalog's lists are keys: they stand in braces.
        while let Some((before, rest)) = line.split_once('{') {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            line = format!("{before} {after}");
        }
        prose += line.split("kathea-agent ").next().unwrap();
        prose.push('\n');
    }
    prose
}

/// Words of `list` in `text`.
fn words_of(text: &str, list: &[&str]) -> Vec<String> {
    // A placeholder is a name in capitals; what stands in quotes was typed.
    let is_name = |word: &&str| {
        word.contains(['_', '/', '\\', '=', '@', '<'])
            || word.starts_with(['\'', '"'])
            || word.starts_with("--")
            || word.contains(".to")
            || (word.len() > 3 && !word.contains(char::is_lowercase))
    };
    let prose = prose(text);
    let words = prose.split_whitespace().filter(|word| !is_name(word)).map(str::to_lowercase);
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
    words.filter(|word| list.contains(&word.as_str())).collect()
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
    for line in [
        "status",
        "catalog",
        "consent list",
        "consent show usage_statistics",
        "consent show support_scan_data",
    ] {
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

/// Every command that `--help` lists, and the program itself.
fn commands(command: &clap::Command, path: &[&str], found: &mut Vec<String>) {
    found.push(path.join(" "));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        commands(inner, &[path, &[inner.get_name()]].concat(), found);
    }
}

/// Command lines that cannot be read, and refusals of commands that a clinic seldom types.
const WRONG: &[&str] = &[
    "statsu",
    "consent",
    "consent grant",
    "consent deny usage",
    "consent grant usage_statistics --by doctor --yes 00",
    "history of",
    "history --csv --json",
    "support --case c",
    "support --case CASE-1 list",
    "support preview --since 9d",
    "support preview --last-scan --pick --case CASE-1 -o x",
    "status --jsno",
    "status --json=1",
    "status --json --json",
    "status --config",
    "decommission",
    "man statsu",
    "record device.eror code=1",
    "record device.error =1",
    "record device.error code=1 code=2",
    "verify /nowhere --as release",
    "verify /nowhere --as relase",
    "provenance list",
    "sandbox",
    "service install",
    "service run",
    "validate /nowhere",
    "deidentify /nowhere -o .",
    "deidentify /nowhere -o /dev/null/out",
    "-- status",
];

/// Rows of a configuration that is in Danish and of no use.
const UNUSABLE: &[&str] = &[
    "dta_dir = 1",
    "[keys]\nprotector = \"systmd\"",
    "[keys]\nprotector = \"zzzzzzzzz\"",
    "[ship]\ninterval = 6",
    "[ship]\nrate = 5",
    "[spool]\nquota = \"64 MB\"",
    "[consent]\nforbid = \"no\"",
    "[kathea]\nuser = 7",
    "[kathea]\nlogs = \"x\"",
    "[keys",
    "[vendor]\nkeys = [7]",
    "[vendor]\nkeys = [{ key = \"AAAA\", signs = [\"release\"] }]",
];

/// Help of every command, in both lengths, and what is said of what is wrong.
fn helped(language: &str) -> Vec<(String, String)> {
    let clinic = Clinic::new();
    let workstation = &clinic.workstation;
    let mut all = Vec::new();
    commands(&kathea_agent::command_line(), &[], &mut all);
    assert!(all.len() > 50, "{}", all.len());
    let both = all.iter().flat_map(|path| [format!("{path} --help"), format!("{path} -h")]);
    let lines: Vec<String> = both.chain(WRONG.iter().map(ToString::to_string)).collect();
    let usable = fs::read_to_string(workstation.config()).unwrap();
    let walk = |line: &str| said(workstation, &line.split_whitespace().collect::<Vec<_>>());
    fs::write(workstation.config(), format!("language = {language:?}\n{usable}")).unwrap();
    let mut helped: Vec<_> = lines.into_iter().map(|line| (line.clone(), walk(&line))).collect();
    for rows in UNUSABLE {
        fs::write(workstation.config(), format!("language = {language:?}\n{rows}")).unwrap();
        helped.push(((*rows).to_owned(), walk("status") + &walk("doctor --offline")));
    }
    fs::write(workstation.config(), format!("language = {language:?}\n[spool]\nquota = \"1 MiB\"")).unwrap();
    helped.push(("a small quota".to_owned(), walk("run --once")));
    helped
}

#[test]
fn help_and_what_is_wrong_with_a_line_or_a_configuration_is_in_the_configured_language() {
    let (danish, english) = (helped("da"), helped("en"));
    let [wrong, missed] = [ENGLISH, DANISH].map(|list| foreign(&danish, list));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), danish.len(), wrong.join("\n---\n"));
    // The control, as above: help is shorter, and some of it is one word.
    assert!(missed.len() > danish.len() / 2, "{} of {}", missed.len(), danish.len());
    let [found, wrong] = [ENGLISH, DANISH].map(|list| foreign(&english, list));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), english.len(), wrong.join("\n---\n"));
    assert!(found.len() > english.len() / 2, "{} of {}", found.len(), english.len());
    // A word that only the parser itself says.
    for word in ["Usage", "Options", "Commands", "Arguments", "error:", "tip:", "default:", "Print "] {
        let left: Vec<_> = danish.iter().filter(|(_, text)| text.contains(word)).collect();
        assert!(left.is_empty(), "{word}: {left:?}");
        assert!(english.iter().any(|(_, text)| text.contains(word)), "negative control: {word}");
    }
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
    terminal.answer("hvis I afbryder", "ja");
    terminal.answer("Hvem svarer?", "ejer");
    let (code, shown) = terminal.end();
    let screen = shown.replace("\r\n", "\n");
    assert_eq!((code, words_of(&screen, ENGLISH)), (Some(0), Vec::new()), "{screen}");
}

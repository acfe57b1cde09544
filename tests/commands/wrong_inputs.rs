//! What somebody types wrongly, and what the program says: which thing is wrong, what may stand there, the nearest word.
//! Nothing is ever done, and no word of a library is shown.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::common::clinic::Clinic;

/// Words of libraries that no person should meet.
const INTERNAL: &[&str] =
    &["entity not found", "unknown variant", "os error", "expected one of", "panicked", "Err("];

/// What is typed (`_` is a blank), the exit code, and what is said.
const WRONG: &[(&str, i32, &[&str])] = &[
    ("statsu", 2, &["statsu", "status"]),
    ("status --jsno", 2, &["--jsno", "--json"]),
    ("status now", 2, &["'now'"]),
    ("consent", 2, &["withdraw"]),
    ("consent grnat usage_statistics", 2, &["grant"]),
    ("consent show usage", 2, &["usage_statistics", "support_case"]),
    ("consent show usage_statistic", 2, &["the nearest is usage_statistics"]),
    ("consent grant", 2, &["owner, privacy_officer, delegate", "usage_statistics", "`consent show`"]),
    (
        "consent grant usage_statistics --by ownr --yes 00",
        2,
        &["owner, privacy_officer, delegate", "the nearest is owner"],
    ),
    ("consent grant usage_statistics --by owner", 2, &["--yes <DIGEST>", "`consent show`"]),
    ("consent grant usage_statistics --by owner --yes 0011223344556677", 4, &["digest"]),
    ("consent grant usage_statistics --by owner --yes yes", 4, &["digest"]),
    ("consent grant support_case --by owner --yes 0011223344556677", 2, &["support_case is asked per case"]),
    ("consent deny support_case", 2, &["support_case is asked per case", "--case ID"]),
    ("consent deny usage_statistics --case CASE-9", 2, &["usage_statistics is not asked per case"]),
    ("consent withdraw support_case --case CASE-9", 2, &["CASE-9", "the nearest is CASE-1"]),
    ("consent withdraw support_case --case case_9", 2, &["--case <ID>", "as CASE-1042"]),
    (
        "consent withdraw usage_statistics --erase --claim-file /nowhere/claim",
        2,
        &["/nowhere/claim does not exist"],
    ),
    ("consent restrict support_case --case CASE-9", 2, &["CASE-9", "the nearest is CASE-1"]),
    ("consent release support_case --case CASE-9 --by owner", 2, &["CASE-9", "the nearest is CASE-1"]),
    ("consent release usage_statistics", 2, &["--by <ROLE>", "owner, privacy_officer, delegate"]),
    ("consent new-owner --by doctor", 2, &["'doctor'", "owner, privacy_officer, delegate"]),
    ("consent ask", 2, &["terminal", "consent show"]),
    ("consent receipt support_cas", 2, &["the nearest is support_case"]),
    ("consent receipt --case CASE-9", 2, &["CASE-9"]),
    ("privacy rectify --case CASE-9", 2, &["CASE-9", "the nearest is CASE-1"]),
    ("privacy rectify", 2, &["--case <ID>", "as CASE-1042"]),
    ("privacy revoke --case CASE-9", 2, &["CASE-9"]),
    ("privacy erase --claim-file /nowhere/claim", 2, &["/nowhere/claim does not exist"]),
    ("privacy erase --claim-file /", 2, &["/ is a folder", "claim code"]),
    ("privacy erase --by dentist", 2, &["'dentist'", "owner, privacy_officer, delegate"]),
    ("privacy export", 2, &["--output <PATH>"]),
    ("privacy export -o /dev/null/held", 1, &["/dev/null/held", "no folder"]),
    ("privacy report -o /nowhere/page.html", 1, &["the folder /nowhere does not exist"]),
    ("support", 2, &["terminal", "support preview"]),
    ("support close CASE-9", 2, &["there is no case CASE-9 here", "the nearest is CASE-1"]),
    ("support close case-9", 2, &["'case-9'", "as CASE-1042"]),
    ("support send 0a1b2c3d", 2, &["no bundle of this name", "support list"]),
    ("support send 0a1b2c3d --wait", 5, &["service does not run"]),
    ("support discard", 2, &["<DRAFT_OR_BUNDLE>", "`support list`"]),
    ("support discard 0a1b2c3d", 2, &["support list"]),
    ("support show 0a1b2c3d manifest.json", 2, &["no draft of this name"]),
    ("support show 0a1b2c3d", 2, &["<FILE>"]),
    ("support create 0a1b2c3d --yes 0011223344556677 --by owner", 2, &["no draft of this name"]),
    ("support create 0a1b2c3d --by owner", 2, &["--yes <DIGEST>", "the preview"]),
    ("support export 0a1b2c3d -o /tmp/x.age", 2, &["no bundle of this name"]),
    ("support export 0a1b2c3d -o /nowhere/x.age", 1, &["the folder /nowhere does not exist"]),
    ("support list --wach", 2, &["--watch"]),
    ("support preview --case CASE-1 -o /tmp/x", 2, &["--reason", "image_quality"]),
    ("support preview --reason error -o /tmp/x", 2, &["--case ID"]),
    ("support preview --case CASE-1 --reason eror -o /tmp/x", 2, &["image_quality", "the nearest is error"]),
    ("support preview --case CASE-1 --reason error", 2, &["--output <DIR>"]),
    (
        "support preview --case CASE-1 --reason error --scans /nowhere/scans -o /tmp/x",
        2,
        &["/nowhere/scans does not exist"],
    ),
    (
        "support preview --case CASE-1 --reason error --logs /nowhere/logs -o /tmp/x",
        2,
        &["/nowhere/logs does not exist"],
    ),
    ("support preview --case CASE-1 --reason error --since 2_weeks -o /tmp/x", 2, &["30min, 2h, 3d"]),
    ("support preview --case CASE-1 --reason error --since 8d -o /tmp/x", 2, &["seven days at most"]),
    ("support preview --case CASE-1 --reason error --pick -o /tmp/x", 2, &["terminal", "--last-scan"]),
    (
        "support preview --case CASE-1 --reason error --pick --last-scan -o /tmp/x",
        2,
        &["'--pick'", "'--last-scan'"],
    ),
    ("support preview --case CASE-1 --reason error --description= -o /tmp/x", 2, &["what happened"]),
    ("record device.eror", 2, &["the nearest is device.error"]),
    ("record device.error code", 2, &["key=value"]),
    (
        "record device.error cod=1 subsystem=generator severity=error repeats=3",
        1,
        &["code, subsystem, severity, repeats", "the nearest is code"],
    ),
    (
        "record device.error code=70000 subsystem=generator severity=error repeats=3",
        1,
        &["code has to be a whole number from 0 to 65535"],
    ),
    (
        "record device.error code=x subsystem=generator severity=error repeats=3",
        1,
        &["code has to be a whole number from 0 to 65535"],
    ),
    (
        "record device.error code=1 subsystem=genrator severity=error repeats=3",
        1,
        &["one of generator, detector", "the nearest is generator"],
    ),
    (
        "record device.error code=1 subsystem=generator severity=error",
        1,
        &["repeats is missing", "whole number from"],
    ),
    (
        "record device.error at=yesterday code=1 subsystem=generator severity=error repeats=3",
        1,
        &["RFC 3339"],
    ),
    ("validate /nowhere/events.ndjson", 2, &["/nowhere/events.ndjson does not exist"]),
    ("validate /", 1, &["/ is a folder"]),
    ("deidentify", 2, &["--output <DIR>", "<PATH>"]),
    ("deidentify /nowhere/scans -o /tmp/x", 1, &["it does not exist", "/nowhere/scans"]),
    ("completions bsh", 2, &["bash", "powershell"]),
    ("completions", 2, &["bash, zsh, fish, powershell, elvish"]),
    ("man suport", 2, &["the nearest is support"]),
    ("man support crate", 2, &["the nearest is create"]),
    ("contact", 5, &["service does not run"]),
    ("enroll", 2, &["--token-file <FILE>"]),
    ("enroll --token-file /nowhere/token", 2, &["/nowhere/token does not exist", "one-time token"]),
    ("enroll --token-file /dev/null", 2, &["/dev/null is empty", "one-time token"]),
    ("decommission", 2, &["--yes"]),
    ("decommission --yes --by nobody", 2, &["'nobody'", "owner, privacy_officer, delegate"]),
    ("catalog --format xml", 2, &["md", "json"]),
    ("run --close", 2, &["--once"]),
    ("verify /nowhere/a.deb --as relase", 2, &["the nearest is release"]),
    ("verify /nowhere/a.deb --as release", 2, &["`keys` under [vendor]"]),
    ("provenance add /nowhere/list", 1, &["/nowhere/list does not exist"]),
    ("provenance list", 1, &["no table was built", "provenance build"]),
    ("provenance build", 1, &["`program` under [kathea]"]),
    ("sandbox --ask case-1", 2, &["'case-1'", "as CASE-1042"]),
    ("sandbox", 2, &["leave --config out"]),
    ("doctor --ofline", 2, &["--offline"]),
    ("open --no-browse", 2, &["--no-browser"]),
];

/// A part of the configuration, what is written instead, the exit code of `consent show`, and what it says.
const CONFIGURED: &[(&str, &str, i32, &[&str])] = &[
    (
        "protector = \"file\"",
        "protector = \"systmd\"",
        2,
        &["`keys.protector` is \"systmd\"", "the nearest is \"systemd\""],
    ),
    ("data_dir", "language = \"dk\"\ndata_dir", 2, &["`language` is \"dk\"", "\"en\", \"da\""]),
    (
        "interval = \"0s\"",
        "interval = \"6 hours\"",
        2,
        &["`ship.interval` is \"6 hours\"", "interval = \"6h\""],
    ),
    ("rate = \"1 GiB/s\"", "rate = 5", 2, &["`ship.rate` is 5", "KiB/s"]),
    ("forbid = false", "forbid = \"no\"", 2, &["`consent.forbid` is \"no\"", "true or false"]),
    ("[keys]", "[spool]\nquota = \"64 MB\"\n[keys]", 2, &["`spool.quota` is \"64 MB\"", "MiB"]),
    ("outbox = ", "outbx = ", 2, &["unknown key `kathea.outbx`", "`kathea.outbox`"]),
    ("user = \"\"", "user = 7", 2, &["`kathea.user` must be a text in quotes"]),
    ("data_dir", "policy = \"copenhagn\"\ndata_dir", 1, &["copenhagn", "copenhagen-imaging"]),
    ("[keys]", "[keys", 2, &["is not TOML"]),
    ("data_dir", "data_dir = C:\\x\n#", 2, &["is not TOML", "single quotes"]),
];

/// The table of what was typed and said.
const PAPER: &str = "packaging/papers/wrong-inputs.md";

/// What the program says, without the help that clap adds and with the test's folder named by a word.
fn said(clinic: &Clinic, output: &Output) -> String {
    let words =
        String::from_utf8_lossy(&output.stderr).replace(clinic.workstation.path().to_str().unwrap(), "DIR");
    let lines = words
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    lines.collect::<Vec<_>>().join(" / ")
}

/// What is wrong with an answer, and its row of the table.
fn judged(
    clinic: &Clinic,
    typed: &str,
    output: &Output,
    code: i32,
    parts: &[&str],
) -> (Option<String>, String) {
    let words = said(clinic, output);
    let lacks: Vec<_> = parts.iter().filter(|part| !words.contains(**part)).collect();
    let internal: Vec<_> = INTERNAL.iter().filter(|part| words.contains(**part)).collect();
    let found = output.status.code();
    let is_fine = found == Some(code) && lacks.is_empty() && internal.is_empty();
    let wrong = format!("{typed}: {found:?}, not {code}; lacks {lacks:?}, has {internal:?}: {words}");
    // A case's pseudonym is drawn anew each time.
    let shown = words.split("; case P-").next().unwrap_or_default();
    let row = format!("| `{}` | {code} | {} |\n", typed.replace('|', "\\|"), shown.replace('|', "\\|"));
    ((!is_fine).then_some(wrong), row)
}

#[test]
fn each_wrong_input_is_answered_with_what_to_do() {
    let clinic = Clinic::new();
    clinic.workstation.grant();
    clinic.workstation.expect(0, &["consent", "deny", "support_case", "--case", "CASE-1", "--by", "owner"]);
    let before = clinic.workstation.status();
    let (mut wrong, mut table) = (vec![], String::new());
    for (typed, code, parts) in WRONG {
        let words: Vec<String> = typed
            .split(' ')
            .map(|word| word.replace("case_9", "case 9").replace("2_weeks", "2 weeks"))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (failed, row) = judged(&clinic, typed, &clinic.workstation.run(&words), *code, parts);
        wrong.extend(failed);
        table += &row;
    }
    let after = clinic.workstation.status();
    for (from, to, code, parts) in CONFIGURED {
        let clinic = Clinic::new();
        clinic.workstation.configure(from, to);
        let typed = format!(
            "agent.toml: {}",
            to.lines().find(|line| !line.starts_with('[') || to.len() < 8).unwrap()
        );
        let (failed, row) = judged(
            &clinic,
            &typed,
            &clinic.workstation.run(&["consent", "show", "usage_statistics"]),
            *code,
            parts,
        );
        wrong.extend(failed);
        table += &row;
    }
    let nowhere = std::process::Command::new(clinic.workstation.agent(&[]).get_program())
        .args(["--config", "/nowhere/agent.toml", "status"])
        .output()
        .unwrap();
    let parts = ["/nowhere/agent.toml cannot be read (it does not exist)", "--config FILE"];
    let (failed, row) = judged(&clinic, "--config /nowhere/agent.toml status", &nowhere, 2, &parts);
    wrong.extend(failed);
    table += &row;
    let count = table.lines().count();
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 100, "only {count}");
    assert_eq!(
        (&before["consent"], &before["cases"], &before["bundles"]),
        (&after["consent"], &after["cases"], &after["bundles"])
    );

    let page = format!(
        "# Wrong inputs and what is said\n\nWritten by `cargo test --test commands wrong_inputs` with `UPDATE_PAPERS=1`: what is typed or \
         configured, the exit code, and the answer.\n\n| input | exit | answer |\n|---|---|---|\n{table}"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAPER);
    if std::env::var_os("UPDATE_PAPERS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "{PAPER} is stale: UPDATE_PAPERS=1 cargo test --test commands wrong_inputs");
}

#[test]
fn a_file_of_events_is_checked_line_by_line() {
    let clinic = Clinic::new();
    let at = r#""at":"2026-11-21T10:32:11+01:00""#;
    let good = format!(
        r#"{{"event":"device.error",{at},"code":1042,"subsystem":"generator","severity":"error","repeats":3}}"#
    );
    let file = clinic.path("events.ndjson");
    fs::write(&file, format!("{good}\n{}\nJane Doe\n", good.replace("generator", "genrator"))).unwrap();
    let file = file.to_str().unwrap();
    let said = clinic.workstation.expect(3, &["validate", file]);
    assert!(said.contains("line 2: out_of_range") && said.contains("generator"), "{said}");
    assert!(
        said.contains("line 3: not_json") && !said.contains("Jane") && !said.contains("genrator"),
        "{said}"
    );
    let json = clinic.workstation.expect(3, &["validate", file, "--json"]);
    assert!(json.lines().next().unwrap().contains(r#""attribute":"subsystem""#), "{json}");
    // A blank line is none, as in the outbox.
    fs::write(file, format!("{good}\n\n  \n")).unwrap();
    clinic.workstation.expect(0, &["validate", file]);
    assert_eq!(clinic.workstation.status()["waiting"]["usage"]["records"], 0, "nothing was taken in");
}

#[test]
fn the_manual_and_completions_come_from_the_program() {
    let clinic = Clinic::new();
    let page = clinic.workstation.expect(0, &["man", "support", "create"]);
    assert!(page.contains(".TH") && page.contains("Consent to exactly"), "{page}");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = clinic.workstation.expect(0, &["completions", shell]);
        assert!(text.contains("kathea-agent") && text.contains("decommission"), "{shell}");
    }
}

#[test]
fn what_is_printed_to_be_typed_repeats_the_configuration() {
    let clinic = Clinic::new();
    let shown = clinic.workstation.run(&["consent", "show", "usage_statistics"]);
    let words = String::from_utf8(shown.stderr).unwrap();
    let config = clinic.workstation.config();
    let line = format!("kathea-agent --config {} consent deny usage_statistics", config.display());
    assert!(words.contains(&line), "{words}");
    let typed: Vec<String> = line.split(' ').skip(3).map(str::to_owned).collect();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    clinic.workstation.expect(0, &typed);
}

/// The commands that a text prints, as words behind the program's name and its configuration.
fn printed(clinic: &Clinic, text: &str) -> Vec<Vec<String>> {
    let head = format!("kathea-agent --config {} ", clinic.workstation.config().display());
    let rest = text.split(&head).skip(1).map(|rest| rest.lines().next().unwrap_or_default());
    rest.map(|line| line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()).collect()
}

#[test]
fn every_command_that_a_case_prints_runs_as_it_is_printed() {
    let clinic = Clinic::new();
    let copy = clinic.text("copy");
    let preview = ["support", "preview", "--case", "CASE-1", "--reason", "error", "--force", "-o", &copy];
    let commands = || {
        let output = clinic.workstation.run(&preview);
        assert_eq!(output.status.code(), Some(0));
        printed(&clinic, &String::from_utf8(output.stderr).unwrap())
    };
    let run = |words: &[String]| {
        let words: Vec<&str> = words.iter().map(|word| if word == "ROLE" { "owner" } else { word }).collect();
        clinic.workstation.run(&words)
    };
    let (discard, create) = (commands()[1].clone(), commands()[0].clone());
    for words in [&discard, &create] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(
        (&discard[..2], &create[..2]),
        (&["support".to_owned(), "discard".to_owned()][..], &["support".to_owned(), "create".to_owned()][..])
    );

    let shown = clinic.workstation.run(&["consent", "show", "usage_statistics"]);
    let [grant, deny] = &printed(&clinic, &String::from_utf8(shown.stderr).unwrap())[..] else {
        unreachable!()
    };
    for words in [grant, deny, grant] {
        assert_eq!(run(words).status.code(), Some(0), "{words:?}");
    }
    let granted = run(grant);
    let withdraw = printed(&clinic, &String::from_utf8(granted.stderr).unwrap());
    assert_eq!(run(&withdraw[0]).status.code(), Some(0), "{withdraw:?}");
    assert_eq!(clinic.workstation.status()["consent"]["usage_statistics"], "withdrawn");
}

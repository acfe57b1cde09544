//! The arrows between the modules of `agent/src`: only those that are listed here, and no way back.
//!
//! A module is a file or folder directly below `agent/src`. An arrow is a path `crate::MODULE` in code that is compiled into
//! the product; tests may look anywhere. ARCHITECTURE.md draws the same picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Which modules each module may use. What is not listed uses none.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "agent",
        &[
            "api",
            "collect",
            "config",
            "consent",
            "durable",
            "harmless",
            "history",
            "killpoint",
            "limits",
            "presence",
            "request",
            "seal",
            "ship",
            "spool",
            "support",
            "counters",
            "usage",
            "vault",
            "workstation",
            "texts",
        ],
    ),
    (
        "doctor",
        &[
            "agent",
            "api",
            "checks",
            "collect",
            "config",
            "consent",
            "harmless",
            "limits",
            "presence",
            "request",
            "ship",
            "vault",
            "workstation",
            "texts",
        ],
    ),
    ("report", &["api", "config", "consent", "html", "request", "support", "counters"]),
    ("request", &["api", "nearest", "support"]),
    ("api", &["config", "consent", "support", "counters", "vault", "texts"]),
    (
        "support",
        &[
            "checks",
            "config",
            "consent",
            "cleaning",
            "durable",
            "history",
            "html",
            "limits",
            "machine",
            "presence",
            "programs",
            "counters",
            "vault",
            "workstation",
            "texts",
        ],
    ),
    ("programs", &["config", "durable", "presence"]),
    ("machine", &["presence"]),
    ("collect", &["account", "config", "limits", "presence", "request"]),
    ("usage", &["collect", "consent", "history", "limits", "nearest", "seal"]),
    ("history", &["durable", "killpoint", "limits", "presence", "texts", "vault"]),
    ("ship", &["consent", "limits", "texts"]),
    ("spool", &["durable", "killpoint", "limits", "presence", "seal", "texts"]),
    ("seal", &["consent", "vault"]),
    (
        "consent",
        &["config", "durable", "harmless", "killpoint", "limits", "nearest", "presence", "vault", "texts"],
    ),
    ("vault", &["account", "config", "durable", "killpoint", "limits", "presence", "texts"]),
    ("cleaning", &["config", "harmless", "html", "plain", "texts"]),
    ("plain", &["durable"]),
    ("html", &["checks", "config", "texts"]),
    ("checks", &["texts"]),
    ("counters", &["durable", "limits", "presence"]),
    ("workstation", &["durable", "presence"]),
    ("config", &["harmless", "limits", "nearest", "presence", "texts"]),
    ("texts", &["harmless"]),
    ("durable", &["killpoint", "presence"]),
    ("presence", &["killpoint", "limits", "texts"]),
];

/// Modules by the modules that they use.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_use_only_what_is_listed() {
    let allowed: Arrows = ALLOWED
        .iter()
        .map(|(from, to)| ((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect()))
        .collect();
    let found = arrows();
    assert!(found.len() > 10, "the modules were not found");
    assert_eq!(found, allowed, "left: what the code does; right: what tests/rules/architecture.rs allows");
}

#[test]
fn no_arrow_leads_back() {
    assert_eq!(cycle(&arrows()), None);
    let back = [("a", "b"), ("b", "c"), ("c", "a")];
    let back: Arrows = back.map(|(from, to)| (from.into(), BTreeSet::from([to.into()]))).into();
    assert!(cycle(&back).is_some(), "the search finds a cycle where there is one");
}

#[test]
fn an_arrow_is_seen_however_it_is_written() {
    let text = "use crate::a::b;\nuse crate::{c, d::{self, e}, f as g};\nlet x = crate::h::i();\n// crate::j\n\
                #[cfg(test)]\nmod tests {\n    use crate::k;\n}\n";
    assert_eq!(used(text), ["a", "c", "d", "f", "h"].map(String::from).into());
}

fn arrows() -> Arrows {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/src");
    let mut found = Arrows::new();
    walk(&root, &root, &mut found);
    found.retain(|_, to| !to.is_empty());
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Arrows) {
    each_file(root, folder, &mut |inside, text| {
        let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
        let mut to = used(text);
        to.remove(&module);
        if module != "lib" {
            found.entry(module).or_default().extend(to);
        }
    });
}

/// Every file of the product's code below `folder`: its path from `root`, and its text.
fn each_file(root: &Path, folder: &Path, each: &mut impl FnMut(&str, &str)) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let inside =
            path.strip_prefix(root).expect("a path below the root").to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            each_file(root, &path, each);
        } else if inside.ends_with(".rs")
            && !inside.split('/').any(|part| part == "tests" || part == "tests.rs")
        {
            each(&inside, &fs::read_to_string(&path).expect("readable source"));
        }
    }
}

/// The modules that a file uses.
fn used(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.windows(2).position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod "));
    let code =
        lines.into_iter().take(end.unwrap_or(usize::MAX)).filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, head) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        match code[at + head.len()..].strip_prefix('{') {
            None => found.extend(name(&code[at + head.len()..])),
            Some(list) => {
                let (mut depth, mut is_start) = (1, true);
                for (at, character) in list.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' => is_start = true,
                        c if c.is_whitespace() => continue,
                        _ if depth == 1 && is_start => found.extend(name(&list[at..])),
                        _ => {}
                    }
                    if character != ',' {
                        is_start = false;
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    found
}

fn name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// A module from which a way leads back to it.
fn cycle(arrows: &Arrows) -> Option<String> {
    arrows
        .keys()
        .find(|start| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![*start]);
            while let Some(at) = next.pop() {
                for to in arrows.get(at).into_iter().flatten() {
                    if to == *start {
                        return true;
                    }
                    if seen.insert(to) {
                        next.push(to);
                    }
                }
            }
            false
        })
        .cloned()
}

/// Where something becomes clean: validation, the opening of what was clean when it was sealed, a request of closed words,
/// and the folding of what was opened.
const MAKE_CLEAN: [&str; 4] =
    ["agent/usage/periods.rs", "seal/record.rs", "seal/request.rs", "usage/validation.rs"];

#[test]
fn only_validation_and_what_was_clean_make_something_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent/src");
    let mut found = BTreeSet::new();
    each_file(&root, &root, &mut |inside, text| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        if code.into_iter().any(|line| line.contains("Clean::new") || line.contains("> for Clean<")) {
            found.insert(inside.to_owned());
        }
    });
    assert_eq!(found, MAKE_CLEAN.map(String::from).into(), "left: what the code does");
}

//! The promises: every sentence that promises something to a clinic, the function that keeps it and the test that shows
//! it. A text without a row fails, so does a row whose function or test is not there, and a row whose text is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use agent::config::Language;
use agent::consent::receipt::{Erased, SentBefore, withdrawal};
use agent::consent::{Flag, Policy};
use protocol::policy::POLICIES;
use protocol::{Digest, Purpose};
use serde::Deserialize;

/// `promises.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    promise: Vec<Promise>,
}

/// Texts that one function keeps; or that nothing keeps yet; or that promise nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promise {
    texts: Vec<String>,
    /// `FILE::FUNCTION`.
    holder: Option<String>,
    /// `FILE::TEST`.
    test: Option<String>,
    /// What is missing.
    open: Option<String>,
    /// Why it is nothing that a program could keep.
    plain: Option<String>,
}

/// Every text that promises, and where it stands.
pub(crate) fn texts(read: impl Fn(&str) -> String) -> BTreeMap<String, BTreeSet<String>> {
    let mut out = BTreeMap::<String, BTreeSet<String>>::new();
    let mut add = |text: &str, place: &str| {
        out.entry(text.split_whitespace().collect::<Vec<_>>().join(" "))
            .or_default()
            .insert(place.to_owned());
    };
    for (id, source) in POLICIES {
        let policy: toml::Table = toml::from_str(source).unwrap();
        let words = &policy["words"]["en"];
        for key in ["rights", "transfers", "records"] {
            sentences(words[key].as_str().unwrap()).iter().for_each(|text| add(text, id));
        }
        for (purpose, terms) in policy["purposes"].as_table().unwrap() {
            let (place, text) = (format!("{id}, {purpose}"), &terms["text"]["en"]);
            sentences(text["body"].as_str().unwrap()).iter().for_each(|text| add(text, &place));
            for list in ["data", "recipients"] {
                let items = text[list].as_array().unwrap();
                items.iter().for_each(|item| add(item.as_str().unwrap(), &place));
            }
        }
        let policy = Policy::parse(source).unwrap();
        for periods in
            Purpose::ALL.iter().filter_map(|purpose| policy.periods(*purpose, agent::config::Language::En))
        {
            add(&periods[2], "notice");
        }
    }
    for sent in [SentBefore::Stays, SentBefore::ErasureAsked] {
        let (flag, erased) = (Flag::UsageStatistics, Erased::default());
        let receipt = withdrawal(&flag, Digest::of(b""), erased, sent, 0, Language::En);
        for line in receipt.lines().filter_map(|line| line.strip_prefix("- ")) {
            add(line, "receipt of a withdrawal");
        }
    }
    let readme = read("README.md");
    section(&readme, "## What never leaves").split("\n- ").skip(1).for_each(|text| add(text, "README"));
    cells(section(&readme, "## What it promises"), 2).iter().for_each(|text| add(text, "README"));
    let security = read("SECURITY.md");
    let protects = section(&security, "## What the agent protects, and what it cannot");
    cells(protects, 2).iter().for_each(|text| add(text, "SECURITY"));
    cells(&read("packaging/papers/mds2.md"), 3).iter().for_each(|text| add(text, "MDS2"));
    out
}

/// The sentences of a text.
fn sentences(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = vec![String::new()];
    for (at, character) in text.char_indices() {
        let rest = &text[at + character.len_utf8()..];
        let begins = rest.chars().next().is_some_and(|next| next.is_uppercase() || next == '`');
        let ended = out.last().is_some_and(|last| last.ends_with(['.', '?']));
        if character == ' ' && ended && begins {
            out.push(String::new());
        } else if let Some(last) = out.last_mut() {
            last.push(character);
        }
    }
    out
}

fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let found = text.split(heading).nth(1).unwrap();
    found.split("\n## ").next().unwrap()
}

/// A column of the tables in a text, without their headings.
fn cells(text: &str, column: usize) -> Vec<String> {
    let body = text.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = body.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(column).unwrap().trim().to_owned()).collect()
}

/// The page of the table, or what is wrong with it.
pub(crate) fn page(
    table: &str,
    texts: &BTreeMap<String, BTreeSet<String>>,
    read: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let table: Table = toml::from_str(table).map_err(|error| error.to_string())?;
    let mut known = BTreeSet::new();
    let mut kept = String::new();
    let (mut open, mut plain) = (String::new(), String::new());
    for promise in &table.promise {
        for text in &promise.texts {
            let places = texts.get(text).ok_or_else(|| format!("nobody says any more: {text}"))?;
            if !known.insert(text.as_str()) {
                return Err(format!("two rows have: {text}"));
            }
            let places = places.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
            let text = text.replace('|', "/");
            // Writing to a String does not fail.
            let _ = match (&promise.holder, &promise.test, &promise.open, &promise.plain) {
                (Some(holder), Some(test), None, None) => {
                    is_there(holder, &read, "fn ")?;
                    is_there(test, &read, "#[test]\n")?;
                    writeln!(kept, "| {text} | {places} | `{holder}` | `{test}` |")
                }
                (None, None, Some(missing), None) => writeln!(open, "| {text} | {places} | {missing} |"),
                (None, None, None, Some(why)) => writeln!(plain, "| {text} | {places} | {why} |"),
                _ => return Err(format!("a holder and a test, or `open`, or `plain`: {text}")),
            };
        }
    }
    let without: Vec<_> = texts.keys().filter(|text| !known.contains(text.as_str())).collect();
    if !without.is_empty() {
        return Err(format!("{} texts have no row in promises.toml: {without:#?}", without.len()));
    }
    let rows = |text: &str| text.lines().count();
    Ok(format!(
        "# What is promised, and what keeps it\n\nMade from `promises.toml`: {} sentences are kept, {} are not kept yet, \
         {} promise nothing.\n\n## Not kept yet\n\n| sentence | where | what is missing |\n|---|---|---|\n{open}\n\
         ## Kept\n\n| sentence | where | kept by | shown by |\n|---|---|---|---|\n{kept}\n\
         ## Not for a program\n\n| sentence | where | why |\n|---|---|---|\n{plain}",
        rows(&kept),
        rows(&open),
        rows(&plain)
    ))
}

/// Whether `FILE::NAME` is a function of that file; a test has the attribute above it.
fn is_there(place: &str, read: impl Fn(&str) -> Option<String>, before: &str) -> Result<(), String> {
    let (file, name) = place.split_once("::").ok_or_else(|| format!("{place} is not FILE::NAME"))?;
    let text = read(file).ok_or_else(|| format!("there is no file {file}"))?;
    let code: String = text.lines().map(|line| line.trim_start().to_owned() + "\n").collect();
    let is_there = code.match_indices(&format!("fn {name}")).any(|(at, found)| {
        let ends = code[at + found.len()..].starts_with(['(', '<']);
        // Between the attribute and the function stands no other function.
        ends && (before == "fn "
            || code[..at].rsplit("\nfn ").next().is_some_and(|near| near.contains(before)))
    });
    if is_there { Ok(()) } else { Err(format!("{file} has no {name}")) }
}

#[test]
fn every_promise_has_what_keeps_it_and_what_shows_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str| fs::read_to_string(root.join(name)).ok();
    let texts = texts(|name| file(name).unwrap());
    let table = file("packaging/papers/promises.toml").unwrap();
    let made = page(&table, &texts, file).unwrap_or_else(|wrong| panic!("{wrong}"));
    super::is_current("packaging/papers/promises.md", &made);

    // Negative controls: a new sentence, a test and a holder that are gone, a row of a sentence that is gone.
    let mut more = texts.clone();
    more.insert("Nothing ever fails.".to_owned(), BTreeSet::new());
    assert!(page(&table, &more, file).unwrap_err().contains("Nothing ever fails."));
    let without = |name: &'static str, what: &'static str| {
        move |asked: &str| {
            file(asked).map(|text| if asked == name { text.replace(what, "fn another") } else { text })
        }
    };
    let test = without("tests/usage/no_consent.rs", "fn nothing_is_kept_or_sent_until_somebody_says_yes");
    assert!(page(&table, &texts, test).unwrap_err().contains("tests/usage/no_consent.rs has no"));
    let holder = without("agent/src/consent/registry/endings.rs", "fn begin_withdrawal");
    assert!(page(&table, &texts, holder).unwrap_err().contains("has no begin_withdrawal"));
    let mut fewer = texts.clone();
    fewer.remove("Images are never sent.").unwrap();
    assert!(page(&table, &fewer, file).unwrap_err().contains("nobody says any more: Images"));
}

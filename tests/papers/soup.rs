//! The list of foreign software: what cargo knows of each crate, beside what people judged of it.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// The table, or what is missing and what is too much.
pub(crate) fn table(tree: &Tree, judged: &str) -> Result<String, String> {
    let entries = judged.split("\n[").skip(1).map(entry).collect::<Vec<_>>();
    let known = entries.iter().map(|entry| entry.name.to_owned()).collect::<BTreeSet<_>>();
    if known != tree.direct {
        let missing = tree.direct.difference(&known).collect::<Vec<_>>();
        let spare = known.difference(&tree.direct).collect::<Vec<_>>();
        return Err(format!("soup.toml: not judged {missing:?}, not used {spare:?}"));
    }
    let all = tree.packages.values().filter(|package| !package.is_ours).count();
    let mut text = format!(
        "# Foreign software in the agent\n\nMade from `Cargo.lock` and `soup.toml`. {} crates are asked for by name; with \
         what they bring there are {all}, over all systems (`sbom.cdx.json`).\nKnown anomalies are looked at for each \
         release: the advisories that stay, and why, are in `deny.toml`.\n\n\
         | crate | version | licence | why | risk, and what holds it | replacement |\n|---|---|---|---|---|---|\n",
        entries.len()
    );
    for entry in entries {
        let package = tree.packages.values().find(|package| package.name == entry.name);
        let Some(package) = package else { return Err(format!("{} is not in the tree", entry.name)) };
        text += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            entry.name,
            package.version,
            package.licence,
            entry.field("why")?,
            entry.field("risk")?,
            entry.field("replacement")?
        );
    }
    Ok(text)
}

struct Entry<'a> {
    name: &'a str,
    text: &'a str,
}

fn entry(text: &str) -> Entry<'_> {
    Entry { name: text.split(']').next().unwrap_or_default(), text }
}

impl Entry<'_> {
    fn field(&self, name: &str) -> Result<&str, String> {
        let line = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'));
        line.filter(|line| !line.is_empty()).ok_or_else(|| format!("{}: no {name}", self.name))
    }
}

//! Files that use each other in a circle: at most three together, in every crate of the workspace.
//!
//! An arrow leads from a file to the file in which a name is defined that it uses: by `use`, by a path in the code, or by a
//! macro's arguments. A name that a module only passes on (`pub use`) is looked for where it is defined. A `mod` line is no
//! arrow, for every file hangs on its parent by one; nor is what only tests see.

mod code;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use code::Tree;

/// Files that may use each other in a circle.
const MOST: usize = 3;

/// Files by the files that they use.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn at_most_three_files_use_each_other_in_a_circle() {
    let (mut files, mut arrows_seen, mut found) = (0, 0, Vec::new());
    for root in crate_roots() {
        let tree = Tree::read(&root, &read).unwrap_or_else(|why| panic!("{root}: {why}"));
        let arrows = names::arrows(&tree);
        files += arrows.len();
        arrows_seen += arrows.values().map(BTreeSet::len).sum::<usize>();
        found.extend(circles(&arrows).into_iter().filter(|circle| circle.len() > MOST));
    }
    assert!(files > 500 && arrows_seen > 2000, "only {files} files and {arrows_seen} arrows were found");
    assert!(found.is_empty(), "circles of more than {MOST} files: {found:#?}");
}

#[test]
fn one_arrow_back_makes_the_circle_larger() {
    let planted = |path: &str| {
        let text = read(path)?;
        let arrow = if path == "agent/src/durable.rs" { "use crate::agent::Agent;\n" } else { "" };
        Some(format!("{arrow}{text}"))
    };
    let largest = |read: &dyn Fn(&str) -> Option<String>| {
        let tree = Tree::read("agent/src/lib.rs", read).expect("the agent's modules");
        circles(&names::arrows(&tree)).iter().map(Vec::len).max()
    };
    assert!(largest(&read) <= Some(MOST));
    assert!(largest(&planted) > Some(20), "{:?}", largest(&planted));
}

#[test]
fn an_arrow_is_seen_however_it_is_written() {
    let files = |b: &'static str, c: &'static str| {
        move |path: &str| {
            Some(
                match path {
                    "src/lib.rs" => "mod a; mod b; mod c; mod d; pub use d::D;",
                    "src/a.rs" => "use crate::b::{self, B};\npub struct A(B);",
                    "src/b.rs" => b,
                    "src/c.rs" => c,
                    "src/d/mod.rs" => "mod e; pub use e::E; pub struct D(super::a::A);",
                    "src/d/e.rs" => "pub struct E;",
                    _ => return None,
                }
                .to_owned(),
            )
        }
    };
    let largest = |b, c| {
        let read = files(b, c);
        let arrows = names::arrows(&Tree::read("src/lib.rs", &read).expect("modules"));
        circles(&arrows).iter().map(Vec::len).max().unwrap_or(0)
    };
    let b = "pub struct B(crate::c::C);";
    for c in [
        "pub struct C(crate::D);",
        "use super::D;\npub struct C(D);",
        "use super::d;\npub struct C(d::D);",
        "use crate::d::*;\npub struct C(D);",
        "use crate::{d::{D as Other}};\npub struct C(Other);",
        "pub struct C;\nfn f() { println!(\"{}\", crate::d::D::new()); }",
    ] {
        assert_eq!(largest(b, c), 4, "{c}");
    }
    for c in [
        "pub struct C;\n// use crate::D;",
        "pub struct C(crate::d::E);",
        "pub struct C;\n#[cfg(test)]\nmod tests { use crate::D; }",
        "pub struct C;\nconst TEXT: &str = \"crate::D\";",
        "pub(in crate::d) struct C;",
        "pub use crate::D; pub struct C;",
    ] {
        assert_eq!(largest(b, c), 0, "{c}");
    }
    assert_eq!(largest("pub struct B(super::a::A);", "pub struct C;"), 2);
}

/// What lies at a path from the workspace's root.
fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// The first file of each crate of the workspace.
fn crate_roots() -> Vec<String> {
    let manifest: toml::Table = read("Cargo.toml").expect("a manifest").parse().expect("a manifest");
    let members = manifest["workspace"]["members"].as_array().expect("members");
    let members = members.iter().filter_map(toml::Value::as_str).map(PathBuf::from);
    let roots = members.chain([PathBuf::new()]).map(|folder| folder.join("src/lib.rs"));
    roots.map(|root| root.to_string_lossy().replace('\\', "/")).collect()
}

/// The files that use each other, directly or through others; each file is in one circle at most.
fn circles(arrows: &Arrows) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|from| (from.as_str(), reached(arrows, from))).collect();
    let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (from, to) in &reached {
        let back = to.iter().filter(|to| reached.get(*to).is_some_and(|back| back.contains(from)));
        let circle: Vec<String> = back.map(|file| (*file).to_owned()).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// Where the arrows from a file lead, directly or through others.
fn reached<'a>(arrows: &'a Arrows, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        let to = arrows.get(at).into_iter().flatten().map(String::as_str);
        next.extend(to.filter(|to| seen.insert(*to)));
    }
    seen
}

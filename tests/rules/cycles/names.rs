//! In which file a name is defined that another file uses.

use std::collections::BTreeSet;

use super::Arrows;
use super::code::{Import, Module, Path, Tree};

/// `pub use` that lead from one to the next; more than the product has.
const DEEPEST: usize = 12;

/// The arrows between the files of a crate.
pub(super) fn arrows(tree: &Tree) -> Arrows {
    let mut arrows = Arrows::new();
    for (at, module) in &tree.0 {
        let used: BTreeSet<Path> = imported(tree, at, module).chain(named(tree, at, module)).collect();
        let files = used.iter().filter_map(|to| tree.0.get(to)).map(|to| to.file.clone());
        arrows.entry(module.file.clone()).or_default().extend(files.filter(|file| *file != module.file));
    }
    arrows
}

/// The modules of what `module` imports for itself. A module that is imported is used by the paths that begin with it.
fn imported<'a>(tree: &'a Tree, at: &'a Path, module: &'a Module) -> impl Iterator<Item = Path> + 'a {
    let own = module.imports.iter().filter(|import| !import.is_public && import.name != "*");
    let items =
        own.filter(|import| absolute(at, &import.path).is_none_or(|path| !tree.0.contains_key(&path)));
    let all = module.imports.iter().filter(|import| !import.is_public && import.name == "*");
    let all = all.filter_map(|import| absolute(at, &import.path[..import.path.len() - 1]));
    let of_all = all.flat_map(|from| {
        let names = module.names.iter().filter(|name| !module.defined.contains(*name));
        names
            .filter_map(|name| definer(tree, &from, &["self".to_owned(), name.clone()], 0))
            .collect::<Vec<_>>()
    });
    items.filter_map(|import| definer(tree, at, &import.path, 0)).chain(of_all)
}

/// The modules of what `module` names by a path.
fn named<'a>(tree: &'a Tree, at: &'a Path, module: &'a Module) -> impl Iterator<Item = Path> + 'a {
    module.paths.iter().filter_map(|path| definer(tree, at, path, 0))
}

/// The path from the root, if it begins with `crate`, `self` or `super`.
fn absolute(at: &[String], path: &[String]) -> Option<Path> {
    let (first, rest) = path.split_first()?;
    let mut from = match first.as_str() {
        "crate" => Path::new(),
        "self" => at.to_vec(),
        "super" => at[..at.len().checked_sub(1)?].to_vec(),
        _ => return None,
    };
    let mut rest = rest;
    while let Some((_, behind)) = rest.split_first().filter(|(word, _)| *word == "super") {
        from.pop();
        rest = behind;
    }
    from.extend_from_slice(rest);
    Some(from)
}

/// The module that defines what `path` means in the module `at`; `None` if it is of another crate.
fn definer(tree: &Tree, at: &Path, path: &[String], depth: usize) -> Option<Path> {
    let module = tree.0.get(at).filter(|_| depth < DEEPEST)?;
    let (first, rest) = path.split_first()?;
    let whole = match absolute(at, path) {
        Some(whole) => whole,
        None => match module.imports.iter().find(|import| import.name == *first) {
            Some(Import { path: from, .. }) if from.first() != Some(first) => {
                let path: Path = from.iter().chain(rest).cloned().collect();
                return definer(tree, at, &path, depth + 1);
            }
            _ if tree.0.contains_key(&below(at, first)) => at.iter().chain(path).cloned().collect(),
            Some(_) => return None,
            None if module.defined.contains(first) => return Some(at.clone()),
            None => return passed_on(tree, at, path, depth),
        },
    };
    let modules = (0..=whole.len()).rev().find(|length| tree.0.contains_key(&whole[..*length]))?;
    let (inside, rest) = (whole[..modules].to_vec(), &whole[modules..]);
    let found = tree.0.get(&inside)?;
    match rest.first() {
        None => Some(inside),
        Some(name) if found.defined.contains(name) => Some(inside),
        Some(name) if found.imports.iter().any(|import| import.name == *name) => {
            Some(definer(tree, &inside, rest, depth + 1).unwrap_or(inside))
        }
        Some(_) => Some(passed_on(tree, &inside, rest, depth).unwrap_or(inside)),
    }
}

/// The same for a name that came with all names of another module.
fn passed_on(tree: &Tree, at: &Path, path: &[String], depth: usize) -> Option<Path> {
    let all = tree.0.get(at)?.imports.iter().filter(|import| import.name == "*");
    all.filter_map(|import| absolute(at, &import.path[..import.path.len() - 1])).find_map(|from| {
        let other = tree.0.get(&from)?;
        let name = path.first()?;
        if other.defined.contains(name) {
            return Some(from);
        }
        let is_known = other.imports.iter().any(|import| import.name == *name)
            || tree.0.contains_key(&below(&from, name));
        is_known.then(|| definer(tree, &from, path, depth + 1)).flatten()
    })
}

fn below(at: &[String], name: &str) -> Path {
    at.iter().cloned().chain([name.to_owned()]).collect()
}

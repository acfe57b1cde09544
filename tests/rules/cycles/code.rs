//! The modules of a crate, as they stand in its files: what each imports, defines and names by a path.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The names of a path, `["crate", "a", "B"]`.
pub(super) type Path = Vec<String>;

/// The modules of a crate by their paths from its root, which is empty.
#[derive(Default)]
pub(super) struct Tree(pub(super) BTreeMap<Path, Module>);

/// A module: a file, or a part of one between braces.
#[derive(Default)]
pub(super) struct Module {
    pub(super) file: String,
    pub(super) imports: Vec<Import>,
    /// Paths of at least two names in its code.
    pub(super) paths: BTreeSet<Path>,
    /// Every name in its code.
    pub(super) names: BTreeSet<String>,
    /// Names of functions, types, constants and macros.
    pub(super) defined: BTreeSet<String>,
}

/// A name that a `use` brings.
pub(super) struct Import {
    pub(super) path: Path,
    /// What it is called here; `*` for all names of a module.
    pub(super) name: String,
    /// The module only passes it on.
    pub(super) is_public: bool,
}

const DEFINES: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

impl Tree {
    /// The modules of the crate whose first file is `root`; `read` gives the text of a file, if it is there.
    pub(super) fn read(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut tree = Self::default();
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let tokens = tokens_of(root, &read(root).ok_or("it is not there")?)?;
        tree.add(Path::new(), root, folder, &tokens, read)?;
        Ok(tree)
    }

    /// Adds a module whose children lie in `folder`.
    fn add(
        &mut self,
        path: Path,
        file: &str,
        folder: &str,
        tokens: &[String],
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), String> {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        let (mut at, mut is_public) = (0, false);
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1).map_or("", String::as_str);
            let was_public = std::mem::take(&mut is_public);
            match (token.as_str(), next) {
                ("#", "[") => {
                    let end = closed(tokens, at + 1);
                    let is_test = tokens[at..end].iter().any(|word| word == "cfg")
                        && tokens[at..end].iter().any(|word| word == "test")
                        && !tokens[at..end].iter().any(|word| word == "not");
                    at = if is_test { item_end(tokens, end) } else { end };
                }
                ("pub", "(") => (at, is_public) = (closed(tokens, at + 1), true),
                ("pub", _) => (at, is_public) = (at + 1, true),
                ("use", _) => {
                    let end = at + tokens[at..].iter().position(|word| word == ";").unwrap_or(1);
                    let imported = imports(&tokens[at + 1..end]);
                    module.imports.extend(imported.into_iter().map(|(path, name)| Import {
                        path,
                        name,
                        is_public: was_public,
                    }));
                    at = end;
                }
                ("mod", name) if tokens.get(at + 2).is_some_and(|word| word == ";" || word == "{") => {
                    let child: Path = path.iter().cloned().chain([name.to_owned()]).collect();
                    let inside = format!("{folder}/{name}");
                    if tokens[at + 2] == "{" {
                        let end = closed(tokens, at + 2);
                        self.add(child, file, &inside, &tokens[at + 3..end - 1], read)?;
                        at = end;
                    } else {
                        let places = [format!("{inside}.rs"), format!("{inside}/mod.rs")];
                        let found = places.iter().find_map(|place| Some((place, read(place)?)));
                        let (place, text) = found.ok_or_else(|| format!("{file}: no file of mod {name}"))?;
                        self.add(child, place, &inside, &tokens_of(place, &text)?, read)?;
                        at += 3;
                    }
                }
                (word, name) => {
                    if DEFINES.contains(&word) {
                        module.defined.insert(name.to_owned());
                    } else if word == "macro_rules" {
                        module.defined.extend(tokens.get(at + 2).cloned());
                    }
                    let (path, end) = path_at(tokens, at);
                    module.names.extend(path.first().cloned());
                    if path.len() > 1 {
                        module.paths.insert(path);
                    }
                    at = end;
                }
            }
        }
        self.0.insert(path, module);
        Ok(())
    }
}

/// The tokens of a file, braces and `::` each as one.
fn tokens_of(file: &str, text: &str) -> Result<Vec<String>, String> {
    let stream: TokenStream = text.parse().map_err(|why| format!("{file}: {why}"))?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<String>) {
    let mut half = false;
    for tree in stream {
        let was_half = std::mem::take(&mut half);
        match tree {
            TokenTree::Ident(name) => tokens.push(name.to_string().trim_start_matches("r#").to_owned()),
            // A text is no code.
            TokenTree::Literal(_) => tokens.push("\"\"".to_owned()),
            TokenTree::Punct(sign) if sign.as_char() == ':' && was_half => {
                tokens.pop();
                tokens.push("::".to_owned());
            }
            TokenTree::Punct(sign) => {
                half = sign.as_char() == ':' && sign.spacing() == Spacing::Joint;
                tokens.push(sign.as_char().to_string());
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace | Delimiter::None => ("{", "}"),
                };
                tokens.push(open.to_owned());
                flatten(group.stream(), tokens);
                tokens.push(close.to_owned());
            }
        }
    }
}

/// Behind the end of the group that begins at `at`.
fn closed(tokens: &[String], at: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Behind the end of the item, field or arm that begins at `at`, maybe with further attributes.
fn item_end(tokens: &[String], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            ";" | "," => return at + 1,
            "{" => return closed(tokens, at),
            "(" | "[" => at = closed(tokens, at),
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}

/// The path that begins at `at`, and behind its end.
fn path_at(tokens: &[String], mut at: usize) -> (Path, usize) {
    let is_name = |at: usize| {
        tokens.get(at).is_some_and(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
    };
    if !is_name(at) {
        return (Path::new(), at + 1);
    }
    let mut path = vec![tokens[at].clone()];
    while tokens.get(at + 1).is_some_and(|word| word == "::") && is_name(at + 2) {
        at += 2;
        path.push(tokens[at].clone());
    }
    (path, at + 1)
}

/// The names that a `use` brings, each with its path.
fn imports(tokens: &[String]) -> Vec<(Path, String)> {
    let (mut found, mut path, mut at) = (Vec::new(), Path::new(), 0);
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                let inside = &tokens[at + 1..closed(tokens, at) - 1];
                for part in parts(inside) {
                    for (rest, name) in imports(part) {
                        let is_self = rest == ["self"];
                        let whole = path
                            .iter()
                            .cloned()
                            .chain(rest.into_iter().filter(|_| !is_self))
                            .collect::<Path>();
                        let name =
                            if name == "self" { whole.last().cloned().unwrap_or_default() } else { name };
                        found.push((whole, name));
                    }
                }
                return found;
            }
            "as" => {
                found.push((path, tokens.get(at + 1).cloned().unwrap_or_default()));
                return found;
            }
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    let name = path.last().cloned().unwrap_or_default();
    found.push((path, name));
    found
}

/// What stands between the commas of a list.
fn parts(tokens: &[String]) -> Vec<&[String]> {
    let (mut found, mut begin, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => at = closed(tokens, at),
            "," => {
                found.push(&tokens[begin..at]);
                at += 1;
                begin = at;
            }
            _ => at += 1,
        }
    }
    found.push(&tokens[begin..]);
    found.retain(|part| !part.is_empty());
    found
}

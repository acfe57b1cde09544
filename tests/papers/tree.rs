//! What the agent is built of: the packages that cargo resolves for it, on every system.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value as Json;

/// One package.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: String,
    pub(crate) is_ours: bool,
    /// SHA-256 of what was downloaded, in hex.
    pub(crate) checksum: Option<String>,
    /// Ids of what it needs to be built and to run.
    pub(crate) needs: BTreeSet<String>,
}

/// Every package of `kathea-agent`, by id.
pub(crate) struct Tree {
    pub(crate) packages: BTreeMap<String, Package>,
    /// Names of what our own packages ask for.
    pub(crate) direct: BTreeSet<String>,
}

impl Tree {
    /// Asks cargo; the lock file decides.
    pub(crate) fn read() -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
        let checksums = checksums(&std::fs::read_to_string(format!("{root}/Cargo.lock")).unwrap());
        let mut nodes = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            nodes.insert(text(&node["id"]), needs(node));
        }
        let mut tree = Self { packages: BTreeMap::new(), direct: BTreeSet::new() };
        let found = list(&metadata["packages"])
            .map(|package| (text(&package["id"]), package))
            .collect::<BTreeMap<_, _>>();
        let start = found.iter().find(|(_, package)| package["name"] == "kathea-agent").unwrap().0;
        let mut waiting = vec![start.clone()];
        while let Some(id) = waiting.pop() {
            if tree.packages.contains_key(&id) {
                continue;
            }
            let package = found[&id];
            let needs = nodes[&id].clone();
            waiting.extend(needs.iter().cloned());
            let key = (text(&package["name"]), text(&package["version"]));
            let is_ours = package["source"].is_null();
            if is_ours {
                let ours = needs.iter().map(|id| found[id]).filter(|package| !package["source"].is_null());
                tree.direct.extend(ours.map(|package| text(&package["name"])));
            }
            let licence = package["license"].as_str().unwrap_or_default().replace('/', " OR ");
            let checksum = checksums.get(&key).cloned();
            let (name, version) = key;
            tree.packages.insert(id, Package { name, version, licence, is_ours, checksum, needs });
        }
        tree
    }
}

/// What a package needs to be built and to run, not to be tested.
fn needs(node: &Json) -> BTreeSet<String> {
    let for_use =
        |dep: &&Json| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null() || kind["kind"] == "build");
    list(&node["deps"]).filter(for_use).map(|dep| text(&dep["pkg"])).collect()
}

fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    let blocks = lock.split("[[package]]").skip(1);
    blocks
        .filter_map(|block| {
            Some(((field(block, "name")?, field(block, "version")?), field(block, "checksum")?))
        })
        .collect()
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

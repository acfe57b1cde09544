//! The bill of materials, CycloneDX 1.5 JSON. Without a time or a serial number: the same lock file is the same bill.

use serde_json::{Value as Json, json};

use crate::tree::{Package, Tree};

/// The bill of the agent.
pub(crate) fn cyclonedx(tree: &Tree) -> String {
    let agent = tree.packages.values().find(|package| package.name == "kathea-agent").unwrap();
    let others = tree.packages.values().filter(|package| package.name != agent.name);
    let dependencies = tree.packages.values().map(|package| {
        let needs = package.needs.iter().filter_map(|id| tree.packages.get(id)).map(purl);
        json!({ "ref": purl(package), "dependsOn": needs.collect::<Vec<_>>() })
    });
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(agent, "application") },
        "components": others.map(|package| component(package, "library")).collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    });
    format!("{}\n", serde_json::to_string_pretty(&bill).unwrap())
}

fn component(package: &Package, kind: &str) -> Json {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "purl": purl(package),
        "scope": "required",
    });
    if !package.licence.is_empty() {
        component["licenses"] = json!([{ "expression": package.licence }]);
    }
    if let Some(checksum) = &package.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if package.is_ours {
        component["supplier"] = json!({ "name": "Copenhagen Imaging ApS" });
    }
    component
}

/// A package URL, by which other lists know it.
fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

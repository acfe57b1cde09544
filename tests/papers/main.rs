//! The papers that a buyer's security officer reads are made from the product itself and are current: the bill of
//! materials, the list of foreign software, the data inventory. With `UPDATE_PAPERS=1` they are written anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share is outside of `#[test]` functions"
)]

mod promises;
mod sbom;
mod schema;
mod socket;
mod soup;
mod tree;

use std::fs;
use std::path::Path;
use std::process::Command;

use tree::Tree;

/// Compares a document with the file of this name, or writes it.
fn is_current(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_PAPERS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{name} is stale: UPDATE_PAPERS=1 cargo test --test papers");
}

#[test]
fn the_bill_of_materials_is_current() {
    let tree = Tree::read();
    let text = sbom::cyclonedx(&tree);
    assert!(tree.packages.len() > 100 && text.contains("pkg:cargo/rustls@"));
    is_current("packaging/papers/sbom.cdx.json", &text);
}

#[test]
fn every_dependency_has_its_reason() {
    let tree = Tree::read();
    let judged =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/papers/soup.toml")).unwrap();
    is_current("packaging/papers/soup.md", &soup::table(&tree, &judged).unwrap());
    let without = judged.replace("[bincode]", "[nobody]");
    let missing = soup::table(&tree, &without).unwrap_err();
    assert!(missing.contains("bincode") && missing.contains("nobody"), "negative control: {missing}");
}

#[test]
fn the_data_inventory_is_current() {
    let printed = Command::new(env!("CARGO_BIN_EXE_kathea-agent")).arg("catalog").output().unwrap();
    assert!(printed.status.success());
    is_current("packaging/papers/data-inventory.md", &String::from_utf8(printed.stdout).unwrap());
}

#[test]
fn the_schema_of_the_socket_is_current() {
    is_current("protocol/socket.schema.json", &schema::schema());
}

/// What is written by hand names what the code has.
#[test]
fn the_description_of_the_collector_names_every_route() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let openapi: serde_json::Value = serde_json::from_str(&read("protocol/openapi.json")).unwrap();
    let described = openapi["paths"].as_object().unwrap();
    let routes = read("protocol/collector/src/routes/mod.rs");
    let served = routes.split('"').filter(|piece| piece.starts_with("/v1/")).collect::<Vec<_>>();
    assert!(served.len() > 5, "{served:?}");
    for route in served {
        assert!(described.contains_key(route), "{route} is not in protocol/openapi.json");
    }
}

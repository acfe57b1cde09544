//! What the product must not contain: each rule reads the source, and each is shown a violation.

use std::fs;
use std::process::Command;

use test_support::peer;

mod source;

use source::*;

#[test]
fn the_agent_and_its_command_line_speak_in_types() {
    hold(
        untyped,
        &[
            ("agent/src/agent/x.rs", "    Reply::done(json!({}))"),
            ("src/status.rs", "    let keys = body[\"keys\"].as_str();"),
            ("src/status.rs", "    body(status)?[\"policy\"][\"id\"].clone()"),
        ],
        &[
            ("src/record.rs", "const WORDS: [&str; 2] = [\"yes\", \"y\"];"),
            ("src/x.rs", "vec![\"name\".to_owned()]"),
            ("agent/src/x.rs", "#[cfg(test)]\nmod tests {\n    json!({});\n}"),
            ("tests/x.rs", "json!({})"),
        ],
    );
}

#[test]
fn only_the_https_module_has_a_socket_outwards() {
    let forbidden = ["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "ureq", "connect_timeout"];
    hold(
        |source| words(source, PRODUCT, &["agent/src/ship/https.rs"], &forbidden),
        &[
            ("agent/src/collect/x.rs", "use std::net::TcpStream;"),
            ("src/x.rs", "    ureq::get(url).call()"),
            ("protocol/src/x.rs", "let socket = std::net::UdpSocket::bind(\"0.0.0.0:0\");"),
        ],
        &[
            ("agent/src/ship/https.rs", "use ureq::Agent;"),
            ("agent/src/ship/x.rs", "//! ureq panics on that."),
            ("agent/src/ship/x.rs", "#[cfg(test)]\nmod tests {\n    use std::net::TcpListener;"),
            ("agent/src/ship/tests/server.rs", "use std::net::TcpListener;"),
        ],
    );
}

#[test]
fn only_the_run_loop_and_the_command_line_ask_for_the_time() {
    let forbidden = ["now()", "unix_now()", "now_utc()", "now_local()", "elapsed()"];
    let but = ["agent/src/agent.rs", "agent/src/agent/", "src/"];
    hold(
        |source| words(source, PRODUCT, &but, &forbidden),
        &[
            ("agent/src/ship/pace.rs", "let now = Instant::now();"),
            ("agent/src/vault/mod.rs", "let now = std::time::SystemTime::now()"),
            ("protocol/src/x.rs", "OffsetDateTime::now_utc()"),
            ("agent/src/counters.rs", "since.elapsed()"),
        ],
        &[
            ("agent/src/agent.rs", "Instant::now()"),
            ("agent/src/ship/pace.rs", "fn next(&mut self, now: Duration)"),
        ],
    );
}

#[test]
fn one_module_tells_absence_from_what_cannot_be_read_now() {
    let places = [
        "vault/",
        "consent/",
        "spool/",
        "agent/",
        "agent.rs",
        "counters.rs",
        "collect/outbox",
        "support/queue.rs",
    ];
    let places: Vec<String> = places.iter().map(|place| format!("agent/src/{place}")).collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let forbidden = ["exists()", "try_exists()", "is_lost", "is_ok_and(|meta|", "read_dir(&self.0)"];
    let swallows = |line: &str| {
        let reads =
            ["fs::read", "File::open", "metadata(", "read_dir("].iter().any(|read| line.contains(read));
        reads && [".ok()", "unwrap_or_default()", "let Ok("].iter().any(|drops| line.contains(drops))
    };
    let rule = |source: &Source| {
        let mut found = words(source, &places, &[], &forbidden);
        if source.is_under(&places) {
            let lines = source.code().filter(|(_, line)| swallows(line));
            found.extend(lines.map(|(at, line)| format!("{}:{at}: {}", source.path, line.trim())));
        }
        found
    };
    hold(
        rule,
        &[
            ("agent/src/vault/x.rs", "    if path.exists() {"),
            ("agent/src/agent/x.rs", "let bytes = std::fs::read(&path).unwrap_or_default();"),
            ("agent/src/spool/x.rs", "let Ok(meta) = fs::symlink_metadata(path) else { return 0 };"),
            ("agent/src/consent/x.rs", "let text = fs::read_to_string(path).ok();"),
        ],
        &[
            ("agent/src/vault/x.rs", "    if presence::is_there(&path)? {"),
            ("agent/src/agent/x.rs", "let file = File::open(&path)?;"),
            ("agent/src/support/gather/x.rs", "if path.exists() {"),
        ],
    );
}

#[test]
fn one_module_touches_sled() {
    hold(
        |source| words(source, PRODUCT, &["agent/src/spool/generation.rs"], &["sled"]),
        &[("agent/src/spool/mod.rs", "use sled::Db;"), ("agent/src/agent.rs", "let db = sled::open(path);")],
        &[
            ("agent/src/spool/generation.rs", "sled::open(path)"),
            ("agent/src/spool/mod.rs", "/// What sled::Db is."),
        ],
    );
}

#[test]
fn one_module_checks_signatures_and_one_key_of_the_agents_makes_them() {
    let places = ["src/", "agent/src/", "protocol/"];
    let but = ["protocol/src/signature.rs", "protocol/src/signature/", "agent/src/vault/device_key.rs"];
    hold(
        |source| words(source, &places, &but, &["UnparsedPublicKey", "ED25519", "Ed25519KeyPair"]),
        &[
            ("protocol/src/claim.rs", "use ring::signature::{ED25519, UnparsedPublicKey};"),
            ("agent/src/consent/x.rs", "let pair = Ed25519KeyPair::from_pkcs8(bytes);"),
        ],
        &[
            ("protocol/src/signature.rs", "UnparsedPublicKey::new(&ED25519, key)"),
            ("agent/src/ship/enrol.rs", "&PKCS_ED25519"),
        ],
    );
}

#[test]
fn the_words_have_no_clock_no_disk_no_socket() {
    let forbidden = [
        "std::net",
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "ureq",
        "rustls",
        "hyper",
        "axum",
        "tokio",
    ];
    hold(
        |source| words(source, &["protocol/src/"], &[], &forbidden),
        &[("protocol/src/x.rs", "use std::fs;"), ("protocol/src/y.rs", "let out = std::fs::read(path);")],
        &[("protocol/collector/src/x.rs", "use std::fs;"), ("protocol/src/x.rs", "use std::fmt;")],
    );
    let manifest = fs::read_to_string(root().join("protocol/Cargo.toml")).unwrap();
    let known =
        ["bincode", "data-encoding", "flate2", "ring", "serde", "serde_json", "thiserror", "time", "toml"];
    let unknown = |manifest: &str| {
        let from = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let lines = from.lines().take_while(|line| !line.starts_with('['));
        let names =
            lines.filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty());
        names.filter(|name| !known.contains(name)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(unknown("[dependencies]\nserde.workspace = true\nhyper = \"1\"\n\n[lints]\nx = 1"), ["hyper"]);
    assert_eq!(unknown(&manifest), [""; 0], "crates that `protocol` may not have");
}

#[test]
fn the_collectors_disk_is_its_stores_and_its_sql_the_engines() {
    let collector = ["protocol/collector/src/"];
    let disk = ["store/", "pki/", "keys.rs", "sign.rs", "init.rs", "disk.rs"]
        .map(|name| format!("protocol/collector/src/{name}"));
    let disk: Vec<&str> = disk.iter().map(String::as_str).collect();
    hold(
        |source| words(source, &collector, &disk, &["std::fs", "File::open"]),
        &[("protocol/collector/src/routes/x.rs", "use std::fs::File;")],
        &[("protocol/collector/src/store/x.rs", "use std::fs;")],
    );
    let engine = [
        "protocol/collector/src/store/sqlite/",
        "protocol/collector/src/store/postgres/",
        "protocol/collector/src/store/engine/",
        "protocol/collector/src/store/mod.rs",
        // A test, which damages rows below the engine.
        "protocol/collector/src/store/conformance.rs",
    ];
    hold(
        |source| words(source, &collector, &engine, &["rusqlite", "SELECT", "INSERT INTO"]),
        &[("protocol/collector/src/store/rules/x.rs", "use rusqlite::Connection;")],
        &[("protocol/collector/src/store/sqlite/x.rs", "use rusqlite::Connection;")],
    );
}

#[test]
fn a_file_has_a_header_one_subject_and_at_most_400_lines() {
    hold(
        |source| {
            let lines = source.text.lines().count();
            let long =
                (lines > 400).then(|| format!("{}: {lines} lines: look for the second subject", source.path));
            let bare = !source.text.starts_with("//! ");
            long.into_iter()
                .chain(bare.then(|| format!("{}: no header says why it exists", source.path)))
                .collect()
        },
        &[("src/x.rs", "use std::fs;\n"), ("src/y.rs", &format!("//! Long.\n{}", "\n".repeat(400)))],
        &[("src/x.rs", "//! Says why.\n")],
    );
}

#[test]
fn nothing_is_left_for_later() {
    let later = [["todo", "!("], ["unimplemented", "!("], ["#[ig", "nore"], ["FIX", "ME"], ["TO", "DO:"]];
    hold(
        |source| {
            let lines = source.text.lines().enumerate();
            let found = lines.filter(|(_, line)| later.iter().any(|two| line.contains(&two.concat())));
            found.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())).collect()
        },
        &[("tests/x.rs", &later[2].concat()), ("src/x.rs", &format!("    {})", later[0].concat()))],
        &[("src/x.rs", "let todo = 1;")],
    );
}

#[test]
fn no_error_quotes_what_was_parsed() {
    // What a parser's error says of its input is kept as kind, line and column; in code that is `.line()`, a
    // closure that drops the error, or `.ok()`.
    let parsers = ["serde_json::from_", "toml::from_", "toml::de"];
    let quotes =
        ["{e}", "{e:", "{error}", "{err}", ".to_string()", "{:?}", "io::Error::from", "io::Error::other"];
    hold(
        |source| {
            let code = source.code().collect::<Vec<_>>();
            let derived = code.iter().filter(|(_, line)| {
                line.contains("From<serde_json::Error>") || line.contains("#[from] serde_json")
            });
            let parsing = code.windows(3).filter(|three| {
                parsers.iter().any(|parser| three[0].1.contains(parser))
                    && three.iter().any(|(_, line)| {
                        line.contains("map_err") && quotes.iter().any(|quote| line.contains(quote))
                    })
            });
            let found = derived.chain(parsing.map(|three| &three[0]));
            found.map(|(at, line)| format!("{}:{at}: {}", source.path, line.trim())).collect()
        },
        &[
            ("src/x.rs", "let x = serde_json::from_str(text)\n    .map_err(|e| format!(\"bad: {e}\"))?;\n\n"),
            ("src/x.rs", "serde_json::from_slice(b).map_err(io::Error::from)\n\n\n"),
            ("agent/src/x.rs", "impl From<serde_json::Error> for Trouble {"),
        ],
        &[("src/x.rs", "serde_json::from_str(text).map_err(|_| BadLine::Shape)?;\n\n\n")],
    );
}

#[test]
fn what_is_raw_clean_or_sealed_can_be_written_by_nobody_else() {
    let guarded = ["Raw", "Clean", "Sealed", "Draft"];
    hold(
        |source| {
            let code = source.code().collect::<Vec<_>>();
            let declared = code.iter().enumerate().filter(|(at, (_, line))| {
                guarded
                    .iter()
                    .any(|name| line.contains("struct ") && has_word(line, name) && !line.contains(" as "))
                    && code[..*at]
                        .iter()
                        .rev()
                        .take_while(|(_, line)| line.trim_start().starts_with("#["))
                        .any(|(_, line)| line.contains("Serialize") || has_word(line, "Debug"))
            });
            let implemented = code.iter().enumerate().filter(|(_, (_, line))| {
                line.contains("Serialize for ") && guarded.iter().any(|name| has_word(line, name))
            });
            let found = declared.chain(implemented);
            found.map(|(_, (at, line))| format!("{}:{at}: {}", source.path, line.trim())).collect()
        },
        &[
            ("agent/src/x.rs", "#[derive(Clone, Serialize)]\npub struct Raw<'a>(&'a [u8]);"),
            ("agent/src/x.rs", "#[derive(Debug)]\n#[must_use]\npub struct Sealed<P> {"),
            ("agent/src/x.rs", "impl<P> serde::Serialize for Clean<P> {"),
        ],
        &[("agent/src/x.rs", "#[derive(Clone, Copy)]\npub struct Raw<'a>(&'a [u8]);")],
    );
}

#[test]
fn every_package_keeps_the_shared_lints() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members =
        workspace.parse::<toml::Table>().unwrap()["workspace"]["members"].as_array().unwrap().clone();
    assert!(members.len() > 5, "only {} packages", members.len());
    for member in members.iter().map(|member| member.as_str().unwrap()).chain(["."]) {
        let text = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{member}");
    }
    assert!(workspace.contains("unsafe_code = \"forbid\""));
}

/// The customer's folders, and the files that tools and readers look for at the root.
const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "GLOSSARY.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "agent",
    "clippy.toml",
    "deny.toml",
    "packaging",
    "protocol",
    "rustfmt.toml",
    "src",
    "target",
    "tests",
];

#[test]
fn nothing_else_stands_at_the_top() {
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let others: Vec<String> =
        names.filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "beside the customer's names: {others:?}");
}

/// Those packages of `cargo tree` that are `unwanted`.
fn banned<'t>(tree: &'t str, unwanted: &[&str]) -> Vec<&'t str> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| unwanted.contains(name)).collect()
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn has_cargo() -> bool {
    cargo().arg("--version").output().is_ok()
}

/// What `package` is built of, on every system.
fn tree(package: &str) -> String {
    let whole = ["--locked", "--target", "all", "-e", "normal,build", "--prefix", "none"];
    let output = cargo().args(["tree", "-p", package]).args(whole).current_dir(root()).output();
    let output = output.expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names of packages")
}

#[test]
fn the_agents_tree_has_one_tls_and_no_runtime() {
    let unwanted = ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "tokio", "hyper"];
    let bad = "rustls v0.23.46\ntokio v1.48.0\nhyper-util v0.1.0\n";
    assert_eq!(banned(bad, &unwanted), ["tokio"], "negative control");
    if !peer::can(has_cargo(), "cargo cannot be started, so the tree is not looked at") {
        return;
    }
    let tree = tree("kathea-agent");
    assert!(tree.lines().count() > 50 && tree.contains("rustls v"), "no tree:\n{tree}");
    assert_eq!(banned(&tree, &unwanted), [""; 0]);
}

#[test]
fn what_reads_hostile_files_has_no_store_no_tls_and_no_socket_in_its_tree() {
    let unwanted = ["agent", "sled", "rustls", "ureq", "rcgen", "age", "interprocess", "notify"];
    if !peer::can(has_cargo(), "cargo cannot be started, so the tree is not looked at") {
        return;
    }
    let tree = tree("deidentify");
    assert!(tree.lines().count() > 20 && tree.contains("dicom-core v"), "no tree:\n{tree}");
    assert_eq!(banned(&tree, &unwanted), [""; 0]);
    hold(
        |source| words(source, &["src/", "agent/src/"], &[], &["files::process", "process(order"]),
        &[("agent/src/support/x.rs", "deidentify::files::process(order, open, out)")],
        &[
            ("agent/src/cleaning/mod.rs", "parser.run(&mut order, &mut folder)"),
            ("agent/deidentify/src/child/inside.rs", "files::process(decoded, open, out)"),
        ],
    );
}

//! `collector.toml`, what `init` says, and where the age identity may not be.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::server::{Server, command};

fn words(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_command_takes_the_data_directory_from_the_configuration() {
    let server = Server::configured(None, "");
    let config = server.data().with_file_name("collector.toml");
    let program = env!("CARGO_BIN_EXE_kathea-collector");
    for args in
        [&["token"][..], &["devices"], &["bundles"], &["retention", "run", "--dry-run"], &["server-cert"]]
    {
        let mut run = Command::new(program);
        let (code, words) = words(run.args(args).arg("--config").arg(&config));
        assert_eq!(code, Some(0), "{args:?}: {words}");
    }
    fs::write(&config, "dat = \"/srv\"\n").unwrap();
    let (code, said) = words(Command::new(program).args(["devices", "--config"]).arg(&config));
    assert_eq!(code, Some(1));
    assert!(said.contains("unknown key dat; the nearest is data"), "{said}");
    assert_eq!(words(Command::new(program).args(["devices"])).0, Some(2));
    assert_eq!(words(Command::new(program).args(["bundles"])).0, Some(2));
    assert_eq!(words(&mut command("serve", &server.data())).0, Some(2));
}

#[test]
fn the_shipped_configuration_has_every_key_and_is_read() {
    let shipped = fs::read_to_string(crate::peers::package("collector.toml")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("collector.toml");
    fs::write(&config, &shipped).unwrap();
    let program = env!("CARGO_BIN_EXE_kathea-collector");
    let (_, said) = words(Command::new(program).args(["devices", "--config"]).arg(&config));
    assert!(said.contains("/var/lib/kathea-collector is not a data directory of a collector"), "{said}");
    fs::write(&config, "nonsense = 1\n").unwrap();
    let (_, said) = words(Command::new(program).args(["devices", "--config"]).arg(&config));
    let keys = said.trim_end().rsplit_once("All keys: ").unwrap().1;
    // What is of another engine than the default is a comment.
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(key) if key.starts_with("[store") || key.contains(" = ") => key.to_owned(),
        _ => line.to_owned(),
    };
    let all: Vec<String> = shipped.lines().map(line).collect();
    let table: toml::Table = all.join("\n").parse().unwrap();
    for key in keys.split(", ") {
        let found =
            key.split('.').try_fold(&toml::Value::Table(table.clone()), |at, part| at.get(part)).is_some();
        assert!(found, "{key} is not in the shipped configuration");
    }
}

#[test]
fn init_says_what_it_made_what_is_secret_and_what_to_do_next() {
    let dir = tempfile::tempdir().unwrap();
    let (data, identity) = (dir.path().join("collector"), dir.path().join("keys.txt"));
    let (code, said) = words(command("init", &data).arg("--age-identity").arg(&identity));
    assert_eq!(code, Some(0), "{said}");
    let (secret, public) = said.split_once("not secret").unwrap();
    for name in ["keys.txt", "ca-key.pem", "server-key.pem"] {
        assert!(secret.contains(name), "{name}");
    }
    for name in ["ca.pem", "agent.toml", "server.pem"] {
        assert!(public.contains(name), "{name}");
    }
    assert!(said.contains("serve --data") && said.contains("token --data"));
    let secrets = fs::read_to_string(&identity).unwrap();
    assert!(!said.contains(secrets.lines().last().unwrap()));

    // Neither over a key that is there, nor into the directory, nor half.
    let other = dir.path().join("other");
    let (code, said) = words(command("init", &other).arg("--age-identity").arg(&identity));
    assert!(code == Some(1) && said.contains("never overwritten"), "{said}");
    let (code, said) = words(command("init", &other).arg("--age-identity").arg(other.join("age.txt")));
    assert!(code == Some(1) && said.contains("in the data directory"), "{said}");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(&identity).unwrap(), secrets);
}

#[test]
fn nothing_is_served_beside_the_key_that_opens_the_bundles() {
    let mut server = Server::start(None);
    assert!(server.end());
    let data = server.data();
    fs::rename(data.with_file_name("collector-age-identity.txt"), data.join("backup.txt")).unwrap();
    let (code, said) = words(command("serve", &data).args(["--listen", "127.0.0.1:0"]));
    assert_eq!(code, Some(1));
    assert!(said.contains("backup.txt") && said.contains("age identity"), "{said}");
    assert!(!said.contains("AGE-SECRET-KEY"));
}

#[test]
fn a_stop_during_its_announcement_ends_it_well() {
    for _ in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        assert_eq!(words(&mut command("init", &data)).0, Some(0));
        let config = dir.path().join("collector.toml");
        let text = format!(
            "data = {data:?}\nlisten = \"127.0.0.1:0\"\n[operations]\nlisten = \"127.0.0.1:0\"\n[log]\naccess = true\n"
        );
        fs::write(&config, text).unwrap();
        let mut serve = Command::new(env!("CARGO_BIN_EXE_kathea-collector"));
        serve.args(["serve", "--config"]).arg(&config).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut serving = serve.spawn().unwrap();
        // Byte by byte up to the end of the first line, and then nobody reads any more.
        let mut out = serving.stdout.take().unwrap();
        let mut byte = [0];
        while byte[0] != b'\n' {
            out.read_exact(&mut byte).unwrap();
        }
        drop(out);
        test_support::signal(serving.id(), "TERM");
        let ended = serving.wait_with_output().unwrap();
        assert_eq!(
            (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
            (Some(0), ""),
            "it was announced, so it ends on request"
        );
    }
}

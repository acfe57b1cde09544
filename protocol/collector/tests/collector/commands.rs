//! The command line: what it refuses, and what it does beside a running server.

use std::fs;
use std::path::Path;

use crate::device::{Device, batch};
use crate::program::{Collector, attempt};
use crate::stored;

fn code(data: &Path, command: &str, args: &[&str]) -> i32 {
    attempt(data, command, args).status.code().unwrap()
}

#[test]
fn a_data_directory_is_made_once_and_its_secrets_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("collector");
    assert_eq!(code(&data, "token", &[]), 1);
    assert!(!data.exists());
    assert_eq!(code(&data, "init", &["--host", "collector.example", "--host", "192.0.2.7"]), 0);
    let ca = fs::read(data.join("ca.pem")).unwrap();
    assert_eq!(code(&data, "init", &[]), 1);
    assert_eq!(fs::read(data.join("ca.pem")).unwrap(), ca);
    #[cfg(unix)]
    for name in ["ca-key.pem", "server-key.pem", "../collector-age-identity.txt"] {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&data.join(name).metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_agents_configuration_names_this_collector() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("with 'quotes\"");
    assert_eq!(code(&data, "init", &["--host", "collector.example"]), 0);
    let configuration: toml::Table = fs::read_to_string(data.join("agent.toml")).unwrap().parse().unwrap();
    let collector = configuration["collector"].as_table().unwrap();
    assert_eq!(collector["url"].as_str(), Some("https://collector.example:8443"));
    let ca = Path::new(collector["ca"].as_str().unwrap()).to_owned();
    assert!(ca.is_absolute() && ca.is_file());
    let identity = fs::read_to_string(dir.path().join("with 'quotes\"-age-identity.txt")).unwrap();
    let identity: age::x25519::Identity = identity.lines().last().unwrap().parse().unwrap();
    let recipients = configuration["support"]["recipients"].as_array().unwrap();
    assert_eq!(recipients[0].as_str(), Some(identity.to_public().to_string().as_str()));
}

#[test]
fn one_server_at_a_time_has_a_data_directory() {
    let collector = Collector::start();
    assert_eq!(code(collector.data(), "serve", &["--listen", "127.0.0.1:0"]), 1);
}

#[test]
fn usage_errors_have_an_exit_code_of_their_own() {
    let collector = Collector::start();
    assert_eq!(code(collector.data(), "serve", &["--listen", "nowhere"]), 2);
    assert_eq!(code(collector.data(), "revoke", &["nobody"]), 2);
    assert_eq!(code(collector.data(), "revoke", &[&"0".repeat(32)]), 1);
    assert_eq!(code(collector.data(), "requests", &["--done", "nothing"]), 2);
    assert_eq!(code(collector.data(), "export", &["--help"]), 0);
}

#[cfg(unix)]
#[test]
fn it_stops_gracefully_on_a_signal() {
    let mut collector = Collector::start();
    let device = Device::enrolled(&collector);
    assert_eq!(device.get(&collector, "/v1/capabilities").status, 200);
    collector.tell("TERM");
    assert!(collector.serving().wait().unwrap().success());
}

#[test]
fn a_table_of_devices_is_for_people() {
    let collector = Collector::start();
    let devices = [Device::enrolled(&collector), Device::enrolled(&collector)];
    let id = |at: usize| devices[at].id().to_string();
    for (at, label) in [(0, "Aarhus, Nørregade 7"), (1, "Vejle")] {
        assert_eq!(code(collector.data(), "label", &[&id(at), label]), 0);
    }
    let consent = devices[0].grant(&collector);
    assert_eq!(devices[0].put_batch(&collector, &batch(consent, 1, 5, 9)).status, 201);
    let days = 20 * 86_400_000_000_i64;
    stored::set(collector.data(), "device", &format!("seen = seen - {days}"), &format!("id = x'{}'", id(1)));
    let table = collector.lines_of_text("devices", &["--table"]);
    assert_eq!(table.len(), 3);
    let column = |name: &str| table[0].split(name).next().unwrap().chars().count();
    let (label, held) = (column("LABEL"), column("HELD") + "HELD".len());
    let cut =
        |line: &str, from: usize, to: usize| line.chars().skip(from).take(to - from).collect::<String>();
    // Who is silent comes first.
    assert!(table[1].starts_with(&id(1)) && table[1].contains("silent for 20 days"), "{}", table[1]);
    assert_eq!(cut(&table[2], label, label + 19), "Aarhus, Nørregade 7");
    assert_eq!(cut(&table[2], held - 4, held), "   5");
    assert!(table[2].contains("active") && table[1].contains("  -  "));
    // What the clinic reads out on the telephone, by a second reading of Crockford's alphabet.
    let bits = u32::from_str_radix(&id(1)[..8], 16).unwrap() >> 2;
    let digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".as_bytes();
    let short: String = (0..6).rev().map(|at| char::from(digits[(bits >> (5 * at)) as usize & 31])).collect();
    assert!(table[1].contains(&format!("  {short}  ")), "{short}: {}", table[1]);
    let line =
        collector.lines_of_text("devices", &[]).into_iter().find(|line| line.contains(&id(1))).unwrap();
    assert!(line.contains(&format!("\"short\":\"{short}\"")), "{line}");
}

//! The same client against an independent server of tus, `@tus/server` on Node, which knows nothing of ours: no
//! checksums, names of its own, `http://` in its `Location`. `NODE_PEERS` names the folder `node_modules` that holds
//! it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::common::bundle::{open_case, queue, status};
use crate::common::collector::Collector;
use crate::common::peer::{self, Skipped};
use crate::common::relay::Relay;
use crate::common::seeded;
use crate::common::workstation::Workstation;
use tempfile::TempDir;
use test_support::or_skip;

const CASE: &str = "CASE-1042";

/// The server, and what it was sent.
struct TusServer {
    process: Child,
    relay: Relay,
    directory: TempDir,
}

impl TusServer {
    /// With the collector's certificate. `complete`: with our route as well.
    fn start(collector: &Collector, complete: bool) -> Result<Self, Skipped> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let modules = peer::node(&root, &["@tus/server", "@tus/file-store"])?;
        let directory = tempfile::tempdir().unwrap();
        let at = |name| collector.data().join(name);
        let mut process = Command::new("node")
            .arg(root.join("tests/tus_server.mjs"))
            .args([at("server-key.pem"), at("server.pem"), at("ca.pem"), directory.path().to_owned()])
            .args(complete.then_some("complete"))
            .env("NODE_PEERS", modules)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening https://").unwrap().parse().unwrap();
        Ok(Self { process, relay: Relay::to(address), directory })
    }

    /// The one file that it took.
    fn taken(&self) -> Vec<u8> {
        let names = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<PathBuf> = names.filter(|path| path.extension().is_none()).collect();
        assert_eq!(files.len(), 1, "one upload, however often it was cut");
        fs::read(&files[0]).unwrap()
    }
}

impl Drop for TusServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends 3 MiB through a cut to the server, in two runs. Gives it, and the workstation.
fn sent_through(complete: bool) -> Result<(TusServer, Workstation, Vec<u8>), Skipped> {
    let collector = Collector::start();
    let server = TusServer::start(&collector, complete)?;
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::new(&url, &collector.ca());
    // Another server cannot say where it holds data, so the policy names no place here.
    let policy = workstation.path().join("policy.toml");
    let text = protocol::policy::POLICIES[0].1.replacen("residency = \"EEA\"\n", "", 1);
    fs::write(&policy, text).unwrap();
    let config = fs::read_to_string(workstation.config()).unwrap();
    fs::write(workstation.config(), format!("policy = {policy:?}\n{config}")).unwrap();
    workstation.enroll(&collector.token());
    let consent = open_case(&workstation, CASE);
    workstation.expect(0, &["run", "--once"]);
    let bytes = queue(&workstation, CASE, consent, 3 << 20, &mut seeded());
    workstation.configure(&url, &server.relay.url());
    server.relay.cut(&[1 << 20, 10_000, 10_000]);
    workstation.expect(3, &["run", "--once"]);
    assert_eq!(server.relay.cuts(), 3);
    workstation.expect(if complete { 0 } else { 3 }, &["run", "--once"]);
    Ok((server, workstation, bytes))
}

#[test]
fn another_tus_server_takes_a_bundle_and_a_receipt_settles_it() {
    let (server, workstation, bytes) = or_skip!(sent_through(true));
    assert!(server.taken() == bytes);
    assert_eq!(status(&workstation)["state"], "sent");
}

#[test]
fn without_a_receipt_a_bundle_that_is_there_is_kept_here_too() {
    let (server, workstation, bytes) = or_skip!(sent_through(false));
    assert!(server.taken() == bytes);
    let bundle = status(&workstation);
    assert_eq!((&bundle["state"], bundle["offset"].as_u64()), (&"sending".into(), Some(3 << 20)));
    let sealed = fs::read_dir(workstation.data().join("bundles")).unwrap().flatten();
    assert_eq!(sealed.filter(|entry| entry.path().extension().unwrap() == "age").count(), 1);
}

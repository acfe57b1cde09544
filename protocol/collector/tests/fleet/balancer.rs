//! HAProxy before the fronts: plain TCP, TLS ends at the fronts.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::free_port;

pub(crate) struct Balancer {
    dir: TempDir,
    serving: Child,
    pub(crate) address: SocketAddr,
}

impl Balancer {
    /// Before these fronts, quicker than a balancer has to be.
    pub(crate) fn start(fronts: &[SocketAddr]) -> Self {
        Self::configured(|address| {
            let mut text = format!(
                "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 65s\n  timeout server 65s\n  retries 3\n  \
                 option redispatch 1\nfrontend devices\n  bind {address}\n  default_backend fronts\nbackend fronts\n  \
                 balance roundrobin\n"
            );
            for (number, front) in fronts.iter().enumerate() {
                writeln!(text, "  server front{number} {front} check inter 200ms fall 1 rise 1").unwrap();
            }
            text
        })
    }

    /// With the configuration that `text` makes of its address.
    pub(crate) fn configured(text: impl FnOnce(SocketAddr) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        std::fs::write(dir.path().join("haproxy.cfg"), text(address)).unwrap();
        let serving = serve(dir.path().join("haproxy.cfg"));
        let balancer = Self { dir, serving, address };
        balancer.wait();
        balancer
    }

    pub(crate) fn kill(&mut self) {
        self.serving.kill().unwrap();
        self.serving.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.serving = serve(self.dir.path().join("haproxy.cfg"));
        self.wait();
    }

    fn wait(&self) {
        while TcpStream::connect(self.address).is_err() {
            std::thread::yield_now();
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

fn serve(config: PathBuf) -> Child {
    // In the foreground, one process: what is killed is all of it.
    let mut haproxy = Command::new("haproxy");
    haproxy.arg("-db").arg("-f").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

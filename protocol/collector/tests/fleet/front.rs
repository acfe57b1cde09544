//! One of several collectors on the same store, always at the same address.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::server::free_port;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kathea-collector");

pub(crate) struct Front {
    pub(crate) data: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) address: SocketAddr,
    serving: Child,
}

impl Front {
    /// In a directory of its own, with the authority of the first one.
    pub(crate) fn start(dir: &Path, number: usize, url: &str, bundles: &str) -> Self {
        let (data, first) = (dir.join(format!("front{number}")), dir.join("front0"));
        if number == 0 {
            ran(Command::new(PROGRAM).args(["init", "--data"]).arg(&data));
        } else {
            std::fs::create_dir(&data).unwrap();
            for name in ["ca.pem", "ca-key.pem"] {
                std::fs::copy(first.join(name), data.join(name)).unwrap();
            }
            let mut certificate = Command::new(PROGRAM);
            ran(certificate.args(["server-cert", "--new-key", "--host", "127.0.0.1", "--data"]).arg(&data));
        }
        let (secret, config) = (data.with_extension("url"), data.with_extension("toml"));
        std::fs::write(&secret, url).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let text = format!(
            "data = {data:?}\nlisten = \"{address}\"\n[store]\nengine = \"postgres\"\nurl_file = {secret:?}\n\
             durability = \"replicas\"\nreplicas_at_least = 1\n{bundles}"
        );
        std::fs::write(&config, text).unwrap();
        let serving = serve(&config);
        Self { data, config, address, serving }
    }

    /// The most memory that the process had, MiB.
    pub(crate) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serving.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    pub(crate) fn kill(&mut self) {
        self.serving.kill().unwrap();
        self.serving.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.serving = serve(&self.config);
    }

    /// What a command prints.
    pub(crate) fn run(&self, name: &str, args: &[&str]) -> String {
        let mut command = Command::new(PROGRAM);
        let output = ran(command.arg(name).arg("--config").arg(&self.config).args(args));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

pub(crate) fn ran(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn serve(config: &Path) -> Child {
    let mut serve = Command::new(PROGRAM);
    let log = config.with_extension("log");
    let errors = std::fs::File::create(&log).unwrap();
    serve.args(["serve", "--config"]).arg(config).stdout(Stdio::piped()).stderr(errors);
    let mut serving = serve.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening "), "{line}{}", std::fs::read_to_string(&log).unwrap());
    serving
}

//! `kathea-window` as a browser speaks to it, and requests written by hand.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::clinic::Clinic;
use super::collector;

/// `kathea-window`, ended with the test.
pub(crate) struct Window {
    pub(crate) process: Child,
    pub(crate) page: PathBuf,
}

impl Window {
    pub(crate) fn open(clinic: &Clinic) -> Self {
        // What opens files for this account, where a test has put one.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([clinic.path("bin")].into_iter().chain(std::env::split_paths(&path)));
        let mut process = Command::new(program())
            .env("PATH", path.unwrap())
            .arg("--config")
            .arg(clinic.workstation.config())
            .arg("--no-browser")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let page = PathBuf::from(line.trim_end().strip_prefix("page ").unwrap());
        Self { process, page }
    }

    /// Where it listens, and the secret of its page.
    pub(crate) fn address(&self) -> (SocketAddr, String) {
        let text = fs::read_to_string(&self.page).unwrap();
        let (_, rest) = text.split_once("url=http://").unwrap();
        let (address, rest) = rest.split_once("/#").unwrap();
        (address.parse().unwrap(), rest.split('"').next().unwrap().to_owned())
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The example `window`, which cargo builds before it runs tests; alone with `cargo build --example window`.
pub(crate) fn program() -> PathBuf {
    collector::program().with_file_name(format!("window{}", std::env::consts::EXE_SUFFIX))
}

/// A request as it is written, and the whole answer.
pub(crate) fn said(address: SocketAddr, head: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = head.join("\r\n");
    let length = body.len();
    let text = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Ends a process that this test started, by the shell's own `kill`.
pub(crate) fn kill(pid: &str) {
    Command::new("sh").args(["-c", "kill \"$0\"", pid]).status().unwrap();
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// A page that was opened: the window, and the token that only its page has.
pub(crate) struct Opened {
    pub(crate) window: Window,
    address: SocketAddr,
    token: String,
}

impl Opened {
    pub(crate) fn new(clinic: &Clinic) -> Self {
        let window = Window::open(clinic);
        let (address, secret) = window.address();
        let (host, origin) = (format!("Host: {address}"), format!("Origin: http://{address}"));
        let opened = said(address, &["POST /api/exchange HTTP/1.1", &host, &origin], &secret);
        let token = format!("x-kathea-token: {}", opened.split("\r\n\r\n").nth(1).unwrap());
        Self { window, address, token }
    }

    /// The page of this name, as it is answered.
    pub(crate) fn get(&self, name: &str) -> String {
        let host = format!("Host: {}", self.address);
        said(self.address, &[&format!("GET /page/{name} HTTP/1.1"), &host, &self.token], "")
    }

    /// A click, with a form's fields.
    pub(crate) fn click(&self, action: &str, fields: &str) -> String {
        let (host, origin) = (format!("Host: {}", self.address), format!("Origin: http://{}", self.address));
        let form = "Content-Type: application/x-www-form-urlencoded";
        let line = format!("POST /do/{action} HTTP/1.1");
        said(self.address, &[&line, form, &host, &origin, &self.token], fields)
    }
}

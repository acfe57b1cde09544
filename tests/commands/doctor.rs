//! `doctor` against what is broken in practice: the right line fails and names the remedy, and the exit code says so.

#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use crate::common::collector::Collector;
use crate::common::impostor::{Authority, Impostor};
use crate::common::workstation::Workstation;
use crate::common::{peer, until};
use serde_json::Value as Json;

fn healthy() -> (Collector, Workstation) {
    let collector = Collector::start();
    let workstation = Workstation::granted(&collector, &format!("https://{}", collector.address()));
    fs::create_dir_all(workstation.outbox()).unwrap();
    (collector, workstation)
}

/// The lines that `command` ends with this result, with what to do; its exit code says whether one failed.
fn lines(mut command: Command, result: &str) -> Vec<(String, String)> {
    let output = command.output().unwrap();
    let checks: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    let failed = checks.iter().any(|check| check["result"] == "fail");
    assert_eq!(output.status.code(), Some(i32::from(failed)));
    let word = |check: &Json, key: &str| check[key].as_str().unwrap().to_owned();
    let found = checks.iter().filter(|check| check["result"] == result);
    found.map(|check| (word(check, "check"), word(check, "remedy"))).collect()
}

fn failing(workstation: &Workstation) -> Vec<(String, String)> {
    lines(workstation.agent(&["doctor", "--json"]), "fail")
}

/// Nothing fails, and this line says that somebody should look.
fn warns_at(workstation: &Workstation, check: &str, remedy: &str) {
    assert_eq!(failing(workstation), []);
    let warned = lines(workstation.agent(&["doctor", "--json"]), "warn");
    assert!(warned.iter().any(|line| line.0 == check && line.1.contains(remedy)), "{warned:?}");
}

fn fails_at(workstation: &Workstation, check: &str, remedy: &str) {
    let failed = failing(workstation);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].0 == check && failed[0].1.contains(remedy), "{failed:?}");
}

/// Writes one key of the configuration anew.
fn set(workstation: &Workstation, key: &str, value: &str) {
    let text = fs::read_to_string(workstation.config()).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with(&format!("{key} ")));
    let line = format!("{key} = \"{value}\"");
    let lines = kept.flat_map(|kept| [Some(kept.to_owned()), (kept == "[collector]").then(|| line.clone())]);
    fs::write(workstation.config(), lines.flatten().collect::<Vec<_>>().join("\n")).unwrap();
}

/// Who answers every request so, or cuts every connection.
fn answering(answer: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (mut received, mut piece) = (Vec::new(), [0; 4096]);
            // A proxy is asked in lines; a TLS server is not, and what comes at first is enough.
            while !received.ends_with(b"\r\n\r\n") && received.first() != Some(&0x16) {
                let length = (&stream).read(&mut piece).unwrap_or(0);
                received.extend_from_slice(&piece[..length]);
                if length == 0 {
                    break;
                }
            }
            let _ = answer.map(|answer| (&stream).write_all(answer));
        }
    });
    format!("http://{address}")
}

#[test]
fn where_all_is_well_nothing_fails() {
    let (_collector, workstation) = healthy();
    assert_eq!(failing(&workstation), []);
    let _service = workstation.serve();
    assert_eq!(failing(&workstation), []);
}

#[test]
fn the_step_that_is_broken_is_named() {
    let (_collector, workstation) = healthy();
    let url = fs::read_to_string(workstation.config()).unwrap();
    set(&workstation, "url", "https://127.0.0.1:1");
    fails_at(&workstation, "connection", "firewall");
    set(&workstation, "url", "https://no-such-host.invalid:8443");
    fails_at(&workstation, "name", "DNS");
    set(&workstation, "url", "http://127.0.0.1:1");
    fails_at(&workstation, "collector", "https://host:port");
    fs::write(workstation.config(), &url).unwrap();

    let other = Collector::start();
    set(&workstation, "url", &format!("https://{}", other.address()));
    fails_at(&workstation, "tls", "inspection proxy");
    fs::write(workstation.config(), url.replace("ca = ", "cert = ")).unwrap();
    fails_at(&workstation, "configuration", "collector.");
}

#[test]
fn each_way_in_which_tls_fails_is_named() {
    let (collector, workstation) = healthy();
    let day = time::Duration::days(1);
    let own = Authority::of(&collector);
    let unknown = Authority::unknown(&workstation.path().join("unknown.pem"));
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    let inspected = Impostor::start(&unknown, day, page);
    set(&workstation, "url", inspected.url());
    fails_at(&workstation, "tls", "inspection proxy");
    let expired = Impostor::start(&own, -day, page);
    set(&workstation, "url", expired.url());
    fails_at(&workstation, "tls", "this computer's clock");
    let elsewhere = Impostor::start(&own, day, page);
    set(&workstation, "url", &elsewhere.url().replace("127.0.0.1", "localhost"));
    fails_at(&workstation, "tls", "another host");
    set(&workstation, "url", &answering(Some(page)).replace("http:", "https:"));
    fails_at(&workstation, "tls", "[collector] url");
    set(&workstation, "url", &answering(None).replace("http:", "https:"));
    fails_at(&workstation, "tls", "[collector] url");
    // The vendor's certificate, and yet no collector.
    let stranger = Impostor::start(&own, day, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    set(&workstation, "url", stranger.url());
    fails_at(&workstation, "collector", "[collector] url");
    let garbage = Impostor::start(&own, day, b"SSH-2.0-OpenSSH\r\n");
    set(&workstation, "url", garbage.url());
    fails_at(&workstation, "collector", "[collector] url");
}

#[test]
fn a_proxy_that_opens_tls_differs_from_the_collector() {
    if !peer::has("mitmdump") {
        return;
    }
    let (_collector, workstation) = healthy();
    let (folder, free) = (workstation.path().join("mitm"), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut mitmdump = Command::new("mitmdump");
    mitmdump.args(["-q", "--listen-host", "127.0.0.1", "--ssl-insecure", "-p"]).arg(port.to_string());
    mitmdump.arg("--set").arg(format!("confdir={}", folder.display()));
    let mut mitmdump = mitmdump.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("mitmdump listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    set(&workstation, "proxy", &format!("http://127.0.0.1:{port}"));
    fails_at(&workstation, "tls", "inspection proxy");
    mitmdump.kill().unwrap();
    mitmdump.wait().unwrap();
    fails_at(&workstation, "proxy", "[collector] proxy");
}

#[test]
fn a_clock_that_is_wrong_is_named() {
    let (collector, workstation) = healthy();
    let answer = b"HTTP/1.1 401 No\r\nDate: Sun, 22 Nov 2043 10:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    let ahead = Impostor::start(&Authority::of(&collector), time::Duration::days(1), answer);
    set(&workstation, "url", ahead.url());
    warns_at(&workstation, "clock offset", "set it");
    if peer::has("faketime") {
        let slow = peer::at("@2019-01-01 10:00:00", workstation.agent(&["doctor", "--json", "--offline"]));
        assert_eq!(lines(slow, "fail"), [("clock".to_owned(), "set it".to_owned())]);
    }
}

#[test]
fn what_will_be_wrong_soon_is_a_warning() {
    let (_collector, workstation) = healthy();
    warns_at(&workstation, "service", "start");
    workstation.configure("[keys]", "[spool]\nquota = \"1000000 GiB\"\n[keys]");
    warns_at(&workstation, "disk", "free some space");
    workstation.configure("1000000 GiB", "3 MiB");
    fails_at(&workstation, "disk", "set it to 16 MiB");
    workstation.configure("3 MiB", "64 MiB");
    let life = workstation.data().join("certificate.life");
    let day = 86_400;
    for (from, until, remedy) in
        [(85, -5, "look at the lines below"), (100, 10, "up to a year after its end")]
    {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        fs::write(&life, format!("{} {}\n", now - from * day, now - until * day)).unwrap();
        warns_at(&workstation, "certificate", remedy);
    }
}

#[test]
fn a_proxy_that_does_not_let_it_through_is_named() {
    let (_collector, workstation) = healthy();
    for (answer, remedy) in [
        (
            Some(&b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"[..]),
            "NTLM is not supported",
        ),
        (
            Some(b"HTTP/1.1 403 No\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<html>no!"),
            "allow the collector",
        ),
        (Some(b"<html>Please log in</html>"), "[collector] proxy"),
        (None, "[collector] proxy"),
    ] {
        set(&workstation, "proxy", &answering(answer));
        fails_at(&workstation, "proxy", remedy);
    }
    set(&workstation, "proxy", "http://127.0.0.1:1");
    fails_at(&workstation, "proxy", "[collector] proxy");
}

#[test]
fn a_folder_that_is_missing_open_or_copied_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let (_collector, workstation) = healthy();
    fs::remove_dir(workstation.outbox()).unwrap();
    fails_at(&workstation, "outbox", "[kathea] outbox");
    fs::create_dir(workstation.outbox()).unwrap();

    fs::set_permissions(workstation.data(), fs::Permissions::from_mode(0o755)).unwrap();
    fails_at(&workstation, "data_dir", "chmod 700");
    fs::set_permissions(workstation.data(), fs::Permissions::from_mode(0o700)).unwrap();

    let machine = workstation.data().join("machine");
    if !peer::can(machine.exists(), "this system has no /etc/machine-id") {
        return;
    }
    fs::write(machine, format!("00 {}\n", "0".repeat(64))).unwrap();
    fails_at(&workstation, "device", "enrol with a token of its own");
}

/// The agent as an account that not all is open to, though it be root, with a limit of the system of its own (`NAME=VALUE`
/// of user_namespaces(7)).
#[cfg(target_os = "linux")]
fn limited(workstation: &Workstation, limit: &str, args: &[&str]) -> Command {
    let agent = workstation.agent(args);
    let script = "echo \"${0#*=}\" > \"/proc/sys/user/${0%=*}\" || exit 99
        exec setpriv --bounding-set=-dac_override,-dac_read_search \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", script, limit]);
    command.arg(agent.get_program()).args(agent.get_args());
    for (name, value) in agent.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command
}

/// What `status` and then `doctor` warn of where the service runs so.
#[cfg(target_os = "linux")]
fn warned(workstation: &Workstation, limit: &str) -> [String; 2] {
    let service = workstation.serve_by(limited(workstation, limit, &["run"]));
    let status = workstation.status()["problems"].to_string();
    // The account that asks may read everything: what it says of these folders, the service told it.
    let output = workstation.agent(&["doctor", "--json"]).output().unwrap();
    let checks: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    let checks = checks.into_iter().filter(|check| check["result"] == "warn").collect();
    service.kill();
    [status, Json::Array(checks).to_string()]
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_service_cannot_watch_or_read_is_in_status_and_doctor_with_its_remedy() {
    use std::os::unix::fs::PermissionsExt;

    let (_collector, workstation) = healthy();
    let (logs, below) = (workstation.path().join("logs"), workstation.path().join("logs/2026"));
    fs::create_dir_all(&below).unwrap();
    workstation.configure("logs = []", &format!("logs = [{logs:?}]"));
    let free = "max_inotify_watches=1000";
    let can = limited(&workstation, free, &["--version"]).output().is_ok_and(|run| run.status.success());
    if !peer::can(can, "this account can't have limits of its own") {
        return;
    }
    let unwatched = "cannot be watched";
    let unread =
        "([kathea] logs) cannot be read (this account has no right to it); a support bundle will lack it";
    let calm =
        |said: &[String; 2]| said.iter().all(|said| !said.contains(unwatched) && !said.contains(unread));
    let said = warned(&workstation, free);
    assert!(calm(&said), "{said:?}");

    for limit in ["watches", "instances"] {
        let said = warned(&workstation, &format!("max_inotify_{limit}=0"));
        let remedy = format!("raise fs.inotify.max_user_{limit} (sysctl) and restart the service");
        assert!(said.iter().all(|said| said.contains(unwatched) && said.contains(&remedy)), "{said:?}");
    }
    let set_mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(&workstation.outbox(), 0);
    let said = warned(&workstation, free);
    let remedy = "let the agent's account read [kathea] outbox";
    assert!(said.iter().all(|said| said.contains(unwatched) && said.contains(remedy)), "{said:?}");
    set_mode(&workstation.outbox(), 0o700);

    set_mode(&logs, 0);
    let said = warned(&workstation, free);
    let remedy = "let the agent's account read it, or correct the path";
    assert!(said.iter().all(|said| said.contains(unread) && said.contains(remedy)), "{said:?}");
    set_mode(&logs, 0o700);

    set_mode(&below, 0);
    let checks = lines(limited(&workstation, free, &["doctor", "--json"]), "warn");
    let remedy = "let the agent's account read them";
    assert!(checks.iter().any(|line| line.0 == "logs" && line.1.contains(remedy)), "{checks:?}");
    set_mode(&below, 0o700);
    let said = warned(&workstation, free);
    assert!(calm(&said), "{said:?}");
}

//! The window with the real programs: from the first yes to a delivered bundle in a browser, in both languages; attacks
//! on its port; when it ends; what the service's own program does not have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what the tests share is outside of `#[test]` functions"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::clinic::Clinic;
use crate::common::collector::{self, Collector};
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::window::{Window, header, kill, program, said, status};
use crate::common::{browser, install, peer, seeded, until};
use serde_json::{Value as Json, json};
use test_support::or_skip;
use time::format_description::well_known::Rfc3339;

/// Four exposures, a little later than what switches the history on.
fn exposures() -> String {
    let at = time::OffsetDateTime::now_utc() + Duration::from_secs(300);
    let at = at.format(&Rfc3339).unwrap();
    let line = format!(
        "{{\"event\":\"exposure.completed\",\"at\":\"{at}\",\"mode\":\"cbct\",\"patient_size\":\"small\",\"kv\":90,\"ma\":8,\
         \"beam_s\":12.5,\"dap\":325.5,\"kv_deviation\":1.2}}\n"
    );
    line.repeat(4)
}

/// A scan whose trace takes seconds to send at [`RATE`], a file that cannot be cleaned, and a program that opens files.
fn prepare(clinic: &Clinic) {
    let mut random = seeded();
    let mut trace = String::from("t_ms,x_mm,y_mm,z_mm\n");
    for at in 0..80_000 {
        let mut number = || f64::from(random.within(0, 999_999)) / 1000.0;
        let _ = writeln!(trace, "{at},{:.3},{:.3},{:.3}", number(), number(), number());
    }
    fs::write(clinic.path("scans/0004/volume.motion.csv"), trace).unwrap();
    for earlier in ["0000", "0001", "0002", "0003"] {
        let file = fs::File::options().write(true).open(clinic.path(&format!("scans/{earlier}/volume.dcm")));
        file.unwrap().set_modified(std::time::SystemTime::now() - Duration::from_secs(300)).unwrap();
    }
    // The name that takes the place of an unknown key is what this patient's number is: nothing can be cut out.
    let not_clean = r#"{"PatientID":"KEY_1","wobble":3,"encoder_errors":17}"#;
    fs::write(clinic.path("logs/encoders.json"), not_clean).unwrap();
    let opens = clinic.path("bin/xdg-open");
    fs::create_dir(clinic.path("bin")).unwrap();
    fs::write(&opens, format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", clinic.text("opened"))).unwrap();
    fs::set_permissions(&opens, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

const RATE: &str = "rate = \"192 KiB/s\"";

/// What hands need for so many keys and clicks, at 200 ms each, after `kathea-agent open` was typed.
fn hands_on(seen: &Json, what: &str) -> f64 {
    let by_hand = seen[what].as_u64().unwrap() + "kathea-agent open\n".len() as u64;
    let seconds = by_hand as f64 * 0.2;
    println!("{what}: {by_hand} keys and clicks, {seconds} s");
    seconds
}

/// All of it in Chromium, in the language `da` or `en`.
fn a_clinic_clicks(language: &str) -> Result<(), peer::Skipped> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let modules = peer::node(&root, &["playwright-core", "axe-core"])?;
    let chromium = browser::chromium()?;
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let clinic = Clinic::of(&collector, &relay.url());
    prepare(&clinic);
    clinic.workstation.configure("data_dir", &format!("language = \"{language}\"\ndata_dir"));
    clinic.workstation.configure("rate = \"1 GiB/s\"", RATE);
    let device = clinic.workstation.status()["device"].as_str().unwrap().to_owned();
    let service = clinic.workstation.serve();
    let pid = clinic.text("pid");
    fs::write(&pid, service.id().to_string()).unwrap();
    let agent = clinic.workstation.agent(&["run"]);
    let words: Vec<_> = std::iter::once(agent.get_program())
        .chain(agent.get_args())
        .map(|word| word.to_str().unwrap())
        .collect();
    let restart = format!("{} >/dev/null 2>&1 & echo $! > {pid}", words.join(" "));
    let vendor = collector::program();
    let (vendor, data) = (vendor.to_str().unwrap(), collector.data().to_str().unwrap());
    let ask = [vendor, "ask", "--data", data, "--device", &device, "--case", "CASE-9", "--reason", "error"];
    let stick = clinic.text("CASE-8.age");
    let reported = json!({
        "language": language,
        "outbox": clinic.workstation.outbox().join("one.ndjson"),
        "event": format!("{}\n", Outbox::new(seeded()).device_error()),
        "exposures": exposures(),
        "answer": [vendor, "requests", "--data", data, "--answer"],
        "ask": ask,
        "import": [vendor, "bundles", "import", "--data", data, &stick],
        "stick": stick,
        "pid": pid,
        "restart": ["sh", "-c", restart],
    });
    fs::write(clinic.path("setup.json"), reported.to_string()).unwrap();
    let window = Window::open(&clinic);
    let mut node = Command::new("node")
        .arg(root.join("tests/browser/window.mjs"))
        .arg(&window.page)
        .env("NODE_PEERS", modules)
        .env("CHROMIUM", chromium)
        .env("SETUP", clinic.path("setup.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(clinic.path("complaints")).unwrap())
        .spawn()
        .unwrap();
    let mut answered = node.stdin.take().unwrap();
    let mut seen = Json::Null;
    for line in BufReader::new(node.stdout.take().unwrap()).lines().map_while(Result::ok) {
        match line.as_str() {
            "cut" => relay.cut(&[150_000; 3]),
            "part" => relay.part(),
            "mend" => relay.mend(),
            all => seen = serde_json::from_str(all).unwrap(),
        }
        let _ = writeln!(answered, "done");
    }
    let status = node.wait().unwrap();
    drop(service);
    let again = fs::read_to_string(&pid).unwrap();
    kill(again.trim());
    assert!(status.success(), "{}", fs::read_to_string(clinic.path("complaints")).unwrap());
    for quiet in ["elsewhere", "complaints", "violations", "overflow", "unfit"] {
        assert_eq!(seen[quiet], json!([]), "{quiet}");
    }
    let say = |en: &str, da: &str| if language == "da" { da.to_owned() } else { en.to_owned() };
    assert_eq!(seen["address"], "http://127.0.0.1:PORT/#start", "the secret is gone from the address");
    assert_eq!(seen["language"], language);
    assert_eq!(
        seen["states"],
        json!([say("on", "til"), say("paused", "på pause"), say("on", "til"), say("off", "fra")])
    );
    let csv = seen["csv"].as_str().unwrap();
    assert!(csv.lines().any(|line| line.starts_with("sent;") && line.contains("device.error")), "{csv}");
    let history = seen["history"].as_str().unwrap();
    assert!(history.contains(&say("325.5", "325,5")) && history.contains("mGy·cm²"), "{history}");
    let own = seen["own"].as_str().unwrap();
    assert!(own.starts_with("\u{feff}at;exposures_cbct") && own.contains(";325,5"), "{own}");
    assert_eq!((&seen["printed_open"], &seen["printed_buttons"]), (&json!(0), &json!(0)));
    assert!(seen["files"].as_u64().unwrap() > 3);
    assert!(seen["bundle"].as_str().unwrap().contains(&say("delivered", "leveret")));
    let left_out = seen["left_out"].as_str().unwrap();
    assert!(left_out.contains("encoders.json") && !left_out.contains("KEY_1"), "{left_out}");
    assert_eq!(fs::read_to_string(clinic.path("opened")).unwrap(), clinic.text("logs/encoders.json"));
    let (sent, size) = (&seen["sent_when_killed"][0], &seen["sent_when_killed"][1]);
    println!("{sent} of {size} bytes were sent when the service was killed; {} cuts", relay.cuts());
    assert!(sent.as_u64() < size.as_u64() && relay.cuts() > 0, "it was killed in the middle");
    assert_eq!(seen["stick"], "CASE-8.age.consent");
    assert!(hands_on(&seen, "hands_case") <= 60.0 && hands_on(&seen, "hands_chart") <= 60.0);
    let asked = seen["asked_seconds"].as_f64().unwrap();
    println!("{asked} s from the vendor's request to the page");
    let check = say("Clock: is plausible", "Uret: er troværdigt");
    assert!(seen["check"].as_str().unwrap().contains(&check), "{}", seen["check"]);
    assert!(seen["asked"].as_str().unwrap().contains("CASE-9") && asked <= 60.0);
    assert!(
        !seen["receipt"].as_str().unwrap().contains("--erase"),
        "it was asked for already: {}",
        seen["receipt"]
    );
    let of_vendor = seen["answer"][1].as_str().unwrap();
    let of_vendor: Vec<Json> = of_vendor.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&seen["too_early"], &seen["answer"][0]), (&json!(0), &json!("kathea-vendor-answer.ndjson")));
    assert_eq!(
        (&of_vendor[0]["ticket"], &of_vendor[0]["device"]),
        (&seen["answer"][2], &device.as_str().into())
    );
    assert!(of_vendor.iter().any(|line| line["what"] == "record" && line["entry"] == "device.error"));
    assert_eq!(seen["storage"], json!(["", 0, 0]), "the token is in memory only");
    assert_eq!(seen["guessed"], say("This page is no longer valid", "Siden gælder ikke længere"));
    assert_eq!(seen["reloaded"], say("This page was reloaded", "Siden blev genindlæst"));
    let names = clinic.patients.iter().flat_map(|patient| [patient.family, patient.given, &patient.number]);
    let all = seen.to_string();
    assert_eq!(names.filter(|name| all.contains(name)).count(), 0, "nobody who was scanned is on a page");
    let mut cases: Vec<Json> =
        collector.lines("bundles", &[]).iter_mut().map(|bundle| bundle["case"].take()).collect();
    cases.sort_by_key(Json::to_string);
    assert_eq!(cases, ["CASE-7", "CASE-8"], "each once");
    assert!(collector.lines("requests", &[]).iter().any(|request| request["kind"] == "erase"));
    Ok(())
}

#[test]
fn a_clinic_does_all_of_it_by_clicks_in_english() {
    or_skip!(a_clinic_clicks("en"));
}

#[test]
fn a_clinic_does_all_of_it_by_clicks_in_danish() {
    or_skip!(a_clinic_clicks("da"));
}

#[test]
fn attacks_on_the_port_are_refused() {
    let clinic = Clinic::new();
    let _service = clinic.workstation.serve();
    let window = Window::open(&clinic);
    let (address, secret) = window.address();
    assert!(address.ip().is_loopback());
    let host = format!("Host: {address}");
    let origin = format!("Origin: http://{address}");
    let exchange = |secret: &str, head: &[&str]| {
        said(address, &[&["POST /api/exchange HTTP/1.1"], head].concat(), secret)
    };
    assert_eq!(status(&exchange("guessed", &[&host, &origin])), 403, "a guessed secret");
    assert_eq!(status(&exchange(&secret, &[&host])), 403, "no origin: not from the page");
    assert_eq!(status(&exchange(&secret, &[&host, "Origin: http://attacker.example"])), 403, "another page");
    assert_eq!(status(&exchange(&secret, &[&host, "Origin: null"])), 403, "a frame without an origin");
    assert_eq!(status(&exchange(&secret, &["Host: attacker.example", &origin])), 421, "DNS rebinding");
    assert!(window.page.exists(), "nothing of that used the secret");
    let opened = exchange(&secret, &[&host, &origin]);
    assert_eq!(status(&opened), 200);
    assert!(!window.page.exists(), "the file is gone with its first use");
    let token = opened.split("\r\n\r\n").nth(1).unwrap().to_owned();
    assert_eq!(status(&exchange(&secret, &[&host, &origin])), 410, "the secret a second time");

    let token = format!("x-kathea-token: {token}");
    let get = |path: &str, head: &[&str]| {
        said(address, &[&[&format!("GET {path} HTTP/1.1")[..]], head].concat(), "")
    };
    let grant = |head: &[&str]| {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let head = [&["POST /do/deny HTTP/1.1", form], head].concat();
        said(address, &head, "purpose=usage_statistics")
    };
    assert_eq!(status(&get("/page/start", &[&host, &token])), 200);
    for (what, answer) in [
        ("no token", get("/page/start", &[&host])),
        ("the secret as token", get("/page/start", &[&host, &format!("x-kathea-token: {secret}")])),
        ("a click without a token", grant(&[&host, &origin])),
        ("a click of another page", grant(&[&host, "Origin: http://attacker.example", &token])),
        ("a click without an origin", grant(&[&host, &token])),
        ("a rebound name", get("/page/start", &["Host: attacker.example:80", &token])),
        ("localhost by name", get("/", &[&format!("Host: localhost:{}", address.port())])),
        ("two hosts", get("/", &[&host, "Host: attacker.example"])),
        ("no host", get("/", &[])),
        ("another folder", get("/../../etc/passwd", &[&host])),
        (
            "a preflight",
            said(address, &["OPTIONS /do/deny HTTP/1.1", &host, "Origin: http://attacker.example"], ""),
        ),
    ] {
        assert!([400, 401, 403, 404, 421].contains(&status(&answer)), "{what}: {answer}");
        assert!(header(&answer, "access-control-allow-origin").is_none(), "{what}: no CORS");
    }
    assert_eq!(clinic.workstation.status()["consent"]["usage_statistics"], "unset", "nothing was answered");
    assert_eq!(status(&grant(&[&host, &origin, &token])), 200, "negative control: the page itself may");
    assert_eq!(clinic.workstation.status()["consent"]["usage_statistics"], "denied");

    let long = said(
        address,
        &[
            "POST /do/preview HTTP/1.1",
            "Content-Type: application/x-www-form-urlencoded",
            &host,
            &origin,
            &token,
        ],
        &format!("case=CASE-1&reason=error&contact={}", "a".repeat(1 << 20)),
    );
    assert!(status(&long) == 400 && long.contains("too long"), "a pasted megabyte: {long}");

    for path in ["/", "/script.js", "/style.css", "/page/start", "/nowhere"] {
        let answer = get(path, &[&host, &token]);
        let policy = header(&answer, "content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "script-src 'self'"]
        {
            assert!(policy.contains(part), "{path}: {part}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{path}");
        }
        assert_eq!(header(&answer, "set-cookie"), None, "{path}");
    }
    let shell = get("/", &[&host]);
    for part in ["translate=\"no\"", "spellcheck=\"false\"", "autocomplete=\"off\""] {
        assert!(shell.contains(part), "{part}");
    }
}

#[test]
fn a_hundred_tabs_cost_nobody_the_page() {
    let clinic = Clinic::new();
    let _service = clinic.workstation.serve();
    let window = Window::open(&clinic);
    let (address, secret) = window.address();
    let (host, origin) = (format!("Host: {address}"), format!("Origin: http://{address}"));
    let opened = said(address, &["POST /api/exchange HTTP/1.1", &host, &origin], &secret);
    let token = format!("x-kathea-token: {}", opened.split("\r\n\r\n").nth(1).unwrap());
    let mut tabs: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    for tab in &mut tabs {
        // Half of a request, and nothing more.
        let _ = tab.write_all(b"GET / HTTP/1.1\r\nHost: 127");
    }
    let answer = said(address, &["GET /page/start HTTP/1.1", &host, &token], "");
    assert_eq!(status(&answer), 200, "within the patience for those that say nothing");
}

#[test]
fn it_ends_when_its_page_is_gone_and_the_service_listens_on_no_port() {
    let clinic = Clinic::new();
    let service = clinic.workstation.serve();
    let mut window = Window::open(&clinic);
    let (address, secret) = window.address();
    let (host, origin) = (format!("Host: {address}"), format!("Origin: http://{address}"));
    let opened = said(address, &["POST /api/exchange HTTP/1.1", &host, &origin], &secret);
    let token = opened.split("\r\n\r\n").nth(1).unwrap();
    let mut live = TcpStream::connect(address).unwrap();
    write!(live, "GET /api/live HTTP/1.1\r\n{host}\r\nx-kathea-token: {token}\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(&live).read_line(&mut line).unwrap();
    assert!(line.contains("200"), "{line}");
    assert!(window.process.try_wait().unwrap().is_none());
    drop(live);
    until("the window ends", || window.process.try_wait().unwrap().is_some());

    // The service's sockets, by the kernel: none of TCP (proc_pid_fd(5), proc_net(5)).
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{}/fd", service.id()))
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    assert!(!inodes.is_empty(), "it has its local socket");
    let tcp = ["tcp", "tcp6", "udp", "udp6"]
        .map(|kind| fs::read_to_string(format!("/proc/net/{kind}")).unwrap_or_default());
    let open = tcp.iter().flat_map(|table| table.lines()).filter_map(|line| line.split_whitespace().nth(9));
    assert_eq!(open.filter(|inode| inodes.iter().any(|own| own == inode)).count(), 0);
}

#[test]
fn open_starts_the_window_that_lies_beside_the_program() {
    let clinic = Clinic::new();
    let beside = clinic.path("bin");
    fs::create_dir(&beside).unwrap();
    let agent = beside.join("kathea-agent");
    install(clinic.workstation.agent(&[]).get_program(), &agent);
    let run = || {
        let mut open = Command::new(&agent);
        open.arg("--config").arg(clinic.workstation.config()).args(["open", "--no-browser"]);
        open.stdin(Stdio::null()).output().unwrap()
    };
    let without = run();
    let words = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(without.status.code() == Some(1) && words.contains("kathea-window"), "{words}");
    install(program(), &beside.join("kathea-window"));
    let opened = run();
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let page = PathBuf::from(String::from_utf8(opened.stdout).unwrap().trim());
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("url=http://127.0.0.1:") && Path::is_absolute(&page));
    // Nobody opens it: the process is this test's to end.
    let secret = text.split_once("/#").unwrap().1.split('"').next().unwrap();
    let started = beside.join("kathea-window");
    let pids =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let own: Vec<String> = pids
        .filter(|pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program == started))
        .collect();
    assert_eq!(own.len(), 1);
    let line = fs::read_to_string(format!("/proc/{}/cmdline", own[0])).unwrap();
    assert!(line.contains("kathea-window") && !line.contains(secret), "the secret stands in no command line");
    kill(&own[0]);
}

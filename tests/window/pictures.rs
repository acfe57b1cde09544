//! The README's pictures, made by the programs themselves: a terminal session as SVG, the window as PNG with its words
//! beside it. Each test says the same again and compares; `UPDATE_PICTURES=1` draws anew what has changed.

use std::fs;
use std::path::PathBuf;

use crate::common::clinic::Clinic;
use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::window::Window;
use crate::common::{browser, peer, seeded};
use test_support::or_skip;

fn at(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("packaging/pictures").join(name)
}

/// Whether pictures are drawn instead of compared.
fn draws() -> bool {
    std::env::var_os("UPDATE_PICTURES").is_some()
}

/// What stays from run to run: digests, dates, times and counts are one sign each.
fn lasting(text: &str) -> String {
    const MONTHS: &[&str] =
        &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = MONTHS.iter().fold(text.to_owned(), |text, month| text.replace(&format!(" {month} "), " # "));
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-' || c == ':' || c == '.';
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !is_part(c)) {
        let body = word.trim_end_matches(|c: char| !is_part(c));
        let is_value = body.contains(|c: char| c.is_ascii_digit());
        out += if is_value { "#" } else { body };
        out += &word[body.len()..];
    }
    out
}

/// A clinic that is enrolled, and the collector that it reaches.
fn clinic() -> (Clinic, Collector) {
    let collector = Collector::start();
    (Clinic::of(&collector, &format!("https://{}", collector.address())), collector)
}

/// The name of the device for the telephone has letters that differ from run to run: one name for all.
fn unnamed(text: &str, clinic: &Clinic) -> String {
    let status = clinic.workstation.expect(0, &["status"]);
    let name = status.lines().find_map(|line| line.trim().strip_prefix("short ")).unwrap();
    text.replace(name.split_whitespace().next().unwrap(), "KATX1A")
}

/// A clinic's first minute at the terminal.
fn session() -> String {
    let (clinic, _collector) = clinic();
    let workstation = &clinic.workstation;
    let config = format!("--config {} ", workstation.config().display());
    let shown = workstation.json(&["consent", "show", "usage_statistics", "--json"]);
    let digest = shown["digest"].as_str().unwrap().get(..16).unwrap().to_owned();
    let mut text = String::new();
    for line in [
        format!("consent grant usage_statistics --by owner --yes {digest}"),
        "record device.error code=4711 subsystem=detector severity=warn repeats=1".to_owned(),
        "record device.error code=4711 subsystem=detektor severity=warn repeats=1".to_owned(),
        "run --once".to_owned(),
        "status".to_owned(),
    ] {
        let output = workstation.run(&line.split(' ').collect::<Vec<_>>());
        text += &format!("$ kathea-agent {line}\n");
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said).unwrap().replace(&config, "");
            // Log lines of `run` have a time, and are not for a clinic.
            let said = said.lines().filter(|line| !line.starts_with("INFO "));
            said.for_each(|line| text += &format!("{line}\n"));
        }
        text.push('\n');
    }
    unnamed(text.trim_end(), &clinic)
}

/// Columns of the picture; a longer line goes on below.
const COLUMNS: usize = 100;

/// The text as a picture of a terminal.
fn drawn(text: &str) -> String {
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut row = String::new();
        for word in line.split_inclusive(' ') {
            if row.chars().count() + word.trim_end().chars().count() > COLUMNS {
                rows.push(std::mem::replace(&mut row, "    ".to_owned()));
            }
            row += word;
        }
        rows.push(row);
    }
    let (width, height) = (COLUMNS * 8 + 32, rows.len() * 18 + 32);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16202c\"/>\n\
         <g font-family=\"ui-monospace,Consolas,Menlo,monospace\" font-size=\"13\" fill=\"#dfe7ef\">\n"
    );
    for (at, row) in rows.iter().enumerate() {
        // Blanks that a picture keeps: ordinary ones are joined.
        let escaped = row
            .trim_end()
            .replace(' ', "\u{a0}")
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let colour = if row.starts_with("$ ") { " fill=\"#8fd3a8\"" } else { "" };
        if !row.is_empty() {
            svg += &format!("<text x=\"16\" y=\"{}\"{colour}>{escaped}</text>\n", at * 18 + 30);
        }
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn the_terminal_session_is_what_the_program_says() {
    let svg = drawn(&session());
    let path = at("terminal.svg");
    if draws() {
        fs::write(&path, &svg).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap();
    assert!(stored.len() < 16 << 10, "{} bytes", stored.len());
    let [stored, svg] = [stored, svg].map(|text| lasting(&text.replace('\u{a0}', " ")));
    assert_eq!(stored, svg, "UPDATE_PICTURES=1 cargo test --test window pictures draws it anew");
}

/// The window's first page in Chromium, with consent given and one event delivered.
fn the_window() -> Result<(), peer::Skipped> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let modules = peer::node(&root, &["playwright-core"])?;
    let chromium = browser::chromium()?;
    let (clinic, _collector) = clinic();
    clinic.workstation.grant();
    clinic.workstation.leave("a.ndjson", format!("{}\n", Outbox::new(seeded()).device_error()));
    clinic.workstation.run(&["run", "--once"]);
    let _service = clinic.workstation.serve();
    let window = Window::open(&clinic);
    let mut command = std::process::Command::new("node");
    command.arg(root.join("tests/browser/picture.mjs")).arg(&window.page);
    if draws() {
        command.arg(at("window.png"));
    }
    let output = command.env("NODE_PEERS", modules).env("CHROMIUM", chromium).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let words = unnamed(&String::from_utf8(output.stdout).unwrap(), &clinic);
    if draws() {
        fs::write(at("window.txt"), &words).unwrap();
    }
    let stored = fs::read_to_string(at("window.txt")).unwrap();
    assert_eq!(
        lasting(&stored),
        lasting(&words),
        "UPDATE_PICTURES=1 cargo test --test window pictures draws it anew"
    );
    let size = fs::metadata(at("window.png")).unwrap().len();
    assert!((1 << 10..160 << 10).contains(&size), "{size} bytes");
    Ok(())
}

#[test]
fn the_window_shows_what_its_picture_shows() {
    or_skip!(the_window());
}

#[test]
fn values_are_no_difference_and_words_are() {
    assert_eq!(lasting("device 0f3a91c2 at 12:30, 2 waiting"), lasting("device a1b2 at 7:05, 11 waiting"));
    assert_ne!(lasting("2 waiting"), lasting("2 queued"));
}

//! Logs without any patient: how much of them survives with the table of the program that wrote them.

use std::fs;
use std::path::PathBuf;

use test_support::or_skip;
use test_support::peer;
use test_support::random::Random;

use super::site::{Kept, Site};

/// Lines of each log.
const LINES: usize = 2000;
/// Patients of the context, and how many each sidecar has.
const PATIENTS: (usize, usize) = (10_000, 1000);

/// What the program holds: formats, and names as its metadata, symbols and `__FILE__` have them.
pub(crate) const LITERALS: &[&str] = &[
    "Loading volume cache from {0}, {1} entries",
    "Mapped {0} bytes in {1} ms",
    "Heartbeat from {0} late by {1} ms (sequence {2})",
    "Command {0} timed out after {1} ms, state={2}, retry={3}/{4}",
    "The operation has timed out.",
    "Kathea {Version} on .NET {Runtime}, Windows {Os}, GPU driver {Driver}",
    "Access violation 0x{0:X8} in {1}!{2}+0x{3:x}, module version {4}",
    "device %d: compute %d.%d, %zu MiB, driver %s",
    "ramp filter cutoff=%.2f window=%s taps=%d",
    "projection %d: saturation %.1f %%, gain=%.4f offset=%d",
    "bulk read failed: %s (%d), endpoint 0x%02x, %s",
    "stage %s aborted: %s",
    "missing projections [%d..%d]",
    "axis=%s pos=%.4f deg vel=%.3f deg/s enc_err=%u",
    "CAN node 0x%02x emcy code=0x%04x reg=0x%02x (%s)",
    "rail 24V=%.2f 48V=%.2f 12V=%.2f temp=%.1fC",
    "GigE packet resend req=%u lost=%u mtu=%u link=%u/%s",
    "watchdog: reset reason=%s vcc=%.2f",
    "opened %s in viewer",
    "patient: %s loaded",
    "user='%s' logged in",
    "Kathea.Imaging.VolumeLoader",
    "Kathea.Devices.X1.Link",
    "Kathea.Devices.X1.Scanner",
    "Kathea.App",
    "Kathea.Native",
    "SendAsync",
    "ArmAsync",
    "Command",
    "TimeSpan",
    "TimeoutException",
    "System.TimeoutException",
    "SetCollimator",
    "StartExposure",
    "MoveGantry",
    "Arming",
    "Armed",
    "Exposing",
    "Faulted",
    "gpu.cpp",
    "fdk.cpp",
    "libusb_io.cpp",
    "pipeline.cpp",
    "recon",
    "std::runtime_error",
    "LIBUSB_ERROR_TIMEOUT",
    "LIBUSB_ERROR_PIPE",
    "libusb",
    "x1sdk.dll",
    "x1_recon_step",
    "x1_load_frame",
    "hamming",
    "cosine",
    "blackman",
    "theta",
    "psi",
    "heartbeat",
    "overcurrent",
    "brownout",
    "watchdog",
    "full",
    "half",
    "kernel",
];

/// A line: its text behind the time, and what of it support cannot do without.
struct Line {
    text: String,
    must: Vec<String>,
}

fn line(text: String, must: &[&str]) -> Line {
    for word in must {
        assert!(text.contains(word), "{word} in {text}");
    }
    Line { text, must: must.iter().map(|word| (*word).to_owned()).collect() }
}

fn dotnet(random: &mut Random, root: &str) -> Line {
    let (a, b) = (random.within(1, 900), random.within(1, 4000));
    match random.below(7) {
        0 => {
            let text = format!(
                "[12] INFO  Kathea.Imaging.VolumeLoader - Loading volume cache from {root}/cache/v4, {a} entries"
            );
            line(text, &["Kathea.Imaging.VolumeLoader", "/cache/v4"])
        }
        1 => line(
            format!("[12] DEBUG Kathea.Imaging.VolumeLoader - Mapped {}{b} bytes in {a} ms", 4026 + a),
            &["Kathea.Imaging.VolumeLoader"],
        ),
        2 => {
            let address = format!("10.2.1.{}:5021", a % 250);
            let text = format!(
                "[7] WARN  Kathea.Devices.X1.Link - Heartbeat from {address} late by {a} ms (sequence {}{b})",
                a % 9 + 1
            );
            line(text, &["Kathea.Devices.X1.Link", &address])
        }
        3 => {
            let (command, state) = (
                random.one(&["SetCollimator", "StartExposure", "MoveGantry"]),
                random.one(&["Arming", "Armed", "Faulted"]),
            );
            let (state, retry) = (format!("state={state}"), format!("retry={}/5", a % 5));
            let text = format!(
                "[7] ERROR Kathea.Devices.X1.Link - Command {command} timed out after {b} ms, {state}, {retry}"
            );
            line(text, &["Kathea.Devices.X1.Link", &state, &retry])
        }
        4 => {
            let at = format!("Link.cs:line {a}");
            let frame = "Kathea.Devices.X1.Link.SendAsync(Command command, TimeSpan timeout)";
            line(format!("[7] ERROR    at {frame} in {at}"), &[&at, frame])
        }
        5 => {
            let version = format!("3.14.{}.20{}", a % 9, 100 + b % 800);
            let text = format!(
                "[3] INFO  Kathea.App - Kathea {version} on .NET 8.0.11, Windows 10.0.19045, GPU driver 31.0.15.3742"
            );
            line(text, &["Kathea.App", &version, "8.0.11", "10.0.19045", "31.0.15.3742"])
        }
        _ => {
            let (code, offset) =
                (format!("0xC00000{:02X}", a % 256), format!("x1sdk.dll!x1_recon_step+0x{b:x}"));
            let text = format!(
                "[3] FATAL Kathea.Native - Access violation {code} in {offset}, module version 2.8.1.77"
            );
            line(text, &["Kathea.Native", &code, &offset, "2.8.1.77"])
        }
    }
}

fn native(random: &mut Random) -> Line {
    let (a, b) = (random.within(1, 900), random.within(1, 9));
    match random.below(5) {
        0 => {
            let text =
                format!("[recon] [info] [gpu.cpp:{a}] device {b}: compute 8.{b}, 8192 MiB, driver 550.54.14");
            line(text, &["[gpu.cpp:", "550.54.14"])
        }
        1 => {
            let (at, taps) = (format!("fdk.cpp:{a}"), format!("taps={}", a + 1000));
            let window = format!("window={}", random.one(&["hamming", "cosine", "blackman"]));
            line(
                format!("[recon] [debug] [{at}] ramp filter cutoff=0.{b} {window} {taps}"),
                &[&at, &window, &taps],
            )
        }
        2 => {
            let (at, gain) = (format!("fdk.cpp:{a}"), format!("gain=1.0{a}"));
            let text =
                format!("[recon] [warning] [{at}] projection {a}: saturation {b}.1 %, {gain} offset=-{b}");
            line(text, &[&at, &gain])
        }
        3 => {
            let endpoint = format!("0x8{b}");
            let text = format!(
                "[usb] [error] [libusb_io.cpp:{a}] bulk read failed: LIBUSB_ERROR_TIMEOUT (-7), endpoint {endpoint}, libusb-1.0.26.11724"
            );
            line(text, &["LIBUSB_ERROR_TIMEOUT", &endpoint, "libusb-1.0.26.11724"])
        }
        _ => {
            let text = format!(
                "[recon] [critical] [pipeline.cpp:{a}] stage fdk aborted: std::runtime_error: missing projections [{a}..{}]",
                a + b
            );
            line(text, &["pipeline.cpp:", "std::runtime_error"])
        }
    }
}

fn firmware(random: &mut Random) -> Line {
    let (a, b) = (random.within(10, 99), random.within(1, 9));
    match random.below(5) {
        0 => {
            let (pos, axis) = (format!("pos=130.2{a}1"), format!("axis={}", random.one(&["theta", "psi"])));
            line(
                format!("x1 kernel: {axis} {pos} deg vel=24.000 deg/s enc_err={b}"),
                &[&pos, &axis, "vel=24.000"],
            )
        }
        1 => {
            let (node, code) = (format!("node 0x{b:02x}"), format!("code=0x81{a}"));
            line(format!("x1 kernel: CAN {node} emcy {code} reg=0x{a} (heartbeat)"), &[&node, &code])
        }
        2 => {
            let rail = format!("24V=23.{a} 48V=47.{a} 12V=12.0{b}");
            line(format!("x1 kernel: rail {rail} temp=4{b}.2C"), &[&rail])
        }
        3 => {
            let link = format!("req=1{a} lost={b} mtu=82{a} link=1000/full");
            line(format!("x1 kernel: GigE packet resend {link}"), &[&link])
        }
        _ => line(
            format!("x1 kernel: watchdog: reset reason=brownout vcc=4.{a}"),
            &["reason=brownout", "vcc=4."],
        ),
    }
}

/// Sidecars that name invented patients.
pub(crate) fn contexts(site: &Site, random: &mut Random) -> Vec<PathBuf> {
    let syllables = ["vel", "tor", "mik", "san", "dru", "bex", "hol", "fen", "gry", "lund", "ket", "pra"];
    let mut name = |random: &mut Random| (0..3).map(|_| random.one(&syllables)).collect::<String>();
    (0..PATIENTS.0 / PATIENTS.1)
        .map(|number| {
            let patient = |random: &mut Random, name: &mut dyn FnMut(&mut Random) -> String| {
                let birth = format!(
                    "19{}{:02}{:02}",
                    random.within(30, 99),
                    random.within(1, 12),
                    random.within(1, 28)
                );
                format!(
                    r#"{{"PatientName":"{}^{}","PatientID":"{}","PatientBirthDate":"{birth}"}}"#,
                    name(random),
                    name(random),
                    random.within(10_000_000, 99_999_999)
                )
            };
            let all: Vec<String> = (0..PATIENTS.1).map(|_| patient(random, &mut name)).collect();
            let path = site.path().join(format!("context-{number}.json"));
            fs::write(&path, format!("[{}]", all.join(","))).unwrap();
            path
        })
        .collect()
}

#[test]
fn logs_without_patients_keep_their_words() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(LITERALS));
    site.run(&["provenance", "build"]);
    let mut random = Random::seeded();
    let root = site.folder().to_str().unwrap().to_owned();
    let contexts = contexts(&site, &mut random);
    for (context, least) in [(Vec::new(), 97.0), (contexts, 95.0)] {
        for kind in ["dotnet", "native", "firmware"] {
            let lines: Vec<Line> = (0..LINES)
                .map(|_| match kind {
                    "dotnet" => dotnet(&mut random, &root),
                    "native" => native(&mut random),
                    _ => firmware(&mut random),
                })
                .collect();
            let log: String =
                lines.iter().map(|line| format!("2026-11-21 08:00:13.044 {}\n", line.text)).collect();
            let cleaned = site.cleaned(&log, &context);
            assert_eq!(cleaned.lines().count(), LINES);
            let (mut counted, mut musts, mut had) = (Kept::default(), 0, 0);
            for (line, left) in lines.iter().zip(cleaned.lines()) {
                counted.line(&line.text, left);
                musts += line.must.len();
                had += line.must.iter().filter(|word| left.contains(word.as_str())).count();
            }
            let (words, of_musts) = (counted.words, had as f64 * 100.0 / musts as f64);
            println!(
                "{kind}, {} sidecars: {:.2} % of {words} words, {of_musts:.2} % of {musts} frames, versions, codes, values",
                context.len(),
                counted.share(),
            );
            assert!(
                counted.share() >= least,
                "{kind}: {} of {words}; lost {:#?}",
                counted.kept,
                counted.lost
            );
            assert!(of_musts >= 99.0, "{kind}: {had} of {musts}; lost {:#?}", counted.lost);
        }
    }
}

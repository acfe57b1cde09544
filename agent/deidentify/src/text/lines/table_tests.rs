//! Logs of a program whose literals are known.

use std::sync::Arc;

use provenance::{Builder, Entry, Table};
use zeroize::Zeroizing;

use super::*;
use crate::identifiers::Learning;

/// What three programs hold: literals as a compiler leaves them, and names of types and members.
const LITERALS: &[&str] = &[
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
    "user='%s' logged in",
    "patient: %s loaded",
    "theta hann fdk recon usb gpu.cpp fdk.cpp libusb_io.cpp pipeline.cpp heartbeat brownout full kernel det psu mc",
    "LIBUSB_ERROR_TIMEOUT",
    "x1_recon_step",
    "x1sdk",
    "libusb",
];
const NAMES: &str = "Kathea Imaging VolumeLoader Devices X1 Link SendAsync Command command TimeSpan timeout Scanner ArmAsync App \
                     Native SetCollimator Arming System TimeoutException build kathea";

fn table() -> Table {
    let mut builder = Builder::default();
    LITERALS.iter().for_each(|literal| builder.add(Entry::Literal(literal)));
    NAMES.split_whitespace().for_each(|name| builder.add(Entry::Word(name)));
    builder.add(Entry::Folder("C:\\Program Files\\Kathea"));
    builder.table()
}

fn cleaned(log: &str, learn: impl FnOnce(&mut Learning)) -> String {
    let mut learning = Learning::default();
    learn(&mut learning);
    let identifiers = learning.finish().unwrap();
    let case = Case::new(Zeroizing::new([7; 32])).with_table(Some(Arc::new(table())));
    let mut out = Vec::new();
    clean(log.as_bytes(), &mut out, &case, &identifiers).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn logs_of_the_program_stay_whole() {
    let log = "2026-11-21 08:00:13,044 [12] INFO  Kathea.Imaging.VolumeLoader - Loading volume cache from \
               C:\\Program Files\\Kathea\\cache\\v4, 812 entries
2026-11-21 08:00:14,120 [12] DEBUG Kathea.Imaging.VolumeLoader - Mapped 402653184 bytes in 118 ms
2026-11-21 08:01:02,771 [7] WARN  Kathea.Devices.X1.Link - Heartbeat from 10.2.1.40:5021 late by 312 ms (sequence 48812)
2026-11-21 08:01:03,002 [7] ERROR Kathea.Devices.X1.Link - Command SetCollimator timed out after 5000 ms, state=Arming, retry=2/5
System.TimeoutException: The operation has timed out.
   at Kathea.Devices.X1.Link.SendAsync(Command command, TimeSpan timeout) in /Link.cs:line 214
   at Kathea.Devices.X1.Scanner.ArmAsync() in /Scanner.cs:line 97
2026-11-21 08:02:10,540 [3] INFO  Kathea.App - Kathea 3.14.0.20118 on .NET 8.0.11, Windows 10.0.19045, GPU driver 31.0.15.3742
2026-11-21 08:02:11,001 [3] FATAL Kathea.Native - Access violation 0xC0000005 in x1sdk.dll!x1_recon_step+0x4f2, module version 2.8.1.77
[2026-11-21 08:10:00.001] [recon] [info] [gpu.cpp:188] device 0: compute 8.6, 8192 MiB, driver 550.54.14
[2026-11-21 08:10:04.220] [recon] [warning] [fdk.cpp:511] projection 212: saturation 3.1 %, gain=1.0312 offset=-12
[2026-11-21 08:10:09.771] [usb] [error] [libusb_io.cpp:77] bulk read failed: LIBUSB_ERROR_TIMEOUT (-7), endpoint 0x82, libusb-1.0.26.11724
[2026-11-21 08:10:09.772] [recon] [critical] [pipeline.cpp:64] stage fdk aborted: std::runtime_error: missing projections [212..215]
2026-11-21 08:00:14 x1 psu[97]: rail 24V=23.81 48V=47.92 12V=12.04 temp=41.2C
2026-11-21 08:00:15 x1 det[201]: GigE packet resend req=118 lost=0 mtu=8228 link=1000/full
2026-11-21 08:00:19 x1 kernel: watchdog: reset reason=brownout vcc=4.61";
    let moved = "2025-07-19";
    for (line, cleaned) in log.lines().zip(cleaned(log, |_| {}).lines()) {
        let wanted = line.replace("2026-11-21", moved).replace(" /", " [path]/");
        assert_eq!(cleaned, wanted);
    }
}

#[test]
fn a_slot_keeps_no_name_and_takes_no_neighbour_along() {
    for (line, wanted) in [
        ("opened Per Strand in viewer", "opened [text] in viewer"),
        ("opened PER STRAND in viewer", "opened [text] in viewer"),
        ("opened Link Hansen in viewer", "opened Link [removed] in viewer"),
        ("user='Else Bang' logged in", "user='[removed] ' logged in"),
        ("patient: detector bang loaded", "patient: [removed] loaded"),
        ("entry 12.3-80 selected", "entry [text] selected"),
        ("val 110784 23456 accepted", "[text] [number] accepted"),
        ("journal 59311 open", "journal [text] open"),
        ("Hansen Scanner", "[text] Scanner"),
        ("build=KPMNT32 lost", "build=[text] lost"),
        ("device: BANG-KLINIK-2 lost", "device: [text]-[removed] lost"),
        ("serial=KPMNT32 state=Arming", "serial=KPMNT32 state=Arming"),
    ] {
        assert_eq!(cleaned(line, |_| {}), wanted, "{line}");
    }
}

#[test]
fn what_was_learned_goes_from_a_literal_too() {
    let learned = |learning: &mut Learning| {
        learning.learn(crate::identifiers::Kind::Name, "Heartbeat^Ebba");
        learning.learn(crate::identifiers::Kind::Id, "5021412");
    };
    let cleaned = cleaned("Heartbeat from Ebba late by 312 ms (sequence 5021412)\n", learned);
    assert!(
        !cleaned.contains("Ebba") && !cleaned.contains("5021412") && cleaned.contains("312 ms"),
        "{cleaned}"
    );
}

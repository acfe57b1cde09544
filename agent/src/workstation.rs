//! Device information: what the agent observes of the workstation, as events of the catalog.
//!
//! The lines pass the same gate as Kathea's, so nothing can be said here that the catalog does not list.

use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;
use protocol::Digest;
use ring::rand::SecureRandom;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{durable, presence};

const SYSTEM: &str = if cfg!(windows) { r"C:\" } else { "/" };

/// A line, as Kathea would write it.
#[derive(Serialize)]
#[serde(tag = "event")]
enum Line<'a> {
    #[serde(rename = "agent.health")]
    Health { at: &'a str, measure: &'a str, count: u64 },
    #[serde(rename = "host.resources")]
    Resources {
        at: &'a str,
        volume: &'a str,
        free_gib: u64,
        smart: &'a str,
        ram_gib: u64,
        ram_peak: u64,
        gpu_memory_peak: u64,
    },
    #[serde(rename = "software.inventory")]
    Inventory { at: &'a str, component: &'a str, version: &'a str, last_update: &'a str },
}

impl Line<'_> {
    fn to_bytes(&self) -> Vec<u8> {
        // Texts and numbers under names of ours: that cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The lines for now: the space of the volumes `system` and `scans`, the memory, the versions of the operating
/// system and of this agent. What the system does not tell is left out.
pub fn events(scans: Option<&Path>, now: OffsetDateTime) -> Vec<Vec<u8>> {
    let at = now.format(&Rfc3339).unwrap_or_default();
    let resources = system::memory().into_iter().flat_map(|memory| {
        let volume = |name, path| free_space(path).map(|free| resources(&at, name, free >> 30, memory));
        [volume("system", Path::new(SYSTEM)), scans.and_then(|scans| volume("scans", scans))]
    });
    let inventory = [("os_build", system::build()), ("agent", Some(env!("CARGO_PKG_VERSION").to_owned()))]
        .map(|(component, version)| version.map(|version| inventory(&at, component, &version)));
    resources.chain(inventory).flatten().collect()
}

/// What the agent counted about itself, as lines for now.
pub fn health(counted: &[(String, u64)], now: OffsetDateTime) -> Vec<Vec<u8>> {
    let at = now.format(&Rfc3339).unwrap_or_default();
    let line = |(measure, count): &(String, u64)| {
        Line::Health { at: &at, measure, count: (*count).min(HEALTH_MOST) }.to_bytes()
    };
    counted.iter().map(line).collect()
}

/// The catalog's end for one count.
const HEALTH_MOST: u64 = 1_000_000;

/// Whole seconds that this process used of the processor, where the system tells.
pub fn processor_seconds() -> Option<u64> {
    system::processor_seconds()
}

/// Notes at the first start which computer this is, as a salted hash that never leaves; true if the data is of another.
pub fn note_machine(data_dir: &Path, random: &dyn SecureRandom) -> io::Result<bool> {
    match (noted(data_dir)?, system::machine()) {
        (Some((salt, hash)), Some(id)) => return Ok(hash != digest(&salt, &id)),
        (Some(_), None) => return Ok(false),
        (None, _) => {}
    }
    let mut salt = [0; 16];
    if let (Some(id), Ok(())) = (system::machine(), random.fill(&mut salt)) {
        let salt = HEXLOWER.encode(&salt);
        durable::replace(&data_dir.join(MACHINE), format!("{salt} {}\n", digest(&salt, &id)).as_bytes())?;
    }
    Ok(false)
}

/// Whether the data was made on this computer; none where nobody knows.
///
/// # Errors
/// It cannot be read now.
pub fn is_of_this_machine(data_dir: &Path) -> io::Result<Option<bool>> {
    let noted = noted(data_dir)?.zip(system::machine());
    Ok(noted.map(|((salt, hash), id)| hash == digest(&salt, &id)))
}

/// Salt and hash of the computer that the data was made on; none if none was noted, or the note is damaged.
fn noted(data_dir: &Path) -> io::Result<Option<(String, String)>> {
    let text = presence::read_text(&data_dir.join(MACHINE))?.found().flatten();
    Ok(text
        .filter(|text| text.len() <= NOTE)
        .and_then(|text| text.trim().split_once(' ').map(|(salt, hash)| (salt.to_owned(), hash.to_owned()))))
}

fn digest(salt: &str, id: &str) -> String {
    Digest::of(format!("{salt} {}", id.trim()).as_bytes()).to_string()
}

/// Bytes of the note, at most: salt and hash are 96 hexadecimal digits.
const NOTE: usize = 256;

/// Name of the file below `data_dir` that notes the computer.
pub(crate) const MACHINE: &str = "machine";

/// Bytes that are free for this account on the volume of `path`, where the system tells.
pub fn free_space(path: &Path) -> Option<u64> {
    system::free_space(path)
}

/// Main memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    gib: u64,
    used_percent: u64,
}

/// Zero percent of the GPU's memory means that nobody measured it.
fn resources(at: &str, volume: &str, free_gib: u64, memory: Memory) -> Vec<u8> {
    let (ram_gib, ram_peak) = (memory.gib, memory.used_percent);
    Line::Resources { at, volume, free_gib, smart: "unknown", ram_gib, ram_peak, gpu_memory_peak: 0 }
        .to_bytes()
}

fn inventory(at: &str, component: &str, version: &str) -> Vec<u8> {
    Line::Inventory { at, component, version, last_update: "ok" }.to_bytes()
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::path::Path;

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::statvfs::statvfs;
    use nix::sys::utsname::uname;

    use super::Memory;

    pub(super) fn free_space(path: &Path) -> Option<u64> {
        let volume = statvfs(path).ok()?;
        Some(volume.blocks_available().saturating_mul(volume.fragment_size()))
    }

    pub(super) fn memory() -> Option<Memory> {
        super::parse_meminfo(&fs::read_to_string("/proc/meminfo").ok()?)
    }

    pub(super) fn processor_seconds() -> Option<u64> {
        let used = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        u64::try_from((used.user_time() + used.system_time()).tv_sec()).ok()
    }

    pub(super) fn machine() -> Option<String> {
        fs::read_to_string("/etc/machine-id").ok().filter(|id| !id.trim().is_empty())
    }

    pub(super) fn build() -> Option<String> {
        super::version_of(uname().ok()?.release().to_str()?)
    }
}

#[cfg(windows)]
mod system {
    use std::path::Path;

    use winsafe::co::RRF;
    use winsafe::{FILETIME, GetDiskFreeSpaceEx, GlobalMemoryStatusEx, HKEY, HPROCESS, RegistryValue};

    use super::Memory;

    pub(super) fn free_space(path: &Path) -> Option<u64> {
        let mut free = 0;
        GetDiskFreeSpaceEx(path.to_str(), Some(&mut free), None, None).ok()?;
        Some(free)
    }

    pub(super) fn memory() -> Option<Memory> {
        let status = GlobalMemoryStatusEx().ok()?;
        let gib = status.ullTotalPhys.div_ceil(1 << 30).clamp(4, 512);
        Some(Memory { gib, used_percent: u64::from(status.dwMemoryLoad) })
    }

    /// Windows counts steps of 100 ns.
    pub(super) fn processor_seconds() -> Option<u64> {
        let (_, _, kernel, user) = HPROCESS::GetCurrentProcess().GetProcessTimes().ok()?;
        let steps = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        Some((steps(kernel) + steps(user)) / 10_000_000)
    }

    pub(super) fn machine() -> Option<String> {
        const CRYPTOGRAPHY: &str = r"SOFTWARE\Microsoft\Cryptography";
        let found =
            HKEY::LOCAL_MACHINE.RegGetValue(Some(CRYPTOGRAPHY), Some("MachineGuid"), RRF::RT_ANY).ok()?;
        let RegistryValue::Sz(id) = found else { return None };
        Some(id)
    }

    /// Version, build and update: the interfaces that were meant for this tell a program what it was made for.
    pub(super) fn build() -> Option<String> {
        const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        let number =
            |name| match HKEY::LOCAL_MACHINE.RegGetValue(Some(VERSION), Some(name), RRF::RT_ANY).ok()? {
                RegistryValue::Dword(number) => Some(number.to_string()),
                RegistryValue::Sz(text) => Some(text),
                _ => None,
            };
        let major = number("CurrentMajorVersionNumber").unwrap_or_else(|| "10".into());
        let minor = number("CurrentMinorVersionNumber").unwrap_or_else(|| "0".into());
        let update = number("UBR").unwrap_or_else(|| "0".into());
        super::version_of(&format!("{major}.{minor}.{}.{update}", number("CurrentBuildNumber")?))
    }
}

/// `MemTotal` is what the kernel left of the memory that is built in, so it is rounded up. The catalog's range
/// is 4 to 512 GiB; a value outside is reported as the nearest end of the range.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn parse_meminfo(text: &str) -> Option<Memory> {
    let kib = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let (total, available) = (kib("MemTotal")?, kib("MemAvailable")?);
    let used = total.saturating_sub(available).saturating_mul(100).checked_div(total)?;
    Some(Memory { gib: total.div_ceil(1 << 20).clamp(4, 512), used_percent: used })
}

/// `6.12.48-generic` is 6.12.48: numbers only, at most four, each of 16 bits.
fn version_of(release: &str) -> Option<String> {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    let fields: Vec<u16> =
        release.get(..end)?.split('.').take(4).map_while(|field| field.parse().ok()).collect();
    let text = fields.iter().map(u16::to_string).collect::<Vec<_>>().join(".");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use protocol::{Catalog, Reason};
    use serde_json::Value;

    use std::fs;

    use super::*;

    #[test]
    fn every_line_is_one_of_the_catalog() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let memory = Memory { gib: 16, used_percent: 41 };
        let mut lines = events(Some(Path::new("/")), now);
        assert!(!lines.is_empty());
        lines.push(resources("1970-01-01T00:00:00Z", "scans", 1234, memory));
        let reasons = Reason::ALL.iter().map(|reason| format!("dropped_{reason}"));
        let measures =
            ["upload_ok", "upload_retry", "upload_refused", "recovered", "cpu_s"].map(String::from);
        let counted = reasons.chain(measures).map(|measure| (measure, u64::MAX)).collect::<Vec<_>>();
        lines.extend(health(&counted, now));
        for line in lines {
            let Value::Object(line) = serde_json::from_slice(&line).unwrap() else { panic!("an object") };
            let event_type = Catalog::built_in().event_type(line["event"].as_str().unwrap()).unwrap();
            assert_eq!(line["at"], "1970-01-01T00:00:00Z");
            assert_eq!(line.len(), 2 + event_type.attributes.len());
            for attribute in &event_type.attributes {
                let kept = match &line[&attribute.name] {
                    Value::Number(number) => attribute.kind.check_number(number.as_u64().unwrap()),
                    Value::String(text) => attribute.kind.check_text(text),
                    other => panic!("{other}"),
                };
                assert!(kept.is_ok(), "{}: {kept:?}", attribute.name);
            }
        }
    }

    #[test]
    fn a_copy_of_the_data_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let random = ring::rand::SystemRandom::new();
        assert_eq!(is_of_this_machine(dir.path()).unwrap(), None);
        assert!(!note_machine(dir.path(), &random).unwrap() && !note_machine(dir.path(), &random).unwrap());
        fs::write(dir.path().join(MACHINE), format!("00 {}\n", digest("00", "another computer"))).unwrap();
        let known = system::machine().is_some();
        assert_eq!(is_of_this_machine(dir.path()).unwrap(), known.then_some(false));
        assert_eq!(note_machine(dir.path(), &random).unwrap(), known);
    }

    #[test]
    fn memory_is_rounded_to_what_is_built_in() {
        let text = "MemTotal:       16252928 kB\nMemFree: 1 kB\nMemAvailable:    8126464 kB\n";
        assert_eq!(parse_meminfo(text), Some(Memory { gib: 16, used_percent: 50 }));
        assert_eq!(parse_meminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), None);
        assert_eq!(parse_meminfo("MemTotal: lots\n"), None);
    }

    #[test]
    fn a_release_is_cut_to_its_numbers() {
        let version = |release| version_of(release).unwrap_or_default();
        assert_eq!(version("6.12.48-1-generic"), "6.12.48");
        assert_eq!(version("10.0.19045.5131.7"), "10.0.19045.5131");
        assert_eq!(version("6.99999.1"), "6");
        assert_eq!(version("rolling"), "");
    }
}

//! The debug log of a program that is not ours, with its own binaries as the table: DCMTK's storage and echo over loopback.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use test_support::peer::{self, Skipped};
use test_support::{or_skip, random::Random};

use super::installed;
use super::logs::contexts;
use super::site::{Kept, Site};

const PROGRAMS: &[&str] = &["storescp", "storescu", "echoscu", "dcmdump", "dcmconv", "findscu"];
/// A data set with an invented patient.
const DATA_SET: &str = "(0008,0016) UI =CTImageStorage\n\
                        (0008,0018) UI [1.2.276.0.7230010.3.1.4.1]\n\
                        (0008,0060) CS [CT]\n\
                        (0010,0010) PN [Zorvik^Anneli]\n\
                        (0010,0020) LO [48151623]\n\
                        (0010,0030) DA [19620917]\n\
                        (0020,000d) UI [1.2.276.0.7230010.3.1.2.1]\n\
                        (0020,000e) UI [1.2.276.0.7230010.3.1.3.1]\n";

/// Ends the receiver.
struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Copies the programs, and their own libraries, to where a program is installed.
fn install(site: &Site) -> Result<(), Skipped> {
    let found = |name: &&str| Path::new("/usr/bin").join(name).exists();
    peer::need(PROGRAMS.iter().chain(&["dump2dcm"]).all(found), "DCMTK is not there: install dcmtk")?;
    for name in PROGRAMS {
        let program = Path::new("/usr/bin").join(name);
        let libraries = Command::new("ldd").arg(&program).output().unwrap();
        let libraries = String::from_utf8(libraries.stdout).unwrap();
        let own = libraries.split_whitespace().filter(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            path.starts_with('/')
                && ["libdcm", "libofstd", "liboflog"].iter().any(|own| name.starts_with(own))
        });
        for file in own.map(Path::new).chain([program.as_path()]) {
            let to = site.folder().join(file.file_name().unwrap());
            fs::copy(file, &to).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    installed::list(&site.folder());
    Ok(())
}

/// What the programs say while one stores a scan at the other.
fn debug_log(folder: &Path) -> String {
    let said = |words: &[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).current_dir(folder).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    fs::write(folder.join("scan.dump"), DATA_SET).unwrap();
    assert!(said(&["dump2dcm", "-q", "scan.dump", "scan.dcm"]).0);
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let output = fs::File::create(folder.join("receiver.log")).unwrap();
    let mut receiver = Command::new("storescp");
    let receiver = receiver.args(["-d", "--ignore", &port]).current_dir(folder).stdin(Stdio::null());
    let mut receiver = Receiver(receiver.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap());
    // It says nothing when it listens: an echo that is answered tells.
    let mut log = loop {
        let (is_answered, text) = said(&["echoscu", "-d", "127.0.0.1", &port]);
        if is_answered {
            break text;
        }
        assert!(receiver.0.try_wait().unwrap().is_none(), "storescp ended");
    };
    let stored = said(&["storescu", "-d", "127.0.0.1", &port, "scan.dcm"]);
    assert!(stored.0, "{}", stored.1);
    log += &stored.1;
    log += &said(&["findscu", "-d", "-S", "-k", "QueryRetrieveLevel=STUDY", "127.0.0.1", &port]).1;
    log += &said(&["dcmconv", "-d", "scan.dcm", "again.dcm"]).1;
    log += &said(&["dcmdump", "-d", "scan.dcm"]).1;
    drop(receiver);
    log + &fs::read_to_string(folder.join("receiver.log")).unwrap()
}

/// Bytes of the network, and elements of a data set: content, and no words of the program.
fn is_content(line: &str) -> bool {
    let octets = line.trim_start_matches("D:");
    let is_octet = |word: &str| word.len() == 2 && u8::from_str_radix(word, 16).is_ok();
    line.starts_with('(') || octets.len() < line.len() && octets.split_whitespace().all(is_octet)
}

#[test]
fn the_debug_log_of_another_program_keeps_its_words_and_loses_its_patient() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(&["a program beside the other"]));
    or_skip!(install(&site));
    site.run(&["provenance", "build"]);
    let log = debug_log(site.path());
    let mut random = Random::seeded();
    for (context, least) in [(Vec::new(), 97.0), (contexts(&site, &mut random), 95.0)] {
        let cleaned = site.cleaned(&log, &context);
        assert_eq!(cleaned.lines().count(), log.lines().count());
        let mut counted = Kept::default();
        for (line, left) in log.lines().zip(cleaned.lines()).filter(|(line, _)| !is_content(line)) {
            counted.line(line, left);
        }
        let (share, words) = (counted.share(), counted.words);
        println!(
            "DCMTK, {} lines, {} sidecars: {share:.2} % of {words} words",
            log.lines().count(),
            context.len()
        );
        assert!(share >= least, "{} of {words}; lost {:#?}", counted.kept, counted.lost);
        // `41 4e 59` is a name as well as `ANY`.
        for planted in ["Zorvik", "Anneli", "48151623", "19620917", "41  4e  59  2d"] {
            assert!(log.contains(planted) && !cleaned.contains(planted), "{planted}");
        }
        assert!(
            cleaned.contains("Our Implementation Class UID:      1.2.276.0.7230010.3.0.3.6.7"),
            "{cleaned}"
        );
    }
}

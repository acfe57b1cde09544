//! A release: whole or absent, the same bytes twice, and signed so that a clinic's own tools find what was changed.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::{collector, peer};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// The vendor's folder: programs, pages, and a key that has no password and signs nothing else.
struct Vendor {
    dir: TempDir,
}

impl Vendor {
    fn new() -> Self {
        let vendor = Self { dir: tempfile::tempdir().unwrap() };
        // What is in a program is looked at by the checks of each package; here they only say their version.
        for name in ["kathea-agent", "kathea-window", "kathea-sandbox", "kathea-collector", "kathea-case"] {
            vendor.compile(name, VERSION);
        }
        fs::create_dir(vendor.at("windows")).unwrap();
        for name in ["kathea-agent.exe", "kathea-window.exe"] {
            fs::write(vendor.at("windows").join(name), name).unwrap();
        }
        let pages = collector::program().with_file_name("pages");
        assert!(Command::new(pages).arg(vendor.at("pages")).status().unwrap().success());
        for key in ["kathea", "other"] {
            let names = [format!("{key}.pub"), format!("{key}.key")];
            let mut made = Command::new("minisign");
            made.current_dir(vendor.dir.path()).args(["-G", "-W", "-p", &names[0], "-s", &names[1]]);
            assert!(made.output().unwrap().status.success());
        }
        vendor
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn compile(&self, name: &str, version: &str) {
        let code = self.at("program.c");
        let text =
            format!("#include <stdio.h>\nint main(void) {{ puts(\"{name} {version}\"); return 0; }}\n");
        fs::write(&code, text).unwrap();
        fs::create_dir_all(self.at("programs")).unwrap();
        let compiled = Command::new("cc").arg("-o").arg(self.at("programs").join(name)).arg(code).status();
        assert!(compiled.unwrap().success());
    }

    fn release(&self, out: &str, more: &[&str]) -> Output {
        self.command(out, more).output().unwrap()
    }

    fn command(&self, out: &str, more: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/release");
        let mut command = Command::new(script);
        command.current_dir(self.dir.path()).env("SOURCE_DATE_EPOCH", "1700000000");
        command
            .args(["--programs", "programs", "--pages", "pages", "--key", "kathea.key"])
            .args(more)
            .arg(out);
        command
    }

    fn is_refused(&self, more: &[&str], why: &str) {
        let output = self.release("refused", more);
        assert!(!output.status.success() && said(&output).contains(why), "{more:?}: {}", said(&output));
        assert!(!self.at("refused").exists() && !self.at("refused.part").exists(), "{more:?}");
    }
}

/// A clinic's commands, as `packaging/README.md` has them: whether all of them say yes, and what they say.
fn checked(folder: &Path, commands: &str) -> (bool, String) {
    let output = Command::new("bash").args(["-ec", commands]).current_dir(folder).output().unwrap();
    (output.status.success(), said(&output))
}

/// The block of commands of the page.
fn page() -> String {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/README.md");
    let text = fs::read_to_string(text).unwrap();
    let block = text.split("## Checking a package\n").nth(1).unwrap().split("```sh\n").nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

/// Names and bytes of what is in a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_release_is_the_same_twice_and_a_clinic_finds_what_was_changed() {
    if !["minisign", "wixl", "msibuild", "dpkg-deb"].into_iter().all(peer::has) {
        return;
    }
    let vendor = Vendor::new();
    let windows = ["--windows", "windows"];
    let output = vendor.release("first", &windows);
    assert!(output.status.success(), "{}", said(&output));
    // In another folder, time zone and habit of rights, and later.
    fs::create_dir(vendor.at("tmp")).unwrap();
    let mut again = Command::new("bash");
    let first = vendor.command("second", &windows);
    again.args(["-c", "umask 077 && exec \"$@\"", "again"]).arg(first.get_program()).args(first.get_args());
    again.current_dir(vendor.dir.path()).env("SOURCE_DATE_EPOCH", "1700000000");
    let output = again.env("TZ", "Asia/Tokyo").env("TMPDIR", vendor.at("tmp")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let (first, second) = (files(&vendor.at("first")), files(&vendor.at("second")));
    let signature = |name: &str| name.ends_with(".minisig");
    let names: Vec<&str> =
        first.iter().map(|(name, _)| name.as_str()).filter(|name| !signature(name)).collect();
    let expected = [
        "SHA256SUMS".to_owned(),
        format!("kathea-agent-{VERSION}.cdx.json"),
        format!("kathea-agent-{VERSION}.msi"),
        format!("kathea-agent_{VERSION}_amd64.deb"),
        format!("kathea-case_{VERSION}_amd64.deb"),
        format!("kathea-collector_{VERSION}_amd64.deb"),
        format!("kathea-integrator-{VERSION}.tar.gz"),
    ];
    assert_eq!(names, expected);
    assert_eq!(first.len(), 2 * expected.len(), "a signature of each");
    for ((name, one), (other, two)) in first.iter().zip(&second) {
        assert!(
            name == other && (one == two || signature(name)),
            "{name}: {} and {} bytes",
            one.len(),
            two.len()
        );
    }

    // The clinic has the packages, the key by another route, and the page's commands.
    let (clinic, package) = (vendor.at("first"), vendor.at("first").join(&expected[3]));
    fs::copy(vendor.at("kathea.pub"), clinic.join("kathea.pub")).unwrap();
    let alone = format!("minisign -Vm {} -p kathea.pub", expected[3]);
    let both = [page(), alone.clone()];
    let finds = |why: &str| {
        for commands in &both {
            let (is_good, said) = checked(&clinic, commands);
            assert!(!is_good, "{why}: {commands}: {said}");
        }
    };
    for commands in &both {
        let (is_good, said) = checked(&clinic, commands);
        assert!(is_good && said.contains("Signature and comment signature verified"), "{said}");
        assert!(!commands.contains("sha256sum") || said.contains(&format!("{}: OK", expected[3])), "{said}");
        assert!(commands.contains("sha256sum") || said.contains(&format!("file:{}", expected[3])), "{said}");
    }
    let good = fs::read(&package).unwrap();
    let mut bytes = good.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&package, &bytes).unwrap();
    finds("one bit of the package");
    // Whoever changes a package can change the digests, and sign both with a key of their own.
    let forge = "sha256sum kathea-*[^g] >SHA256SUMS; \
        minisign -S -s ../other.key -m SHA256SUMS kathea-agent_*.deb >/dev/null";
    assert!(checked(&clinic, forge).0);
    finds("signed by another key");
    assert!(checked(&clinic, "cp ../other.pub kathea.pub").0);
    assert!(checked(&clinic, &both[0]).0, "control: by the other key it is signed");
    assert!(
        checked(&clinic, "cp ../kathea.pub . && cp ../second/* . && cp *.msi.minisig SHA256SUMS.minisig").0
    );
    assert!(checked(&clinic, &format!("cp *.msi.minisig {}.minisig", expected[3])).0);
    finds("the signature of another file");
    assert!(checked(&clinic, "cp ../second/* .").0);
    assert!(both.iter().all(|commands| checked(&clinic, commands).0), "as it was");
}

#[test]
fn what_is_no_release_is_refused_with_a_sentence_and_leaves_nothing() {
    if !["minisign", "dpkg-deb"].into_iter().all(peer::has) {
        return;
    }
    let vendor = Vendor::new();
    vendor.is_refused(&["--key", "nowhere.key"], "nowhere.key cannot be read");
    vendor.is_refused(&["--pages", "nowhere"], "nowhere cannot be read");
    vendor.is_refused(&["--signed"], "unknown option --signed");
    vendor.is_refused(&["first"], "one folder");
    vendor.is_refused(&["--windows", "pages"], "kathea-agent.exe");
    // Not a key: nothing that was made stays unsigned.
    vendor.is_refused(&["--key", "kathea.pub"], "");
    fs::write(vendor.at("there"), "").unwrap();
    assert!(said(&vendor.release("there", &[])).contains("is there already"));

    vendor.compile("kathea-collector", "0.0.9");
    vendor.is_refused(&[], "is version 0.0.9, and the sources are");
    vendor.compile("kathea-collector", VERSION);
    let case = vendor.at("programs/kathea-case");
    fs::set_permissions(&case, fs::Permissions::from_mode(0o644)).unwrap();
    vendor.is_refused(&[], "kathea-case is missing");
    fs::set_permissions(&case, fs::Permissions::from_mode(0o755)).unwrap();
    let output = vendor.release("whole", &[]);
    assert!(output.status.success() && said(&output).contains("without an installer"), "{}", said(&output));
}

//! A release that the vendor signed differs from one that was changed, signed for something else, or signed by others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::common::collector;
use crate::common::workstation::Workstation;

/// Runs a command of the vendor's, which must succeed, and gives what it printed.
fn vendor(args: &[&str]) -> String {
    let output = Command::new(collector::program()).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_release_counts_only_as_it_was_signed_by_a_key_that_may() {
    let workstation = Workstation::new("https://127.0.0.1:1", Path::new("/nowhere/ca.pem"));
    let at = |name: &str| workstation.path().join(name).to_str().unwrap().to_owned();
    let (key, release, signature) =
        (at("key.pem"), at("kathea-agent_0.2.0_amd64.deb"), at("kathea-agent_0.2.0_amd64.deb.sig"));
    fs::write(&release, [7; 200_000]).unwrap();
    let entry = vendor(&["signing-key", "-o", &key, "--signs", "release", "--signs", "notice"]);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(vendor(&["sign", &release, "--as", "release", "--key", &key]), signature);

    let refused = |args: &[&str], why: &str| {
        let output = workstation.run(args);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && words.contains(why), "{args:?}: {words}");
        assert!(output.stdout.is_empty(), "{args:?}");
    };
    let verify = ["verify", release.as_str(), "--as", "release"];
    refused(&verify, "trusts no key");
    workstation.configure("[keys]", &format!("[vendor]\nkeys = [{entry}]\n[keys]"));
    assert!(workstation.expect(0, &verify).contains("release, signed by key "));

    refused(&["verify", &release, "--as", "notice"], "for another kind of content");
    workstation.configure("\"release\", ", "");
    refused(&verify, "may not sign this kind of content");
    workstation.configure("\"notice\"", "\"release\"");
    let line = fs::read_to_string(&signature).unwrap();
    fs::write(&signature, line.replace("release", "notice")).unwrap();
    refused(&verify, "for another kind of content");
    fs::write(&signature, "no signature").unwrap();
    refused(&verify, "not a signature");
    fs::write(&signature, &line).unwrap();
    workstation.expect(0, &verify);

    let other = at("other.pem");
    vendor(&["signing-key", "-o", &other, "--signs", "release"]);
    vendor(&["sign", &release, "--as", "release", "--key", &other]);
    refused(&verify, "not among the vendor's keys");
    fs::write(&signature, &line).unwrap();
    let mut changed = fs::read(&release).unwrap();
    changed[100_000] ^= 1;
    fs::write(&release, changed).unwrap();
    refused(&verify, "did not sign exactly this content");
    fs::remove_file(&signature).unwrap();
    refused(&verify, "does not exist");

    let again = Command::new(collector::program())
        .args(["signing-key", "-o", &key, "--signs", "release"])
        .output()
        .unwrap();
    assert!(!again.status.success(), "a signing key is never overwritten");
}

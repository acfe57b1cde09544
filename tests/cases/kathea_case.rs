//! `kathea-case` on what it may be given: the right bundle with its proof, and everything that is not it. What cannot be used
//! ends with a sentence and leaves nothing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::clinic::{Clinic, sha256};
use crate::common::collector::Collector;
use crate::common::relay::Relay;
use crate::common::vendor;
use serde_json::{Value as Json, json};

/// A bundle that somebody made: these entries in a tar, sealed to the vendor's key.
fn forged(clinic: &Clinic, entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let recipient = clinic.identity.to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as _)).unwrap();
    let mut sealed = Vec::new();
    let mut gzip = flate2::write::GzEncoder::new(
        encryptor.wrap_output(&mut sealed).unwrap(),
        flate2::Compression::best(),
    );
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // As bytes: the library writes no hostile name.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(*kind);
        header.set_mode(0o600);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).unwrap();
        gzip.write_all(bytes).unwrap();
        gzip.write_all(&vec![0; bytes.len().next_multiple_of(512) - bytes.len()]).unwrap();
    }
    gzip.write_all(&[0; 1024]).unwrap();
    gzip.finish().unwrap().finish().unwrap();
    sealed
}

/// The manifest of a real bundle with other files.
fn manifest(real: &[u8], files: &[(&str, u64, &str)]) -> Vec<u8> {
    let mut manifest: Json = serde_json::from_slice(real).unwrap();
    manifest["files"] = files
        .iter()
        .map(|(name, bytes, sha256)| {
            json!({"name": name, "kind": "text", "purpose": "support_case", "bytes": bytes, "sha256": sha256})
        })
        .collect();
    serde_json::to_vec(&manifest).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_no_bundle_ends_with_a_sentence_and_leaves_nothing() {
    use tar::EntryType::{Regular, Symlink};
    let clinic = Clinic::new();
    let bundle = clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
    let (sealed, key) = (vendor::sealed(&clinic, &bundle), vendor::key(&clinic));
    let good = fs::read(&sealed).unwrap();
    let real = clinic.opened(&bundle).remove(0).1;
    let text = b"kV\n".as_slice();
    let listed = |name| manifest(&real, &[(name, 3, &sha256(text))]);
    let with = |stored: &[u8], rest: &[(&str, tar::EntryType, &[u8])]| {
        forged(&clinic, &[&[("manifest.json", Regular, stored)], rest].concat())
    };
    let fine = with(&listed("a.log"), &[("a.log", Regular, text)]);
    let bomb = vec![0; 64 << 20];
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("nothing", Vec::new(), "no sealed bundle"),
        ("text", b"age-encryption.org/v1\nhello".to_vec(), "no sealed bundle"),
        ("cut", good[..good.len() / 2].to_vec(), "cut"),
        ("cut in its head", good[..100].to_vec(), "no sealed bundle"),
        ("one bit", flipped, "damaged"),
        ("no tar", forged(&clinic, &[]), "does not begin with manifest.json"),
        ("other first", with(&real, &[])[..].to_vec(), "ends before"),
        ("no manifest", forged(&clinic, &[("a.log", Regular, text)]), "does not begin with manifest.json"),
        ("broken manifest", with(b"{\"case\":", &[]), "not one that this version reads"),
        ("other text", with(&listed("a.log"), &[("a.log", Regular, b"kX\n")]), "was changed"),
        ("longer", with(&listed("a.log"), &[("a.log", Regular, b"kV\nmore")]), "was changed"),
        ("other name", with(&listed("a.log"), &[("b.log", Regular, text)]), "was changed"),
        ("link", with(&listed("a.log"), &[("a.log", Symlink, text)]), "was changed"),
        ("up", with(&listed("../a.log"), &[("../a.log", Regular, text)]), "no plain path"),
        ("root", with(&listed("/tmp/a.log"), &[("/tmp/a.log", Regular, text)]), "no plain path"),
        ("up in the tar", with(&listed("a.log"), &[("../a.log", Regular, text)]), "was changed"),
        (
            "more",
            with(&listed("a.log"), &[("a.log", Regular, text), ("b.log", Regular, text)]),
            "does not list",
        ),
        (
            "twice",
            with(
                &manifest(&real, &[("a", 3, &sha256(text)), ("a", 3, &sha256(text))]),
                &[("a", Regular, text), ("a", Regular, text)],
            ),
            "exists already",
        ),
        ("bomb", with(&listed("a.log"), &[("a.log", Regular, &bomb)]), "was changed"),
        (
            "bomb of a name",
            with(&listed("a.log"), &[("././@LongLink", tar::EntryType::GNULongName, &bomb)]),
            "was changed",
        ),
        (
            "bomb of a first name",
            forged(&clinic, &[("././@LongLink", tar::EntryType::GNULongName, &bomb)]),
            "does not begin",
        ),
        ("bomb of a manifest", with(&bomb, &[]), "longer than an agent writes"),
        (
            "huge",
            with(&manifest(&real, &[("a", u64::MAX, &sha256(text))]), &[]),
            "more than an agent collects",
        ),
    ];
    let before = fs::read_dir(clinic.workstation.path()).unwrap().count();
    for (name, bytes, sentence) in cases {
        let file = clinic.path("wrong.age");
        fs::write(&file, bytes).unwrap();
        let folder = clinic.path("opened");
        let output = vendor::open(&file, &key, &folder, &[]);
        let said = vendor::errors(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(sentence) && said.lines().count() == 1, "{name}: {said}");
        assert!(!folder.exists(), "{name}");
        fs::remove_file(file).unwrap();
        assert_eq!(fs::read_dir(clinic.workstation.path()).unwrap().count(), before, "{name} left something");
    }
    // The same way of forging makes a bundle that opens.
    let file = clinic.path("fine.age");
    fs::write(&file, fine).unwrap();
    let folder = clinic.path("opened");
    assert!(vendor::open(&file, &key, &folder, &[]).status.success());
    assert_eq!(
        (mode(&folder), mode(&folder.join("a.log")), mode(&folder.join("summary.html"))),
        (0o700, 0o600, 0o600)
    );
    let output = vendor::open(&file, &key, &folder, &[]);
    assert_eq!(output.status.code(), Some(2), "a folder is not filled twice");

    let other = clinic.path("other-key.txt");
    fs::write(
        &other,
        age::secrecy::ExposeSecret::expose_secret(&age::x25519::Identity::generate().to_string()),
    )
    .unwrap();
    let output = vendor::open(&sealed, &other, &clinic.path("second"), &[]);
    assert!(output.status.code() == Some(1) && vendor::errors(&output).contains("another recipient"));
    fs::write(&other, "no key").unwrap();
    let output = vendor::open(&sealed, &other, &clinic.path("second"), &[]);
    assert!(output.status.code() == Some(2) && vendor::errors(&output).contains("no age identity"));
    println!("{} wrong bundles, each refused with its sentence", cases.len());
}

#[test]
fn markup_in_a_bundle_is_text_on_the_page() {
    let clinic = Clinic::new();
    let bundle = clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
    let real = clinic.opened(&bundle).remove(0).1;
    let line = "2024-11-17 10:00:00.000 [ERROR] <script>alert(1)</script><img src=x onerror=alert(1)>\n";
    let name = "logs/kathea-0001.log";
    let mut stored: Json =
        serde_json::from_slice(&manifest(&real, &[(name, line.len() as u64, &sha256(line.as_bytes()))]))
            .unwrap();
    stored["contact"] = "<b onclick=x>".into();
    stored["checks"][0]["result"] = "fail\"><script>".into();
    let regular = tar::EntryType::Regular;
    let sealed = forged(
        &clinic,
        &[
            ("manifest.json", regular, &serde_json::to_vec(&stored).unwrap()),
            (name, regular, line.as_bytes()),
        ],
    );
    let (file, folder) = (clinic.path("hostile.age"), clinic.path("opened"));
    fs::write(&file, sealed).unwrap();
    assert!(vendor::open(&file, &vendor::key(&clinic), &folder, &[]).status.success());
    let page = fs::read_to_string(folder.join("summary.html")).unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("&lt;b onclick=x&gt;"));
    for markup in ["<script", "<img", "<b onclick", "http://", "https://"] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn a_bundle_opens_with_the_clinics_consent_and_is_compared_while_that_of_the_earlier_lasts() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let clinic = Clinic::of(&collector, &relay.url());
    let agent = &clinic.workstation;
    let key = collector.age_identity();
    let send = |case: &str| {
        clinic.create(&clinic.preview(case, &["--last-scan"]));
        agent.expect(0, &["run", "--once"]);
        collector.lines("bundles", &[]).into_iter().find(|bundle| bundle["case"] == case).unwrap()
    };
    let proof = |bundle: &Json, name: &str| {
        let path = clinic.path(name);
        let lines = collector.lines("bundles", &["proof", bundle["id"].as_str().unwrap()]);
        fs::write(&path, lines[0].to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let handed_on = |bundle: &Json| {
        let file = clinic.path(&format!("{}.age", bundle["id"].as_str().unwrap()));
        if !file.exists() {
            collector.hand_on(bundle, &file);
        }
        file
    };
    let open = |bundle: &Json, folder: &str, more: &[&str]| {
        vendor::open(&handed_on(bundle), &key, &clinic.path(folder), more)
    };
    let first = send("CASE-1");
    let first_proof = proof(&first, "first.json");
    let output = open(&first, "first", &["--proof", &first_proof]);
    assert!(output.status.success(), "{}", vendor::errors(&output));
    let page = fs::read_to_string(clinic.path("first/summary.html")).unwrap();
    assert!(page.contains("Every file is the one that the clinic agreed to") && page.contains("lasts until"));
    assert!(open(&first, "bare", &[]).status.success());
    assert!(
        fs::read_to_string(clinic.path("bare/summary.html")).unwrap().contains("Consent was not checked")
    );

    // A later case, with an error that the first had not.
    let log = clinic.path("logs/kathea.log");
    let line = fs::read_to_string(&log).unwrap().lines().last().unwrap()[..23].to_owned();
    let more = format!("{line} [ERROR] store(3101): write failed, no space left on device\n").repeat(3);
    fs::write(&log, fs::read_to_string(&log).unwrap() + &more).unwrap();
    let second = send("CASE-2");
    let second_proof = proof(&second, "second.json");
    let sealed = handed_on(&first).to_str().unwrap().to_owned();
    for (folder, earlier) in [("second", clinic.text("first")), ("third", sealed.clone())] {
        let earlier = ["--proof", &second_proof, "--earlier", &earlier, "--earlier-proof", &first_proof];
        let output = open(&second, folder, &earlier);
        assert!(output.status.success(), "{}", vendor::errors(&output));
        let page = fs::read_to_string(clinic.path(&format!("{folder}/summary.html"))).unwrap();
        assert!(
            page.contains("Compared with case CASE-1") && page.contains("Error 3101 is new: 3 times"),
            "{page}"
        );
    }
    assert!(!clinic.path("third.earlier.partial").exists());

    // The proof of another bundle, one that was changed, and a consent that has ended.
    let refused = |bundle: &Json, more: &[&str], sentence: &str| {
        let output = open(bundle, "refused", more);
        let said = vendor::errors(&output);
        assert!(output.status.code() == Some(4) && said.contains(sentence), "{said}");
        assert!(!clinic.path("refused").exists());
    };
    refused(&second, &["--proof", &first_proof], "another bundle");
    let forged = fs::read_to_string(&first_proof).unwrap().replace("granted", "denied_");
    fs::write(clinic.path("forged.json"), forged).unwrap();
    refused(&first, &["--proof", &clinic.text("forged.json")], "not signed by the device");
    for hours in [-25_i64, 25] {
        let mut old: Json = serde_json::from_str(&fs::read_to_string(&first_proof).unwrap()).unwrap();
        let at = time::OffsetDateTime::now_utc() + time::Duration::hours(hours);
        old["printed_at"] = at.format(&time::format_description::well_known::Rfc3339).unwrap().into();
        fs::write(clinic.path("old.json"), old.to_string()).unwrap();
        refused(&first, &["--proof", &clinic.text("old.json")], "more than a day old");
    }

    // A second bundle of the case does not end the first one's consent.
    send("CASE-1");
    let output = open(&first, "again", &["--proof", &proof(&first, "again.json")]);
    assert!(output.status.success(), "{}", vendor::errors(&output));
    agent.expect(0, &["consent", "restrict", "support_case", "--case", "CASE-1"]);
    agent.expect(0, &["run", "--once"]);
    refused(&first, &["--proof", &proof(&first, "paused.json")], "restricted it");
    agent.expect(0, &["consent", "withdraw", "support_case", "--case", "CASE-1"]);
    agent.expect(0, &["run", "--once"]);
    let listed: Vec<Json> = collector.lines("bundles", &[]);
    let is_kept = listed.iter().any(|bundle| bundle["id"] == first["id"]);
    assert!(is_kept, "the collector erases when the operator says so");
    let ended = proof(&first, "ended.json");
    refused(&first, &["--proof", &ended], "consent has ended");
    let earlier = ["--earlier", &clinic.text("first"), "--earlier-proof", &ended];
    refused(&second, &earlier, "consent has ended");
}

//! `support find` with the real program: which scan of this workstation a name in a bundle stands for, as long as the case
//! lasts, and never in the bundle itself.

use crate::common::clinic::Clinic;
use serde_json::Value as Json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

#[test]
fn the_clinic_learns_which_scan_a_name_stands_for_until_the_case_ends() {
    let clinic = Clinic::new();
    let agent = &clinic.workstation;
    let scan = clinic.text("scans/0003/volume.dcm");
    let draft = clinic.preview("CASE-1", &["--scans", &clinic.text("scans/0003")]);
    let find = |name: &str| -> Json { agent.json(&["support", "find", name, "--json"])["scans"].clone() };
    let in_draft = find("scan-0001");
    assert_eq!((in_draft.as_array().unwrap().len(), in_draft[0]["path"].as_str()), (1, Some(scan.as_str())));
    assert_eq!(in_draft[0]["id"], draft["draft"]);

    let bundle = clinic.create(&draft);
    for name in ["scan-0001", "Scan-0001.json", "scans/scan-0001.json"] {
        let found = find(name);
        assert_eq!(
            (&found[0]["path"], &found[0]["id"], &found[0]["case"]),
            (&Json::from(scan.as_str()), &bundle["bundle"], &"CASE-1".into())
        );
    }
    assert!(find("trace-0001")[0]["path"].as_str().unwrap().ends_with("volume.motion.csv"));
    // JSON says UTC, and a person reads the time of this place.
    let local = agent.agent(&["support", "find", "scan-0001"]).env("TZ", "EET-2").output().unwrap();
    let (local, at) = (String::from_utf8(local.stdout).unwrap(), find("scan-0001")[0]["at"].clone());
    let at = OffsetDateTime::parse(at.as_str().unwrap(), &Rfc3339).unwrap() + Duration::hours(2);
    let shown = format!("{} {:02}:{:02} +02:00", at.date(), at.hour(), at.minute());
    assert!(local.contains(&shown) && !local.contains("UTC"), "{shown}: {local}");
    agent.expect(2, &["support", "find", "scan-0009"]);
    agent.expect(2, &["support", "find", "volume"]);

    let folder = clinic.text("scans");
    for (name, bytes) in clinic.opened(&bundle) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&folder) && !text.contains("volume.dcm"), "{name}");
    }
    let plain = walk(&clinic.workstation.data());
    assert!(plain.iter().all(|bytes| !contains(bytes, b"volume.dcm")) && plain.len() > 3);
    agent.expect(0, &["support", "close", "CASE-1"]);
    agent.expect(2, &["support", "find", "scan-0001"]);
}

fn walk(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => walk(&path),
            path => vec![std::fs::read(path).unwrap_or_default()],
        })
        .collect()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle)
}

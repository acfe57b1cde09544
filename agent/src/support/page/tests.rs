//! What the preview holds, and that nothing in it can act. How it looks and behaves is shown by tests/window/preview.rs.

use protocol::Digest;

use super::*;
use crate::support::manifest::tests::sample;
use deidentify::files::Format;

/// The page of a bundle with these files.
fn page(files: &[(&str, Format, &[u8])]) -> String {
    let entry = |(name, kind, bytes): &(&str, Format, &[u8])| FileEntry {
        name: (*name).to_owned(),
        kind: *kind,
        purpose: Purpose::SupportCase,
        bytes: bytes.len() as u64,
        sha256: Digest::of(bytes),
    };
    let manifest = Manifest { files: files.iter().map(entry).collect(), ..sample() };
    let policy = Policy::load("copenhagen-imaging").unwrap();
    let preview = Preview {
        manifest: &manifest,
        digest: Digest::of(&manifest.to_bytes()),
        draft: "0a1b2c3d",
        policy: &policy,
        checks_in_danish: &[],
        language: Language::En,
    };
    let mut out = Vec::new();
    let mut contents = files.iter().map(|(_, _, bytes)| *bytes);
    preview.write(&mut out, |_| contents.next().ok_or_else(|| io::ErrorKind::NotFound.into())).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn it_shows_what_is_said_yes_to_and_how() {
    let page = page(&[("kathea/0001.log", Format::Text, b"\n12:00:01 INFO kV=90\n")]);
    let manifest = Manifest { files: Vec::new(), ..sample() };
    assert!(page.contains("kathea-agent support create 0a1b2c3d --yes "));
    for shown in
        [manifest.case.as_str(), "Reception, 12 34 56 78", "12:00:01 INFO kV=90", "set it", "Billedkvalitet"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("<pre tabindex=\"0\">\n\n12:00:01"), "no line of it is lost");
}

#[test]
fn a_header_is_a_table_with_names() {
    let json = br#"{"00090010":{"vr":"LO","Value":["X1"]},"00091019":{"vr":"US","Value":[1042]},
        "00180060":{"vr":"DS","Value":[90]},"00081115":{"vr":"SQ","Value":[{"0020000D":{"vr":"UI","Value":["2.25.1"]}}]}}"#;
    let page = page(&[("scans/0001.json", Format::Dicom, json)]);
    for shown in ["Fault Code<td>1042", "KVP<td>90", "› Study Instance UID<td>2.25.1"] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn hostile_contents_are_inert() {
    let hostile =
        "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\0\u{202E}\u{2066}";
    let json = r#"{"00180060":{"vr":"<b>","Value":["</table><script>alert(1)</script>"]},"<i>":{}}"#;
    let page = page(&[
        (hostile, Format::Text, hostile.as_bytes()),
        ("b.json", Format::Dicom, json.as_bytes()),
        ("c.log", Format::Text, b"\xff\xfe<script>"),
    ]);
    assert_eq!(page.matches("<script").count(), 1, "its own");
    assert_eq!(page.matches("</pre>").count(), 2);
    for live in ["<img", "<b>", "<i>", "\0", "\u{202E}", "\u{2066}"] {
        let own = if live == "<b>" { page.matches("<li><b>").count() } else { 0 };
        assert_eq!(page.matches(live).count(), own, "{live:?}");
    }
}

#[test]
fn it_is_never_longer_than_its_bound_and_names_what_it_leaves_out() {
    let long = vec![b'<'; limits::PREVIEW_FILE as usize];
    let longer = vec![b'x'; limits::PREVIEW_FILE as usize + 1];
    let mut files = vec![("long.log", Format::Text, &long[..]); 8];
    files.push(("longer.log", Format::Text, &longer));
    files.extend(std::iter::repeat_n(("s.json", Format::Json, &b"{}"[..]), limits::PREVIEW_FILES));
    let page = page(&files);
    assert!(page.len() as u64 <= limits::PREVIEW, "{}", page.len());
    assert!(page.len() as u64 > limits::PREVIEW / 2, "{}", page.len());
    assert!(page.contains("kathea-agent support show 0a1b2c3d long.log"));
    assert!(page.contains("The first 65.5 kB of 2.1 MB."));
    assert!(page.contains("9 more files:"));
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn every_rule_and_reason_has_its_words() {
    use deidentify::dicom::{Refused, Treatment};
    use deidentify::files::Reason;
    let treatments = [
        Treatment::Replaced,
        Treatment::NotListed,
        Treatment::Private,
        Treatment::Names,
        Treatment::Unfit,
        Treatment::TooLong,
        Treatment::Repeated,
    ];
    for treatment in treatments {
        assert!(
            crate::cleaning::words::RULES.iter().any(|(name, _)| *name == treatment.as_str()),
            "{treatment:?}"
        );
    }
    for reason in [Reason::Denied, Reason::NoText, Reason::Dicom(Refused::TooDeep), Reason::SymbolicLink] {
        assert!(
            crate::cleaning::words::REFUSALS.iter().any(|(name, _)| *name == reason.as_str()),
            "{reason:?}"
        );
    }
    assert_eq!(words::rule("new_rule"), both("new_rule", "new_rule"));
}

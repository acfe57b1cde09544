//! What goes and what stays of free text.

use zeroize::Zeroizing;

use super::*;
use crate::identifiers::Learning;

fn cleaned(text: &str) -> String {
    let case = Case::new(Zeroizing::new([7; 32]));
    let mut learning = Learning::default();
    learning.learn(Kind::Name, "Sørensen^Anna");
    learning.learn(Kind::Name, "Crown^Bo");
    learning.learn(Kind::BirthDate, "19700305");
    learning.learn(Kind::Id, "010203-1234");
    let identifiers = learning.finish().unwrap();
    let mut out = Vec::new();
    crate::text::clean(text.as_bytes(), &mut out, &case, &identifiers).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_support_needs_stays() {
    for line in [
        "detector lost 17 of 512 frames after 312 ms, retry 2/3",
        "exposure started: kV=90 mA=8.0 ms=12500 dap=412.5 mGycm2",
        "error 0x80070005 (E1042) in USB transfer, 104857600 bytes",
        "SerialNumber=X1-00123456 softwareVersion=4.2.1.7",
        "version 4.2.1.7 build 12345",
        "tube temperature 41.5°C above limit 40%",
        "Forbindelsen til røntgenrøret blev afbrudt efter 3 forsøg",
        "serial number X1-24-00117 connected",
        "  at Reconstruction.Run() line 123",
        "volume 800x800x600 done at 10:32:11.123456",
    ] {
        assert_eq!(cleaned(line), line);
    }
}

#[test]
fn what_tells_somebody_goes() {
    for (line, wanted) in [
        ("scan of Anna Sørensen stored", "scan of [name] stored"),
        ("scan of S&oslash;rensen, born 5. marts 1970, stored", "scan of [name], [text] [date], stored"),
        ("patient=Peter Jensen kV=90", "patient=[removed] kV=90"),
        ("user: pjensen started scan", "user: [removed] started scan"),
        ("patient 4711 loaded", "patient [removed] loaded"),
        ("sent to 192.168.1.20:104 by xyzzy@example.com", "sent to [host] by [email]"),
        ("opened C:\\Scans\\x\\1.dcm and /home/x/1.dcm", "opened [path] and [path]"),
        ("call 12 34 56 78 or +45 87654321", "call [number] or [number]"),
        ("number 311299-4321 seen", "number [id] seen"),
        ("(0010,0010) PN [Jensen^Peter] # 12, 1 PatientName", "(0010,0010) [removed]"),
        ("Hr Jensen Petersen called", "Hr [text] called"),
        ("guid 6F9619FF-8B86-D011-B42D-00CF4FC964FF ready", "guid [uid] ready"),
        ("order P-123456 late", "order [text] late"),
        ("stored xsorensenx_0102031234_1.dcm", "stored [name]_[id]_[text]"),
    ] {
        let cleaned = cleaned(line);
        assert!(cleaned == wanted, "{line}\n{cleaned}\n{wanted}");
    }
}

/// Numbers that a key keeps are within its range and digits; groups of digits behind it are one number.
#[test]
fn a_number_behind_a_key_is_bounded() {
    for key in
        ["number", "Code", "index", "sequence", "line", "event", "count", "total", "frame", "seq", "tid"]
    {
        for value in
            ["709852233", "31729455", "28 71 93 40", "2871 9340", "287 193 40", "709 852 233", "709.852.233"]
        {
            for sign in ["=", ": ", ":"] {
                let line = format!("{key}{sign}{value}");
                let cleaned = cleaned(&line);
                assert!(!cleaned.contains(|c: char| c.is_ascii_digit()), "{line}: {cleaned}");
            }
        }
    }
    for line in [
        "size: 709852233",
        "size: 28 71 93 40",
        "ms=31729455",
        "kv=1107843344",
        "bytes: 1107843344",
        "code=DP-709852233",
    ] {
        let cleaned = cleaned(line);
        assert!(!cleaned.contains(|c: char| c.is_ascii_digit()), "{line}: {cleaned}");
    }
    for line in [
        "number: 12 of 512",
        "code=1042 line: 214, index=7 count: 512",
        "code=0x80070005 hresult=-2147024891 errorcode: E1042",
        "bytes=402653184 size: 104857",
        "kv=90 ma=8.25 x=-120.5 voxel=0.2 matrix: 800 800 600",
        "SerialNumber=X1-00123456 serial=7098522331",
    ] {
        assert_eq!(cleaned(line), line);
    }
}

#[test]
fn a_name_is_hidden_whole() {
    for (line, wanted) in [
        ("Petersen(45) waiting, chair 2", "[text]([text]) waiting, chair 2"),
        ("[INFO] Young(45): waiting", "[INFO] [text]([text]): waiting"),
        ("[INFO] detector(45): waiting", "[INFO] detector(45): waiting"),
        ("patient: else young", "patient: [removed]"),
        ("patient: else young loaded", "patient: [removed] loaded"),
        ("patient=else young kV=90", "patient=[removed] kV=90"),
        ("patient Petersen else young called from foyer", "patient [removed] called from [text]"),
        ("patient else young loaded", "patient [removed] loaded"),
        ("Link - Heartbeat from unit late by 312 ms", "Link - [removed] from unit late by [removed] ms"),
        ("operator: per best; kV=90", "operator: [removed]; kV=90"),
        ("user='D'Arcy Vang' logged in", "user=[removed] logged in"),
        ("user='D'Arcy' Vang' logged in, mode='fast'", "user=[removed] logged in, mode='fast'"),
        ("user=\"O\\\"Neil else\" logged in", "user=[removed] logged in"),
        ("user='else', mode='fast'", "user=[removed], mode='fast'"),
        ("patient: D'Arcy else loaded", "patient: [removed] loaded"),
    ] {
        let cleaned = cleaned(line);
        assert!(cleaned == wanted, "{line}\n{cleaned}\n{wanted}");
    }
}

#[test]
fn the_head_stays_and_its_date_moves() {
    let line = "2026-11-21 10:32:11.123 [ERROR] generator(1042): arc at 90 kV, Crown";
    let cleaned = cleaned(line);
    assert!(!cleaned.contains("2026-11-21"), "{cleaned}");
    assert!(cleaned.ends_with(" 10:32:11.123 [ERROR] generator(1042): arc at 90 kV, [name]"), "{cleaned}");
}

#[test]
fn uids_and_times_are_mapped() {
    let cleaned = cleaned("study 1.2.826.0.1.3680043.8.498.1 of 2026-11-21 10:32 uses 1.2.840.10008.1.2.1");
    assert!(
        cleaned.starts_with("study 2.25.") && cleaned.ends_with(" 10:32 uses 1.2.840.10008.1.2.1"),
        "{cleaned}"
    );
    assert!(!cleaned.contains("3680043") && !cleaned.contains("2026-11-21"), "{cleaned}");
}

#[test]
fn a_word_without_end_goes_whole() {
    for piece in ["a-", "((", "1.", "kV/", "Anna"] {
        let line = piece.repeat(15_000);
        assert!(cleaned(&line).len() < 40, "{piece}");
    }
}

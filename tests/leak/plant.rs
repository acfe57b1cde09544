//! A case full of what must not leave: every kind of place, every spelling.

use std::fs;
use std::path::Path;

use super::dicom::Set;
use super::person::{OTHER, OWN, Person};

/// Messages with device, technique, codes and times that have to stay as they are.
pub(crate) const KEPT: &[&str] = &[
    "[INFO] acquisition(1001): exposure started: kV=90 mA=8.0 ms=12500",
    "[ERROR] generator(1042): arc detected at 90 kV, retry 2/3 after 312 ms",
    "[WARN] detector(2107): lost 17 of 512 frames (E2107), 0x80070005",
    "[INFO] device(3): SerialNumber=X1-24-00117 softwareVersion=4.2.1.7",
    "[DEBUG] reconstruction(12): voxel size 0.2 mm, volume 800x800x600, 41.5 %",
    "[FATAL] motion(77): interlock open, emergency stop",
];

/// Header attributes that have to come out as they went in.
pub(crate) const DEVICE: &[(u32, &str, &str)] = &[
    (0x0008_0070, "LO", "Copenhagen Imaging ApS"),
    (0x0008_1090, "LO", "X1"),
    (0x0018_1000, "LO", "X1-24-00117"),
    (0x0018_1020, "LO", "4.2.1.7"),
    (0x0018_0060, "DS", "90"),
    (0x0018_1151, "IS", "8"),
    (0x0018_1150, "IS", "12500"),
];

/// The kinds of place in which somebody is planted below.
pub(crate) const PLACES: &[&str] = &[
    "preamble",
    "file meta: application title",
    "file meta: private information",
    "patient module",
    "identifiers of study and order",
    "staff and clinic",
    "station",
    "descriptions",
    "comments",
    "nested in a listed sequence",
    "nested in an unlisted sequence, three deep",
    "private block",
    "private of unknown representation",
    "private without creator",
    "unknown tag",
    "structured content",
    "overlay data",
    "overlay comments",
    "icon",
    "original attributes",
    "padding behind the end",
    "name of an input",
    "log: message",
    "log: key and value",
    "log: path",
    "log: URL",
    "log: mail address",
    "log: dump of DICOM",
    "log: line of JSON",
    "log in UTF-16",
    "log in Windows-1252",
    "JSON: value of a person's key",
    "JSON: key",
    "JSON: free text",
    "JSON: name and value pair",
    "XML: element",
    "XML: attribute",
    "XML: comment",
    "XML: CDATA",
];

/// A scan of `person`, who is also written into every place where nobody belongs.
pub(crate) fn scan(person: Person<'_>, extra: &str) -> Vec<u8> {
    let name = person.name();
    let born = format!("{}{}{}", person.born.0, person.born.1, person.born.2);
    let nested = || Set::default().text(0x0010_0010, "PN", &name).text(0x0040_0007, "LO", extra);
    let mut set = Set::default()
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")
        .text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0008_0018, "UI", "1.2.826.0.1.3680043.8.498.77")
        .text(0x0008_0020, "DA", "20261121")
        .text(0x0008_0030, "TM", "103211")
        .text(0x0008_0050, "SH", person.accession);
    set = device(set, 0x0008);
    set = set
        .text(0x0008_0080, "LO", "Tandlægerne Kvistgård")
        .text(0x0008_0081, "ST", "Lindealléen 4, 4990 Sakskøbing")
        .text(0x0008_0090, "PN", "Vinterberg^Oluf")
        .text(0x0008_1010, "SH", "KVIST-WS7")
        .text(0x0008_1030, "LO", extra)
        .text(0x0008_103E, "LO", extra)
        .text(0x0008_1070, "PN", "Skjoldager^Ditte")
        .sequence(0x0008_1140, nested())
        .text(0x0010_0010, "PN", &name)
        .text(0x0010_0020, "LO", person.id)
        .text(0x0010_0030, "DA", &born)
        .text(0x0010_1040, "LO", person.street)
        .text(0x0010_2154, "SH", person.phone)
        .text(0x0010_4000, "LT", extra);
    set = device(set, 0x0018);
    set.text(0x0018_1030, "LO", extra)
        .text(0x0020_4000, "LT", extra)
        .text(0x0028_4000, "LT", extra)
        .text(0x0009_0010, "LO", "SOMEBODY ELSE")
        .text(0x0009_1001, "LO", extra)
        .bytes(0x0009_1002, "UN", &even(extra))
        .text(0x0040_0254, "LO", extra)
        .sequence(0x0040_0275, nested().sequence(0x0040_0008, nested().sequence(0x0040_A730, nested())))
        .text(0x0040_A160, "UT", extra)
        .text(0x0041_0001, "LO", extra)
        .text(0x4321_0002, "LO", extra)
        .sequence(0x0088_0200, nested())
        .sequence(0x0400_0561, nested())
        .bytes(0x6000_3000, "OW", &even(extra))
        .text(0x6000_4000, "LT", extra)
        .file(extra)
}

fn device(set: Set, group: u32) -> Set {
    DEVICE
        .iter()
        .filter(|(tag, ..)| tag >> 16 == group)
        .fold(set, |set, (tag, vr, value)| set.text(*tag, vr, value))
}

fn even(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(2), b' ');
    bytes
}

/// The shapes of a line into which a spelling goes: where `{}` stands.
pub(crate) const LINES: &[&str] = &[
    "[INFO] acquisition(1001): exposure of {} started",
    "[INFO] ui(12): patient={} opened after 312 ms",
    "[ERROR] pacs(4711): store failed for {}: timeout",
    "[DEBUG] archive(3): C:\\Kathea\\Scans\\{}\\volume.raw saved",
    "[DEBUG] archive(3): /var/lib/kathea/{}/volume.raw saved",
    "[WARN] mail(9): mail to {}@clinic.example rejected",
    "[INFO] web(9): GET https://pacs.clinic.example/q?p={}&x=1",
    "[DEBUG] dicom(7): (0010,0010) PN [{}] # 22, 1 PatientName",
    "[INFO] operator: {} logged on",
    "{}",
    "{\"message\":\"scan of {} stored\",\"patientName\":\"{}\",\"kvp\":90}",
];

/// A log of both patients in every shape, with lines between them that have to stay.
pub(crate) fn log() -> String {
    let mut log = String::new();
    let mut second = 0;
    let mut line = |text: &str| {
        second += 1;
        let (minute, second) = (second / 60 % 60, second % 60);
        log += &format!("2026-11-21 10:{minute:02}:{second:02}.123 {text}\r\n");
    };
    for person in [OWN, OTHER] {
        for (at, spelling) in person.names().iter().chain(&person.numbers()).enumerate() {
            for shape in LINES {
                line(&shape.replace("{}", spelling));
            }
            line(KEPT[at % KEPT.len()]);
        }
    }
    log
}

/// Writes the case to `case` and the scan beside it to `context`.
pub(crate) fn plant(case: &Path, context: &Path) {
    let own: Vec<String> = OWN.names().into_iter().chain(OWN.numbers()).collect();
    for (at, spelling) in own.iter().enumerate() {
        let name: String = spelling.chars().filter(|c| !r#"/\:&;%?*<>|""#.contains(*c)).collect();
        fs::write(case.join(format!("{name} {at}.dcm")), scan(OWN, spelling)).unwrap();
        let json = serde_json::json!({
            "patient": {"name": OWN.name(), "id": OWN.id, "dob": OWN.born.0},
            spelling.as_str(): 1,
            "manufacturer": "Copenhagen Imaging ApS", "serialNumber": "X1-24-00117", "kvp": 90,
            "message": format!("scan of {spelling} stored"), "nested": [[{"note": spelling, "status": spelling}]],
            "parameters": [{"name": "PatientName", "value": spelling}],
        });
        fs::write(case.join(format!("sidecar {at}.json")), json.to_string()).unwrap();
        let text = spelling.replace('&', "&amp;").replace('<', "&lt;");
        let xml = format!(
            "<?xml version=\"1.0\"?><!-- {} --><scan><serialNumber>X1-24-00117</serialNumber><patientName>{text}</patientName>\
             <message code=\"1042\" text=\"{text}\">scan of {text} stored</message><status><![CDATA[{spelling}]]></status></scan>",
            spelling.replace("--", "- -")
        );
        fs::write(case.join(format!("sidecar {at}.xml")), xml).unwrap();
    }
    fs::write(case.join("kathea.log"), log()).unwrap();
    let wide: Vec<u8> = log().encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(case.join("wide.log"), wide).unwrap();
    let latin: Vec<u8> = log().chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    fs::write(case.join("latin.log"), latin).unwrap();
    fs::write(context.join("other.dcm"), scan(OTHER, "plain")).unwrap();
}

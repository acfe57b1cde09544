//! Documents: what is decided by key, what by value, and what is none.

use zeroize::Zeroizing;

use super::*;
use crate::case::Case;
use crate::identifiers::Learning;
use crate::text::Scrubber;

fn cleaned(document: &str) -> Result<String, Unparsed> {
    let case = Case::new(Zeroizing::new([7; 32]));
    let mut learning = Learning::default();
    let is_xml = document.starts_with('<');
    let _ = if is_xml {
        xml::learn(document, &mut learning)
    } else {
        json::learn(document.as_bytes(), &mut learning)
    };
    let identifiers = learning.finish().unwrap();
    let mut scrubber = Scrubber::new(&case, &identifiers);
    if is_xml { xml::clean(document, &mut scrubber) } else { json::clean_line(document, &mut scrubber) }
}

#[test]
fn json_is_decided_by_key() {
    let document = r#"{"patientName":"Hansen^Anna","manufacturer":"Copenhagen Imaging ApS","serialNumber":"X1-0012",
        "kvp":90.5,"operator":{"name":"Bo Lund","id":17},"unheard":4711,"text":"arc for Lund","Hansen":1,
        "message":"lost frame of Anna Hansen after 312 ms","retryCount":3,"valid":true,
        "params":[{"name":"PatientID","value":4712},{"name":"kvp","value":90}]}"#;
    let cleaned = cleaned(document).unwrap();
    let value: serde_json::Value = serde_json::from_str(&cleaned).unwrap();
    assert_eq!(value["manufacturer"], "Copenhagen Imaging ApS");
    assert_eq!(value["serialNumber"], "X1-0012");
    assert_eq!(value["kvp"], 90.5);
    assert_eq!(value["text"], "arc for [name]");
    assert_eq!(value["retryCount"], 3);
    assert_eq!(value["valid"], true);
    assert_eq!(value["message"], "lost frame of [name] after 312 ms");
    for gone in ["Hansen", "Anna", "Lund", "4711", "4712", "\"Hansen\"", "17"] {
        assert!(!cleaned.contains(gone), "{gone} is in {cleaned}");
    }
}

#[test]
fn a_number_is_bounded_by_its_key_in_json_and_xml() {
    let keys = [
        "Number",
        "Code",
        "index",
        "sequence",
        "line",
        "event",
        "count",
        "size",
        "frame",
        "state",
        "kv",
        "retryCount",
    ];
    let telling = ["709852233", "31729455", "1107843344"];
    let groups = ["28 71 93 40", "2871-9340", "709 852 233", "709.852.233", "31729455", "110784-3344"];
    for key in keys {
        for number in telling {
            for (kind, cleaned) in [
                ("json", cleaned(&format!(r#"{{"{key}":{number}}}"#))),
                ("json", cleaned(&format!(r#"{{"{key}":[{number}]}}"#))),
                ("json", cleaned(&format!(r#"{{"{key}":"{number}"}}"#))),
                ("xml", cleaned(&format!("<x><{key}>{number}</{key}></x>"))),
                ("xml", cleaned(&format!("<x><item {key}='{number}'/></x>"))),
                ("xml", cleaned(&format!("<x><item name='{key}' value='{number}'/></x>"))),
            ] {
                let cleaned = cleaned.unwrap().replace("version=\"1.0\" encoding=\"UTF-8\"", "");
                assert!(!cleaned.contains(|c: char| c.is_ascii_digit()), "{kind}: {cleaned}");
            }
        }
        for group in groups.iter().filter(|group| !["size", "kv"].contains(&key) || !group.starts_with("709"))
        {
            for cleaned in [
                cleaned(&format!(r#"{{"{key}":"{group}"}}"#)),
                cleaned(&format!("<x><{key}>{group}</{key}></x>")),
            ] {
                let cleaned = cleaned.unwrap().replace("version=\"1.0\" encoding=\"UTF-8\"", "");
                assert!(!cleaned.contains(|c: char| c.is_ascii_digit()), "{cleaned}");
            }
        }
    }
    // A personal number is no device's, a serial number is.
    let document = r#"{"serialNumber":1107843344,"plateId":"110784-3344","detectorSerial":7098522331,"sn":"X1-00123456"}"#;
    let wanted = r#"{"serialNumber":null,"plateId":"[id]","detectorSerial":7098522331,"sn":"X1-00123456"}"#;
    assert_eq!(cleaned(document).unwrap(), wanted);
    let document = r#"{"number":12,"code":1042,"line":214,"bytes":402653184,"kv":90,"gain":1.0312,"hresult":-2147024891,"frame":412}"#;
    assert_eq!(cleaned(document).unwrap(), document);
}

#[test]
fn a_day_of_birth_under_the_key_of_a_time_is_not_moved_but_gone() {
    let document =
        r#"{"birthDate":"12/3-1980","date":"1980-03-12","when":"12/3-80","updated":"12. marts 1980"}"#;
    let wanted = r#"{"birthDate":"[removed]","date":"[date]","when":"[date]","updated":"[date]"}"#;
    assert_eq!(cleaned(document).unwrap(), wanted);
}

#[test]
fn the_parts_of_a_date_go_each_under_its_key() {
    let json = r#"{"a":{"year":1980,"month":3,"day":12},"b":[{"Year":"1980"},{"Dag":12}],"BirthYear":1980,"slices":12}"#;
    let xml = r#"<r><year>1980</year><month>3</month><x day="12" slices="12"/></r>"#;
    for document in [json, xml] {
        let cleaned = cleaned(document).unwrap();
        assert!(!cleaned.contains("1980") && !cleaned.contains('3'), "{cleaned}");
        assert_eq!(cleaned.matches("12").count(), 1, "slices are a number: {cleaned}");
    }
}

#[test]
fn escapes_hide_nothing() {
    let cleaned =
        cleaned("{\"patientName\":\"S\\u00f8rensen^Anna\",\"text\":\"S\\u00f8rensen S&oslash;rensen\"}")
            .unwrap();
    assert_eq!(cleaned, r#"{"patientName":"[removed]","text":"[name]"}"#);
}

#[test]
fn xml_is_decided_by_name_and_attributes() {
    let document = "<?xml version='1.0'?><!-- Anna --><scan xmlns:x='u'><x:PatientName>S&#248;rensen^Anna</x:PatientName>\
        <manufacturer>Copenhagen Imaging ApS</manufacturer><kvp unit='kV'>90</kvp>\
        <param name='PatientID' value='4711'/><param name='kvp' value='90'/><S-rensen>1</S-rensen>\
        <message><![CDATA[Sørensen lost]]></message></scan>";
    let cleaned = cleaned(document).unwrap();
    for kept in [
        "<manufacturer>Copenhagen Imaging ApS</manufacturer>",
        ">90</kvp>",
        "<param name=\"kvp\" value=\"90\">",
        "[name] lost",
    ] {
        assert!(cleaned.contains(kept), "{kept} is not in {cleaned}");
    }
    for gone in ["rensen", "Anna", "4711"] {
        assert!(!cleaned.contains(gone), "{gone} is in {cleaned}");
    }
    assert_eq!(super::xml::learn(&cleaned, &mut Learning::default()), Ok(()));
}

#[test]
fn what_is_no_document_is_none() {
    let deep = "[".repeat(100_000);
    let deep_xml = "<a>".repeat(100_000);
    for document in [
        "",
        "{",
        "{\"a\":}",
        "[1,]",
        "{} {}",
        &deep,
        "<a>",
        "<a></b>",
        "</a>",
        "<a>&unknown;</a>",
        &deep_xml,
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
        "<",
        "text",
    ] {
        assert_eq!(cleaned(document).err(), Some(Unparsed), "{}", document.get(..20).unwrap_or(document));
    }
}

//! Documents: what is decided by key, what by value, and what is none.

use zeroize::Zeroizing;

use super::*;
use crate::deidentify::case::Case;
use crate::deidentify::identifiers::Learning;
use crate::deidentify::text::Scrubber;

fn cleaned(document: &str) -> Result<String, Unparsed> {
    let case = Case::new(Zeroizing::new([7; 32]), 0);
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

//! Any bytes as JSON and as XML: what parses comes out as a document of its kind, without whoever was learned.
#![no_main]

mod somebody;

use deidentify::check;
use deidentify::identifiers::Learning;
use deidentify::structured::{json, xml};
use deidentify::text::Scrubber;
use libfuzzer_sys::fuzz_target;
use somebody::CASE;

fuzz_target!(|document: &[u8]| {
    let (case, identifiers) = &*CASE;
    let mut scrubber = Scrubber::new(case, identifiers);
    let _ = json::learn(document, &mut Learning::default());
    let _ = xml::learn(&String::from_utf8_lossy(document), &mut Learning::default());
    let checked = |out: &str, layout| {
        let found = check::search(out.as_bytes(), layout, identifiers, case);
        assert_eq!(found, None, "{out}");
    };
    if let Ok(out) = json::clean(document, &mut scrubber) {
        serde_json::from_str::<serde_json::Value>(&out).expect("JSON");
        checked(&out, check::Layout::Json);
    }
    if let Ok(text) = std::str::from_utf8(document)
        && let Ok(out) = xml::clean(text, &mut scrubber)
    {
        xml::clean(&out, &mut scrubber).expect("XML");
        checked(&out, check::Layout::Xml);
    }
});

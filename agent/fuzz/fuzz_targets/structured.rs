//! Any bytes as JSON and as XML: what parses comes out as a document of its kind, without whoever was learned.
#![no_main]

use std::sync::LazyLock;

use agent::deidentify::case::Case;
use agent::deidentify::check;
use agent::deidentify::identifiers::{Identifiers, Kind, Learning};
use agent::deidentify::structured::{json, xml};
use agent::deidentify::text::Scrubber;
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

static CASE: LazyLock<(Case, Identifiers)> = LazyLock::new(|| {
    let mut learning = Learning::default();
    learning.learn(Kind::Name, "Sørensen^Anna Lin");
    learning.learn(Kind::Id, "010203-1234");
    learning.learn(Kind::BirthDate, "19700305");
    (Case::new(Zeroizing::new([7; 32]), 0), learning.finish().expect("three identifiers"))
});

fuzz_target!(|document: &[u8]| {
    let (case, identifiers) = &*CASE;
    let mut scrubber = Scrubber::new(case, identifiers);
    let checked = |out: &str| {
        let found = check::search(out.as_bytes(), identifiers, Some(case)).expect("a reader in memory");
        assert_eq!(found, None, "{out}");
    };
    if let Ok(out) = json::clean(document, &mut scrubber) {
        serde_json::from_str::<serde_json::Value>(&out).expect("JSON");
        checked(&out);
    }
    if let Ok(text) = std::str::from_utf8(document)
        && let Ok(out) = xml::clean(text, &mut scrubber)
    {
        xml::clean(&out, &mut scrubber).expect("XML");
        checked(&out);
    }
});

//! Any bytes as a log: whoever was learned is found in no view of what comes out, and time runs in lines.
#![no_main]

use std::sync::LazyLock;

use agent::deidentify::case::Case;
use agent::deidentify::check;
use agent::deidentify::identifiers::{Identifiers, Kind, Learning};
use agent::deidentify::text;
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

static CASE: LazyLock<(Case, Identifiers)> = LazyLock::new(|| {
    let mut learning = Learning::default();
    learning.learn(Kind::Name, "Sørensen^Anna Lin");
    learning.learn(Kind::Id, "010203-1234");
    learning.learn(Kind::BirthDate, "19700305");
    learning.learn(Kind::Phone, "12345678");
    (Case::new(Zeroizing::new([7; 32]), 0), learning.finish().expect("four identifiers"))
});

fuzz_target!(|log: &[u8]| {
    let (case, identifiers) = &*CASE;
    let mut out = Vec::new();
    text::clean(log, &mut out, case, identifiers).expect("a writer in memory");
    let found = check::search(out.as_slice(), identifiers, Some(case)).expect("a reader in memory");
    assert_eq!(found, None, "{}", String::from_utf8_lossy(&out));
});

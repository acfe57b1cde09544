//! Any bytes as a log: whoever was learned is found in no view of what comes out, and time runs in lines.
#![no_main]

mod somebody;

use deidentify::check;
use deidentify::text;
use libfuzzer_sys::fuzz_target;
use somebody::CASE;

fuzz_target!(|log: &[u8]| {
    let (case, identifiers) = &*CASE;
    let mut out = Vec::new();
    text::clean(log, &mut out, case, identifiers).expect("a writer in memory");
    let found = check::search(&out, check::Layout::Lines, identifiers, case);
    assert_eq!(found, None, "{}", String::from_utf8_lossy(&out));
});

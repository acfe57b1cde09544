//! Any bytes as a DICOM file: cleaned or refused, and what comes out is the DICOM JSON of listed attributes.
#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use deidentify::case::Case;
use deidentify::dicom::{Screen, clean, learn};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use zeroize::Zeroizing;

struct Replace;

impl Screen for Replace {
    fn identifies(&self, text: &str) -> bool {
        text.contains("Hansen")
    }

    fn is_own(&self, text: &str) -> bool {
        text.len() % 2 == 0
    }

    fn descriptor(&self, text: &str) -> Option<String> {
        Some(format!("[{}]", text.chars().count()))
    }
}

static CASE: LazyLock<Case> = LazyLock::new(|| Case::new(Zeroizing::new([7; 32])));

fuzz_target!(|file: &[u8]| {
    let _ = learn(Cursor::new(file));
    let Ok(cleaned) = clean(Cursor::new(file), &CASE, &Replace) else { return };
    let text = str::from_utf8(&cleaned.json).expect("UTF-8");
    assert!(!text.contains("Hansen"), "a learned name");
    let Ok(Value::Object(attributes)) = serde_json::from_str(text) else { panic!("JSON") };
    assert_eq!(attributes["00120062"]["Value"][0], "YES", "the mark");
    for (tag, attribute) in attributes {
        assert!(tag.len() == 8 && attribute["vr"].as_str().is_some_and(|vr| vr.len() == 2), "an attribute");
    }
});

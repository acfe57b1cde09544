//! Any bytes as a log, of a program whose literals are known and of one whose are not: whoever was learned is found in no
//! view of what comes out, and time runs in lines.
#![no_main]

mod somebody;

use std::sync::{Arc, LazyLock};

use deidentify::case::Case;
use deidentify::check;
use deidentify::text;
use libfuzzer_sys::fuzz_target;
use provenance::{Builder, Entry};
use somebody::CASE;
use zeroize::Zeroizing;

/// A case of a program with these literals, words and folder.
static OF_A_PROGRAM: LazyLock<Case> = LazyLock::new(|| {
    let mut builder = Builder::default();
    for literal in [
        "Loading volume cache from {0}, {1} entries",
        "Command {0} timed out after {1} ms, state={2}, retry={3}/{4}",
        "Access violation 0x{0:X8} in {1}!{2}+0x{3:x}, module version {4}",
        "rail 24V=%.2f 48V=%.2f temp=%.1fC",
        "bulk read failed: %s (%d), endpoint 0x%02x, %s",
        "opened %s in viewer",
        "user='%s' logged in",
        "libusb x1sdk fdk.cpp",
    ] {
        builder.add(Entry::Literal(literal));
    }
    for word in
        "Kathea Devices X1 Link SendAsync SetCollimator Arming detector version build serial".split(' ')
    {
        builder.add(Entry::Word(word));
    }
    builder.add(Entry::Folder("C:\\Program Files\\Kathea"));
    Case::new(Zeroizing::new([7; 32])).with_table(Some(Arc::new(builder.table())))
});

fuzz_target!(|log: &[u8]| {
    let (case, identifiers) = &*CASE;
    for case in [case, &OF_A_PROGRAM] {
        let mut out = Vec::new();
        text::clean(log, &mut out, case, identifiers).expect("a writer in memory");
        let found = check::search(&out, check::Layout::Lines, identifiers, case);
        assert_eq!(found, None, "{}", String::from_utf8_lossy(&out));
    }
    let _ = String::from_utf8_lossy(log).lines().any(text::has_personal_number);
});

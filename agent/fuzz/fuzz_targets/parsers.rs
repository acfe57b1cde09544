//! The parsers of `all_parsers.rs`, each under its name: `PARSER=envelope`. One program, because most of its time goes
//! into building it.
#![no_main]

mod all_parsers;

use std::sync::LazyLock;

use all_parsers::{PARSERS, Parser};
use libfuzzer_sys::fuzz_target;

static PARSER: LazyLock<Parser> = LazyLock::new(|| {
    let wanted = std::env::var("PARSER").unwrap_or_default();
    let found = PARSERS.iter().find(|(name, _)| *name == wanted);
    let names: Vec<_> = PARSERS.iter().map(|(name, _)| *name).collect();
    found.unwrap_or_else(|| panic!("PARSER is one of {names:?}")).1
});

fuzz_target!(|bytes: &[u8]| PARSER(bytes));

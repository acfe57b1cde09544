//! Deflates the lists of common names, of the product's words, of registered UIDs and of attributes: as text they are 150 kB
//! more of the program's 8 MiB. Makes a table of the DICOM dictionary, for `dicom/dictionary.rs`.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use dicom_core::dictionary::{DataDictionary, VirtualVr};
use dicom_core::header::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use flate2::Compression;
use flate2::write::DeflateEncoder;

#[path = "src/text/spelled.rs"]
mod spelled;

const VOCABULARY: &str = "text/vocabulary.txt";
const LISTS: [&str; 4] = ["text/names.txt", VOCABULARY, "dicom/uids.txt", "dicom/keep.tsv"];

/// Every group that the dictionary has; the test of `dicom/dictionary.rs` looks for others.
const GROUPS: [u16; 77] = [
    0x0000, 0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0012, 0x0014, 0x0016, 0x0018, 0x0020, 0x0022, 0x0024,
    0x0028, 0x0032, 0x0034, 0x0038, 0x003A, 0x0040, 0x0042, 0x0044, 0x0046, 0x0048, 0x0050, 0x0052, 0x0054,
    0x0060, 0x0062, 0x0064, 0x0066, 0x0068, 0x006A, 0x0070, 0x0072, 0x0074, 0x0076, 0x0078, 0x0080, 0x0082,
    0x0088, 0x0100, 0x0400, 0x1000, 0x1010, 0x2000, 0x2010, 0x2020, 0x2030, 0x2040, 0x2050, 0x2100, 0x2110,
    0x2120, 0x2130, 0x2200, 0x3002, 0x3004, 0x3006, 0x3008, 0x300A, 0x300C, 0x300E, 0x3010, 0x4000, 0x4008,
    0x4010, 0x4FFE, 0x5000, 0x5200, 0x5400, 0x5600, 0x6000, 0x7F00, 0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE,
];

#[allow(clippy::print_stdout)] // the way to speak to Cargo
fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo names no OUT_DIR")?);
    for list in LISTS {
        let file = Path::new("src").join(list);
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.with_extension("deflate");
        let text = fs::read_to_string(&file)?;
        let text = if list == VOCABULARY { vocabulary(&text) } else { text };
        deflate(text.as_bytes(), &out.join(name.file_name().ok_or("a list has no name")?))?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    dictionary(&out)
}

/// A word a line, spelled as it is looked up; `=` stays before one that is a name as well.
fn vocabulary(list: &str) -> String {
    let mut lines = String::new();
    for word in list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace) {
        if word.starts_with('=') {
            lines.push('=');
        }
        lines += &spelled::spelled(word.trim_start_matches('='));
        lines.push('\n');
    }
    lines
}

fn deflate(text: &[u8], to: &Path) -> Result<(), Box<dyn Error>> {
    let length = u32::try_from(text.len())?.to_le_bytes();
    let mut deflated = DeflateEncoder::new(length.to_vec(), Compression::best());
    deflated.write_all(text)?;
    Ok(fs::write(to, deflated.finish()?)?)
}

/// Asks the dictionary for every element of its groups: it tells what a tag is, and not which tags it has.
fn dictionary(out: &Path) -> Result<(), Box<dyn Error>> {
    let (mut tags, mut keywords) = (Vec::new(), String::new());
    for group in GROUPS {
        for element in 0..=u16::MAX {
            let Some(entry) = StandardDataDictionary.by_tag(Tag(group, element)) else { continue };
            // Of every group; of every element of a row, under its first.
            if entry.alias == "GenericGroupLength" || (group == 0x0020 && matches!(element, 0x3101..=0x31ff))
            {
                continue;
            }
            let vr = match entry.vr {
                VirtualVr::Exact(vr) => vr,
                VirtualVr::Xs => VR::US,
                _ => VR::OW,
            };
            tags.extend([group.to_be_bytes(), element.to_be_bytes(), vr.to_bytes()].concat());
            keywords += entry.alias;
            keywords += "\n";
        }
    }
    fs::write(out.join("dictionary.tags"), tags)?;
    deflate(keywords.as_bytes(), &out.join("dictionary.deflate"))
}

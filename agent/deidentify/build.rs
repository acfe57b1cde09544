//! Deflates the lists of common names and of the product's words: as text they are 130 kB more of the program's 8 MiB.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::DeflateEncoder;

const LISTS: [&str; 2] = ["names", "vocabulary"];

#[allow(clippy::print_stdout)] // the way to speak to Cargo
fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo names no OUT_DIR")?);
    for list in LISTS {
        let file = format!("src/text/{list}.txt");
        println!("cargo::rerun-if-changed={file}");
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(&fs::read(file)?)?;
        fs::write(out.join(format!("{list}.deflate")), deflated.finish()?)?;
    }
    Ok(())
}

//! Deflates the list of common names: as text it is 110 kB more of the program's 8 MiB.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::DeflateEncoder;

const NAMES: &str = "src/text/names.txt";

#[allow(clippy::print_stdout)] // the way to speak to Cargo
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={NAMES}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo names no OUT_DIR")?);
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(&fs::read(NAMES)?)?;
    Ok(fs::write(out.join("names.deflate"), deflated.finish()?)?)
}

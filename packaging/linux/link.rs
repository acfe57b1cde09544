//! Gives the linker the layout of `cold.ld` for the program as it is shipped on Linux.

use std::env::var;

#[allow(clippy::print_stdout)] // the way to speak to Cargo
fn main() {
    println!("cargo::rerun-if-changed=packaging/linux/cold.ld");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    // The target for which .cargo/config.toml counts on ld.lld; a link of tests needs no layout.
    if is("TARGET", "x86_64-unknown-linux-gnu") && is("PROFILE", "release") {
        let root = var("CARGO_MANIFEST_DIR").expect("cargo sets it for each build script");
        println!("cargo::rustc-link-arg-bin=kathea-agent=-Wl,-T,{root}/packaging/linux/cold.ld");
    }
}

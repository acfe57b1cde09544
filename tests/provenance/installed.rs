//! The installer's list beside a program, as the vendor signs it.

use std::fs;
use std::path::Path;

use protocol::Digest;
use protocol::signature::{Context, PublicKey, Signature};
use ring::signature::{Ed25519KeyPair, KeyPair};

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

/// The line of `[vendor]` with the key that signs lists.
pub(crate) fn trusted() -> String {
    let key = PublicKey::from_bytes(pair().public_key().as_ref().try_into().unwrap());
    format!("keys = [{{ key = \"{key}\", signs = [\"word_list\"] }}]\n")
}

/// Signs a list: what stands in a file `.sig` beside it.
pub(crate) fn signed(text: &str) -> String {
    let pair = pair();
    let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
    let content = Digest::of(text.as_bytes());
    let signature = Signature::new(Context::WordList, key, content, |text| pair.sign(text).as_ref().to_vec());
    format!("{}\n", signature.unwrap())
}

/// Writes the list of all files that are in `folder` now.
pub(crate) fn list(folder: &Path) {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("installed.sha256") {
            text += &format!("{}  {name}\n", Digest::of(&fs::read(entry.path()).unwrap()));
        }
    }
    fs::write(folder.join("installed.sha256.sig"), signed(&text)).unwrap();
    fs::write(folder.join("installed.sha256"), text).unwrap();
}

//! `verify`: whether one of the vendor's keys signed a file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agent::config::Config;
use agent::harmless;
use agent::presence;
use protocol::Digest;
use protocol::signature::{Context, Signature};
use ring::digest::{Context as Hash, SHA256};
use serde::Serialize;

use crate::exit::{self, Exit, Failure};
use crate::print;
use crate::texts::machine::Say;
use crate::texts::say;

/// `verify`. The signature lies beside the file unless another place is named.
pub(crate) fn verify(
    config: &Config,
    file: &Path,
    context: Context,
    beside: Option<PathBuf>,
    json: bool,
) -> Result<Exit, Failure> {
    let keys = &config.vendor.keys;
    if keys.is_empty() {
        return Err(Failure::usage(say(Say::NoKeys)));
    }
    let beside = beside.unwrap_or_else(|| {
        let mut name = OsString::from(file);
        name.push(".sig");
        name.into()
    });
    let signature: Signature = presence::given_text(&beside)
        .map_err(|e| unreadable(&beside, &e))?
        .parse()
        .map_err(|e| Failure::failed(format!("{} is {e}", harmless::path(&beside))))?;
    let content = digest(file).map_err(|e| unreadable(file, &e))?;
    let (path, kind) = (file.to_owned(), context.to_string());
    let key = keys.verify(context, content, &signature).map_err(|e| {
        Failure::failed(say(Say::DoNotUse { path: path.clone(), kind: kind.clone(), why: e.to_string() }))
    })?;
    let signed = Signed { kind: kind.clone(), key: key.to_string() };
    print::answer(&signed, json, || print::data(&say(Say::Signed { path, kind, key: key.to_string() })))
}

/// The answer for programs.
#[derive(Serialize)]
struct Signed {
    kind: String,
    key: String,
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(exit::unreadable(path, error.kind()))
}

/// The digest of a file of any size.
fn digest(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Hash::new(&SHA256), vec![0; 64 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    Ok(Digest::from_bytes(bytes))
}

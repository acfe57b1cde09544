//! `audit.heads`: how many lines the audit has and the digest of the last one, signed, in a file outside the store. Whoever
//! cuts the end of the audit, or writes another, contradicts it; a copy of the file on another machine keeps it honest.

use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::signature::{Context, Signature};

use crate::failure::Failure;
use crate::sign::Signer;
use crate::store::Store;
use crate::{disk, sign};

/// The first word of a line.
const FORMAT: &str = "kathea-audit-1";

/// The file of a data directory.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("audit.heads")
}

/// Adds the head of today. What cannot be written is logged: the audit itself is kept by then.
pub(crate) fn keep(store: &Store) -> Result<(), Failure> {
    let Some(signer) = sign::of_uses(store.data())? else { return Ok(()) };
    let (count, digest) = store.audit_head()?;
    let text = said(count, digest);
    let signature = signer.sign(Context::AuditHead, Digest::of(text.as_bytes()))?;
    if let Err(failure) = disk::append(&path(store.data()), &format!("{text} {signature}\n")) {
        log::error!("the head of the audit is not kept: {failure}");
    }
    Ok(())
}

/// What the audit contradicts of the file in the data directory, in sentences.
pub(crate) fn check(store: &Store) -> Result<Vec<String>, Failure> {
    let signer = sign::of_uses(store.data())?;
    match signer.zip(disk::read(&path(store.data()))?) {
        Some((signer, bytes)) => compare(store, &signer, &bytes),
        None => Ok(Vec::new()),
    }
}

/// The same of a copy of that file.
pub(crate) fn check_copy(store: &Store, file: &Path) -> Result<Vec<String>, Failure> {
    let signer = sign::of_uses(store.data())?.ok_or_else(|| {
        Failure::new(format!("the data directory has no {}, which signs the heads", sign::USE_KEY))
    })?;
    let bytes = disk::read(file)?.ok_or_else(|| Failure::new(format!("{} is not there", file.display())))?;
    compare(store, &signer, &bytes)
}

fn compare(store: &Store, signer: &Signer, bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let (text, trusted) = (String::from_utf8_lossy(bytes), signer.trusted());
    let (mut findings, mut newest) = (Vec::new(), None);
    // A line without its end was being written when the power went.
    for (at, line) in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).enumerate() {
        let head = read(line).filter(|(count, digest, signature)| {
            let content = Digest::of(said(*count, *digest).as_bytes());
            trusted.verify(Context::AuditHead, content, signature).is_ok()
        });
        match head {
            Some((count, digest, _)) if newest.is_none_or(|(most, _)| count > most) => {
                newest = Some((count, digest));
            }
            Some(_) => {}
            None => findings.push(format!("line {} of audit.heads is not signed by this collector", at + 1)),
        }
    }
    let Some((count, digest)) = newest else { return Ok(findings) };
    match store.audit_digest(count)? {
        Some(is) if is == digest => {}
        Some(_) => findings.push(format!("audit line {count} is not the one that audit.heads names")),
        None => {
            let (here, _) = store.audit_head()?;
            findings.push(format!("the audit had {count} lines and has {here}: its end was cut"));
        }
    }
    Ok(findings)
}

fn said(count: i64, digest: Digest) -> String {
    format!("{FORMAT} {count} {digest}")
}

fn read(line: &str) -> Option<(i64, Digest, Signature)> {
    let mut words = line.splitn(4, ' ');
    let (FORMAT, count, digest, signature) = (words.next()?, words.next()?, words.next()?, words.next()?)
    else {
        return None;
    };
    Some((count.parse().ok()?, digest.parse().ok()?, signature.parse().ok()?))
}

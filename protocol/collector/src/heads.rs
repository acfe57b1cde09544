//! `audit.heads`: how many lines the audit has and the digest of the last one, signed, in a file outside the store. Whoever
//! cuts the end of the audit, or writes another, contradicts it; a copy of the file on another machine keeps it honest.
//! Old heads go: a newer one names what they named.

use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::signature::{Context, Signature};

use crate::disk::{self, Access};
use crate::failure::Failure;
use crate::sign;
use crate::sign::Signer;
use crate::store::Store;

/// The first word of a line.
const FORMAT: &str = "kathea-audit-1";

/// Bytes from which on the older half of the file goes: some four hundred heads. Each head names all lines before it.
const MAX: usize = 100_000;

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
    let path = path(store.data());
    let kept = disk::append(&path, &format!("{text} {signature}\n")).and_then(|()| shorten(&path));
    if let Err(failure) = kept {
        log::error!("the head of the audit is not kept: {failure}");
    }
    Ok(())
}

/// Removes the older half of a file that has become long. A head that another process adds at this moment may go with it:
/// the next one says the same.
fn shorten(path: &Path) -> Result<(), Failure> {
    let Some(bytes) = disk::read(path)?.filter(|bytes| bytes.len() > MAX) else { return Ok(()) };
    let (_, newer) = bytes.split_at(bytes.len() / 2);
    let line = newer.iter().position(|byte| *byte == b'\n').map_or(newer.len(), |end| end + 1);
    disk::write(path, &newer[line..], Access::Private)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_loses_its_older_half_and_never_its_newest_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path());
        let mut most = 0;
        for count in 0..2000 {
            disk::append(
                &path,
                &format!("{} signature {}\n", said(count, Digest::of(b"line")), "s".repeat(80)),
            )
            .unwrap();
            shorten(&path).unwrap();
            let text = String::from_utf8(disk::read(&path).unwrap().unwrap()).unwrap();
            most = most.max(text.len());
            assert!(text.lines().last().unwrap().starts_with(&format!("{FORMAT} {count} ")));
            assert!(text.starts_with(FORMAT) && text.ends_with('\n'), "whole lines");
        }
        assert!(most <= MAX + 200 && most > MAX / 2, "{most}");
    }
}

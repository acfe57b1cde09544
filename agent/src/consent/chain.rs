//! The hash chain: checks that a ledger holds exactly what was written and acknowledged. No disk, no clock.
//!
//! The ledger alone can't show that its end was cut off. So a second small file, the head, says where the
//! chain stands; it is signed, and written after each line. Lines below the head were acknowledged and must be
//! there, unchanged; what lies above it is the remainder of an append that was cut, and counts only if it is
//! whole.

use data_encoding::BASE64;
use protocol::ledger::{BadLine, Entry, line_hash, read_line};
use protocol::signature::is_signed;
use protocol::{DeviceId, Digest};

use crate::vault::DeviceKey;

const HEAD: &str = "kathea-head-1";

/// A place in the chain: the index of the line that comes next, and the hash of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) next: u64,
    pub(super) last: Option<Digest>,
}

/// A line that verified.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    pub(super) hash: Digest,
    pub(super) text: String,
}

/// Where the file begins (after one was set aside: not at 0) and where the chain stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) first: Place,
    pub(super) tip: Place,
}

impl Head {
    /// `kathea-head-1 DEVICE INDEX HASH INDEX HASH SIGNATURE`, first and tip, `-` for no hash.
    pub(super) fn to_text(self, key: &DeviceKey) -> String {
        let mut text = format!("{HEAD} {}", key.id());
        for place in [self.first, self.tip] {
            let last = place.last.map_or_else(|| "-".to_owned(), |hash| hash.to_string());
            text.push_str(&format!(" {} {last}", place.next));
        }
        let signature = BASE64.encode(&key.sign(text.as_bytes()));
        format!("{text} {signature}\n")
    }

    /// Reads what [`Head::to_text`] wrote.
    pub(super) fn from_text(text: &[u8], device: DeviceId, public_key: &[u8]) -> Result<Self, Flaw> {
        let text = std::str::from_utf8(text).map_err(|_| Flaw::HeadDamaged)?;
        let text = text.strip_suffix('\n').ok_or(Flaw::HeadDamaged)?;
        let (signed, signature) = text.rsplit_once(' ').ok_or(Flaw::HeadDamaged)?;
        let fields: Vec<&str> = signed.split(' ').collect();
        let &[HEAD, owner, first, first_hash, tip, tip_hash] = fields.as_slice() else {
            return Err(Flaw::HeadDamaged);
        };
        if owner.parse::<DeviceId>().is_ok_and(|owner| owner != device) {
            return Err(Flaw::OtherDevice);
        }
        let signature = BASE64.decode(signature.as_bytes()).map_err(|_| Flaw::HeadDamaged)?;
        if !is_signed(public_key, signed.as_bytes(), &signature) {
            return Err(Flaw::HeadDamaged);
        }
        let place = |next: &str, last: &str| {
            let last = if last == "-" { None } else { Some(last.parse().ok()?) };
            Some(Place { next: next.parse().ok()?, last })
        };
        let places = place(first, first_hash).zip(place(tip, tip_hash));
        places.map(|(first, tip)| Self { first, tip }).ok_or(Flaw::HeadDamaged)
    }
}

/// What is wrong with a ledger. Any of these closes every flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The disk does not give it, or does not take what would put it in order.
    Unreadable(std::io::ErrorKind),
    /// Far longer than a ledger grows.
    TooLarge,
    /// It was written by another device: the keys were lost, or the directory was copied.
    OtherDevice,
    /// `ledger.head` is not there.
    HeadMissing,
    /// `ledger.head` does not verify.
    HeadDamaged,
    /// Not a ledger line.
    NotALine,
    /// Changed after it was signed.
    Signature,
    /// Not the successor of the line before.
    Order,
    /// Lines that were acknowledged are not there.
    Cut,
    /// Changed by something else while the agent was running.
    Changed,
}

crate::texts! { Flaw {
    Self::Unreadable(why) =>
        "it cannot be read or put in order now ({why})",
        "den kan ikke læses eller bringes i orden nu ({why})", why;
    Self::TooLarge => "it is too large to be a ledger", "den er for stor til at være en journal";
    Self::OtherDevice => "it was written by another device", "den er skrevet af en anden enhed";
    Self::HeadMissing =>
        "ledger.head is missing, so a cut could not be noticed",
        "ledger.head mangler, så en afkortning kan ikke opdages";
    Self::HeadDamaged => "ledger.head was damaged or edited", "ledger.head er beskadiget eller rettet";
    Self::NotALine => "this line is not a ledger entry", "linjen er ikke en journalpost";
    Self::Signature =>
        "this line was changed after it was signed",
        "linjen er ændret, efter at den blev signeret";
    Self::Order =>
        "this line does not follow the one before: lines are missing or moved",
        "linjen følger ikke efter den forrige: linjer mangler eller er flyttet";
    Self::Cut => "the end is missing", "slutningen mangler";
    Self::Changed =>
        "another program changed it while the agent was running",
        "et andet program har ændret den, mens agenten kørte";
} }

/// A flaw and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Line of the file, from 1; `None` where it is not one line's fault.
    pub line: Option<usize>,
    /// What is wrong.
    pub flaw: Flaw,
}

crate::texts! { Finding {
    Self { line: Some(line), flaw } => "consent ledger, line {line}: {flaw}", "samtykkejournalen, linje {line}: {flaw}", line, flaw;
    Self { line: None, flaw } => "consent ledger: {flaw}", "samtykkejournalen: {flaw}", flaw;
} }

/// What the bytes of a ledger turn out to be.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// The lines that verify, up to the first that does not.
    pub(super) lines: Vec<Line>,
    /// Bytes of those lines; what follows is the remainder of an append if there is no finding.
    pub(super) length: usize,
    /// Bytes before those lines: of lines that were removed, where a cut came before the file was written anew.
    pub(super) removed: usize,
    pub(super) finding: Option<Finding>,
}

impl Examined {
    /// Nothing is known of a ledger that the disk does not give.
    pub(super) fn unknown(flaw: Flaw) -> Self {
        Self { finding: Some(Finding { line: None, flaw }), ..Self::default() }
    }
}

/// Checks the bytes of a ledger against its head.
pub(super) fn examine(
    bytes: &[u8],
    head: Result<Head, Flaw>,
    device: DeviceId,
    public_key: &[u8],
) -> Examined {
    let mut examined = Examined::default();
    let Head { first, tip } = head.unwrap_or_default();
    let mut place = first;
    examined.removed = head.map_or(0, |_| removed(bytes, first, device, public_key));
    let bytes = bytes.get(examined.removed..).unwrap_or_default();
    for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = examined.lines.len() + 1;
        let checked = check(raw, place, device, public_key).and_then(|line| {
            let after = Place { next: place.next.saturating_add(1), last: Some(line.hash) };
            if after.next == tip.next && after != tip { Err(Flaw::Signature) } else { Ok((line, after)) }
        });
        match checked {
            Ok((line, after)) => {
                place = after;
                examined.length += raw.len();
                examined.lines.push(line);
            }
            Err(_) if head.is_ok() && place.next >= tip.next => break,
            Err(flaw) => {
                examined.finding = Some(Finding { line: Some(line), flaw });
                return examined;
            }
        }
    }
    examined.finding = match head {
        Err(flaw) => Some(Finding { line: None, flaw }),
        Ok(_) if place.next < tip.next => {
            Some(Finding { line: Some(examined.lines.len() + 1), flaw: Flaw::Cut })
        }
        Ok(_) => None,
    };
    examined
}

/// Bytes of the lines that stand before `first`, if they lead to it: each is whole and follows the one before, and the last
/// is the one that `first` names. 0 where the file begins as it should, or with something else.
fn removed(bytes: &[u8], first: Place, device: DeviceId, public_key: &[u8]) -> usize {
    let (mut place, mut length) = (None, 0);
    for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let Ok(entry) = read_line(text.trim_end_matches('\n'), public_key) else { return 0 };
        if entry.header.index >= first.next {
            return 0;
        }
        let at = place.unwrap_or(Place { next: entry.header.index, last: entry.header.previous });
        let Ok(line) = check(raw, at, device, public_key) else { return 0 };
        length += raw.len();
        let after = Place { next: at.next.saturating_add(1), last: Some(line.hash) };
        if after == first {
            return length;
        }
        place = Some(after);
    }
    0
}

/// One line, if it is whole and the successor of `place`.
fn check(raw: &[u8], place: Place, device: DeviceId, public_key: &[u8]) -> Result<Line, Flaw> {
    let text = raw.strip_suffix(b"\n").and_then(|raw| std::str::from_utf8(raw).ok()).ok_or(Flaw::NotALine)?;
    let entry = read_line(text, public_key).map_err(|bad| match bad {
        BadLine::Signature => Flaw::Signature,
        BadLine::TooLong | BadLine::Shape => Flaw::NotALine,
    })?;
    let header = &entry.header;
    if header.index != place.next || header.previous != place.last || header.device != device {
        return Err(Flaw::Order);
    }
    Ok(Line { hash: line_hash(text), text: text.to_owned(), entry })
}

#[cfg(test)]
mod tests;

//! The literals of a .NET assembly, and the names that it declares: the heaps `#US` and `#Strings` of its metadata
//! (ECMA-335, 6th edition, II.24.2).

use std::io::{Read, Seek, SeekFrom};

use crate::program::Place;
use crate::text::{LITERAL_BYTES, Refused, Text};

/// `BSJB`, with which metadata begins.
const SIGNATURE: u32 = 0x424a_5342;
/// Streams of metadata; assemblies have five.
const STREAMS: usize = 16;
/// Bytes of a stream's name with its end.
const NAME: usize = 32;
/// Bytes of the longest name that a program declares and a log repeats.
const NAMED: usize = 256;
/// Bytes of the largest heap that is read.
const HEAP: u64 = 16 << 20;

/// Hands every user string and every name of the metadata at `metadata` to `take`.
pub(crate) fn heaps(
    file: &mut (impl Read + Seek),
    metadata: Place,
    take: &mut dyn FnMut(Text<'_>),
) -> Result<(), Refused> {
    file.seek(SeekFrom::Start(metadata.offset))?;
    let mut head = Vec::new();
    // The root and the headers of its streams are a few hundred bytes.
    Read::by_ref(file).take(metadata.bytes.min(4096)).read_to_end(&mut head)?;
    for (name, read) in
        [(b"#US".as_slice(), strings as fn(&[u8], &mut dyn FnMut(Text<'_>))), (b"#Strings", names)]
    {
        let Some(heap) = heap(&head, name) else { return Err(Refused::Damaged) };
        let Some(Place { offset, bytes }) = heap else { continue };
        file.seek(SeekFrom::Start(metadata.offset.saturating_add(offset)))?;
        let mut content = Vec::new();
        Read::by_ref(file).take(bytes.min(HEAP)).read_to_end(&mut content)?;
        read(&content, take);
    }
    Ok(())
}

/// The names of the heap (II.24.2.3): UTF-8, each with NUL behind it.
fn names(heap: &[u8], take: &mut dyn FnMut(Text<'_>)) {
    heap.split(|byte| *byte == 0)
        .filter(|name| (1..=NAMED).contains(&name.len()))
        .filter_map(|name| str::from_utf8(name).ok())
        .for_each(|name| take(Text::Name(name)));
}

/// Where the heap lies in the metadata, if it has one (II.24.2.1, II.24.2.2).
fn heap(head: &[u8], wanted: &[u8]) -> Option<Option<Place>> {
    let word = |at: usize| Some(u32::from_le_bytes(head.get(at..at.checked_add(4)?)?.try_into().ok()?));
    if word(0)? != SIGNATURE {
        return None;
    }
    let version = usize::try_from(word(12)?).ok().filter(|length| *length <= 256)?;
    let streams = 16 + version + 4;
    let count = u16::from_le_bytes(head.get(streams - 2..streams)?.try_into().ok()?);
    let mut at = streams;
    for _ in 0..usize::from(count).min(STREAMS) {
        let (offset, bytes) = (word(at)?, word(at + 4)?);
        let name = head.get(at + 8..)?;
        let end = name.iter().take(NAME).position(|byte| *byte == 0)?;
        if name.get(..end)? == wanted {
            return Some(Some(Place { offset: offset.into(), bytes: bytes.into() }));
        }
        at += 8 + (end + 4) / 4 * 4;
    }
    Some(None)
}

/// The blobs of the heap (II.24.2.4): a compressed length, UTF-16, one byte that says whether it is plain.
fn strings(heap: &[u8], take: &mut dyn FnMut(Text<'_>)) {
    let mut rest = heap.get(1..).unwrap_or_default();
    while let Some((length, behind)) = length(rest) {
        let Some((blob, next)) = behind.split_at_checked(length) else { return };
        rest = next;
        let units: Vec<u16> =
            blob.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        if units.len() <= LITERAL_BYTES
            && let Ok(text) = String::from_utf16(&units)
        {
            take(Text::Literal(&text));
        }
    }
}

/// II.23.2: one, two or four bytes.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let first = usize::from(*bytes.first()?);
    let (size, high) = match first {
        0..0x80 => (1, first),
        0x80..0xc0 => (2, first & 0x3f),
        0xc0..0xe0 => (4, first & 0x1f),
        _ => return None,
    };
    let low = bytes.get(1..size)?;
    let length = low.iter().fold(high, |length, byte| length << 8 | usize::from(*byte));
    Some((length, bytes.get(size..)?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const NAMES: &[u8] = b"\0SendAsync\0VolumeLoader\0";

    /// Metadata with a heap of these strings, and one of names.
    pub(crate) fn metadata(strings: &[&str]) -> Vec<u8> {
        let mut heap = vec![0];
        for text in strings {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let length = units.len() + 1;
            if length < 0x80 {
                heap.push(length as u8);
            } else {
                heap.extend([0x80 | (length >> 8) as u8, length as u8]);
            }
            heap.extend(units);
            heap.push(0);
        }
        let mut out = SIGNATURE.to_le_bytes().to_vec();
        out.extend([1, 0, 1, 0, 0, 0, 0, 0, 12, 0, 0, 0]);
        out.extend(b"v4.0.30319\0\0");
        out.extend([0, 0, 2, 0]);
        let start = out.len() + 8 + 12 + 8 + 4;
        let names = start + heap.len();
        out.extend((names as u32).to_le_bytes());
        out.extend((NAMES.len() as u32).to_le_bytes());
        out.extend(b"#Strings\0\0\0\0");
        out.extend((start as u32).to_le_bytes());
        out.extend((heap.len() as u32).to_le_bytes());
        out.extend(b"#US\0");
        out.extend(heap);
        out.extend(NAMES);
        out
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<String>, Refused> {
        let mut all = Vec::new();
        let place = Place { offset: 0, bytes: bytes.len() as u64 };
        heaps(&mut Cursor::new(bytes), place, &mut |text| match text {
            Text::Literal(text) => all.push(text.to_owned()),
            Text::Name(name) => all.push(format!("name {name}")),
        })?;
        Ok(all)
    }

    #[test]
    fn the_user_strings_of_an_assembly_are_read() {
        let long = "Calibration of detector panel finished ".repeat(3);
        let all = read(metadata(&["Loading {0}", "Måling færdig", &long])).unwrap();
        assert_eq!(
            all,
            ["Loading {0}", "Måling færdig", long.as_str(), "name SendAsync", "name VolumeLoader"]
        );
    }

    #[test]
    fn no_cut_and_no_flipped_byte_brings_it_down() {
        let whole = metadata(&["Loading {0} from {1}", "Command {0} timed out"]);
        for end in 0..whole.len() {
            let _ = read(whole[..end].to_vec());
        }
        for place in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                let _ = read(bytes);
            }
        }
    }
}

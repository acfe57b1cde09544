//! Message catalogues of gettext: the file `.mo` (GNU gettext manual, "The Format of GNU MO Files").

use std::io::{Read, Seek, SeekFrom};

use crate::text::{Kind, LITERAL_BYTES, Refused, Text};

/// Bytes of the largest catalogue.
const CATALOGUE: u64 = 16 << 20;

/// Hands every message and its translation to `take`. `word` reads a number in the file's order of bytes.
pub(crate) fn read(
    mut file: impl Read + Seek,
    word: fn([u8; 4]) -> u32,
    take: &mut dyn FnMut(Text<'_>),
) -> Result<Kind, Refused> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(CATALOGUE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > CATALOGUE {
        return Err(Refused::TooLarge);
    }
    let number = |at: usize| {
        let number = bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(word)?;
        usize::try_from(number).ok()
    };
    let (Some(count), Some(messages), Some(translations)) = (number(8), number(12), number(16)) else {
        return Err(Refused::Damaged);
    };
    for table in [messages, translations] {
        for index in 0..count {
            let at = table.saturating_add(index.saturating_mul(8));
            // Beyond the end there is no further entry either.
            let (Some(length), Some(offset)) = (number(at), number(at.saturating_add(4))) else {
                return Err(Refused::Damaged);
            };
            let text = bytes.get(offset..offset.saturating_add(length)).unwrap_or_default();
            // Plural forms are parted by NUL; the first message is the catalogue's own header.
            if index > 0 && length <= LITERAL_BYTES {
                text.split(|byte| *byte == 0)
                    .filter_map(|form| str::from_utf8(form).ok())
                    .for_each(|form| take(Text::Literal(form)));
            }
        }
    }
    Ok(Kind::Catalogue)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn catalogue(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        let count = pairs.len() as u32;
        for number in [0x9504_12de, 0, count, 28, 28 + 8 * count, 0, 0] {
            out.extend(u32::to_le_bytes(number));
        }
        let (mut tables, mut texts) = (Vec::new(), Vec::new());
        let start = 28 + 16 * pairs.len();
        for text in pairs.iter().map(|(message, _)| message).chain(pairs.iter().map(|(_, text)| text)) {
            tables.extend((text.len() as u32).to_le_bytes());
            tables.extend(((start + texts.len()) as u32).to_le_bytes());
            texts.extend(text.as_bytes());
            texts.push(0);
        }
        out.extend(tables);
        out.extend(texts);
        out
    }

    fn all_of(bytes: Vec<u8>) -> Result<Vec<String>, Refused> {
        let mut all = Vec::new();
        read(Cursor::new(bytes), u32::from_le_bytes, &mut |text| {
            if let Text::Literal(text) = text {
                all.push(text.to_owned());
            }
        })
        .map(|_| all)
    }

    #[test]
    fn messages_and_translations_are_read_and_damage_is_reported() {
        let whole = catalogue(&[
            ("", "Last-Translator: nobody"),
            ("%d file\0%d files", "%d fil\0%d filer"),
            ("Scan failed", "Optagelsen mislykkedes"),
        ]);
        let all = all_of(whole.clone()).unwrap();
        assert_eq!(
            all,
            ["%d file", "%d files", "Scan failed", "%d fil", "%d filer", "Optagelsen mislykkedes"]
        );
        for end in 0..whole.len() {
            let _ = all_of(whole[..end].to_vec());
        }
        let mut many = whole;
        many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(all_of(many), Err(Refused::Damaged));
    }
}

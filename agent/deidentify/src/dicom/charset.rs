//! Character sets (PS3.5 section 6.1, PS3.3 C.12.1.1.2): from the bytes of a text to its characters.
//!
//! Tables by `encoding_rs`; the code extensions of ISO/IEC 2022, which no decoder for the web has, are taken apart
//! here. Nothing fails: what cannot be decoded becomes U+FFFD.

use std::borrow::Cow;

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6,
    ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

const ESCAPE: u8 = 0x1B;

/// Specific Character Set (0008,0005), as far as it matters before the first escape sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charset {
    first: &'static Encoding,
    /// UTF-8 and GB18030 know no escape sequences.
    extensible: bool,
}

impl Charset {
    /// The default repertoire, ISO-IR 6, read as its superset.
    pub(super) const DEFAULT: Self = Self { first: WINDOWS_1252, extensible: true };

    /// The one that the value of (0008,0005) names first; an unknown one is read as the default.
    pub(super) fn of(value: &[u8]) -> Self {
        let first = value.split(|byte| *byte == b'\\').next().unwrap_or_default();
        let term = String::from_utf8_lossy(first).trim_matches([' ', '\0']).replace('_', " ").to_uppercase();
        let number = term.rsplit("IR ").next().unwrap_or_default();
        let first = match number {
            "101" => ISO_8859_2,
            "109" => ISO_8859_3,
            "110" => ISO_8859_4,
            "144" => ISO_8859_5,
            "127" => ISO_8859_6,
            "126" => ISO_8859_7,
            "138" => ISO_8859_8,
            "148" => WINDOWS_1254,
            "203" => ISO_8859_15,
            "13" => SHIFT_JIS,
            "166" => WINDOWS_874,
            "149" => EUC_KR,
            "58" => GBK,
            "192" => return Self { first: UTF_8, extensible: false },
            "GB18030" | "GBK" | "GB2312" => return Self { first: GB18030, extensible: false },
            "BIG5" => return Self { first: BIG5, extensible: false },
            _ => WINDOWS_1252,
        };
        Self { first, extensible: true }
    }

    /// The characters of `bytes`.
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        if self.extensible && bytes.contains(&ESCAPE) {
            return Cow::Owned(self.decode_extended(bytes));
        }
        self.first.decode_without_bom_handling(bytes).0
    }

    /// Every way in which `bytes` may have been meant: as declared, and as what is written in its place by mistake.
    pub(super) fn readings(self, bytes: &[u8]) -> Vec<String> {
        let mut readings = vec![self.decode(bytes).into_owned()];
        if !bytes.is_ascii() {
            let others = [UTF_8, WINDOWS_1252].map(|other| other.decode_without_bom_handling(bytes));
            for (text, malformed) in others.map(|(text, malformed)| (text.into_owned(), malformed)) {
                if !malformed && !readings.contains(&text) {
                    readings.push(text);
                }
            }
        }
        readings
    }

    fn decode_extended(self, bytes: &[u8]) -> String {
        let mut text = String::new();
        let mut set = Set::Encoding(self.first);
        for (index, run) in bytes.split(|byte| *byte == ESCAPE).enumerate() {
            let run = if index == 0 {
                run
            } else {
                let (next, rest) = Set::after_escape(run, self.first);
                set = next;
                rest
            };
            set.decode(run, &mut text);
        }
        text
    }
}

/// What an escape sequence chooses (PS3.3 tables C.12-3 and C.12-4).
#[derive(Clone, Copy)]
enum Set {
    Encoding(&'static Encoding),
    /// Two bytes of seven bits each: JIS X 0208, and JIS X 0212, which EUC-JP marks with a byte.
    Jis {
        marked: bool,
    },
}

impl Set {
    /// The set, and the rest of the run behind the sequence; an unknown sequence chooses `first` again.
    fn after_escape<'a>(run: &'a [u8], first: &'static Encoding) -> (Self, &'a [u8]) {
        let sequences: [(&[u8], Self); 19] = [
            (b"$)C", Self::Encoding(EUC_KR)),
            (b"$)A", Self::Encoding(GBK)),
            (b"$(D", Self::Jis { marked: true }),
            (b"$B", Self::Jis { marked: false }),
            (b"$@", Self::Jis { marked: false }),
            (b"(B", Self::Encoding(first)),
            (b"(J", Self::Encoding(SHIFT_JIS)),
            (b")I", Self::Encoding(SHIFT_JIS)),
            (b"-A", Self::Encoding(WINDOWS_1252)),
            (b"-B", Self::Encoding(ISO_8859_2)),
            (b"-C", Self::Encoding(ISO_8859_3)),
            (b"-D", Self::Encoding(ISO_8859_4)),
            (b"-L", Self::Encoding(ISO_8859_5)),
            (b"-G", Self::Encoding(ISO_8859_6)),
            (b"-F", Self::Encoding(ISO_8859_7)),
            (b"-H", Self::Encoding(ISO_8859_8)),
            (b"-M", Self::Encoding(WINDOWS_1254)),
            (b"-b", Self::Encoding(ISO_8859_15)),
            (b"-T", Self::Encoding(WINDOWS_874)),
        ];
        for (sequence, set) in sequences {
            if let Some(rest) = run.strip_prefix(sequence) {
                return (set, rest);
            }
        }
        (Self::Encoding(first), run)
    }

    fn decode(self, run: &[u8], text: &mut String) {
        match self {
            Self::Encoding(encoding) => text.push_str(&encoding.decode_without_bom_handling(run).0),
            Self::Jis { marked } => {
                let mut euc = Vec::with_capacity(run.len() * 2);
                for pair in run.chunks(2) {
                    if let [0x21..=0x7E, 0x21..=0x7E] = pair {
                        euc.extend(marked.then_some(0x8F));
                        euc.extend(pair.iter().map(|byte| byte | 0x80));
                    } else {
                        euc.extend_from_slice(pair);
                    }
                }
                text.push_str(&EUC_JP.decode_without_bom_handling(&euc).0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(charset: &str, bytes: &[u8], expect: &str) {
        assert_eq!(Charset::of(charset.as_bytes()).decode(bytes), expect, "{charset}");
    }

    /// The examples of PS3.5 annexes H to K, and the Danish letters.
    #[test]
    fn the_standards_examples_are_read() {
        check("", b"Hansen", "Hansen");
        check("ISO_IR 100", b"S\xF8rensen^\xC6gir", "Sørensen^Ægir");
        check("ISO_IR 192", "Sørensen^Ægir".as_bytes(), "Sørensen^Ægir");
        check("ISO_IR 144", b"\xBB\xEEce\xDC\xD1yp\xD3", "Люceмбypг");
        check("ISO_IR 13", b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ");
        let japanese =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        check("\\ISO 2022 IR 87", japanese, "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let korean =
            b"Hong^Gildong=\x1b$)C\xFB\xF3^\x1b$)C\xD1\xCE\xD4\xD7=\x1b$)C\xC8\xAB^\x1b$)C\xB1\xE6\xB5\xBF";
        check("\\ISO 2022 IR 149", korean, "Hong^Gildong=洪^吉洞=홍^길동");
        check("\\ISO 2022 IR 58", b"Zhang=\x1b$)A\xD5\xC5^\x1b$)A\xD0\xA1\xB6\xAB", "Zhang=张^小东");
        check("GB18030", b"Wang=\xCD\xF5^\xD0\xA1\xB6\xAB", "Wang=王^小东");
        check("ISO_IR 148", b"\xDEeker", "Şeker");
    }

    #[test]
    fn a_wrongly_declared_text_is_read_as_it_was_meant_too() {
        let readings = Charset::of(b"ISO_IR 100").readings("Jørgen".as_bytes());
        assert!(readings.contains(&"Jørgen".to_owned()), "{readings:?}");
        let readings = Charset::of(b"ISO_IR 192").readings(b"J\xF8rgen");
        assert!(readings.contains(&"Jørgen".to_owned()), "{readings:?}");
        assert_eq!(Charset::DEFAULT.readings(b"Hansen"), ["Hansen"]);
    }

    #[test]
    fn no_bytes_fail() {
        for charset in
            ["ISO_IR 13", "ISO 2022 IR 87", "ISO 2022 IR 149", "ISO_IR 192", "GB18030", "\u{1}\\\\"]
        {
            for byte in 0..=255 {
                Charset::of(charset.as_bytes()).decode(&[byte, ESCAPE, b'$', byte, byte]);
                Charset::of(charset.as_bytes()).decode(&[ESCAPE, byte]);
            }
        }
    }
}

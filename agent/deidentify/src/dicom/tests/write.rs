//! Writes data sets in every encoding, well-formed unless asked otherwise.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

pub(super) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(super) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub(super) const BIG: &str = "1.2.840.10008.1.2.2";
/// JPEG baseline, JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K, RLE, MPEG-2.
pub(super) const ENCAPSULATED: [&str; 7] = [
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.100",
];

pub(super) const UNDEFINED: u32 = u32::MAX;

/// A data set or an item.
#[derive(Clone)]
pub(crate) struct Set {
    syntax: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Set {
    pub(crate) fn new(syntax: &'static str) -> Self {
        Self { syntax, bytes: Vec::new() }
    }

    fn short(&mut self, number: u16) {
        let bytes = if self.syntax == BIG { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    fn long(&mut self, number: u32) {
        let bytes = if self.syntax == BIG { number.to_be_bytes() } else { number.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    /// A header alone, with whatever length.
    pub(super) fn header(&mut self, tag: u32, vr: &str, length: u32) -> &mut Self {
        self.short((tag >> 16) as u16);
        self.short(tag as u16);
        if self.syntax == IMPLICIT || tag >> 16 == 0xFFFE {
            self.long(length);
            return self;
        }
        self.bytes.extend(vr.as_bytes());
        if ["OB", "OW", "OD", "OF", "OL", "OV", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"].contains(&vr) {
            self.short(0);
            self.long(length);
        } else {
            self.short(length as u16);
        }
        self
    }

    pub(super) fn raw(&mut self, tag: u32, vr: &str, value: &[u8]) -> &mut Self {
        let odd = value.len() % 2;
        self.header(tag, vr, (value.len() + odd) as u32);
        self.bytes.extend(value);
        self.bytes.extend(&[if vr == "UI" { 0 } else { b' ' }][..odd]);
        self
    }

    pub(crate) fn text(&mut self, tag: u32, vr: &str, value: &str) -> &mut Self {
        self.raw(tag, vr, value.as_bytes())
    }

    pub(super) fn us(&mut self, tag: u32, number: u16) -> &mut Self {
        self.header(tag, "US", 2).short(number);
        self
    }

    pub(super) fn fd(&mut self, tag: u32, number: f64) -> &mut Self {
        let bytes = if self.syntax == BIG { number.to_be_bytes() } else { number.to_le_bytes() };
        self.raw(tag, "FD", &bytes)
    }

    /// A sequence, its length and those of its items defined or not.
    pub(super) fn sequence(&mut self, tag: u32, items: &[Self], defined: bool) -> &mut Self {
        let mut content = Self::new(self.syntax);
        for item in items {
            content.header(0xFFFE_E000, "", if defined { item.bytes.len() as u32 } else { UNDEFINED });
            content.bytes.extend(&item.bytes);
            if !defined {
                content.header(0xFFFE_E00D, "", 0);
            }
        }
        self.header(tag, "SQ", if defined { content.bytes.len() as u32 } else { UNDEFINED });
        self.bytes.extend(content.bytes);
        if !defined {
            self.header(0xFFFE_E0DD, "", 0);
        }
        self
    }

    /// Native pixel data, or a basic offset table and a fragment.
    pub(super) fn pixels(&mut self) -> &mut Self {
        if !ENCAPSULATED.contains(&self.syntax) {
            return self.raw(0x7FE0_0010, "OW", &[0x55; 64]);
        }
        self.header(0x7FE0_0010, "OB", UNDEFINED).header(0xFFFE_E000, "", 0);
        self.header(0xFFFE_E000, "", 64).bytes.extend([0x55; 64]);
        self.header(0xFFFE_E0DD, "", 0)
    }

    /// The file meta group.
    pub(super) fn meta(&self) -> Vec<u8> {
        let mut rest = Self::new(EXPLICIT);
        rest.raw(0x0002_0001, "OB", &[0, 1]);
        rest.text(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.2");
        rest.text(0x0002_0003, "UI", "1.2.826.0.1.3680043.2.1");
        rest.text(0x0002_0010, "UI", self.syntax);
        rest.text(0x0002_0016, "AE", "KATHEA_SCU");
        let mut meta = Self::new(EXPLICIT);
        meta.header(0x0002_0000, "UL", 4).long(rest.bytes.len() as u32);
        meta.bytes.extend(rest.bytes);
        meta.bytes
    }

    /// What follows the file meta group.
    pub(super) fn encoded(&self) -> Vec<u8> {
        if self.syntax != DEFLATED {
            return self.bytes.clone();
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A whole file.
    pub(crate) fn file(&self) -> Vec<u8> {
        [vec![0; 128], b"DICM".to_vec(), self.meta(), self.encoded()].concat()
    }
}

//! DICOM files as a scanner writes them, with something planted in every kind of place. Explicit little endian.

/// The elements of one data set, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Set(Vec<u8>);

impl Set {
    pub(crate) fn text(mut self, tag: u32, vr: &str, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.element(tag, vr, &bytes);
        self
    }

    pub(crate) fn bytes(mut self, tag: u32, vr: &str, value: &[u8]) -> Self {
        self.element(tag, vr, value);
        self
    }

    /// A sequence of one item.
    pub(crate) fn sequence(mut self, tag: u32, item: Set) -> Self {
        let mut bytes = vec![0xfe, 0xff, 0x00, 0xe0];
        bytes.extend((item.0.len() as u32).to_le_bytes());
        bytes.extend(item.0);
        self.element(tag, "SQ", &bytes);
        self
    }

    fn element(&mut self, tag: u32, vr: &str, value: &[u8]) {
        self.0.extend(((tag >> 16) as u16).to_le_bytes());
        self.0.extend((tag as u16).to_le_bytes());
        self.0.extend(vr.as_bytes());
        if ["OB", "OW", "SQ", "UN", "UT", "UC", "UR"].contains(&vr) {
            self.0.extend([0, 0]);
            self.0.extend((value.len() as u32).to_le_bytes());
        } else {
            self.0.extend((value.len() as u16).to_le_bytes());
        }
        self.0.extend(value);
    }

    /// The whole file, with `planted` in the preamble and behind the end.
    pub(crate) fn file(self, planted: &str) -> Vec<u8> {
        let mut file = planted.as_bytes().to_vec();
        file.resize(128, b'.');
        file.extend(b"DICM");
        let meta = Set::default()
            .bytes(0x0002_0001, "OB", &[0, 1])
            .text(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.2")
            .text(0x0002_0010, "UI", "1.2.840.10008.1.2.1")
            .text(0x0002_0016, "AE", planted.get(..16).unwrap_or(planted))
            .text(0x0002_0100, "UI", "1.2.3.4.5.6")
            .text(0x0002_0102, "OB", planted);
        file.extend(Set::default().bytes(0x0002_0000, "UL", &(meta.0.len() as u32).to_le_bytes()).0);
        file.extend(meta.0);
        file.extend(self.0);
        file.extend(Set::default().text(0xfffc_fffc, "OB", planted).0);
        file
    }
}

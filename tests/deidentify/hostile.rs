//! Files made to break a reader, and what each must end as.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::dicom::Set;

const PIXELS: u32 = 0x7fe0_0010;
const LISTED: u32 = 0x0008_1140;
const UNLISTED: u32 = 0x0040_0275;

/// What a file ends as: cleaned, or refused for one of these reasons.
pub(crate) enum End {
    Cleaned,
    Refused(&'static [&'static str]),
    /// Either, depending on what the damage hit.
    Any,
}

use End::{Any, Cleaned, Refused};

/// Writes the files into `dir`; returns their names and ends.
pub(crate) fn plant(dir: &Path) -> Vec<(&'static str, End)> {
    let scan = scan().file("");
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    write("good.dcm", &scan);
    write("good.log", b"2026-11-21 10:32:11.123 [ERROR] generator(1042): arc detected at 90 kV\n");
    write("cut.dcm", &scan[..scan.len() - 40]);
    let flipped: Vec<u8> = scan.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at % 97 == 96)).collect();
    write("flipped.dcm", &flipped);
    write("empty.dcm", b"");
    write("nothing but zeros.dcm", &vec![0; 1 << 20]);
    write("zip.dcm", &[b"PK\x03\x04".as_slice(), &[7; 4096]].concat());
    write("wrong representation.dcm", &wrong());
    write("wrong encoding.dcm", &encoded());
    write(
        "four gigabytes declared.dcm",
        &[scan.as_slice(), &long(0x0009_1010, b"OB", u32::MAX - 1)].concat(),
    );
    huge(&dir.join("half a gigabyte of pixels.dcm"), PIXELS);
    huge(&dir.join("half a gigabyte in front.dcm"), 0x0009_1010);
    write("nested.dcm", &nested(LISTED));
    write("nested unlisted.dcm", &nested(UNLISTED));
    items(&dir.join("a million items.dcm"), LISTED);
    items(&dir.join("a million items unlisted.dcm"), UNLISTED);
    write("forty thousand names.dcm", &names());
    write("nested.json", &b"[".repeat(100_000));
    write("nested.xml", &b"<a>".repeat(100_000));
    write("entities.xml", &entities());
    write("names.json", format!("[{}0]", r#"{"patientName":"Ab^Cd"},"#.repeat(40_000)).as_bytes());
    write("many names.json", &many());
    write("half.json", b"{\"patientName\": \"Ham");
    lines(&dir.join("one line.log"));
    write("controls.log", &[b"kV \x00\x01\x02 \xff\xfe\n".as_slice(), b"lost 17 frames\n"].concat());
    write("wide and cut.log", b"\xff\xfek\0V\0 \0o\0k\0\n\0x");
    vec![
        ("good.dcm", Cleaned),
        ("good.log", Cleaned),
        ("cut.dcm", Any),
        ("flipped.dcm", Any),
        ("empty.dcm", Refused(&["empty"])),
        ("nothing but zeros.dcm", Refused(&["not_dicom"])),
        ("zip.dcm", Refused(&["other_format"])),
        ("wrong representation.dcm", Cleaned),
        ("wrong encoding.dcm", Cleaned),
        ("four gigabytes declared.dcm", Refused(&["cut"])),
        ("half a gigabyte of pixels.dcm", Cleaned),
        ("half a gigabyte in front.dcm", Cleaned),
        ("nested.dcm", Refused(&["too_deep"])),
        ("nested unlisted.dcm", Refused(&["too_deep"])),
        ("a million items.dcm", Refused(&["too_large", "too_many"])),
        ("a million items unlisted.dcm", Refused(&["too_many"])),
        ("forty thousand names.dcm", Refused(&["too_large"])),
        ("nested.json", Refused(&["no_text"])),
        ("nested.xml", Refused(&["no_text"])),
        ("entities.xml", Cleaned),
        ("names.json", Cleaned),
        ("many names.json", Refused(&["too_large"])),
        ("half.json", Cleaned),
        ("one line.log", Refused(&["no_text"])),
        ("controls.log", Any),
        ("wide and cut.log", Cleaned),
    ]
}

/// A scan as a patient's folder holds it.
pub(crate) fn scan() -> Set {
    Set::default()
        .text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0008_0018, "UI", "1.2.826.0.1.3680043.8.498.77")
        .text(0x0008_0020, "DA", "20261121")
        .text(0x0008_0070, "LO", "Copenhagen Imaging ApS")
        .text(0x0010_0010, "PN", "Skovgaard^Bente")
        .text(0x0010_0020, "LO", "110458-3348")
        .text(0x0010_0030, "DA", "19580411")
        .text(0x0018_0060, "DS", "90")
        .text(0x0018_1000, "LO", "X1-24-00117")
}

/// Values that are not what their attributes expect.
pub(crate) fn wrong() -> Vec<u8> {
    scan()
        .sequence(0x0018_1150, Set::default().text(0x0018_0060, "DS", "90"))
        .text(0x0018_1151, "FD", "eight mA")
        .file("")
}

/// Texts in encodings that they are not in.
pub(crate) fn encoded() -> Vec<u8> {
    Set::default()
        .text(0x0008_0005, "CS", "ISO 2022 IR 999\\ISO_IR 192")
        .bytes(0x0008_1030, "LO", b"\xff\xfe\x1b$)C\xc3\x28")
        .bytes(0x0010_0010, "PN", b"Skovg\xe5rd^\xf0\x28\x8c\xbc")
        .file("")
}

/// The header of an element with a length of 32 bits.
fn long(tag: u32, vr: &[u8; 2], length: u32) -> Vec<u8> {
    let [group, element] = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes);
    [group.as_slice(), &element, vr, &[0, 0], &length.to_le_bytes()].concat()
}

const ITEM: [u8; 8] = [0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0];
const OPEN_ITEM: [u8; 8] = [0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff];

fn nested(tag: u32) -> Vec<u8> {
    let level = [long(tag, b"SQ", u32::MAX).as_slice(), &OPEN_ITEM].concat();
    [scan().file(""), level.repeat(100_000)].concat()
}

fn items(path: &Path, tag: u32) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    out.write_all(&scan().file("")).unwrap();
    out.write_all(&long(tag, b"SQ", u32::MAX)).unwrap();
    (0..1_000_001).for_each(|_| out.write_all(&ITEM).unwrap());
    out.flush().unwrap();
}

/// A scan that keeps ten megabytes: a volume's functional groups, each with as many values as one may have.
pub(crate) fn heavy() -> Vec<u8> {
    let values = "90\\".repeat(21_800) + "90";
    let element = [
        &[0x18, 0x00, 0x60, 0x00],
        b"DS".as_slice(),
        &(values.len() as u16).to_le_bytes(),
        values.as_bytes(),
    ];
    let element = element.concat();
    let item = [&ITEM[..4], &(element.len() as u32).to_le_bytes(), &element].concat();
    let items = item.repeat(160);
    [scan().file(""), long(LISTED, b"SQ", items.len() as u32), items].concat()
}

fn names() -> Vec<u8> {
    let names: Vec<String> = (0..40_000).map(|number| format!("Name{number:06}^Given{number:06}")).collect();
    let values = names.chunks(1500).map(|names| names.join("\\"));
    values.fold(scan(), |set, value| set.text(0x0010_1001, "PN", &value)).file("")
}

/// More spellings than one file of a clinic can tell.
fn many() -> Vec<u8> {
    let name = |number: u32| format!("{{\"patientName\":\"Ab{number:x}q^Cd{number:x}z\"}}");
    format!("[{}]", (0..60_000).map(name).collect::<Vec<_>>().join(",")).into_bytes()
}

fn entities() -> Vec<u8> {
    let mut text = "<!DOCTYPE a [<!ENTITY e0 \"kV\">".to_owned();
    for level in 1..30 {
        text += &format!("<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10));
    }
    (text + "]>\n<a>&e29;</a>\n").into_bytes()
}

/// Thirty-two megabytes without the end of a line.
fn lines(path: &Path) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    (0..32 << 10).for_each(|_| out.write_all(&[b'x'; 1 << 10]).unwrap());
    out.flush().unwrap();
}

/// A scan with half a gigabyte in `tag`, none of it on the disk.
pub(crate) fn huge(path: &Path, tag: u32) {
    let mut scan = scan().file("");
    let trailer = scan.windows(2).rposition(|bytes| bytes == b"OB").unwrap() - 4;
    scan.truncate(trailer);
    scan.extend(long(tag, b"OB", 500 << 20));
    let mut file = File::create(path).unwrap();
    file.write_all(&scan).unwrap();
    let end = file.stream_position().unwrap() + (500 << 20);
    file.set_len(end).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
}

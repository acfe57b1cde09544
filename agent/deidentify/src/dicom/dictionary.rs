//! What the data dictionary (PS3.6) says of a tag: its value representation and its keyword; and which UIDs it has. The build
//! script takes the first two from the crate `dicom-dictionary-std`: as that has them they are 400 kB of the program's 8 MiB,
//! and two hash tables of 5,000 entries for each process that reads files.
//!
//! ```text
//! dictionary.tags      group (2 bytes), element (2), value representation (2); ascending
//! dictionary.deflate   the keywords in that order, a line each
//! ```

use std::sync::LazyLock;

use dicom_core::header::{Tag, VR};

const TAGS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dictionary.tags"));
static TEXT: LazyLock<String> = LazyLock::new(|| {
    crate::text::names::inflated(include_bytes!(concat!(env!("OUT_DIR"), "/dictionary.deflate")))
});
static KEYWORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| TEXT.lines().collect());

/// Root of DICOM's own identifiers (PS3.6 Annex A): they name formats, never an object.
const ROOT: &str = "1.2.840.10008.";
/// `uids.txt`, as `build.rs` deflated it.
static UIDS: LazyLock<String> =
    LazyLock::new(|| crate::text::names::inflated(include_bytes!(concat!(env!("OUT_DIR"), "/uids.deflate"))));
static REGISTERED: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut uids: Vec<_> = UIDS.lines().filter(|line| !line.starts_with('#')).collect();
    uids.sort_unstable();
    uids
});

/// Whether DICOM registered the UID; what merely begins like one that it did may hold anything.
pub(crate) fn is_registered(uid: &str) -> bool {
    uid.strip_prefix(ROOT).is_some_and(|rest| REGISTERED.binary_search(&rest).is_ok())
}

/// The value representation; `None` if the dictionary does not know the tag. Where it depends on other elements: words.
pub(super) fn vr(tag: Tag) -> Option<VR> {
    match find(tag) {
        Some(at) => TAGS.as_chunks::<6>().0.get(at).and_then(|&[.., one, two]| VR::from_binary([one, two])),
        None if is_creator(tag) => Some(VR::LO),
        None if tag.element() == 0 => Some(VR::UL),
        None => None,
    }
}

/// The keyword; empty if the dictionary does not know the tag.
pub(super) fn keyword(tag: Tag) -> &'static str {
    match find(tag) {
        Some(at) => KEYWORDS.get(at).copied().unwrap_or_default(),
        None if is_creator(tag) => "PrivateCreator",
        None if tag.element() == 0 => "GenericGroupLength",
        None => "",
    }
}

/// Of a private creator (PS3.5, 7.8.1).
fn is_creator(tag: Tag) -> bool {
    tag.group() % 2 == 1 && (0x10..=0xff).contains(&tag.element())
}

fn find(tag: Tag) -> Option<usize> {
    exact(tag).or_else(|| exact(repeated(tag)?))
}

/// Curves, overlays and their pixels are in any of 256 groups, source images in any of 256 elements: under the first.
fn repeated(tag: Tag) -> Option<Tag> {
    let first = Tag(tag.group() & 0xff00, tag.element());
    match (first.group(), tag) {
        (0x5000 | 0x6000 | 0x7f00, _) => Some(first),
        (_, Tag(0x0020, 0x3100..=0x31ff)) => Some(Tag(0x0020, 0x3100)),
        _ => None,
    }
}

fn exact(tag: Tag) -> Option<usize> {
    let wanted = (u32::from(tag.group()) << 16) | u32::from(tag.element());
    let entries = TAGS.as_chunks::<6>().0;
    entries.binary_search_by_key(&wanted, |&[a, b, c, d, ..]| u32::from_be_bytes([a, b, c, d])).ok()
}

#[cfg(test)]
mod tests {
    use dicom_core::dictionary::{DataDictionary, VirtualVr};
    use dicom_dictionary_std::StandardDataDictionary;
    use test_support::Random;

    use super::*;

    fn agrees(tag: Tag) {
        let entry = StandardDataDictionary.by_tag(tag);
        let expected = entry.map(|entry| match entry.vr {
            VirtualVr::Exact(vr) => vr,
            VirtualVr::Xs => VR::US,
            _ => VR::OW,
        });
        assert_eq!(vr(tag), expected, "{tag}");
        assert_eq!(keyword(tag), entry.map_or("", |entry| entry.alias), "{tag}");
    }

    #[test]
    fn only_a_uid_that_dicom_registered_is_registered() {
        use dicom_dictionary_std::uids;

        for uid in [
            uids::VERIFICATION,
            uids::EXPLICIT_VR_LITTLE_ENDIAN,
            uids::CT_IMAGE_STORAGE,
            uids::PATIENT_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND,
        ] {
            assert!(is_registered(uid), "{uid}");
        }
        // A patient's number below the root, in pieces that each look like those of a registered one.
        for uid in ["1.2.840.10008.4815.1623.42", "1.2.840.10008.1.2.199", "1.2.840.10008.", "1.2.840.10008"]
        {
            assert!(!is_registered(uid), "{uid}");
        }
        assert_eq!(REGISTERED.len(), 466);
    }

    #[test]
    fn it_says_what_the_crate_says() {
        let known = TAGS.as_chunks::<6>().0;
        assert!(known.len() > 5_000 && known.is_sorted() && KEYWORDS.len() == known.len());
        for &[a, b, c, d, ..] in known {
            let (group, element) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for beside in [element, element.wrapping_add(1), element.wrapping_sub(1), element | 0xff] {
                agrees(Tag(group, beside));
                agrees(Tag(group | 1, beside));
                agrees(Tag(group ^ 2, beside));
            }
        }
        // A group that the build script does not ask for: most begin with one of these.
        for group in (0..=u16::MAX).step_by(2) {
            [1, 2, 5, 0x10, 0x20].into_iter().for_each(|element| agrees(Tag(group, element)));
        }
        let mut random = Random::seeded();
        for _ in 0..100_000 {
            agrees(Tag(random.below(1 << 16) as u16, random.below(1 << 16) as u16));
        }
    }
}

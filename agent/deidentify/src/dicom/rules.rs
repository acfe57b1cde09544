//! The rules as data: which attributes a support case needs, and how each is handled.
//!
//! The allow-list (`keep.tsv`) comes first: what it does not name is dropped. That what it names agrees with
//! PS3.15 Table E.1-1 (`ps3.15-2026d.tsv`) under the options in [`OPTIONS`] is held by a test, and
//! `deidentify/RULES.md` is written from both.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use dicom_core::header::{Tag, VR};

/// The edition of DICOM PS3.15 that the rules follow.
pub const EDITION: &str = "2026d";

/// The profile and its options as the output names them (PS3.16 CID 7050): code and meaning.
pub(super) const OPTIONS: [(&str, &str); 5] = [
    ("113100", "Basic Application Confidentiality Profile"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113109", "Retain Device Identity Option"),
    ("113111", "Retain Safe Private Option"),
];

/// `keep.tsv`, as `build.rs` deflated it.
pub(super) static KEEP: LazyLock<String> =
    LazyLock::new(|| crate::text::names::inflated(include_bytes!(concat!(env!("OUT_DIR"), "/keep.deflate"))));

/// What becomes of an attribute on the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// Verbatim if it is a term, or the program's or the vendor's.
    Keep,
    /// Verbatim if it is a number in the attribute's range.
    Number,
    /// Verbatim if it is a code string, and a term, or the program's or the vendor's.
    Code,
    /// Verbatim if it names a tag.
    Tag,
    /// The case's UID in its place.
    Uid,
    /// Moved by the case's shift.
    Date,
    /// Moved by the case's shift.
    DateTime,
    /// Verbatim if it is a time of day.
    Time,
    /// Free text, passed through the screen.
    Descriptor,
    /// Down to five years.
    Age,
    /// The case's pseudonym in its place.
    Pseudonym,
    /// Entered: the rules hold inside.
    Sequence,
}

impl Handling {
    /// The name in the data.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "keep" => Self::Keep,
            "number" => Self::Number,
            "code" => Self::Code,
            "tag" => Self::Tag,
            "uid" => Self::Uid,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "time" => Self::Time,
            "descriptor" => Self::Descriptor,
            "age" => Self::Age,
            "pseudonym" => Self::Pseudonym,
            "sequence" => Self::Sequence,
            _ => return None,
        })
    }
}

/// What a rule expects of an attribute's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) vr: VR,
    pub(super) handling: Handling,
    /// `LOW..HIGH` of a number; of a text its terms, with commas between them.
    values: &'static str,
}

impl Expected {
    /// From the cells of a table.
    pub(super) fn of(vr: &str, handling: &str, values: &'static str) -> Option<Self> {
        Some(Self { vr: vr.get(..2)?.parse().ok()?, handling: Handling::of(handling)?, values })
    }

    /// Whether `value` is one of the defined terms, or has the shape of one.
    pub(super) fn has_term(&self, value: &str) -> bool {
        self.values.split(',').any(|term| provenance::has_shape(term, value))
    }

    /// Whether `number` is one that such an attribute may have.
    pub(super) fn is_within(&self, number: f64) -> bool {
        self.range().is_some_and(|range| range.contains(&number))
    }

    /// From which number to which.
    pub(super) fn range(&self) -> Option<RangeInclusive<f64>> {
        let (low, high) = self.values.split_once("..")?;
        Some(low.parse().ok()?..=high.parse().ok()?)
    }
}

/// One line of the allow-list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) tag: Tag,
    pub(super) expected: Expected,
    /// `SS` where samples are signed, if the representation follows them.
    pub(super) follows_samples: bool,
    pub(super) name: &'static str,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules: Vec<Rule> = rows(&KEEP).filter_map(Rule::of).collect();
    rules.sort_unstable_by_key(|rule| rule.tag);
    rules
});

impl Rule {
    /// The rule for a standard attribute, wherever it lies.
    pub(super) fn for_tag(tag: Tag) -> Option<&'static Self> {
        RULES.binary_search_by_key(&tag, |rule| rule.tag).ok().and_then(|index| RULES.get(index))
    }

    fn of(row: &'static str) -> Option<Self> {
        let mut cells = row.split('\t');
        let tag = tag(cells.next()?)?;
        let (vrs, handling, _area) = (cells.next()?, cells.next()?, cells.next()?);
        let name = cells.next()?;
        let expected = Expected::of(vrs, handling, cells.next()?)?;
        Some(Self { tag, expected, follows_samples: vrs == "US/SS", name })
    }
}

/// The rows of a table behind its remark and its head.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1)
}

/// A tag of eight hex digits.
pub(super) fn tag(digits: &str) -> Option<Tag> {
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8)?;
    Some(Tag((number >> 16) as u16, number as u16))
}

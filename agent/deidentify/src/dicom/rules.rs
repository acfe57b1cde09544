//! The rules as data: which attributes a support case needs, and how each is handled.
//!
//! The allow-list (`keep.tsv`) comes first: what it does not name is dropped. That what it names agrees with
//! PS3.15 Table E.1-1 (`ps3.15-2026d.tsv`) under the options in [`OPTIONS`] is held by a test, and
//! `deidentify/RULES.md` is written from both.

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

pub(super) const KEEP: &str = include_str!("keep.tsv");

/// What becomes of an attribute on the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// Verbatim, unless somebody is named in it.
    Keep,
    /// Verbatim if it is a number.
    Number,
    /// Verbatim if it is a code string: capitals, digits, underscore, space.
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

/// One line of the allow-list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) tag: Tag,
    pub(super) vr: VR,
    /// `SS` where samples are signed, if the representation follows them.
    pub(super) follows_samples: bool,
    pub(super) handling: Handling,
    pub(super) name: &'static str,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules: Vec<Rule> = rows(KEEP).filter_map(Rule::of).collect();
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
        let vrs = cells.next()?;
        let vr = vrs.get(..2)?.parse().ok()?;
        let handling = Handling::of(cells.next()?)?;
        let _area = cells.next()?;
        Some(Self { tag, vr, follows_samples: vrs == "US/SS", handling, name: cells.next()? })
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

//! Private elements of our own scanner and software: the only ones that pass (PS3.15 E.3.10).
//!
//! A private block belongs to whoever's name stands in its creator element (PS3.5 7.8.1). A block of another
//! creator, or of none, is dropped.

use std::sync::LazyLock;

use dicom_core::header::Tag;

use super::rules::{Expected, rows};

pub(super) const PRIVATE: &str = include_str!("private.tsv");

/// One private element that passes.
pub(super) struct PrivateRule {
    pub(super) creator: &'static str,
    element: u8,
    pub(super) expected: Expected,
    pub(super) name: &'static str,
}

static RULES: LazyLock<Vec<PrivateRule>> =
    LazyLock::new(|| rows(PRIVATE).filter_map(PrivateRule::of).collect());

impl PrivateRule {
    fn of(row: &'static str) -> Option<Self> {
        let mut cells = row.split('\t');
        let (creator, element) = (cells.next()?, u8::from_str_radix(cells.next()?, 16).ok()?);
        let (vr, handling, name) = (cells.next()?, cells.next()?, cells.next()?);
        Some(Self { creator, element, expected: Expected::of(vr, handling, cells.next()?)?, name })
    }
}

/// Whose private blocks are open in one data set or item.
#[derive(Default)]
pub(super) struct Blocks(Vec<(Tag, &'static str)>);

impl Blocks {
    /// Remembers a block of our own, from its creator element; returns the creator.
    pub(super) fn open(&mut self, tag: Tag, value: &str) -> Option<&'static str> {
        let creator = RULES.iter().map(|rule| rule.creator).find(|creator| *creator == value)?;
        self.0.push((tag, creator));
        Some(creator)
    }

    /// The rule for an element in one of these blocks.
    pub(super) fn rule(&self, tag: Tag) -> Option<&'static PrivateRule> {
        let [block, element] = tag.element().to_be_bytes();
        let owner = Tag(tag.group(), u16::from(block));
        let (_, creator) = self.0.iter().find(|(creator, _)| *creator == owner)?;
        RULES.iter().find(|rule| rule.creator == *creator && rule.element == element)
    }
}

/// Whether the element names the creator of a block.
pub(super) fn is_creator(tag: Tag) -> bool {
    tag.group() % 2 == 1 && (0x10..=0xFF).contains(&tag.element())
}

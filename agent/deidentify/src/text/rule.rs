//! Reasons for a replacement in a text: a closed list, with the placeholder and the counts of each.

use std::collections::BTreeMap;

use crate::identifiers::Kind;

/// A rule of the text scrubber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// An identifier learned from the case.
    Learned(Kind),
    /// A date with a time of day, moved by the case's weeks.
    Moved,
    /// A date alone.
    Date,
    /// A Danish personal number, or an electronic replacement of one.
    Cpr,
    /// A telephone number, or as many digits.
    Number,
    /// An electronic address.
    Email,
    /// An address in a network: IP, MAC, host and port.
    Network,
    /// A URL.
    Url,
    /// A path in a file system.
    Path,
    /// A DICOM or other object identifier, mapped by the case.
    Uid,
    /// A GUID, mapped by the case.
    Guid,
    /// An attribute in a dump of a DICOM file.
    Dump,
    /// A value whose key names a person, a place or a machine.
    Key,
    /// A value whose key no rule lists.
    Unlisted,
    /// Words outside the product's vocabulary.
    Word,
    /// A line, or a value, that can't be decoded, or is longer than its bound.
    Unreadable,
}

impl Rule {
    /// The rule's name in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Learned(kind) => kind.as_str(),
            Self::Moved => "date_moved",
            Self::Date => "date",
            Self::Cpr => "personal_number",
            Self::Number => "long_number",
            Self::Email => "email",
            Self::Network => "network_address",
            Self::Url => "url",
            Self::Path => "path",
            Self::Uid => "uid_mapped",
            Self::Guid => "guid_mapped",
            Self::Dump => "dicom_dump",
            Self::Key => "key_of_person_or_place",
            Self::Unlisted => "key_not_listed",
            Self::Word => "outside_vocabulary",
            Self::Unreadable => "not_readable",
        }
    }

    /// What stands in the place of what was there.
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Learned(Kind::Name) => "[name]",
            Self::Learned(Kind::Id) | Self::Cpr => "[id]",
            Self::Learned(Kind::BirthDate) | Self::Date | Self::Moved => "[date]",
            Self::Learned(Kind::Phone) | Self::Number => "[number]",
            Self::Learned(Kind::Email) | Self::Email => "[email]",
            Self::Learned(Kind::Address) => "[address]",
            Self::Learned(Kind::Clinic) => "[clinic]",
            Self::Network => "[host]",
            Self::Url => "[url]",
            Self::Path => "[path]",
            Self::Learned(Kind::Uid) | Self::Uid | Self::Guid => "[uid]",
            Self::Learned(Kind::Remark) | Self::Dump | Self::Key | Self::Unlisted | Self::Unreadable => {
                "[removed]"
            }
            Self::Word => "[text]",
        }
    }
}

/// What became of a text, in words and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Words, numbers and values that stayed.
    pub kept: u64,
    /// Those in whose place something else stands.
    pub replaced: u64,
    /// Lines and values that are gone.
    pub dropped: u64,
    /// Replacements and losses by rule.
    pub rules: BTreeMap<Rule, u64>,
}

impl Counts {
    /// Something was replaced.
    pub(crate) fn replace(&mut self, rule: Rule) {
        self.replaced += 1;
        *self.rules.entry(rule).or_default() += 1;
    }

    /// What became of another text.
    pub(crate) fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.replaced += other.replaced;
        self.dropped += other.dropped;
        for (rule, count) in &other.rules {
            *self.rules.entry(*rule).or_default() += count;
        }
    }

    /// Something is gone.
    pub(crate) fn drop(&mut self, rule: Rule) {
        self.dropped += 1;
        *self.rules.entry(rule).or_default() += 1;
    }
}

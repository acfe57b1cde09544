//! Which version of a component a device had in a period, by the days on which it said so (`software.inventory`).

use protocol::catalog::Catalog;
use protocol::{Batch, Value};

const ENTRY: &str = "software.inventory";

/// A device said that a component had a version on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    /// The component's word.
    pub(crate) component: String,
    /// Days since 1970 at the device's wall clock.
    pub(crate) day: i64,
    /// As people write it.
    pub(crate) version: String,
}

/// What a batch says of versions.
pub(crate) fn of(batch: &Batch) -> Vec<Installed> {
    let Some(entry) = Catalog::built_in().entries().find(|entry| entry.name == ENTRY) else {
        return Vec::new();
    };
    let records = batch.records.iter().filter(|record| {
        record.entry == entry.number
            && record.value == Value::Plain
            && record.attributes.len() == entry.attributes.len()
    });
    let installed = |record| {
        let shown = entry.describe_record(record);
        let word = |name| shown.iter().find(|(known, _)| *known == name).map(|(_, shown)| shown.to_string());
        Some(Installed {
            component: word("component")?,
            day: i64::from(record.at),
            version: word("version")?,
        })
    };
    records.filter_map(installed).collect()
}

/// A version, and the first day on which the device said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) first: i64,
    pub(crate) version: String,
}

/// The version that held from `begin` to `end`, both days included; `mixed` if there was more than one, `None` if it
/// is not known. No count is ever split between versions. `known` ascends by day.
pub(crate) fn held(known: &[Since], begin: i64, end: i64) -> Option<&str> {
    let before = known.iter().rev().find(|since| since.first <= begin);
    let within = known.iter().filter(|since| since.first > begin && since.first <= end);
    let mut all = before.into_iter().chain(within).map(|since| since.version.as_str());
    let first = all.next()?;
    if all.all(|version| version == first) { Some(first) } else { Some("mixed") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_one_version_or_is_mixed() {
        let since = |first, version: &str| Since { first, version: version.to_owned() };
        let known = [since(10, "1.0"), since(40, "1.1"), since(45, "1.0")];
        assert_eq!(held(&known, 0, 9), None);
        assert_eq!(held(&known, 0, 20), Some("1.0"), "not known before, and no other");
        assert_eq!(held(&known, 10, 39), Some("1.0"));
        assert_eq!(held(&known, 20, 40), Some("mixed"));
        assert_eq!(held(&known, 40, 44), Some("1.1"));
        assert_eq!(held(&known, 44, 50), Some("mixed"));
        assert_eq!(held(&known, 46, 99), Some("1.0"));
    }
}

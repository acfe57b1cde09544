//! What the catalog says, in Danish: files of one line for each entry and each event type, with tabs between.
//!
//! ```text
//! catalog.da.tsv   entry TAB what it is TAB why
//! events.da.tsv    event type TAB what it is
//! ```

const ENTRIES: &str = include_str!("catalog.da.tsv");
const EVENTS: &str = include_str!("events.da.tsv");

/// What an entry is.
pub fn what(entry: &str) -> Option<&'static str> {
    of(ENTRIES, entry)?.next()
}

/// Why an entry is collected.
pub fn reason(entry: &str) -> Option<&'static str> {
    of(ENTRIES, entry)?.nth(1)
}

/// What an event type is; one that the catalog lists as an entry alone is what the entry is.
pub fn event(event_type: &str) -> Option<&'static str> {
    of(EVENTS, event_type).and_then(|mut fields| fields.next()).or_else(|| what(event_type))
}

/// The fields behind a name.
fn of(table: &'static str, name: &str) -> Option<impl Iterator<Item = &'static str>> {
    let fields = |line: &'static str| line.split_once('\t').filter(|(known, _)| *known == name);
    table.lines().find_map(fields).map(|(_, rest)| rest.split('\t'))
}

#[cfg(test)]
mod tests {
    use protocol::Catalog;

    use super::*;

    #[test]
    fn every_entry_of_the_catalog_is_said_in_danish() {
        for entry in Catalog::built_in().entries() {
            assert!(what(&entry.name).is_some() && reason(&entry.name).is_some(), "{}", entry.name);
        }
        assert_eq!(ENTRIES.lines().count(), Catalog::built_in().entries().len());
    }

    #[test]
    fn every_event_type_of_the_catalog_is_said_in_danish() {
        let event_types = Catalog::built_in().event_types();
        for event_type in event_types {
            let said = event(&event_type.name).unwrap_or_default();
            assert!(!said.is_empty() && said != event_type.what, "{}", event_type.name);
        }
        for line in EVENTS.lines() {
            let name = line.split('\t').next().unwrap_or_default();
            assert!(event_types.iter().any(|event_type| event_type.name == name), "{name}");
        }
    }
}

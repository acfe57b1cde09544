//! Names of DICOM attributes, for the reader of an output.

use super::private::{Blocks, is_creator};
use super::rules::{Rule, tag};

/// The names in one data set or item, asked for in its own order: a private block is named by its creator.
#[derive(Default)]
pub struct Names(Blocks);

impl Names {
    /// The name of the attribute with this tag, eight hexadecimal digits, and this first value; empty if there is
    /// none.
    pub fn of(&mut self, digits: &str, value: Option<&str>) -> &'static str {
        let Some(tag) = tag(digits) else { return "" };
        if is_creator(tag) {
            return value.and_then(|value| self.0.open(tag, value)).map_or("", |_| "Private Creator");
        }
        let standard = || Rule::for_tag(tag).map(|rule| rule.name);
        self.0.rule(tag).map(|rule| rule.name).or_else(standard).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_attributes_have_names_and_ours_those_of_their_block() {
        let mut names = Names::default();
        assert_eq!(names.of("00180060", None), "KVP");
        assert_eq!(names.of("00091019", None), "");
        assert_eq!(names.of("00090010", Some("X1")), "Private Creator");
        assert_eq!(names.of("00091019", None), "Fault Code");
        assert_eq!([names.of("0010", None), names.of("", None), names.of("zz180060", None)], [""; 3]);
    }
}

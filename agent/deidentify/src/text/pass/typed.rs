//! The walk where the program's table is known: literals stay, and what stands between them is judged by its type.

use super::super::rule::Rule;
use super::super::words::whole_word;
use super::super::{names, patterns, slots};
use super::{Expect, Hiding, Pass};
use crate::keys::{self, Class};
use provenance::Table;

/// Digits of a hexadecimal number.
const HEX: usize = 16;
/// Words that name a person or a place in a sidecar, and nobody in a message of a program: `late by`, `link=1000/full`.
const NOBODY: &[&str] = &["by", "link"];

impl<'t> Pass<'_, '_, 't> {
    pub(super) fn table(&self) -> Option<&Table> {
        self.scrubber.case.table()
    }

    /// All that follows, literals included.
    pub(super) fn whole(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn before(&self) -> &'t str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// Keeps the literal that begins here. Whatever was being removed before it ends here.
    pub(super) fn literal(&mut self) {
        while let Some(span) = self.spans.get(self.span).filter(|span| span.start <= self.at) {
            let end = span.end;
            self.span += 1;
            let Some(literal) = self.text.get(self.at..end).filter(|literal| !literal.is_empty()) else {
                continue;
            };
            if self.hiding != Hiding::No && !literal.starts_with(char::is_whitespace) {
                self.out.push(' ');
            }
            (self.hiding, self.glued, self.last) = (Hiding::No, false, None);
            self.out.push_str(literal);
            self.at = end;
            self.literal_end = end;
            let words = literal.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            self.scrubber.counts.kept += words.count() as u64;
            self.announce(literal);
        }
    }

    /// What a literal says about the slot behind it: `user={0}` as well as `for patient {0}`.
    fn announce(&mut self, literal: &str) {
        self.expect = Expect::Anything;
        if literal.ends_with("0x") || literal.ends_with("0X") {
            let slot = self.rest();
            let hex = slot.len() - slot.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
            let ends = !slot.get(hex..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
            if (1..=HEX).contains(&hex) && ends {
                self.take(hex);
            }
            return;
        }
        let tail = literal.trim_end_matches([' ', '"', '\'', '(', '[', '<', '{']);
        let bare = tail.trim_end_matches([':', '=', '#']);
        let last = |text: &str, of: fn(char) -> bool| {
            let start = text.trim_end_matches(of).len();
            text.get(start..).unwrap_or_default().to_owned()
        };
        if bare.len() == tail.len() {
            let word = last(tail, |c| c.is_alphanumeric() || c == '_');
            if !NOBODY.contains(&word.to_ascii_lowercase().as_str()) {
                self.expect = self.announced(&word);
            }
            return;
        }
        let key = last(bare.trim_end(), |c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
        let slot = self.rest();
        match keys::class(&key) {
            Class::Person if NOBODY.contains(&key.to_ascii_lowercase().as_str()) => {}
            Class::Person if !slot.trim().is_empty() => self.hide(slot),
            Class::Device if self.is_device(&key, slot) => self.plain_value(slot, None),
            Class::Keep(bound) => self.plain_value(slot, Some(bound)),
            _ => {}
        }
    }

    /// Keeps what has a type: a file with its line, a path of the program, a private address behind a literal, a version.
    pub(super) fn typed(&mut self, next: char) -> bool {
        let Some(table) = self.table() else { return false };
        if self.hiding != Hiding::No || self.glued || self.expect == Expect::Person {
            return false;
        }
        let whole = self.whole();
        if next.is_ascii_digit() {
            if let Some(uid) = slots::uid(whole) {
                if table.has_word(uid) {
                    return self.take(uid.len());
                }
                self.replace(Rule::Uid, uid.len());
                return true;
            }
            let is_announced =
                self.expect == Expect::Version || slots::announces_version(table, self.before());
            let address = slots::private_address(whole).filter(|_| self.at == self.literal_end);
            let found = slots::version(whole, is_announced).or(address);
            return found.is_some_and(|length| self.take(length));
        }
        if next == 'v'
            && let Some(length) = whole.get(1..).and_then(slots::marked_version)
        {
            return self.take(1 + length);
        }
        if next.is_alphabetic()
            && let Some(length) = slots::file(table, whole)
        {
            return self.take(length);
        }
        let is_path =
            matches!(next, '/' | '\\') || whole.get(1..3).is_some_and(|text| [":\\", ":/"].contains(&text));
        if let Some((length, kept)) = slots::path(table, whole).filter(|_| is_path) {
            let kept = kept.len();
            if kept > 0 {
                self.take(kept);
            }
            if length > kept {
                let ends = self.whole().get(..length - kept).is_some_and(|path| path.ends_with(['/', '\\']));
                self.replace(Rule::Path, length - kept);
                if kept == 0 && ends {
                    self.out.push('/');
                    (self.glued, self.last) = (false, None);
                }
            }
            return true;
        }
        false
    }

    /// Removes what stands here as bytes or as an element of a data set.
    pub(super) fn dumped(&mut self, rest: &str) -> bool {
        if let Some(length) = patterns::dump(rest) {
            // Only the tag stays of the whole line.
            self.keep(length);
            self.out.push(' ');
            self.replace(Rule::Dump, rest.len() - length);
            return true;
        }
        let octets = patterns::octets(rest);
        if let Some(length) = octets {
            self.replace(Rule::Dump, length);
        }
        octets.is_some()
    }

    /// Writes a text that stands here.
    pub(super) fn copy(&mut self, text: &str) {
        self.scrubber.copied(self.scrubber.message_at + self.at, text, self.out);
    }

    fn take(&mut self, length: usize) -> bool {
        self.copy(self.whole().get(..length).unwrap_or_default());
        self.at += length;
        (self.last, self.glued, self.expect) = (None, false, Expect::Anything);
        self.scrubber.counts.kept += 1;
        true
    }

    /// Whether the value of a device's key may be kept as one: always without a table, and with one if it has a type.
    pub(super) fn is_device(&self, key: &str, value: &str) -> bool {
        self.table().is_none_or(|table| slots::is_device(table, key, value))
    }

    /// Whether every word of a key or a dotted name is the program's, and there is one.
    pub(super) fn is_of_program(&self, name: &str) -> bool {
        let Some(table) = self.table() else { return false };
        let mut words =
            name.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).peekable();
        words.peek().is_some()
            && words.all(|word| slots::is_word(table, word) && word.contains(char::is_alphabetic))
    }

    /// The rule of a word's form, unless it is a dotted name of the program: `System.IO` is no computer's.
    pub(super) fn form(&self, rest: &str) -> Option<Rule> {
        let word = whole_word(rest);
        let rule = patterns::of_word(word)?;
        (rule != Rule::Network || !self.is_of_program(word)).then_some(rule)
    }
}

/// The spans of literals in `text`: of those with letters, and not of names alone.
pub(in crate::text) fn literals(table: Option<&Table>, text: &str) -> Vec<std::ops::Range<usize>> {
    let mut spans = Vec::new();
    if let Some(table) = table {
        table.spans(text, &mut spans);
        spans.retain(|span| {
            text.get(span.clone())
                .is_some_and(|literal| literal.contains(char::is_alphabetic) && !names::are_names(literal))
        });
    }
    spans
}

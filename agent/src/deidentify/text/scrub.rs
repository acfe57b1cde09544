//! Free text, word by word: what was learned, what a form gives away, and then only what is listed.

use std::borrow::Cow;
use std::ops::Range;

use super::moment::Moment;
use super::rule::{Counts, Rule};
use super::unescape::unescape;
use super::words::{around, is_date, is_measure, letters, number, whole_word};
use super::{patterns, vocabulary};
use crate::deidentify::case::Case;
use crate::deidentify::identifiers::{Identifiers, Kind, View, dates};
use crate::deidentify::keys::{self, Class};

/// Where the private characters begin that stand for what was learned while the rest is looked at.
const MARKS: u32 = 0xe000;
/// What they stand for.
const MARKED: [Rule; 9] = [
    Rule::Learned(Kind::Name),
    Rule::Learned(Kind::Id),
    Rule::Learned(Kind::BirthDate),
    Rule::Learned(Kind::Phone),
    Rule::Learned(Kind::Email),
    Rule::Learned(Kind::Address),
    Rule::Learned(Kind::Clinic),
    Rule::Learned(Kind::Remark),
    Rule::Date,
];
/// Letters before the number of an error code.
const CODES: &[&str] = &["e", "w", "i", "err", "error", "warn", "fejl", "hv", "x", "ka", "kb", "cve"];
/// Bytes of a value that is kept as it is.
const VALUE: usize = 64;

/// Scrubs the texts of one case; keeps its buffers.
pub struct Scrubber<'a> {
    pub(crate) case: &'a Case,
    pub(crate) identifiers: &'a Identifiers,
    /// What became of the texts so far.
    pub counts: Counts,
    view: View,
    hits: Vec<(Range<usize>, Rule)>,
}

/// What the words before say about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Anything,
    /// Somebody's or some place's name or number.
    Person,
    /// A device's own number.
    Serial,
    /// The numbers of a version.
    Version,
}

impl<'a> Scrubber<'a> {
    /// A scrubber for this case and what was learned of it.
    pub fn new(case: &'a Case, identifiers: &'a Identifiers) -> Self {
        Self { case, identifiers, counts: Counts::default(), view: View::default(), hits: Vec::new() }
    }

    /// Appends to `out` what may stay of `text`.
    pub fn message(&mut self, text: &str, out: &mut String) {
        let text = unescape(text);
        let marked = self.mark(&text);
        Pass {
            scrubber: self,
            out,
            text: &marked,
            at: 0,
            expect: Expect::Anything,
            hiding: false,
            last: None,
            glued: false,
        }
        .run();
    }

    /// Whether `text` holds an identifier for which it has to go as a whole.
    pub(crate) fn is_told(&mut self, text: &str) -> bool {
        let mut told = false;
        self.identifiers.find(text, &mut self.view, |hit| told |= !hit.weak);
        told
    }

    /// The text with a private character in the place of all that was learned, and of every date alone.
    fn mark<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let (hits, identifiers) = (&mut self.hits, self.identifiers);
        hits.clear();
        // A UID is mapped by its form, so that references still fit.
        identifiers.find(text, &mut self.view, |hit| {
            if hit.kind != Kind::Uid {
                hits.push((hit.range, Rule::Learned(hit.kind)));
            }
        });
        dates::dates(text, |found| {
            if is_date(text, &found.range) {
                hits.push((found.range, Rule::Date));
            }
        });
        let foreign = |character: char| (0xe000..0xf900).contains(&u32::from(character));
        if hits.is_empty() && (text.is_ascii() || !text.contains(foreign)) {
            return Cow::Borrowed(text);
        }
        hits.sort_by_key(|(range, rule)| (range.start, std::cmp::Reverse(range.end), *rule));
        let mut marked = String::with_capacity(text.len());
        let mut at = 0;
        for (range, rule) in hits.iter() {
            let range = around(text, range);
            if range.end <= at {
                continue;
            }
            marked.extend(text.get(at..range.start).unwrap_or_default().chars().filter(|c| !foreign(*c)));
            let place = MARKED.iter().position(|known| known == rule).unwrap_or(0) as u32;
            marked.extend(char::from_u32(MARKS + place));
            at = range.end;
        }
        marked.extend(text.get(at..).unwrap_or_default().chars().filter(|c| !foreign(*c)));
        Cow::Owned(marked)
    }
}

/// One walk over one text.
struct Pass<'p, 'a, 't> {
    scrubber: &'p mut Scrubber<'a>,
    out: &'p mut String,
    text: &'t str,
    at: usize,
    expect: Expect,
    /// A value that names somebody is being passed over.
    hiding: bool,
    /// The placeholder written last, if nothing else was since.
    last: Option<&'static str>,
    /// What was written last was a placeholder, with no blank since: what hangs on it goes with it.
    glued: bool,
}

impl<'t> Pass<'_, '_, 't> {
    fn run(mut self) {
        while let Some(next) = self.rest().chars().next() {
            if let Some(rule) = marked(next) {
                self.replace(rule, next.len_utf8());
            } else if next.is_alphanumeric() || matches!(next, '+' | '/' | '\\' | '~' | '{' | '(' | '[' | '_')
            {
                self.token(next);
            } else {
                self.punctuation(next);
            }
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn punctuation(&mut self, character: char) {
        self.at += character.len_utf8();
        if self.hiding {
            self.hiding = !matches!(character, ';' | '|' | ')' | ']' | '}');
            if self.hiding {
                return;
            }
        }
        if character.is_whitespace() {
            self.glued = false;
        } else if !matches!(character, '-' | '_' | '.' | '/' | '#' | '\'' | '+') {
            self.last = None;
        }
        self.out.push(character);
    }

    fn token(&mut self, next: char) {
        let rest = self.rest();
        if let Some(length) = patterns::dump(rest) {
            // Only the tag stays of the whole line.
            self.keep(length);
            self.out.push(' ');
            return self.replace(Rule::Dump, rest.len() - length);
        }
        if (next.is_ascii_digit() || next == '+') && self.number_with_blanks(rest) {
            return;
        }
        if !next.is_alphanumeric() && !matches!(next, '/' | '\\' | '~' | '{' | '_') {
            return self.punctuation(next);
        }
        if next.is_alphabetic() && self.key(rest) {
            return;
        }
        let word = whole_word(rest);
        if let Some(rule) = patterns::of_word(word)
            && !(self.expect == Expect::Version && rule == Rule::Network)
        {
            return self.replace(rule, word.len());
        }
        if !next.is_alphanumeric() {
            return self.punctuation(next);
        }
        let word = if next.is_numeric() { number(rest) } else { letters(rest) };
        self.word(word);
    }

    /// A point in time, a personal or a telephone number: what may have blanks inside.
    fn number_with_blanks(&mut self, rest: &'t str) -> bool {
        if let Some(moment) = Moment::at_start(rest) {
            match moment.moved(rest, self.scrubber.case) {
                Some(moved) if !self.hiding => {
                    self.out.push_str(&moved);
                    self.at += moment.length;
                    self.scrubber.counts.replace(Rule::Moved);
                    self.last = None;
                }
                _ => self.replace(Rule::Date, moment.length),
            }
            return true;
        }
        let found = patterns::cpr(rest).map(|length| (Rule::Cpr, length));
        match found.or_else(|| patterns::phone(rest).map(|length| (Rule::Number, length))) {
            Some((rule, length)) => {
                self.replace(rule, length);
                true
            }
            None => false,
        }
    }

    /// `key=value` or `key: value`.
    fn key(&mut self, rest: &'t str) -> bool {
        let key = rest
            .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-'))
            .next()
            .unwrap_or_default();
        let after = rest.get(key.len()..).unwrap_or_default();
        let spaced = after.trim_start_matches([' ', '"', '\'']);
        let sign = spaced.chars().next().filter(|sign| matches!(sign, '=' | ':'));
        let value = spaced.get(1..).unwrap_or_default();
        if sign.is_none()
            || key.chars().any(|c| marked(c).is_some())
            || value.starts_with([':', '/', '\\', '='])
        {
            return false;
        }
        if self.hiding {
            self.hiding = false;
            self.out.push(' ');
        }
        let class = keys::class(key);
        if keys::is_listed(key) {
            self.keep(key.len());
        } else {
            self.replace(Rule::Word, key.len());
        }
        let blanks = value.len() - value.trim_start_matches(' ').len();
        let head = after.len() - value.len() + blanks;
        self.out.push_str(after.get(..head).unwrap_or_default());
        self.at += head;
        (self.last, self.glued, self.expect) = (None, false, Expect::Anything);
        let value = value.get(blanks..).unwrap_or_default();
        match class {
            Class::Person => self.hide(value),
            Class::Device | Class::Keep => self.plain_value(value),
            _ => {}
        }
        true
    }

    /// Passes over a value that names somebody: to its closing quote, or to where something else begins.
    fn hide(&mut self, value: &str) {
        let quoted = value
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))
            .and_then(|quote| Some(value.get(1..)?.find(quote)? + 2));
        match quoted {
            Some(length) => self.replace(Rule::Key, length),
            None if !value.is_empty() => {
                self.replace(Rule::Key, 0);
                self.hiding = true;
            }
            None => {}
        }
    }

    /// Keeps the value of a key of device or technique, if it is one word that tells nobody.
    fn plain_value(&mut self, value: &str) {
        let value = value
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | ']' | '}' | '"' | '|'))
            .next()
            .unwrap_or_default();
        let value = value.trim_end_matches(['.', ':']);
        let is_plain = value.len() <= VALUE
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-%".contains(&byte));
        let digits = value.bytes().any(|byte| byte.is_ascii_digit());
        if is_plain && digits && patterns::cpr(value).is_none() && Moment::at_start(value).is_none() {
            self.keep(value.len());
        }
    }

    fn word(&mut self, word: &'t str) {
        let is_listed = self.is_listed(word);
        if self.hiding {
            let ends = is_listed && word.chars().count() > 1 && word.chars().all(char::is_lowercase);
            if !ends {
                self.at += word.len();
                return;
            }
            (self.hiding, self.glued, self.last) = (false, false, None);
            self.out.push(' ');
        }
        let is_small = word.chars().all(char::is_lowercase) && is_listed;
        let names_somebody = self.expect == Expect::Person && !is_small;
        let expect = match word.to_ascii_lowercase().as_str() {
            "serial" | "serienummer" | "serienr" | "sn" => Expect::Serial,
            "version" | "firmware" | "build" | "driver" | "software" | "ver" | "v" | "udgave" => {
                Expect::Version
            }
            "no" | "nr" | "number" | "nummer" | "id" => self.expect,
            _ if keys::is_person(word) => Expect::Person,
            _ => Expect::Anything,
        };
        let is_serial = self.expect == Expect::Serial && word.bytes().any(|byte| byte.is_ascii_digit());
        self.expect = expect;
        if names_somebody && !keys::is_person(word) && expect != Expect::Person {
            self.replace(Rule::Key, word.len());
            self.hiding = true;
        } else if is_serial {
            self.keep(whole_word(self.rest()).len().max(word.len()));
        } else if is_listed && !self.glued {
            self.keep(word.len());
        } else {
            self.replace(Rule::Word, word.len());
        }
    }

    /// Whether a word or a number may stay.
    fn is_listed(&self, word: &str) -> bool {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            return is_measure(word)
                && (digits < patterns::LONG || word.starts_with("0x") || self.unit_follows(word));
        }
        if word.len() == 1 {
            return word.bytes().all(|byte| byte.is_ascii_lowercase() || b"XYZ".contains(&byte));
        }
        let name = word.trim_end_matches(|last: char| last.is_ascii_digit());
        if digits > 0 && digits < patterns::LONG && CODES.contains(&name.to_ascii_lowercase().as_str()) {
            return true;
        }
        digits < patterns::LONG
            && vocabulary::knows(word)
            && (digits == 0 || !vocabulary::parts(word).any(keys::is_person))
    }

    fn unit_follows(&self, word: &str) -> bool {
        const UNITS: &[&str] = &["bytes", "byte", "ms", "us", "ns", "kb", "counts", "ticks"];
        let rest = self.rest().get(word.len()..).unwrap_or_default().trim_start();
        UNITS.contains(&letters(rest).to_ascii_lowercase().as_str()) || word.contains([':', '.'])
    }

    fn keep(&mut self, length: usize) {
        self.out.push_str(self.rest().get(..length).unwrap_or_default());
        self.at += length;
        (self.last, self.glued) = (None, false);
        self.scrubber.counts.kept += 1;
    }

    fn replace(&mut self, rule: Rule, length: usize) {
        let text = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        if self.hiding {
            return;
        }
        self.scrubber.counts.replace(rule);
        self.glued = true;
        if rule == Rule::Uid && text.len() > 1 {
            self.out.push_str(&self.scrubber.case.uid(text));
            self.last = None;
            return;
        }
        let placeholder = rule.placeholder();
        if self.last != Some(placeholder) {
            self.out.push_str(placeholder);
            self.last = Some(placeholder);
        } else {
            self.out.truncate(self.out.trim_end_matches([' ', '-', '_', '.', '/', '#', '\'', '+']).len());
        }
    }
}

fn marked(character: char) -> Option<Rule> {
    MARKED.get(u32::from(character).checked_sub(MARKS)? as usize).copied()
}

#[cfg(test)]
mod tests;

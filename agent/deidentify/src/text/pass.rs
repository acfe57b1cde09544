//! One pass over a text, word by word: identifiers by form are removed, and of the rest only listed words stay.

mod typed;

use std::ops::Range;

use super::moment::Moment;
use super::rule::Rule;
use super::scrub::{Scrubber, marked};
use super::words::{closing, digits_of, ends_a_name, groups, is_measure, letters, number, whole_word};
use super::{patterns, slots, vocabulary};
use crate::keys::{self, Bound, Class};
use crate::limits;
pub(super) use typed::literals;

/// Letters before the number of an error code.
const CODES: &[&str] = &["e", "w", "i", "err", "error", "warn", "fejl", "hv", "x", "ka", "kb", "cve"];
/// Bytes of a value that is kept as it is.
const VALUE: usize = 64;

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

/// Whether a value that names somebody is being passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hiding {
    No,
    /// Behind a key: up to where something else begins for certain.
    Keyed,
    /// Behind a word alone: up to a common word that is nobody's name.
    Announced,
}

/// One walk over one text.
pub(super) struct Pass<'p, 'a, 't> {
    scrubber: &'p mut Scrubber<'a>,
    out: &'p mut String,
    text: &'t str,
    at: usize,
    expect: Expect,
    hiding: Hiding,
    /// The placeholder written last, if nothing else was since.
    last: Option<&'static str>,
    /// What was written last was a placeholder, with no blank since: what hangs on it goes with it.
    glued: bool,
    /// Literals of the program, in order, and the next of them.
    spans: Vec<Range<usize>>,
    span: usize,
    /// Where the last one ended.
    literal_end: usize,
}

impl<'p, 'a, 't> Pass<'p, 'a, 't> {
    /// A walk over `text`, in which what was learned is marked.
    pub(super) fn new(scrubber: &'p mut Scrubber<'a>, text: &'t str, out: &'p mut String) -> Self {
        let spans = literals(scrubber.case.table(), text);
        Self {
            scrubber,
            out,
            text,
            at: 0,
            expect: Expect::Anything,
            hiding: Hiding::No,
            last: None,
            glued: false,
            spans,
            span: 0,
            literal_end: usize::MAX,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            self.literal();
            let Some(next) = self.rest().chars().next() else { break };
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

    /// What follows, up to the next literal.
    fn rest(&self) -> &'t str {
        let end = self.spans.get(self.span).map_or(self.text.len(), |span| span.start);
        self.text.get(self.at..end).unwrap_or_default()
    }

    fn punctuation(&mut self, character: char) {
        self.at += character.len_utf8();
        if self.hiding != Hiding::No {
            if !matches!(character, ';' | '|' | ')' | ']' | '}') {
                return;
            }
            self.hiding = Hiding::No;
        }
        // Where the table is known, what stands behind a bracket or a sign is a slot of its own.
        let parts = self.table().is_some()
            && matches!(character, '[' | ']' | '(' | ')' | '=' | ':' | ',' | ';' | '"');
        if character.is_whitespace() || parts {
            self.glued = false;
        }
        if !character.is_whitespace() && !matches!(character, '-' | '_' | '.' | '/' | '#' | '\'' | '+') {
            self.last = None;
        }
        self.out.push(character);
    }

    fn token(&mut self, next: char) {
        let rest = self.rest();
        if self.dumped(rest) {
            return;
        }
        let word = whole_word(rest);
        if word.len() > limits::TEXT_WORD {
            return self.replace(Rule::Word, word.len());
        }
        if self.typed(next) {
            return;
        }
        if (next.is_ascii_digit() || next == '+') && self.number_with_blanks(self.whole()) {
            return;
        }
        if !next.is_alphanumeric() && !matches!(next, '/' | '\\' | '~' | '{' | '_') {
            return self.punctuation(next);
        }
        if next.is_alphabetic() && self.key(rest) {
            return;
        }
        if let Some(rule) = self.form(rest)
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
        if let Some(moment) = Moment::at(rest, self.scrubber.order) {
            match moment.moved(rest, self.scrubber.case) {
                Some(moved) if self.hiding == Hiding::No => {
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
        let phone = patterns::phone(rest).filter(|_| self.expect != Expect::Version);
        let pieces = self.table().and_then(|_| patterns::pieces(rest)).filter(|_| !self.scrubber.in_table);
        match found.or_else(|| phone.or(pieces).map(|length| (Rule::Number, length))) {
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
        if self.hiding != Hiding::No {
            self.hiding = Hiding::No;
            self.out.push(' ');
        }
        let class = keys::class(key);
        if keys::is_listed(key) || self.is_of_program(key) {
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
            Class::Device if self.is_device(key, value) => self.plain_value(value, None),
            Class::Keep(bound) => self.plain_value(value, Some(bound)),
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
            .and_then(|quote| closing(value, quote));
        match quoted {
            Some(length) => self.replace(Rule::Key, length),
            None if !value.is_empty() => {
                self.replace(Rule::Key, 0);
                self.hiding = Hiding::Keyed;
            }
            None => {}
        }
    }

    /// Keeps the value of a key of device or technique, if it is one word that tells nobody. A number has to be
    /// within the key's bound.
    fn plain_value(&mut self, rest: &str, bound: Option<Bound>) {
        // A version may have four numbers of two digits.
        let phone = patterns::phone(rest).and_then(|length| rest.get(..length));
        let is_phone = phone.is_some_and(|phone| bound.is_some() || !phone.contains('.'));
        if is_phone || patterns::cpr(rest).is_some() || Moment::at_start(rest).is_some() {
            return;
        }
        let groups = groups(rest);
        if bound.is_some_and(|bound| bound.is_exceeded_by(groups)) {
            return self.replace(Rule::Number, groups.len());
        }
        let value = rest
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | ']' | '}' | '"' | '|'))
            .next()
            .unwrap_or_default();
        let value = value.trim_end_matches(['.', ':']);
        let is_plain = value.len() <= VALUE
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-%".contains(&byte));
        if !is_plain || !value.bytes().any(|byte| byte.is_ascii_digit()) {
            return;
        }
        let Some(bound) = bound else { return self.keep(value.len()) };
        let is_hex = value.starts_with("0x") && is_measure(value);
        let mut runs = value.split(|c: char| !c.is_ascii_digit());
        let is_number = value.parse::<f64>().is_ok();
        match is_number && !bound.holds(value) || runs.any(|run| run.len() > bound.digits()) && !is_number {
            true if !is_hex => self.replace(Rule::Number, value.len()),
            _ => self.keep(value.len()),
        }
    }

    fn word(&mut self, word: &'t str) {
        let is_listed = self.is_listed(word);
        let is_small = word.chars().all(char::is_lowercase);
        let ends = match self.hiding {
            Hiding::No => true,
            Hiding::Keyed => is_listed && ends_a_name(word),
            Hiding::Announced => {
                is_listed && is_small && word.chars().count() > 1 && vocabulary::is_no_name(word)
            }
        };
        if !ends {
            self.at += word.len();
            return;
        }
        if self.hiding != Hiding::No {
            (self.hiding, self.glued, self.last) = (Hiding::No, false, None);
            self.out.push(' ');
        }
        // `Link.SendAsync` is a name of the program, no link.
        let is_dotted = self.table().is_some()
            && self.whole().get(word.len()..).is_some_and(|rest| rest.starts_with('.'));
        let expect = if is_dotted { Expect::Anything } else { self.announced(word) };
        let names_somebody = self.expect == Expect::Person
            && expect != Expect::Person
            && !(is_listed && is_small && vocabulary::is_no_name(word));
        let is_serial = self.expect == Expect::Serial && word.bytes().any(|byte| byte.is_ascii_digit());
        self.expect = expect;
        if names_somebody {
            self.replace(Rule::Key, word.len());
            self.hiding = Hiding::Announced;
        } else if is_serial {
            self.keep(whole_word(self.rest()).len().max(word.len()));
        } else if is_listed && !self.glued {
            self.keep(word.len());
        } else {
            self.replace(Rule::Word, word.len());
        }
    }

    /// What `word` says about the next one.
    fn announced(&self, word: &str) -> Expect {
        vocabulary::with_spelled(word, |word| match word {
            "serial" | "serienummer" | "serienr" | "sn" => Expect::Serial,
            "version" | "firmware" | "build" | "driver" | "software" | "ver" | "v" | "udgave" => {
                Expect::Version
            }
            "no" | "nr" | "number" | "nummer" | "id" => self.expect,
            _ if keys::is_person(word) => Expect::Person,
            _ => Expect::Anything,
        })
    }

    /// Whether a word or a number may stay.
    fn is_listed(&self, word: &str) -> bool {
        let digits = digits_of(word);
        if let Some(table) = self.table()
            && word.len() > 1
            && !self.is_code(word)
        {
            let after = self.whole().get(word.len()..).unwrap_or_default();
            let before = self.text.get(..self.at).unwrap_or_default();
            return slots::stays(table, word, before, after);
        }
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            // The sides of a volume and the parts of a time of day are numbers of their own; decimals don't count.
            let whole = |part: &str| match part.split_once('.') {
                Some((whole, decimals)) if !decimals.contains('.') => digits_of(whole),
                _ => digits_of(part),
            };
            let digits = word.split(['x', ':']).map(whole).max().unwrap_or_default();
            return is_measure(word)
                && (digits < patterns::LONG || word.starts_with("0x") || self.unit_follows(word));
        }
        if word.len() == 1 {
            return word.bytes().all(|byte| byte.is_ascii_lowercase() || b"XYZ".contains(&byte));
        }
        let is_plain =
            || vocabulary::knows(word) && (digits == 0 || !vocabulary::parts(word).any(keys::is_person));
        self.is_code(word) || digits < patterns::LONG && is_plain()
    }

    /// `E17`, `err1042`.
    fn is_code(&self, word: &str) -> bool {
        let digits = digits_of(word);
        let name = word.trim_end_matches(|last: char| last.is_ascii_digit());
        digits > 0 && digits < patterns::LONG && CODES.iter().any(|code| name.eq_ignore_ascii_case(code))
    }

    fn unit_follows(&self, word: &str) -> bool {
        const UNITS: &[&str] = &["bytes", "byte", "ms", "us", "ns", "kb", "counts", "ticks"];
        let rest = self.rest().get(word.len()..).unwrap_or_default().trim_start();
        let word = letters(rest);
        UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
    }

    fn keep(&mut self, length: usize) {
        self.copy(self.rest().get(..length).unwrap_or_default());
        self.at += length;
        (self.last, self.glued) = (None, false);
        self.scrubber.counts.kept += 1;
    }

    fn replace(&mut self, rule: Rule, length: usize) {
        let text = self.whole().get(..length).unwrap_or_default();
        self.at += length;
        if self.hiding != Hiding::No {
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

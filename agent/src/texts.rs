//! Texts for people in English and Danish: one table for each closed list, key by key.
//!
//! ```text
//! texts! { Refusal { Self::NotFound { name } => "no {name} is here", "her findes ingen {name}", name; } }
//!          the list   the key                    English               Danish                    arguments
//! ```
//!
//! The build fails where a key has no text, a text has no key, a language lacks a text, or a placeholder stands in one
//! language only. Log lines and JSON carry the English; whoever reads pages or a terminal gets the configured language.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::harmless;

/// `en` or `da`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Danish.
    Da,
}

impl Language {
    /// The one of two texts that is in this language.
    pub const fn pick<T: Copy>(self, en: T, da: T) -> T {
        match self {
            Self::En => en,
            Self::Da => da,
        }
    }

    /// ISO 639-1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Da => "da",
        }
    }
}

/// Something that can be said in each language: an entry of a table, or an argument of one.
pub trait Text {
    /// In this language.
    fn text(&self, language: Language) -> String;

    /// The entry's name for programs, as `not_found`; empty for what is no entry of a table.
    fn key(&self) -> String {
        String::new()
    }

    /// The arguments by their names, in English.
    fn arguments(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The key, its arguments, and both languages.
    fn said(&self) -> Said {
        let [en, da] = [Language::En, Language::Da].map(|language| self.text(language));
        Said { key: self.key(), arguments: self.arguments(), en, da }
    }
}

/// A text with its key and its arguments, as it leaves the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The entry's name: what programs look for.
    pub key: String,
    /// The arguments by their names, in English.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, String>,
    /// In English.
    pub en: String,
    /// In Danish.
    pub da: String,
}

impl Said {
    /// This, and what to do about it behind a semicolon.
    #[must_use]
    pub fn with_remedy(self, remedy: &impl Text) -> Self {
        let join = |what, language| format!("{what}; {}", remedy.text(language));
        Self { en: join(self.en, Language::En), da: join(self.da, Language::Da), ..self }
    }
}

impl Text for Said {
    fn text(&self, language: Language) -> String {
        language.pick(&self.en, &self.da).clone()
    }

    fn key(&self) -> String {
        self.key.clone()
    }

    fn arguments(&self) -> BTreeMap<String, String> {
        self.arguments.clone()
    }
}

impl<T: Text + ?Sized> Text for &T {
    fn text(&self, language: Language) -> String {
        (**self).text(language)
    }

    fn key(&self) -> String {
        (**self).key()
    }

    fn arguments(&self) -> BTreeMap<String, String> {
        (**self).arguments()
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// A path without what controls more than it shows.
impl Text for PathBuf {
    fn text(&self, _: Language) -> String {
        harmless::path(self)
    }
}

/// Values that read the same in each language.
macro_rules! same {
    ($($value:ty),+) => {
        $(impl Text for $value {
            fn text(&self, _: Language) -> String {
                self.to_string()
            }
        })+
    };
}

same!(u16, u32, u64, usize, i64, String, str);
same!(protocol::CaseId, protocol::Digest, protocol::DeviceId, protocol::Purpose);

/// Gives a closed list its texts, in a table of one row for each key, and [`Display`](fmt::Display) in English.
///
/// The list is an enum that exists, whose rows are patterns followed by the names that they bind:
///
/// ```
/// enum Refusal { NotFound { name: String }, Full }
/// agent::texts! { Refusal {
///     Self::NotFound { name } => "no {name} is here", "her findes ingen {name}", name;
///     Self::Full => "the disk is full", "disken er fuld";
/// } }
/// ```
///
/// A key without a text does not build:
///
/// ```compile_fail
/// enum Refusal { NotFound { name: String }, Full }
/// agent::texts! { Refusal {
///     Self::NotFound { name } => "no {name} is here", "her findes ingen {name}", name;
/// } }
/// ```
///
/// Neither does a text without a key:
///
/// ```compile_fail
/// enum Refusal { Full }
/// agent::texts! { Refusal {
///     Self::Full => "the disk is full", "disken er fuld";
///     Self::Slow => "the disk is slow", "disken er langsom";
/// } }
/// ```
///
/// Nor a text in one language:
///
/// ```compile_fail
/// enum Refusal { Full }
/// agent::texts! { Refusal { Self::Full => "the disk is full"; } }
/// ```
///
/// Nor a placeholder that stands in one language only, be it among the names or not:
///
/// ```compile_fail
/// enum Refusal { NotFound { name: String } }
/// agent::texts! { Refusal {
///     Self::NotFound { name } => "no {name} is here", "den findes ikke her", name;
/// } }
/// ```
///
/// ```compile_fail
/// enum Refusal { NotFound { name: String } }
/// agent::texts! { Refusal {
///     Self::NotFound { name } => "no {name} is here", "den findes ikke her";
/// } }
/// ```
///
/// A list that has no other use is written as one table:
///
/// ```
/// agent::texts! {
///     /// A queue.
///     pub enum Queue {
///         /// How many wait.
///         Count { records: u64 } => "{records} records", "{records} poster";
///         /// None does.
///         Empty => "nothing", "intet";
///     }
/// }
/// ```
#[macro_export]
macro_rules! texts {
    // Without arguments a text is data: code that formats each would be a tenth of the program.
    (@plain $en:literal, $da:literal) => {
        Some(const { &[$crate::texts::plain(format_args!($en)), $crate::texts::plain(format_args!($da))] })
    };
    (@plain $en:literal, $da:literal, $($argument:ident),+) => { None };
    (@formatted $language:ident, $en:literal, $da:literal) => { String::new() };
    (@formatted $language:ident, $en:literal, $da:literal, $($argument:ident),+) => {
        match $language {
            $crate::texts::Language::En => format!($en $(, $argument = $crate::texts::Text::text($argument, $language))+),
            $crate::texts::Language::Da => format!($da $(, $argument = $crate::texts::Text::text($argument, $language))+),
        }
    };
    ($list:ty { $($pattern:pat => $en:literal, $da:literal $(, $argument:ident)*;)+ }) => {
        impl $crate::texts::Text for $list {
            fn text(&self, language: $crate::texts::Language) -> String {
                $(const _: () = assert!(
                    $crate::texts::have_same_placeholders($en, $da),
                    "a placeholder stands in one language only",
                );)+
                #[allow(unused_variables, reason = "a text with arguments is put together below")]
                let plain: Option<&'static [&'static str; 2]> = match self {
                    $($pattern => $crate::texts!(@plain $en, $da $(, $argument)*),)+
                };
                if let Some([en, da]) = plain {
                    return match language {
                        $crate::texts::Language::En => (*en).to_owned(),
                        $crate::texts::Language::Da => (*da).to_owned(),
                    };
                }
                match self {
                    $($pattern => $crate::texts!(@formatted language, $en, $da $(, $argument)*),)+
                }
            }

            fn key(&self) -> String {
                #[allow(unused_variables, reason = "the arguments are not needed for the key")]
                let pattern = match self {
                    $($pattern => stringify!($pattern),)+
                };
                $crate::texts::key_of(pattern)
            }

            fn arguments(&self) -> std::collections::BTreeMap<String, String> {
                match self {
                    $($pattern => [$((
                        stringify!($argument).to_owned(),
                        $crate::texts::Text::text($argument, $crate::texts::Language::En),
                    )),*].into(),)+
                }
            }
        }

        impl std::fmt::Display for $list {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::texts::Text::text(self, $crate::texts::Language::En))
            }
        }
    };
    ($(#[$about:meta])* $visible:vis enum $list:ident {
        $($(#[$doc:meta])* $key:ident $({ $($argument:ident: $type:ty),+ })? => $en:literal, $da:literal;)+
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        $visible enum $list {
            $(
                $(#[$doc])*
                #[allow(missing_docs, reason = "an argument's name is its placeholder")]
                $key $({ $($argument: $type),+ })?,
            )+
        }

        $crate::texts! { $list { $(Self::$key $({ $($argument),+ })? => $en, $da $($(, $argument)+)?;)+ } }
    };
}

/// The text of a literal without arguments, its braces as they are read.
pub const fn plain(text: std::fmt::Arguments<'static>) -> &'static str {
    assert!(text.as_str().is_some(), "a text without arguments is one literal");
    if let Some(text) = text.as_str() { text } else { "" }
}

/// `not_found` of the pattern `Self::NotFound { name }`.
pub fn key_of(pattern: &str) -> String {
    // A pattern that a macro puts together has blanks around its colons.
    let name = pattern.split_once("::").map_or(pattern, |(_, name)| name).trim_start();
    let mut key = String::new();
    for letter in name.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !key.is_empty() {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    key
}

/// Whether each placeholder of one text stands in the other too. Runs while the program is built.
pub const fn have_same_placeholders(one: &str, other: &str) -> bool {
    has_all(one.as_bytes(), other.as_bytes()) && has_all(other.as_bytes(), one.as_bytes())
}

/// Whether every `{name}` of `of` stands in `text`.
const fn has_all(text: &[u8], of: &[u8]) -> bool {
    let mut at = 0;
    while at < of.len() {
        if of[at] == b'{' {
            let start = at;
            while at < of.len() && of[at] != b'}' {
                at += 1;
            }
            if !stands_in(text, of, start, at) {
                return false;
            }
        }
        at += 1;
    }
    true
}

/// Whether `of[start..=end]` stands in `text`.
const fn stands_in(text: &[u8], of: &[u8], start: usize, end: usize) -> bool {
    let mut at = 0;
    while at + (end - start) < text.len() {
        let mut same = 0;
        while start + same <= end && text[at + same] == of[start + same] {
            same += 1;
        }
        if start + same > end {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Refusal {
        NotFound { name: String, count: u64 },
        Of(Option<u16>),
    }

    crate::texts! { Refusal {
        Self::NotFound { name, count } => "no {name} in {count} places", "{name} findes ikke {count} steder", name, count;
        Self::Of(Some(code)) => "code {code}", "kode {code}", code;
        Self::Of(None) => "no code", "ingen kode";
    } }

    crate::texts! {
        enum Listed {
            NotHere => "not here", "ikke her";
        }
    }

    #[test]
    fn a_text_has_its_key_its_arguments_and_both_languages() {
        let refusal = Refusal::NotFound { name: "scan".to_owned(), count: 3 };
        let said = refusal.said();
        assert_eq!((said.key.as_str(), said.to_string()), ("not_found", "no scan in 3 places".to_owned()));
        assert_eq!(said.da, "scan findes ikke 3 steder");
        assert_eq!(said.arguments.get("count").map(String::as_str), Some("3"));
        let line = serde_json::to_string(&Refusal::Of(Some(407)).said()).unwrap();
        assert_eq!(line, r#"{"key":"of","arguments":{"code":"407"},"en":"code 407","da":"kode 407"}"#);
        assert_eq!(Refusal::Of(None).key(), "of");
        assert_eq!(Listed::NotHere.key(), "not_here");
        let both = refusal.said().with_remedy(&Refusal::Of(None));
        assert_eq!((both.key.as_str(), both.da.ends_with("; ingen kode")), ("not_found", true));
    }

    #[test]
    fn placeholders_are_compared_by_their_names() {
        for (one, other) in [("", ""), ("a {b} c {d}", "{d} {b}"), ("{b}{b}", "{b}")] {
            assert!(have_same_placeholders(one, other), "{one} / {other}");
        }
        for (one, other) in [("{b}", ""), ("", "{b}"), ("{b}", "{c}"), ("{b} {c}", "{b}"), ("{bc}", "{b}")] {
            assert!(!have_same_placeholders(one, other), "{one} / {other}");
        }
    }
}

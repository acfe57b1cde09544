//! Pages for a clinic: one file, nothing loaded from elsewhere, in Danish and English.
//!
//! A page is written to a stream, in this order: [`begin`], sections with what they hold, [`end`]. Everything that is
//! not a literal of this program goes through [`Escaped`] or [`Both`]. The Content-Security-Policy in the head allows
//! exactly the style and the script that this program wrote, by their digests: what got past the escaping would still
//! neither run nor load.

pub mod chart;
pub mod checks;

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use data_encoding::BASE64;
use protocol::Digest;

use crate::config::Language;
use crate::texts::Text;

/// The style of every page.
const STYLE: &str = include_str!("style.css");

/// A time of RFC 3339 as people read it, in UTC, and for the window's script, which shows the reader's own. Anything else
/// stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct Time<'a>(pub &'a str);

impl fmt::Display for Time<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Escaped(self.0);
        match self.0.strip_suffix('Z').and_then(|text| text.split_once('T')) {
            Some((day, time)) => {
                let (day, time) = (Escaped(day), Escaped(time.get(..5).unwrap_or(time)));
                write!(f, "<time datetime=\"{at}\">{day} {time} UTC</time>")
            }
            None => write!(f, "{at}"),
        }
    }
}

/// The name of a column, in each of its cells: shown where a narrow page has no columns.
#[derive(Clone, Copy, Debug)]
pub struct Label(pub Both<&'static str>);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<span class=\"label\">{}: </span>", self.0)
    }
}

/// Text from anywhere, inert in a page: in an element as in a quoted attribute.
///
/// Characters that control more than they show (NUL, escape, those that turn the direction of a line) are shown as
/// their code instead, so that what is read is what is there.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = 0;
        for (at, c) in self.0.char_indices() {
            let entity = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                c if is_unseen(c) => "",
                _ => continue,
            };
            f.write_str(self.0.get(plain..at).unwrap_or_default())?;
            plain = at + c.len_utf8();
            if entity.is_empty() { write!(f, "⟨U+{:04X}⟩", u32::from(c))? } else { f.write_str(entity)? }
        }
        f.write_str(self.0.get(plain..).unwrap_or_default())
    }
}

/// Controls but line feeds and tabs, marks of direction (UAX #9), joiners and separators without width, tags.
fn is_unseen(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t' | '\r')
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// The same in both languages; the page shows the one that is chosen. Escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both<T> {
    /// English.
    pub en: T,
    /// Danish.
    pub da: T,
}

/// `en` and `da`, in that order.
pub const fn both<T>(en: T, da: T) -> Both<T> {
    Both { en, da }
}

/// Bytes as people read them, with each language's decimal mark.
pub fn size(bytes: u64) -> Both<String> {
    let en = match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    };
    both(en.clone(), en.replace('.', ","))
}

/// A count, its digits in groups of three.
pub fn grouped(number: u64) -> Both<String> {
    let digits = number.to_string();
    let mut en = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            en.push(',');
        }
        en.push(digit);
    }
    both(en.clone(), en.replace(',', "."))
}

impl<T> Both<T> {
    /// In this language.
    pub const fn of(&self, language: Language) -> &T {
        match language {
            Language::En => &self.en,
            Language::Da => &self.da,
        }
    }

    /// Both through `change`.
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Both<U> {
        both(change(self.en), change(self.da))
    }
}

impl<T: AsRef<str>> Text for Both<T> {
    fn text(&self, language: Language) -> String {
        self.of(language).as_ref().to_owned()
    }
}

impl<T: AsRef<str>> fmt::Display for Both<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (en, da) = (self.en.as_ref(), self.da.as_ref());
        if en == da {
            return Escaped(en).fmt(f);
        }
        write!(f, "<span lang=\"en\">{}</span><span lang=\"da\">{}</span>", Escaped(en), Escaped(da))
    }
}

/// The page up to its first section: head, title, the switch between the languages, standing on `language`.
///
/// # Errors
/// Of `out`.
pub fn begin(
    out: &mut dyn Write,
    language: Language,
    title: Both<&str>,
    lead: Both<&str>,
    script: &str,
) -> io::Result<()> {
    let checked = |own| if own == language { " checked" } else { "" };
    let mut policy =
        format!("default-src 'none'; base-uri 'none'; form-action 'none'; style-src {}", source(STYLE));
    if !script.is_empty() {
        // Writing to a String does not fail.
        let _ = write!(policy, "; script-src {}", source(script));
    }
    write!(
        out,
        r#"<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{en} · {da}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<fieldset class="languages"><legend>Language · Sprog</legend><input type="radio" name="language" id="en"{in_english}><label for="en" lang="en">English</label><input type="radio" name="language" id="da"{in_danish}><label for="da" lang="da">Dansk</label></fieldset>
<h1>{title}</h1>
<p class="lead">{lead}</p>
</header>
<main>
"#,
        language = language.as_str(),
        en = Escaped(title.en),
        da = Escaped(title.da),
        in_english = checked(Language::En),
        in_danish = checked(Language::Da),
    )
}

/// The page behind its last section, with a line of origin and the script, if there is one.
///
/// # Errors
/// Of `out`.
pub fn end(out: &mut dyn Write, origin: &str, script: &str) -> io::Result<()> {
    write!(out, "</main>\n<footer>{}</footer>\n", Escaped(origin))?;
    if !script.is_empty() {
        writeln!(out, "<script>{script}</script>")?;
    }
    out.write_all(b"</body>\n</html>\n")
}

/// A style or script in the policy of the page (CSP 3, section 8.3).
fn source(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(&Digest::of(text.as_bytes()).to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_can_act() {
        let hostile =
            "</script><img src=x onerror='alert(\"1\")'>&amp;\0\u{202E}gpj\u{200B}\u{7F}\r\n\tæøå 🦷";
        let shown = Escaped(hostile).to_string();
        assert_eq!(
            shown,
            "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(&quot;1&quot;)&#39;&gt;&amp;amp;⟨U+0000⟩⟨U+202E⟩gpj\
             ⟨U+200B⟩⟨U+007F⟩\r\n\tæøå 🦷"
        );
        assert_eq!(Escaped("kV 90, mA 8").to_string(), "kV 90, mA 8", "negative control");
    }

    #[test]
    fn the_same_in_both_languages_is_said_once() {
        assert_eq!(both("Yes", "Ja").to_string(), "<span lang=\"en\">Yes</span><span lang=\"da\">Ja</span>");
        assert_eq!(both("<X1>", "<X1>").to_string(), "&lt;X1&gt;");
    }

    #[test]
    fn numbers_are_read_in_both_languages() {
        assert_eq!(size(999), both("999 B".to_owned(), "999 B".to_owned()));
        assert_eq!(size(4_194_304), both("4.2 MB".to_owned(), "4,2 MB".to_owned()));
        assert_eq!(grouped(1_234_567), both("1,234,567".to_owned(), "1.234.567".to_owned()));
    }

    #[test]
    fn a_page_allows_its_own_style_and_script_and_no_other() {
        let page = |script| {
            let mut out = Vec::new();
            begin(&mut out, Language::Da, both("Case", "Sag"), both("A", "B"), script).unwrap();
            end(&mut out, "kathea-agent <0.1.0>", script).unwrap();
            String::from_utf8(out).unwrap()
        };
        let still = page("");
        assert!(!still.contains("script"), "{still}");
        assert!(still.contains("id=\"da\" checked") && still.contains("kathea-agent &lt;0.1.0&gt;"));
        // printf 'x()' | openssl dgst -sha256 -binary | base64
        assert!(
            page("x()").contains("script-src 'sha256-D6IGS8VMvCoyaR/l0h9tERrBTATY01CoPS7l6xDv0kI='"),
            "{}",
            page("x()")
        );
    }
}

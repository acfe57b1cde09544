//! The report for the person who decides: each attribute before (masked) and after. One page that loads nothing from
//! elsewhere.

use std::io::{self, Write};
use std::path::Path;

use deidentify::dicom::{Change, Treatment};

use super::{FileReport, Report, words};
use crate::config::Language;
use crate::harmless;
use crate::html::{self, Escaped, both, grouped};

/// Characters of a value that are shown.
const SHOWN: usize = 80;
/// Dots at most that stand for a value that was there.
const DOTS: u32 = 3;

/// The page up to its first file.
///
/// # Errors
/// Of `out`.
pub fn head(out: &mut dyn Write) -> io::Result<()> {
    let title = both("De-identification: before and after", "Afidentificering: før og efter");
    let lead = both(
        "What was there is masked, what comes out is shown. Nothing has left this computer.",
        "Det oprindelige indhold er sløret; resultatet vises. Intet har forladt computeren.",
    );
    html::begin(out, Language::En, title, lead, "")?;
    writeln!(out, "<section><h2>{}</h2>", both("Files", "Filer"))
}

/// One file, with what happened to its attributes.
///
/// # Errors
/// Of `out`.
pub fn file(out: &mut dyn Write, file: &FileReport, changes: &[Change]) -> io::Result<()> {
    let name =
        Path::new(&file.input).file_name().map_or(file.input.as_str().into(), |name| name.to_string_lossy());
    write!(out, "<details><summary><code>{}</code> ", Escaped(&harmless::line(&name)))?;
    match (&file.output, file.reason) {
        (Some(output), _) => write!(
            out,
            "<span class=\"chip good\">{}</span> <span class=\"soft\">→ {} · {}</span>",
            both("de-identified", "afidentificeret"),
            Escaped(output),
            counts(file.kept, file.replaced, file.dropped)
        )?,
        (None, reason) => write!(
            out,
            "<span class=\"chip bad\">{}</span> <span class=\"soft\">{}</span>",
            both("refused", "afvist"),
            words::refusal(reason.unwrap_or_default())
        )?,
    }
    if let Some(finding) = &file.finding {
        write!(out, " <span class=\"soft\">{}</span>", Escaped(finding))?;
    }
    write!(out, "</summary><div><p class=\"soft\">{}</p>", Escaped(&harmless::line(&file.input)))?;
    if !changes.is_empty() {
        attributes(out, changes)?;
    } else if !file.rules.is_empty() {
        write!(
            out,
            "<table><thead><tr><th>{}<th class=\"n\">{}</thead><tbody>",
            both("Removed or replaced", "Fjernet eller erstattet"),
            both("Times", "Antal")
        )?;
        for (rule, count) in &file.rules {
            write!(out, "<tr><td>{}<td class=\"n\">{}</tr>", words::rule(rule), grouped(*count))?;
        }
        out.write_all(b"</tbody></table>")?;
    }
    out.write_all(b"</div></details>\n")
}

fn attributes(out: &mut dyn Write, changes: &[Change]) -> io::Result<()> {
    write!(
        out,
        "<table class=\"stack\"><thead><tr><th>{}<th class=\"n\">{}<th>{}</thead><tbody>",
        both("Attribute", "Attribut"),
        both("Before", "Før"),
        both("After, and why", "Efter, og hvorfor")
    )?;
    for change in changes {
        let name = match &*change.name {
            "" => both("(unknown)".to_owned(), "(ukendt)".to_owned()),
            name => both(spaced(name), spaced(name)),
        };
        write!(
            out,
            "<tr><td>{name}<br><span class=\"soft mono\">{}</span><td class=\"n\">{}<td>",
            Escaped(&change.path),
            masked(change.length)
        )?;
        match &change.after {
            Some(after) => write!(out, "<code>{}</code>", Escaped(&shown(after.trim_matches('"'))))?,
            None => write!(out, "<span class=\"chip\">{}</span>", both("removed", "fjernet"))?,
        }
        write!(out, "<br><span class=\"soft\">{}</span></tr>", why(change.treatment))?;
    }
    out.write_all(b"</tbody></table>")
}

/// What became of one attribute.
const fn why(treatment: Treatment) -> html::Both<&'static str> {
    match treatment {
        Treatment::Replaced => both("the case's own in its place", "erstattet af sagens eget"),
        Treatment::NotListed => both("support does not need it", "support behøver det ikke"),
        Treatment::Private => both("another maker's, or unknown", "en anden fabrikants, eller ukendt"),
        Treatment::Names => {
            both("somebody's name or number is in it", "indeholder en persons navn eller nummer")
        }
        Treatment::Unfit => both("not what belongs there", "ikke det, der hører til der"),
        Treatment::TooLong => both("longer than it may be", "længere end tilladt"),
        Treatment::Repeated => both("it came before", "det forekom tidligere"),
    }
}

/// A keyword of the dictionary as words: `PatientID` as `Patient ID`.
fn spaced(name: &str) -> String {
    let mut spaced = String::new();
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let small_next = letters.peek().is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && small_next) {
            spaced.push(' ');
        }
        spaced.push(letter);
        before = letter;
    }
    spaced
}

/// The page behind its last file.
///
/// # Errors
/// Of `out`.
pub fn foot(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let totals = &report.totals;
    write!(out, "</section>\n<section class=\"first\"><ul class=\"tiles\">")?;
    for (count, what) in [
        (totals.cleaned, both("files de-identified", "filer afidentificeret")),
        (totals.refused, both("files refused", "filer afvist")),
        (totals.kept, both("values kept", "værdier bevaret")),
        (totals.replaced, both("values replaced", "værdier erstattet")),
        (totals.dropped, both("values removed", "værdier fjernet")),
        (report.persons_learned, both("persons searched for", "personer søgt efter")),
    ] {
        write!(out, "<li><b>{}</b>{what}</li>", grouped(count))?;
    }
    write!(
        out,
        "</ul><div class=\"card\"><p>{}</p><p>{}</p></div>",
        both(
            "This page names the files as they are called here: it stays on this computer.",
            "Siden nævner filerne ved deres navne her: den skal blive på denne computer.",
        ),
        both(
            format!(
                "Files that name somebody: {}. Every byte that comes out was searched for the names and numbers in them.",
                report.files_learned
            ),
            format!(
                "Filer, der nævner nogen: {}. Hver byte i resultatet blev gennemsøgt for navnene og numrene i dem.",
                report.files_learned
            ),
        )
    )?;
    if !report.contexts_refused.is_empty() {
        write!(
            out,
            "<h3>{}</h3><ul>",
            both(
                "Not learned from: whoever is named there was not searched for",
                "Ikke læst: der blev ikke søgt efter de personer, som nævnes her"
            )
        )?;
        for context in &report.contexts_refused {
            write!(
                out,
                "<li><code>{}</code>: {}</li>",
                Escaped(&harmless::line(&context.input)),
                words::refusal(context.reason)
            )?;
        }
        out.write_all(b"</ul>")?;
    }
    out.write_all(b"</section>\n")?;
    html::end(
        out,
        &format!("kathea-agent {} · DICOM PS3.15 {}", env!("CARGO_PKG_VERSION"), report.edition),
        "",
    )
}

fn counts(kept: u64, replaced: u64, dropped: u64) -> html::Both<String> {
    let [k, r, d] = [kept, replaced, dropped].map(grouped);
    both(
        format!("{} kept, {} replaced, {} removed", k.en, r.en, d.en),
        format!("{} bevaret, {} erstattet, {} fjernet", k.da, r.da, d.da),
    )
}

/// How long a value was, and nothing of it.
fn masked(length: Option<u32>) -> html::Both<String> {
    let Some(length) = length else {
        let dots = "•".repeat(DOTS as usize);
        return both(dots.clone(), dots);
    };
    let size = html::size(length.into());
    let dots = "•".repeat(length.min(DOTS) as usize);
    match length {
        0 => both("empty".to_owned(), "tom".to_owned()),
        _ => both(format!("{dots} {}", size.en), format!("{dots} {}", size.da)),
    }
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_read_as_words() {
        for (keyword, words) in [
            ("PatientID", "Patient ID"),
            ("SOPInstanceUID", "SOP Instance UID"),
            ("KVP", "KVP"),
            ("Study Date", "Study Date"),
            ("XRayTubeCurrentInuA", "X Ray Tube Current Inu A"),
        ] {
            assert_eq!(spaced(keyword), words);
        }
    }

    #[test]
    fn a_hostile_name_is_inert_and_a_value_is_only_measured() {
        let report = FileReport {
            input: "/scans/<script>alert(1)</script>.dcm".to_owned(),
            kind: "dicom",
            output: Some("0001.json".to_owned()),
            outcome: "cleaned",
            reason: None,
            finding: None,
            kept: 1,
            replaced: 0,
            dropped: 1,
            rules: std::collections::BTreeMap::new(),
            bytes_read: None,
        };
        let change = Change {
            path: "(0010,0010)".to_owned(),
            name: "Patient's <b>Name".to_owned(),
            vr: "PN".to_owned(),
            length: Some(12),
            treatment: Treatment::NotListed,
            after: None,
        };
        let mut page = Vec::new();
        file(&mut page, &report, &[change]).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("••• 12 B") && page.contains("support does not need it"), "{page}");
    }
}

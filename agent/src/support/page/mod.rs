//! `preview.html`: everything that a bundle holds, for the person who says yes or no to it.
//!
//! ```text
//! words    operations, reasons, rules and outcomes in plain Danish and English
//! file     one file: a header as a table, everything else as text
//! find.js  the search over all of it
//! ```
//!
//! The page is the clinic's own copy. It is written to a stream, one file after the other, and never longer than
//! [`limits::PREVIEW`]: what does not fit is named, with the command that shows it.

mod file;
mod words;

use std::io::{self, Read, Write};

use protocol::{Digest, Purpose};

use super::manifest::{FileEntry, Manifest, Outcome};
use crate::checks::{Check, Verdict};
use crate::config::Language;
use crate::consent::policy::Policy;
use crate::html::{self, Both, Escaped, Label, both, checks, grouped, size};
use crate::limits;

const SCRIPT: &str = include_str!("find.js");

/// Hexadecimal digits of the digest that the command repeats.
const DIGITS: usize = 16;

/// Those that a person types at a terminal where the draft is at hand: enough to show that the page was opened.
pub const CODE: usize = 6;

/// What the page is about.
#[derive(Debug)]
pub struct Preview<'a> {
    /// What the bundle would hold.
    pub manifest: &'a Manifest,
    /// SHA-256 of the stored bytes of `manifest`.
    pub digest: Digest,
    /// The draft's name.
    pub draft: &'a str,
    /// What the clinic is asked under.
    pub policy: &'a Policy,
    /// The checks of the manifest, in Danish and in the same order.
    pub checks_in_danish: &'a [Check],
    /// What the page is shown in at first.
    pub language: Language,
}

impl Preview<'_> {
    /// Writes the page. `open` gives the bytes of a file; they are read one file after the other.
    ///
    /// # Errors
    /// Of `out`, and of the files.
    pub fn write<R: Read>(
        &self,
        out: &mut dyn Write,
        mut open: impl FnMut(&FileEntry) -> io::Result<R>,
    ) -> io::Result<()> {
        let mut page = Page { out, written: 0 };
        let case = self.manifest.case.as_str();
        let title = both(format!("Support case {case}"), format!("Supportsag {case}"));
        html::begin(
            &mut page,
            self.language,
            both(&title.en, &title.da),
            both(
                "Everything that would leave this computer for this case. Nothing has been sent.",
                "Alt, der ville forlade denne computer i denne sag. Intet er sendt.",
            ),
            SCRIPT,
        )?;
        self.decision(&mut page)?;
        self.sections(&mut page, &mut open)?;
        let made = &self.manifest;
        html::end(
            &mut page,
            &format!(
                "kathea-agent {} · {} · {} · {} {} · DICOM PS3.15 {}",
                made.agent, made.device, made.made, made.policy.id, made.policy.version, made.edition
            ),
            SCRIPT,
        )
    }

    /// Writes what the bundle holds, without a head and without the commands that answer: sections of another page.
    ///
    /// # Errors
    /// Of `out`, and of the files.
    pub fn write_sections<R: Read>(
        &self,
        out: &mut dyn Write,
        mut open: impl FnMut(&FileEntry) -> io::Result<R>,
    ) -> io::Result<()> {
        self.sections(&mut Page { out, written: 0 }, &mut open)
    }

    fn sections<R: Read>(
        &self,
        page: &mut Page<'_>,
        open: &mut impl FnMut(&FileEntry) -> io::Result<R>,
    ) -> io::Result<()> {
        self.overview(page)?;
        self.terms(page)?;
        self.checks(page)?;
        self.operations(page)?;
        self.removed(page)?;
        self.files(page, open)
    }

    fn decision(&self, out: &mut dyn Write) -> io::Result<()> {
        let digest = self.digest.to_string();
        let yes = format!(
            "kathea-agent support create {} --yes {} --by ROLE",
            self.draft,
            digest.get(..DIGITS).unwrap_or(&digest)
        );
        let contact = self.manifest.contact.as_deref().unwrap_or("–");
        let description = self.manifest.description.as_deref().unwrap_or("–");
        write!(
            out,
            "<section class=\"card\"><h2>{}</h2><p>{}</p><p>{}</p><code class=\"line\">{}</code><p>{}</p><p>{}</p>\
             <code class=\"line\">kathea-agent support discard {}</code></section>\n<section><dl>\
             <dt>{}<dd>{}<dt>{}<dd>{}<dt>{}<dd>{}<dt>{}<dd class=\"typed\">{}<dt>{}<dd>{}<dt>{}<dd class=\"mono\">{}<dt>{}<dd class=\"mono\">{digest}</dl></section>\n",
            both("Your answer", "Jeres svar"),
            both(
                "Read what follows: open the files, search them for names. If all of it may leave, say so. A yes covers \
                 exactly what this page shows, and is sealed so that only the vendor's support can open it.",
                "Læs det følgende: åbn filerne, og søg efter navne i dem. Giv samtykke, hvis alt må sendes. Et ja \
                 gælder præcis det, siden viser, og det forsegles, så kun leverandørens support kan åbne det.",
            ),
            both("To consent:", "Giv samtykke med:"),
            Escaped(&yes),
            both(
                "ROLE is owner, privacy_officer or delegate: who of the clinic says yes.",
                "ROLE er owner (ejer), privacy_officer (databeskyttelsesansvarlig) eller delegate (befuldmægtiget): \
                 hvem i klinikken der siger ja.",
            ),
            both(
                "To say no, do nothing: it is erased after 24 hours. To erase it now:",
                "Siger I nej, skal I intet gøre: udkastet slettes efter 24 timer. Slet det med det samme med:",
            ),
            Escaped(self.draft),
            both("Case", "Sag"),
            Escaped(self.manifest.case.as_str()),
            both("Reason", "Årsag"),
            words::reason(self.manifest.reason),
            both("Contact", "Kontakt"),
            Escaped(contact),
            both("Description", "Beskrivelse"),
            Escaped(description),
            both("Collected, as the vendor sees the date", "Indsamlet, som leverandøren ser datoen"),
            Escaped(&self.manifest.made.replace('T', " ").replace('Z', " UTC")),
            both("Code, to type at the terminal that asks", "Kode, der skal skrives i terminalen"),
            digest.get(..CODE).unwrap_or(&digest),
            both("Digest", "Kontrolsum"),
        )
    }

    fn overview(&self, out: &mut dyn Write) -> io::Result<()> {
        let manifest = self.manifest;
        let removed = manifest.removed.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let bad = manifest.checks.iter().filter(|check| check.result != Verdict::Pass).count();
        let tiles = [
            (grouped(manifest.files.len() as u64), both("files", "filer")),
            (size(manifest.total_bytes()), both("before packing", "før pakning")),
            (grouped(removed), both("details removed or replaced", "oplysninger fjernet eller erstattet")),
            (
                grouped(manifest.persons_learned),
                both("persons searched for in every byte", "personer søgt efter i hver byte"),
            ),
            (grouped(bad as u64), both("checks that need attention", "kontroller, der kræver opmærksomhed")),
        ];
        out.write_all(b"<ul class=\"tiles\">")?;
        for (number, what) in tiles {
            write!(out, "<li><b>{number}</b>{what}</li>")?;
        }
        out.write_all(b"</ul>\n")
    }

    /// What the policy says of each flag that the bundle needs.
    fn terms(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "<section><h2>{}</h2>", both("What consent means", "Hvad samtykket betyder"))?;
        for purpose in &self.manifest.purposes {
            let Some(terms) = self.policy.terms(*purpose) else { continue };
            let (en, da) = (self.policy.text(terms, Language::En), self.policy.text(terms, Language::Da));
            write!(
                out,
                "<details><summary>{}</summary><div><p>{}</p><dl>",
                both(&en.title, &da.title),
                both(&en.body, &da.body)
            )?;
            let facts = self.policy.facts(terms, Language::En).into_iter();
            for (en, da) in facts.zip(self.policy.facts(terms, Language::Da)) {
                write!(out, "<dt>{}<dd>{}", both(en.0, da.0), both(en.1, da.1))?;
            }
            writeln!(out, "</dl></div></details>")?;
        }
        writeln!(out, "</section>")
    }

    fn checks(&self, out: &mut dyn Write) -> io::Result<()> {
        let heading = both("Checks of this workstation", "Kontrol af denne arbejdsstation");
        writeln!(out, "<section><h2>{heading}</h2>")?;
        let danish = |at: usize, en| self.checks_in_danish.get(at).unwrap_or(en);
        checks::table(out, self.manifest.checks.iter().enumerate().map(|(at, en)| both(en, danish(at, en))))?;
        writeln!(out, "</section>")
    }

    fn operations(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section><h2>{}</h2><table class=\"stack\"><thead><tr><th>{}<th>{}<th class=\"n\">{}</thead><tbody>",
            both("Collected data", "Indsamlede data"),
            both("Source", "Kilde"),
            both("Result", "Resultat"),
            both("Files", "Filer")
        )?;
        for operation in &self.manifest.operations {
            write!(
                out,
                "<tr><td>{}<td>{}",
                words::operation(&operation.name),
                words::outcome(operation.outcome)
            )?;
            if let Some(why) = operation.why.as_deref().filter(|_| operation.outcome != Outcome::Done) {
                write!(out, " <span class=\"soft\">{}</span>", words::missing(why))?;
            }
            for (reason, count) in &operation.refused {
                write!(out, "<br><span class=\"soft\">{count} × {}</span>", words::refusal(reason))?;
            }
            writeln!(out, "<td class=\"n\">{}{}</tr>", Label(both("Files", "Filer")), operation.files)?;
        }
        writeln!(out, "</tbody></table></section>")
    }

    fn removed(&self, out: &mut dyn Write) -> io::Result<()> {
        let learned = both(
            format!(
                "Persons found on this workstation: {}; files that name them: {}. Their names, numbers and dates were taken \
                 out of everything below, and every byte was searched for them again.",
                self.manifest.persons_learned, self.manifest.files_learned
            ),
            format!(
                "Personer fundet på denne arbejdsstation: {}; filer, der nævner dem: {}. Deres navne, numre og datoer er \
                 taget ud af alt nedenfor, og hver byte er gennemsøgt for dem igen.",
                self.manifest.persons_learned, self.manifest.files_learned
            ),
        );
        writeln!(
            out,
            "<section><h2>{}</h2><p>{learned}</p><p>{}</p><table><thead><tr><th>{}<th class=\"n\">{}</thead><tbody>",
            both("What was removed or replaced", "Hvad der er fjernet eller erstattet"),
            words::dates(self.manifest.window.as_ref().map(|window| window.reach)),
            both("Kind", "Type"),
            both("Times", "Antal")
        )?;
        let mut removed: Vec<_> = self.manifest.removed.iter().filter(|(_, count)| **count > 0).collect();
        removed.sort_unstable_by_key(|(rule, count)| (std::cmp::Reverse(**count), *rule));
        for (rule, count) in removed {
            writeln!(out, "<tr><td>{}<td class=\"n\">{}</tr>", words::rule(rule), grouped(*count))?;
        }
        writeln!(out, "</tbody></table></section>")
    }

    fn files<R: Read>(
        &self,
        page: &mut Page<'_>,
        open: &mut impl FnMut(&FileEntry) -> io::Result<R>,
    ) -> io::Result<()> {
        writeln!(
            page,
            "<section id=\"files\"><h2>{}</h2><div class=\"find\"><label for=\"find\">{}</label>\
             <input type=\"search\" id=\"find\" autocomplete=\"off\" spellcheck=\"false\">\
             <button id=\"next\">{}</button><button id=\"all\">{}</button><output id=\"found\" for=\"find\"></output></div>",
            both("Every file", "Hver fil"),
            both("Search all files", "Søg i alle filer"),
            both("Next hit", "Næste fund"),
            both("Open or close all", "Åbn eller luk alle")
        )?;
        let listed = self.manifest.files.get(..limits::PREVIEW_FILES).unwrap_or(&self.manifest.files);
        // What the rows of the files still to come need, and the end of the page.
        let mut reserved =
            listed.iter().fold(4096 + SCRIPT.len() as u64, |sum, file| sum + file::row_bound(file));
        for file in listed {
            reserved = reserved.saturating_sub(file::row_bound(file));
            let limit = limits::PREVIEW.saturating_sub(page.written + reserved + file::row_bound(file));
            let content = if limit > 0 { file::content(file, open(file)?, limit)? } else { None };
            file::write(page, file, self.draft, content.as_deref())?;
        }
        let others = self.manifest.files.len() - listed.len();
        if others > 0 {
            writeln!(
                page,
                "<p>{} <code>kathea-agent support show {} manifest.json</code></p>",
                both(format!("{others} more files:"), format!("{others} filer mere:")),
                Escaped(self.draft)
            )?;
        }
        writeln!(page, "</section>")
    }
}

/// The page so far.
struct Page<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

impl Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The words of a purpose's data, on a file.
fn purpose(purpose: Purpose) -> Both<&'static str> {
    match purpose {
        Purpose::SupportScanData => both("scan data", "optagelsesdata"),
        _ => both("case", "sag"),
    }
}

#[cfg(test)]
mod tests;

//! The privacy report: one page that shows a clinic what this workstation collects, keeps and sends, under which yes,
//! and how to say no.
//!
//! ```text
//! held     what waits and was sent, what was dropped, every record in full while its key lives
//! own      what the clinic itself learns from it
//! uses     who read the data at the vendor, by its receipts
//! danish   what the catalog says, in Danish
//! words    the closed lists in plain Danish and English
//! ```
//!
//! It is built from what the agent answers to `privacy export`, so it shows nothing that the export does not hold.

pub mod danish;
mod held;
mod own;
mod uses;
mod words;

use std::io::{self, Write};

use protocol::ledger::Entry;
use protocol::{Catalog, Purpose};

use crate::api::consent::SignedEntry;
use crate::api::privacy::{Access, HeldRecord};
use crate::config::Language;
use crate::consent::State;
use crate::consent::policy::Policy;
use crate::html::{self, Both, Escaped, Label, Time, both, grouped};
use crate::support::check::Finding;

/// What the page is about.
#[derive(Debug)]
pub struct Report<'a> {
    /// What the clinic is asked under.
    pub policy: &'a Policy,
    /// What the page is shown in at first.
    pub language: Language,
    /// All that is held beside the records.
    pub held: &'a Access,
    /// The records of the queue `open`, as the export has them.
    pub open: &'a [HeldRecord],
    /// The records of the queue `usage`.
    pub usage: &'a [HeldRecord],
    /// What was sent last, as far as it is still here.
    pub sent: &'a [HeldRecord],
    /// What the workstation's own checks found.
    pub findings: &'a [Finding],
}

impl Report<'_> {
    /// Writes the page.
    ///
    /// # Errors
    /// Of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let controller = &self.policy.controller().name;
        let at = moment(&self.held.held_at);
        let lead = both(
            format!("As of {at}. Nothing on this page was sent by making it."),
            format!("Pr. {at}. Intet er sendt, fordi siden blev lavet."),
        );
        html::begin(
            out,
            self.language,
            both("What this workstation collects and sends", "Hvad denne arbejdsstation indsamler og sender"),
            both(&lead.en, &lead.da),
            "",
        )?;
        self.overview(out)?;
        self.flags(out)?;
        self.saying_no(out)?;
        self.write_records(out)?;
        self.collected(out)?;
        uses::write(out, &self.held.news)?;
        self.history(out)?;
        let status = &self.held.status;
        html::end(
            out,
            &format!(
                "kathea-agent {} · {} · {} {} · {controller}",
                status.version,
                status.device,
                self.policy.id(),
                self.policy.version()
            ),
            "",
        )
    }

    /// What waits, what was sent, what was dropped and what the clinic learns from it: sections of another page.
    ///
    /// # Errors
    /// Of `out`.
    pub fn write_records(&self, out: &mut dyn Write) -> io::Result<()> {
        own::write(out, self.open, self.usage, self.findings)?;
        held::write(out, &self.held.status, self.open, self.usage, self.sent)
    }

    /// What is allowed, what can be collected, and every answer that was given: sections of another page.
    ///
    /// # Errors
    /// Of `out`.
    pub fn write_answers(&self, out: &mut dyn Write) -> io::Result<()> {
        uses::write(out, &self.held.news)?;
        self.flags(out)?;
        self.collected(out)?;
        self.history(out)
    }

    fn overview(&self, out: &mut dyn Write) -> io::Result<()> {
        let status = &self.held.status;
        let sum = |counts: &mut dyn Iterator<Item = u64>| counts.fold(0, u64::saturating_add);
        let of_cases = status.cases.iter().flat_map(|case| [case.support_case, case.support_scan_data]);
        let flags = of_cases.chain([status.consent.usage_statistics]);
        let allowed = flags.filter(|state| *state == State::Granted).count() as u64;
        let waiting = sum(&mut status.waiting.each().iter().map(|(_, waiting)| waiting.records));
        let sent = sum(&mut status.sent.values().map(|sent| sent.records));
        let dropped = sum(&mut status.dropped.values().copied());
        let tiles = [
            (allowed, both("active consents", "gældende samtykker")),
            (waiting, both("records wait here", "poster venter her")),
            (sent, both("records were sent", "poster er sendt")),
            (dropped, both("events rejected", "afviste hændelser")),
        ];
        out.write_all(b"<ul class=\"tiles\">")?;
        for (number, what) in tiles {
            write!(out, "<li><b>{}</b>{what}</li>", grouped(number))?;
        }
        writeln!(out, "</ul>")
    }

    fn title(&self, purpose: Purpose) -> Both<&str> {
        self.policy.terms(purpose).map_or(words::purpose(purpose), |terms| {
            both(&self.policy.text(terms, Language::En).title, &self.policy.text(terms, Language::Da).title)
        })
    }

    fn flags(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section><h2>{}</h2><p>{}</p><table><thead><tr><th>{}<th>{}</thead><tbody>",
            both("Consents", "Samtykker"),
            both(
                "Everything is off until the clinic says yes to it. Without a yes nothing is even collected.",
                "Alt er slået fra, indtil klinikken siger ja til det. Uden samtykke indsamles intet.",
            ),
            both("For", "Til"),
            both("Answer", "Svar")
        )?;
        let status = &self.held.status;
        let mut row = |what: String, state: State, end: Option<&String>| {
            write!(out, "<tr><th scope=\"row\">{what}<td>{}", words::state(state))?;
            if let Some(end) = end.and_then(|end| end.get(..10)).filter(|_| state == State::Granted) {
                write!(
                    out,
                    " <span class=\"whole\">{}</span>",
                    both(format!("until {end}"), format!("til {end}"))
                )?;
            }
            writeln!(out, "</tr>")
        };
        for purpose in Purpose::ALL {
            let title = self.title(*purpose).to_string();
            if self.policy.terms(*purpose).is_none() {
                row(title, State::NotOffered, None)?;
            } else if *purpose == Purpose::UsageStatistics {
                row(title, status.consent.usage_statistics, status.ends.usage_statistics.as_ref())?;
            }
        }
        for flags in &status.cases {
            let case = format!("<span class=\"whole\">· {}</span>", Escaped(flags.case.as_str()));
            let end = flags.ends.as_ref();
            row(format!("{} {case}", self.title(Purpose::SupportCase)), flags.support_case, end)?;
            row(format!("{} {case}", self.title(Purpose::SupportScanData)), flags.support_scan_data, end)?;
        }
        writeln!(out, "</tbody></table>")?;
        if status.cases.is_empty() {
            writeln!(
                out,
                "<p class=\"soft\">{}</p>",
                both("No support case is open.", "Ingen supportsag er åben.")
            )?;
        }
        writeln!(out, "</section>")
    }

    fn saying_no(&self, out: &mut dyn Write) -> io::Result<()> {
        let controller = self.policy.controller();
        writeln!(
            out,
            "<section class=\"card\"><h2>{}</h2><p>{}</p><code class=\"line\">kathea-agent consent withdraw \
             usage_statistics</code><p>{}</p><code class=\"line\">kathea-agent privacy erase</code><p>{}</p><dl>\
             <dt>{}<dd>{}<dt>{}<dd>{}</dl></section>",
            both("How to withdraw consent", "Sådan tilbagekalder I samtykket"),
            both(
                "Anybody at the clinic may, at any time, without giving a reason. It takes effect at once, and nothing \
                 stops working. To take the yes to statistics back:",
                "Alle i klinikken må gøre det, når som helst og uden begrundelse. Det virker med det samme, og alt fungerer \
                 som før. Tilbagekald samtykket til statistik med:",
            ),
            both(
                "To take everything back, erase all that is held here, and ask the vendor to erase what was sent:",
                "Tilbagekald alt, slet alt, hvad der opbevares her, og bed leverandøren om at slette det sendte med:",
            ),
            both(&self.policy.words(Language::En).rights, &self.policy.words(Language::Da).rights),
            both("Write to", "Skriv til"),
            Escaped(&controller.contact),
            both("Complain to", "Klag til"),
            Escaped(&controller.complaint),
        )
    }

    /// What can be collected at all, by the policy and by the catalog.
    fn collected(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "<section><h2>{}</h2>", both("What can be collected", "Hvad der kan indsamles"))?;
        for purpose in Purpose::ALL {
            let Some(terms) = self.policy.terms(*purpose) else { continue };
            write!(out, "<details><summary>{}</summary><div><dl>", self.title(*purpose))?;
            let facts = self.policy.facts(terms, Language::En).into_iter();
            for (en, da) in facts.zip(self.policy.facts(terms, Language::Da)) {
                write!(out, "<dt>{}<dd>{}", both(en.0, da.0), both(en.1, da.1))?;
            }
            writeln!(out, "</dl></div></details>")?;
        }
        writeln!(
            out,
            "<details><summary>{}</summary><div><p>{}</p><table><thead><tr><th>{}<th>{}</thead><tbody>",
            both("Every statistic, one by one", "Alle statistikker, én for én"),
            both(
                "This list is closed: what is not on it is refused. Nothing that happens once per patient is ever sent by \
                 itself; there is no free text and no name anywhere in it.",
                "Listen er lukket: det, der ikke står på den, afvises. Intet, der sker én gang pr. patient, sendes \
                 nogensinde for sig; listen rummer hverken fri tekst eller navne.",
            ),
            both("What", "Hvad"),
            both("Time", "Tid")
        )?;
        for entry in Catalog::built_in().entries() {
            writeln!(
                out,
                "<tr><td>{}<td>{}</tr>",
                both(entry.what.as_str(), danish::what(&entry.name).unwrap_or(&entry.what)),
                words::granularity(entry.granularity)
            )?;
        }
        writeln!(out, "</tbody></table></div></details></section>")
    }

    /// Every answer that was ever given, the newest first.
    fn history(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section><h2>{}</h2><table class=\"stack\"><thead><tr><th>{}<th>{}<th>{}<th>{}</thead><tbody>",
            both("Who answered what, when", "Hvem svarede hvad og hvornår"),
            both("When", "Hvornår"),
            both("Answer", "Svar"),
            both("About", "Om"),
            both("By", "Af")
        )?;
        for line in self.held.ledger.iter().rev() {
            let Some(entry) = entry(line) else { continue };
            let asked = &entry.processing;
            writeln!(
                out,
                "<tr><td>{}<td>{}<td>{} <span class=\"soft\">{} {} <span class=\"whole\">{}</span></span><td>{}{}</tr>",
                Time(&entry.event.at),
                words::event(entry.event.kind),
                self.title(asked.purpose),
                Escaped(asked.case.as_ref().map_or("", |case| case.as_str())),
                Escaped(&asked.policy),
                Escaped(&asked.policy_version),
                Label(both("By", "Af")),
                words::role(entry.event.role)
            )?;
        }
        writeln!(out, "</tbody></table></section>")
    }
}

/// The entry in a line of the ledger.
fn entry(line: &str) -> Option<Entry> {
    serde_json::from_str::<SignedEntry>(line).ok().map(|line| line.entry)
}

/// A time of RFC 3339 as people read it; anything else as it is.
fn moment(text: &str) -> String {
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;

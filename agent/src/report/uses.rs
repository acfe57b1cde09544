//! Who read this device's data at the vendor, as its signed receipts say.

use std::io::{self, Write};

use protocol::uses::{Receipt, Use, UseReason, UseRole};

use crate::consent::news::{Flaw, Kept};
use crate::html::{Both, Escaped, Label, Time, both, grouped};

/// Receipts that are shown; the export holds all that are kept.
const SHOWN: usize = 100;

pub(super) fn write(out: &mut dyn Write, news: &Kept) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"uses\"><h2>{}</h2><p>{}</p>",
        both("Who read the data at the vendor", "Hvem der har læst data hos leverandøren"),
        both(
            "Each reading of what this workstation sent is a line that the vendor signed. It names a role and a recipient, \
             never a person.",
            "Hver læsning af det, arbejdsstationen har sendt, er en linje, som leverandøren har signeret. Den nævner en rolle \
             og en modtager, aldrig en person.",
        )
    )?;
    let count = |flaw| news.count(flaw);
    for (number, text) in [
        (count(Flaw::Missing), both("lines are missing", "linjer mangler")),
        (count(Flaw::Changed), both("lines were changed", "linjer er ændret")),
        (count(Flaw::TakenBack), both("lines were taken back", "linjer er trukket tilbage")),
        (
            [Flaw::Unsigned, Flaw::OtherDevice, Flaw::Malformed, Flaw::TooLong].map(count).iter().sum(),
            both("lines or notices were not accepted", "linjer eller meddelelser er ikke accepteret"),
        ),
    ] {
        if number > 0 {
            writeln!(out, "<p><b>{} {text}.</b></p>", grouped(number))?;
        }
    }
    if news.receipts.is_empty() {
        return writeln!(
            out,
            "<p>{}</p></section>",
            both("No receipt has come.", "Der er ikke kommet nogen kvittering.")
        );
    }
    writeln!(
        out,
        "<table class=\"stack\"><thead><tr><th>{}<th>{}<th>{}<th>{}</thead><tbody>",
        both("When", "Hvornår"),
        both("What", "Hvad"),
        both("For", "For"),
        both("Why", "Hvorfor")
    )?;
    for Receipt { at, what, role, to, why, case, .. } in news.uses().take(SHOWN) {
        let case = case.as_ref().map_or("", |case| case.as_str());
        writeln!(
            out,
            "<tr><td>{}<td>{} <span class=\"soft\">{} {}</span><td>{}{}<td>{}{}</tr>",
            Time(&at),
            deed(what),
            self::role(role),
            Escaped(case),
            Label(both("For", "For")),
            Escaped(to.as_deref().unwrap_or("–")),
            Label(both("Why", "Hvorfor")),
            why.map_or(both("–", "–"), reason)
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

const fn deed(what: Use) -> Both<&'static str> {
    match what {
        Use::Export => both("Copied out of the collector", "Kopieret ud af modtagersystemet"),
        Use::Access => both("Put together for the clinic", "Sammenstillet til klinikken"),
        Use::Proof => both("Consent looked up", "Samtykke slået op"),
        Use::Handover => both("Support bundle handed on", "Supportpakke udleveret"),
    }
}

const fn role(role: UseRole) -> Both<&'static str> {
    match role {
        UseRole::Operator => both("by an operator", "af en operatør"),
        UseRole::Analyst => both("by an analyst", "af en analytiker"),
        UseRole::ServiceEngineer => both("by a service engineer", "af en servicetekniker"),
        UseRole::PrivacyOfficer => both("by a privacy officer", "af en databeskyttelsesansvarlig"),
    }
}

const fn reason(why: UseReason) -> Both<&'static str> {
    match why {
        UseReason::Support => both("to solve a support case", "for at løse en supportsag"),
        UseReason::Quality => both("quality of the product", "produktets kvalitet"),
        UseReason::Vigilance => both("device vigilance", "sikkerhedsovervågning af udstyr"),
        UseReason::Complaint => both("a complaint", "en reklamation"),
        UseReason::LegalClaim => both("a legal claim", "et retskrav"),
        UseReason::ClinicRequest => both("the clinic asked for it", "klinikken bad om det"),
        UseReason::Authority => both("an authority demanded it", "en myndighed krævede det"),
        UseReason::Audit => both("a check", "en kontrol"),
    }
}

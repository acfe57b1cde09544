//! For whom data is read, why and in which role: options of every command that copies data of a clinic.

use clap::Args;
use protocol::uses::{self, UseReason, UseRole};

use crate::audit::{Deed, Note, account};
use crate::failure::Failure;

/// For whom, why and in which role.
#[derive(Args)]
pub(super) struct Use {
    /// For whom it is: an organisation or a department, never a person. The clinic is shown it
    #[arg(long, value_name = "RECIPIENT", value_parser = recipient)]
    to: Option<String>,
    /// Why: support, quality, vigilance, complaint, legal_claim, clinic_request, authority or audit. The clinic is shown it
    #[arg(long, value_name = "REASON", value_parser = reason)]
    why: Option<UseReason>,
    /// Role of whoever reads it: operator, analyst, service_engineer or privacy_officer. The clinic is shown it
    #[arg(long, value_name = "ROLE", default_value = "operator", value_parser = role)]
    role: UseRole,
}

impl Use {
    /// What the audit notes of it. Without recipient and reason nothing is copied: `what` begins that sentence.
    pub(super) fn note(self, what: &str, deed: Deed, count: u64) -> Result<Note, Failure> {
        let who = account();
        let name = who.split(' ').next().unwrap_or_default();
        let is_name = |to: &String| to.split([' ', ',']).any(|word| word.eq_ignore_ascii_case(name));
        if self.to.as_ref().is_some_and(is_name) {
            return Err(Failure::new(
                "--to names the account that runs this: name an organisation or a department",
            ));
        }
        if self.to.is_some() && self.why.is_some() {
            return Ok(self.noted(deed, count));
        }
        Err(Failure::new(format!(
            "{what}, and each of them is shown for whom and why: add --to RECIPIENT (an organisation, never a person) and --why \
             REASON; a reason is one of {}",
            words(UseReason::ALL)
        )))
    }

    /// The same for what may be read without either.
    pub(super) fn noted(self, deed: Deed, count: u64) -> Note {
        let why = self.why.map(|why| why.to_string());
        Note { to: self.to, why, role: Some(self.role), ..Note::new(deed, count) }
    }
}

fn recipient(text: &str) -> Result<String, String> {
    if uses::is_recipient(text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a recipient is one line of at most {} characters, an organisation or a department: no person and no address",
        uses::MAX_RECIPIENT
    ))
}

fn reason(text: &str) -> Result<UseReason, String> {
    text.parse().map_err(|_| format!("a reason is one of {}", words(UseReason::ALL)))
}

fn role(text: &str) -> Result<UseRole, String> {
    text.parse().map_err(|_| format!("a role is one of {}", words(UseRole::ALL)))
}

fn words(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

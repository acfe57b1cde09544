//! Errors of consent: why an answer was not accepted.

use std::io;

/// Why an answer was not taken. Each says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentError {
    /// The policy does not ask for it.
    NotOffered,
    /// The administrator's no.
    Forbidden,
    /// Scan data of a case without a yes to the case.
    NeedsCase,
    /// The digest is not that of the notice.
    NotShown,
    /// The clock can't be right.
    Clock,
    /// The ledger can't be trusted.
    Untrusted,
    /// An earlier withdrawal is not finished.
    Withdrawing,
    /// There is a yes, which only a withdrawal ends.
    Granted,
    /// There is nothing to restrict.
    NoYes,
    /// There is nothing to release.
    NotRestricted,
    /// The ledger can't be read now.
    Unreadable(io::ErrorKind),
    /// The ledger can't be written.
    Ledger(io::ErrorKind),
}

impl ConsentError {
    /// Whether consent or policy stands against it, and not a failure.
    pub const fn is_refusal(self) -> bool {
        !matches!(self, Self::Ledger(_) | Self::Clock)
    }
}

crate::texts! { ConsentError {
    Self::NotOffered =>
        "the policy does not offer this purpose: there is nothing to answer",
        "politikken tilbyder ikke dette formål: der er intet at svare på";
    Self::Forbidden =>
        "the administrator has forbidden it: first remove `forbid = true` under [consent] from the configuration",
        "administratoren forbyder det: `forbid = true` under [consent] i konfigurationen skal fjernes først";
    Self::NeedsCase =>
        "scan data belongs to a support case: say yes to `support_case` of this case first",
        "optagelsesdata hører til en supportsag: giv først samtykke til `support_case` for sagen";
    Self::NotShown =>
        "the digest is not that of the notice: read it with `consent show` and repeat its digest",
        "kontrolsummen passer ikke til samtykketeksten: læs den med `consent show`, og gentag dens kontrolsum";
    Self::Clock =>
        "the clock is outside the policy's period of validity: set the clock and answer again",
        "uret ligger uden for politikkens gyldighedsperiode: stil uret, og svar igen";
    Self::Untrusted =>
        "the consent ledger cannot be trusted (`consent verify` says why): `consent withdraw` erases what \
         waits under it and begins a new one; then answer again",
        "samtykkejournalen er ikke pålidelig (`consent verify` viser hvorfor): `consent withdraw` sletter det, der \
         venter under den, og begynder en ny; svar derefter igen";
    Self::Withdrawing =>
        "an earlier withdrawal is still running: answer again when it is done",
        "en tidligere tilbagekaldelse er endnu i gang: svar igen, når den er færdig";
    Self::Granted =>
        "consent is granted: withdraw it with `consent withdraw`",
        "der er givet samtykke: tilbagekald det med `consent withdraw`";
    Self::NoYes =>
        "there is no consent, so nothing is kept that could be restricted",
        "der er intet samtykke, så der opbevares intet, som kan begrænses";
    Self::NotRestricted =>
        "processing is not restricted: there is nothing to release",
        "behandlingen er ikke begrænset: der er intet at ophæve";
    Self::Unreadable(why) =>
        "the consent registry cannot be read now ({why}): nothing was changed, and nothing is allowed meanwhile; \
         check the disk, and answer again",
        "samtykkeregistret kan ikke læses nu ({why}): intet er ændret, og intet er tilladt imens; kontrollér disken, \
         og svar igen", why;
    Self::Ledger(why) =>
        "the answer could not be saved ({why}): check the rights and the space of data_dir, and \
         answer again",
        "svaret kunne ikke skrives ned ({why}): kontrollér rettigheder og plads i data_dir, og svar igen", why;
} }

impl std::error::Error for ConsentError {}

//! The permit: proof, as a value, that a purpose is allowed at this moment.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{CaseId, Digest};

use super::flag::Flag;

/// What data is used for, as a type. The purposes of the policy need the clinic's yes;
/// [`Rights`] needs none, because it carries a "no".
pub trait Purpose: 'static {}

/// Usage statistics of Kathea and the X1.
#[derive(Debug)]
pub enum UsageStatistics {}

/// Contact information, details and logs of one support case.
#[derive(Debug)]
pub enum SupportCase {}

/// De-identified scan metadata of one support case.
#[derive(Debug)]
pub enum SupportScanData {}

/// The exercise of rights (GDPR art. 7(3), 15 to 22) and the proof of consent: what leaves without a
/// payload, also when everything else is off.
#[derive(Debug)]
pub enum Rights {}

impl Purpose for UsageStatistics {}
impl Purpose for SupportCase {}
impl Purpose for SupportScanData {}
impl Purpose for Rights {}

/// The data keys of what is sealed for [`Rights`].
pub const RIGHTS: &str = "rights";

/// A purpose that needs the clinic's yes, once for all.
pub trait Consented: Purpose {
    /// The flag that the clinic answers.
    const FLAG: Flag;
}

impl Consented for UsageStatistics {
    const FLAG: Flag = Flag::UsageStatistics;
}

/// A purpose that needs the clinic's yes for each support case.
pub trait PerCase: Purpose {
    /// The flag that the clinic answers for this case.
    fn flag(case: CaseId) -> Flag;
}

impl PerCase for SupportCase {
    fn flag(case: CaseId) -> Flag {
        Flag::SupportCase(case)
    }
}

impl PerCase for SupportScanData {
    fn flag(case: CaseId) -> Flag {
        Flag::SupportScanData(case)
    }
}

/// Proof that purpose `P` is allowed now. It borrows the consent, so it can't outlive a change:
/// withdrawing needs the consent mutably, and the compiler refuses while a permit is held.
///
/// Only the registry makes one:
///
/// ```
/// # use agent::consent::Registry;
/// # use agent::consent::permit::{Permit, UsageStatistics};
/// fn ask(registry: &Registry, now: i64) -> Option<Permit<'_, UsageStatistics>> {
///     registry.permit(now)
/// }
/// ```
///
/// ```compile_fail,E0624
/// # use agent::consent::Registry;
/// # use agent::consent::permit::{Permit, UsageStatistics};
/// # use std::sync::{Arc, atomic::AtomicBool};
/// fn forge(live: &Arc<AtomicBool>, entry: protocol::Digest) -> Option<Permit<'_, UsageStatistics>> {
///     Some(Permit::new(entry, String::new(), live))
/// }
/// ```
#[derive(Debug)]
pub struct Permit<'registry, P> {
    entry: Digest,
    compartment: String,
    live: &'registry Arc<AtomicBool>,
    purpose: PhantomData<P>,
}

impl<'registry, P: Purpose> Permit<'registry, P> {
    pub(super) fn new(entry: Digest, compartment: String, live: &'registry Arc<AtomicBool>) -> Self {
        Self { entry, compartment, live, purpose: PhantomData }
    }

    /// One for tests of what asks for it.
    #[cfg(test)]
    pub(crate) fn for_test(live: &'registry Arc<AtomicBool>) -> Self {
        Self::new(Digest::of(b"test"), "test".to_owned(), live)
    }

    /// Hash of the ledger entry that says yes.
    pub fn entry(&self) -> Digest {
        self.entry
    }

    /// The data keys that it opens; those of another case are none of them.
    pub fn compartment(&self) -> &str {
        &self.compartment
    }

    /// What a transfer that has begun watches, so that a withdrawal stops it between two writes.
    pub fn lease(&self) -> Lease {
        Lease(vec![Arc::clone(self.live)])
    }
}

/// Says whether the permit that a transfer began under still stands.
#[derive(Clone, Debug)]
pub struct Lease(Vec<Arc<AtomicBool>>);

impl Lease {
    /// False from the moment of a withdrawal on.
    pub fn stands(&self) -> bool {
        self.0.iter().all(|live| live.load(Ordering::Acquire))
    }

    /// What stands while both do.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// One that follows `live`, for tests of what watches it.
    #[cfg(test)]
    pub(crate) fn watching(live: Arc<AtomicBool>) -> Self {
        Self(vec![live])
    }
}

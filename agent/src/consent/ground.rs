//! Why the vendor refuses a request, in words.

use protocol::answer::RefusalReason;

/// The ground of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground(pub RefusalReason);

crate::texts! { Ground {
    Self(RefusalReason::Unfounded) =>
        "it is manifestly unfounded (GDPR art. 12(5))", "den er åbenbart grundløs (GDPR art. 12, stk. 5)";
    Self(RefusalReason::Excessive) => "it is excessive (GDPR art. 12(5))", "den er overdreven (GDPR art. 12, stk. 5)";
    Self(RefusalReason::Accurate) => "what is held is accurate", "det opbevarede er rigtigt";
    Self(RefusalReason::CompellingGrounds) =>
        "compelling legitimate grounds override it (GDPR art. 21(1))",
        "vægtige legitime grunde går forud (GDPR art. 21, stk. 1)";
    Self(RefusalReason::LegalClaim) =>
        "legal claims need it (GDPR art. 21(1))", "retskrav kræver det (GDPR art. 21, stk. 1)";
} }

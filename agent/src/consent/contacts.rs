//! The complete table of contacts with the vendor, and what allows each.

use std::fmt;

/// What must be there before a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// An administrator types the command; the service never does it by itself.
    Administrator,
    /// The permit for usage statistics.
    UsageStatistics,
    /// Anything else that may leave: a grant, an open case, or, once the certificate has ended, a privacy request.
    AnyOther,
    /// The permit for the support case that it is about.
    SupportCase,
    /// Any of these permits.
    AnyYes,
    /// An answer to one of the others, which says that there is something new.
    Answer,
    /// A privacy request that somebody made and that waits. Nobody's permit: it carries a no.
    Rights,
}

impl Needs {
    /// In the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "an administrator's act",
            Self::UsageStatistics => "usage_statistics granted",
            Self::AnyOther => "anything else may leave",
            Self::SupportCase => "support_case granted",
            Self::AnyYes => "one of them granted",
            Self::Answer => "an answer that says so",
            Self::Rights => "a privacy request waiting",
        }
    }
}

/// One kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Method and route.
    pub request: &'static str,
    /// What leaves.
    pub carries: &'static str,
    /// What allows it.
    pub needs: Needs,
}

/// All of them. With every flag off and no privacy request waiting, nothing leaves.
pub const CONTACTS: &[Contact] = &[
    Contact { request: "POST /v1/enrol", carries: "one-time token, public key", needs: Needs::Administrator },
    Contact { request: "GET /v1/capabilities (`doctor`)", carries: "nothing", needs: Needs::Administrator },
    Contact {
        request: "POST /v1/enrol/renew, at two thirds of its life",
        carries: "public key",
        needs: Needs::AnyOther,
    },
    Contact {
        request: "GET /v1/capabilities, once a day after a refusal",
        carries: "nothing",
        needs: Needs::AnyYes,
    },
    Contact {
        request: "GET /v1/capabilities, once after a start and a new consent",
        carries: "nothing: the answer says whether this is an old copy, and where data is held",
        needs: Needs::AnyYes,
    },
    Contact {
        request: "GET /v1/capabilities, when a person asks for it, and every 30 s for an hour while a case is open",
        carries: "nothing",
        needs: Needs::AnyYes,
    },
    Contact {
        request: "PUT /v1/consents/{hash}",
        carries: "the ledger line that says yes",
        needs: Needs::AnyYes,
    },
    Contact {
        request: "PUT /v1/streams/usage_statistics/batches/{id}",
        carries: "records of the catalog",
        needs: Needs::UsageStatistics,
    },
    Contact { request: "OPTIONS /v1/bundles", carries: "nothing", needs: Needs::SupportCase },
    Contact {
        request: "POST /v1/bundles",
        carries: "case, size and digests of a bundle",
        needs: Needs::SupportCase,
    },
    Contact { request: "HEAD /v1/bundles/{sha256}", carries: "nothing", needs: Needs::SupportCase },
    Contact {
        request: "PATCH /v1/bundles/{sha256}",
        carries: "a part of the sealed bundle",
        needs: Needs::SupportCase,
    },
    Contact {
        request: "POST /v1/bundles/{sha256}/complete",
        carries: "size and digest of the bundle",
        needs: Needs::SupportCase,
    },
    Contact {
        request: "PUT /v1/consents/{hash}",
        carries: "the ledger line that takes a yes back",
        needs: Needs::Rights,
    },
    Contact {
        request: "POST /v1/privacy/{kind}",
        carries: "kind, purposes, hash of the ledger line",
        needs: Needs::Rights,
    },
    Contact {
        request: "GET /v1/privacy/{ticket}, daily until it is done",
        carries: "nothing",
        needs: Needs::Rights,
    },
    Contact {
        request: "POST /v1/news, where an answer says that there is something new",
        carries: "number and digest of the newest use receipt, numbers of the notices that are held",
        needs: Needs::Answer,
    },
];

/// The table, as text.
pub fn table() -> impl fmt::Display {
    fmt::from_fn(|f| {
        writeln!(f, "{:<50} {:<26} carries", "request", "needs")?;
        CONTACTS.iter().try_for_each(|contact| {
            writeln!(f, "{:<50} {:<26} {}", contact.request, contact.needs.as_str(), contact.carries)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_contact_once() {
        let table = table().to_string();
        assert_eq!(table.lines().count(), 1 + CONTACTS.len());
        let mut lines: Vec<&str> = table.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 1 + CONTACTS.len());
    }
}

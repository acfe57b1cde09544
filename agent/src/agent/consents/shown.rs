//! Consent as shown: the notice, the answers given, and the verification of the ledger.

use protocol::{CaseId, Purpose};

use crate::api::consent::{Asked, Controller, List, Notice, Receipts, Texts, Verified};
use crate::api::status::{CaseFlags, Ends, Flags, Policy};
use crate::config::Language;
use crate::consent::state::to_text;
use crate::consent::{ConsentError, Flag, Registry, receipt};
use crate::request::{ConsentRequest, Refused, Reply};

/// What is shown of the registry at a moment, in seconds since 1970.
pub(in crate::agent) struct Shown<'a> {
    pub(in crate::agent) registry: &'a Registry,
    pub(in crate::agent) now: i64,
}

impl Shown<'_> {
    /// What the policy asks for and for how long, and what was answered.
    pub(in crate::agent) fn list(&self) -> Reply {
        let policy = self.registry.policy();
        let asked = Purpose::ALL.iter().map(|purpose| {
            let [lasts, kept_here, kept_there] = policy.periods(*purpose, Language::En).unwrap_or_default();
            let offered = policy.terms(*purpose).is_some();
            Asked { purpose: *purpose, offered, lasts, kept_here, kept_there }
        });
        Reply::done(List {
            policy: Controller {
                id: policy.id().to_owned(),
                version: policy.version().to_owned(),
                controller: policy.controller().name.clone(),
            },
            asked: asked.collect(),
            consent: self.flags(),
            ends: self.ends(),
            cases: self.cases(),
        })
    }

    /// The text that a yes is given to, and its digest.
    pub(in crate::agent) fn show(&self, purpose: Purpose) -> Reply {
        let policy = self.registry.policy();
        let notice = |language| policy.notice(purpose, language);
        let (Some(digest), Some(da), Some(en)) =
            (policy.digest(purpose), notice(Language::Da), notice(Language::En))
        else {
            return Reply::refused(Refused::NotAllowed, ConsentError::NotOffered.to_string());
        };
        Reply::done(Notice {
            purpose,
            policy: self.policy(),
            digest,
            text: Texts { da, en },
            consent: self.flags(),
            ends: self.ends(),
            ask: self.registry.wants_answer(&Flag::UsageStatistics, self.now),
        })
    }

    /// Every answer that was given, or those to one flag, as they stand in the ledger and in words.
    pub(in crate::agent) fn receipts(&self, request: &ConsentRequest) -> Reply {
        let wanted = |entry: &protocol::ledger::Entry| {
            let asked = &entry.processing;
            request.purpose.is_none_or(|purpose| asked.purpose == purpose)
                && (request.case.is_none() || asked.case == request.case)
        };
        let entries: Vec<_> = self.registry.entries().filter(|(_, entry)| wanted(entry)).collect();
        let text =
            |language| entries.iter().map(|(_, entry)| receipt::answer(entry, language)).collect::<String>();
        Reply::done(Receipts {
            entries: entries.iter().filter_map(|(line, _)| serde_json::from_str(line).ok()).collect(),
            lines: entries.iter().map(|(line, _)| (*line).to_owned()).collect(),
            text: Texts { da: text(Language::Da), en: text(Language::En) },
        })
    }

    /// The policy by its name.
    pub(in crate::agent) fn policy(&self) -> Policy {
        let policy = self.registry.policy();
        Policy { id: policy.id().to_owned(), version: policy.version().to_owned() }
    }

    /// `consent` of `status`.
    pub(in crate::agent) fn flags(&self) -> Flags {
        Flags { usage_statistics: self.registry.state(&Flag::UsageStatistics, self.now) }
    }

    /// `ends` of `status`: until when the yes that stands lasts.
    pub(in crate::agent) fn ends(&self) -> Ends {
        Ends { usage_statistics: self.registry.granted_until(&Flag::UsageStatistics).map(to_text) }
    }

    /// `cases` of `status`.
    pub(in crate::agent) fn cases(&self) -> Vec<CaseFlags> {
        let case = |case: CaseId| {
            let (support, scan_data) = (Flag::SupportCase(case.clone()), Flag::SupportScanData(case.clone()));
            CaseFlags {
                case,
                support_case: self.registry.state(&support, self.now),
                support_scan_data: self.registry.state(&scan_data, self.now),
                ends: self.registry.granted_until(&support).map(to_text),
            }
        };
        self.registry.cases().into_iter().map(case).collect()
    }

    /// Every finding of the ledger's check.
    pub(in crate::agent) fn verify_ledger(&self) -> Reply {
        let findings: Vec<String> = self.registry.verify().iter().map(ToString::to_string).collect();
        let entries = self.registry.head().map_or(0, |(index, _)| index + 1);
        if findings.is_empty() {
            return Reply::done(Verified { entries, findings });
        }
        Reply::refused(Refused::Failed, findings.join("; ")).with(Verified { entries, findings })
    }
}

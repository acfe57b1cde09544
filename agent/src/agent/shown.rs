//! Consent as shown: the notice, the answers given, and the verification of the ledger.

use protocol::{CaseId, Purpose};

use super::Agent;
use crate::api::consent::{Asked, Controller, List, Notice, Receipts, Texts, Verified};
use crate::api::status::{CaseFlags, Ends, Flags};
use crate::config::Language;
use crate::consent::state::to_text;
use crate::consent::{ConsentError, Flag, receipt};
use crate::request::{ConsentRequest, Refused, Reply};

impl Agent {
    /// What the policy asks for and for how long, and what was answered.
    pub(super) fn list(&self, now: i64) -> Reply {
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
            consent: self.flags(now),
            ends: self.ends(),
            cases: self.cases(now),
        })
    }

    /// The text that a yes is given to, and its digest.
    pub(super) fn show(&self, purpose: Purpose, now: i64) -> Reply {
        let policy = self.registry.policy();
        let notice = |language| policy.notice(purpose, language);
        let (Some(digest), Some(da), Some(en)) =
            (policy.digest(purpose), notice(Language::Da), notice(Language::En))
        else {
            return Reply::refused(Refused::NotAllowed, ConsentError::NotOffered.to_string());
        };
        Reply::done(Notice {
            purpose,
            policy: self.policy_shown(),
            digest,
            text: Texts { da, en },
            consent: self.flags(now),
            ends: self.ends(),
            ask: self.registry.wants_answer(&Flag::UsageStatistics, now),
        })
    }

    /// Every answer that was given, or those to one flag, as they stand in the ledger and in words.
    pub(super) fn receipts(&self, request: &ConsentRequest) -> Reply {
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

    /// `consent` of `status`.
    pub(super) fn flags(&self, now: i64) -> Flags {
        Flags { usage_statistics: self.registry.state(&Flag::UsageStatistics, now) }
    }

    /// `ends` of `status`: until when the yes that stands lasts.
    pub(super) fn ends(&self) -> Ends {
        Ends { usage_statistics: self.registry.granted_until(&Flag::UsageStatistics).map(to_text) }
    }

    /// `cases` of `status`.
    pub(super) fn cases(&self, now: i64) -> Vec<CaseFlags> {
        let case = |case: CaseId| {
            let (support, scan_data) = (Flag::SupportCase(case.clone()), Flag::SupportScanData(case.clone()));
            CaseFlags {
                case,
                support_case: self.registry.state(&support, now),
                support_scan_data: self.registry.state(&scan_data, now),
                ends: self.registry.granted_until(&support).map(to_text),
            }
        };
        self.registry.cases().into_iter().map(case).collect()
    }

    /// Every finding of the ledger's check.
    pub(super) fn verify_ledger(&self) -> Reply {
        let findings: Vec<String> = self.registry.verify().iter().map(ToString::to_string).collect();
        let entries = self.registry.head().map_or(0, |(index, _)| index + 1);
        if findings.is_empty() {
            return Reply::done(Verified { entries, findings });
        }
        Reply::refused(Refused::Failed, findings.join("; ")).with(Verified { entries, findings })
    }
}

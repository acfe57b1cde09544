//! Decommissioning: queued data is sent or dropped, every key is shredded, the vendor is informed, and a certificate
//! says what was done.
//!
//! Two files mark how far it is. `decommissioning` stands from the decision on: with the number of what waited until the
//! vendor's answer, when only the key that signs the last message is left, then with the text of the certificate, when no
//! key may be used any more. `decommissioned` is the certificate, and the end: beside it only the ledger stays, which can
//! be read by everybody and proves the answers. Cut short, it goes on at the next start.

mod marks;

use std::io;
use std::path::Path;

use log::info;
use protocol::Purpose;

use super::consents::Consents;
use super::{Agent, Parts, Trouble, Wake, vendor_answer};
use crate::api::privacy::Decommissioned;
use crate::consent::permit::RIGHTS;
use crate::consent::state::to_text;
use crate::consent::{By, receipt};
use crate::presence::{self, Presence};
use crate::vault::Vault;
use crate::{durable, killpoint};
pub(super) use marks::{begun, certificate, is_final};

/// What else lies in `data_dir` and says nothing of the clinic's answers.
const LEFT_BEHIND: [&str; 15] = [
    "certificate.life",
    "certificate.pem",
    "clock.json",
    "history.damaged",
    "history.sealed",
    "machine",
    "owner",
    "retry-after.bundles",
    "retry-after.requests",
    "retry-after.usage",
    "tally.damaged",
    "tally.json",
    "tickets.damaged",
    "tickets.json",
    "wishes.json",
];

/// What follows then: the keys go, and what else is left. It may be repeated.
pub(super) fn finish(data: &Path) -> io::Result<()> {
    if !presence::is_there(&certificate(data))? {
        let text = std::fs::read(begun(data))?;
        Vault::destroy(data)?;
        killpoint::step("decommission.destroyed");
        durable::replace(&certificate(data), &text)?;
        killpoint::step("decommission.certified");
    }
    for name in LEFT_BEHIND {
        Presence::of(durable::erase(&data.join(name)))?;
    }
    remove_directory(&data.join("spool"))
}

impl Agent {
    /// Takes the device out of use. `drain`: what waits is sent first, as far as it may leave and the collector
    /// answers.
    pub(super) fn decommission(&mut self, drain: bool, by: By, now: i64) -> Result<Decommissioned, Trouble> {
        if drain {
            let Parts { usage, mut cx, .. } = self.parts();
            usage.close_periods(&mut cx, true)?;
            self.drain();
        }
        let left = self.usage.records();
        durable::replace(&begun(&self.config.data_dir), left.to_string().as_bytes())?;
        killpoint::step("decommission.begun");
        self.retire(by)?;
        self.resume_decommissioning(now)?;
        if !self.is_decommissioned()? {
            self.drain();
            self.resume_decommissioning(now)?;
        }
        let reported = self.is_decommissioned()?;
        let text = if reported {
            std::fs::read_to_string(certificate(&self.config.data_dir))?
        } else {
            String::new()
        };
        Ok(Decommissioned { reported, dropped: left, certificate: text })
    }

    fn retire(&mut self, by: By) -> Result<(), Trouble> {
        let effects = self.with_consents(|consents, cx| consents.on_decommission(cx, by))?;
        self.follow(effects)
    }

    /// The steps that follow the decision, as far as they can be taken now. Each may be repeated.
    pub(super) fn resume_decommissioning(&mut self, now: i64) -> Result<(), Trouble> {
        let data = self.config.data_dir.clone();
        if !presence::is_there(&begun(&data))? {
            return Ok(());
        }
        if is_final(&data)? {
            return Ok(finish(&data)?);
        }
        // Cut behind the decision, nobody would ever tell the vendor.
        if !self.with_consents(Consents::is_asked_to_retire)? {
            self.retire(By::AGENT)?;
        }
        self.erase_history()?;
        self.vault.shred_all_but(&[RIGHTS])?;
        self.vault.erase_set_aside(|_, _| true)?;
        killpoint::step("decommission.shredded");
        self.purge_usage()?;
        for case in self.registry.cases() {
            self.with_cases(|cases, cx| cases.purge(cx, &case, Purpose::SupportCase))?;
        }
        for name in ["bundles", "drafts", "tmp", vendor_answer::DIR] {
            remove_directory(&data.join(name))?;
        }
        killpoint::step("decommission.purged");
        if self.uplink.is_enrolled() && self.consents.requests.waiting().records > 0 {
            return Ok(()); // the last message waits
        }
        self.consents.requests.purge()?;
        let left = std::fs::read_to_string(begun(&data))?.parse().unwrap_or(0);
        let device = self.vault.device();
        let text = receipt::decommissioning(
            device,
            left,
            self.consents.requests.tickets.all(),
            now,
            self.config.language,
        );
        durable::replace(&begun(&data), text.as_bytes())?;
        killpoint::step("decommission.worded");
        finish(&data)?;
        info!("decommissioned, {}", to_text(now));
        let _ = self.wakes.0.send(Wake::Stop);
        Ok(())
    }

    /// Whether nothing is left to do, for ever.
    pub(super) fn is_decommissioned(&self) -> io::Result<bool> {
        presence::is_there(&certificate(&self.config.data_dir))
    }
}

fn remove_directory(path: &Path) -> io::Result<()> {
    Presence::of(std::fs::remove_dir_all(path))?;
    durable::sync_parent(path)
}

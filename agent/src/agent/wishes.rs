//! What the vendor asks for. It comes with answers that the agent gets anyway, is shown, and does nothing by itself.

use std::io;

use log::{info, warn};
use protocol::Wish;
use serde_json::{Value, json};

use super::Agent;
use crate::config::Config;
use crate::consent::Flag;
use crate::consent::permit::{SupportCase, UsageStatistics};
use crate::ship::exchange::Answer;
use crate::{durable, presence};

const FILE: &str = "wishes.json";

/// What was asked for before the start.
///
/// # Errors
/// It cannot be read now.
pub(super) fn kept(config: &Config) -> io::Result<Vec<Wish>> {
    let bytes = presence::read(&config.data_dir.join(FILE))?.found().unwrap_or_default();
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

impl Agent {
    /// Takes what an answer of success says, while something is allowed at all.
    pub(super) fn note_wishes(&mut self, answer: &Answer, now: i64) {
        if !self.may_send(now) {
            return;
        }
        let wishes = answer.wishes.as_deref().map(Wish::read_header).unwrap_or_default();
        if wishes == self.wishes {
            return;
        }
        if !wishes.is_empty() {
            info!("the vendor asks for a support bundle");
        }
        let text = serde_json::to_vec(&wishes).unwrap_or_default();
        if let Err(e) = durable::replace(&self.config.data_dir.join(FILE), &text) {
            warn!("the vendor's wish cannot be kept ({}): check the space and rights of data_dir", e.kind());
        }
        self.wishes = wishes;
    }

    /// `wishes` of `status`: none while every flag is off.
    pub(super) fn shown_wishes(&self, now: i64) -> Value {
        if self.may_send(now) { json!(self.wishes) } else { json!([]) }
    }

    /// Whether somebody asked for it, or it was answered before. A stranger's no to anything else would only fill the
    /// ledger, until no yes could be written.
    pub(super) fn is_asked(&self, flag: &Flag) -> bool {
        flag.case().is_none_or(|case| {
            self.book.cases().contains(case) || self.wishes.iter().any(|wish| wish.case == *case)
        })
    }

    /// Whether there is a yes to anything.
    pub(super) fn may_send(&self, now: i64) -> bool {
        self.book.permit::<UsageStatistics>(now).is_some()
            || self.book.cases().iter().any(|case| self.book.permit_case::<SupportCase>(case, now).is_some())
    }
}

//! Invitations from the vendor. They arrive in responses that the agent gets anyway, are shown, and start nothing.

use std::io;

use log::{info, warn};
use protocol::Invitation;

use super::super::cx::{Cx, may_send};
use crate::config::Config;
use crate::consent::{Flag, Registry};
use crate::ship::exchange::Answer;
use crate::{durable, presence};

const FILE: &str = "wishes.json";

/// The support bundles that the vendor asks for.
pub(in crate::agent) struct Invitations(Vec<Invitation>);

impl Invitations {
    /// What was asked for before the start.
    ///
    /// # Errors
    /// It cannot be read now.
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let bytes = presence::read(&config.data_dir.join(FILE))?.found().unwrap_or_default();
        Ok(Self(serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// Takes what an answer of success says, while something is allowed at all.
    pub(in crate::agent) fn note(&mut self, cx: &Cx<'_>, answer: &Answer) {
        if !cx.may_send() {
            return;
        }
        let invitations = answer.invitations.as_deref().map(Invitation::read_header).unwrap_or_default();
        if invitations == self.0 {
            return;
        }
        if !invitations.is_empty() {
            info!("the vendor asks for a support bundle");
        }
        let text = serde_json::to_vec(&invitations).unwrap_or_default();
        if let Err(e) = durable::replace(&cx.config.data_dir.join(FILE), &text) {
            warn!(
                "the vendor's invitations cannot be saved ({}): check the space and rights of data_dir",
                e.kind()
            );
        }
        self.0 = invitations;
    }

    /// `invitations` of `status`: none while every flag is off.
    pub(in crate::agent) fn shown(&self, registry: &Registry, now: i64) -> Vec<Invitation> {
        if may_send(registry, now) { self.0.clone() } else { Vec::new() }
    }

    /// Whether somebody asked for it, or it was answered before. A stranger's no to anything else would only fill the
    /// ledger, until no yes could be written.
    pub(in crate::agent) fn is_asked(&self, registry: &Registry, flag: &Flag) -> bool {
        flag.case().is_none_or(|case| {
            registry.cases().contains(case) || self.0.iter().any(|invited| invited.case == *case)
        })
    }
}

//! Stores of another version: the collector goes on with the one that the version before left, and the agent leaves
//! alone what a later one wrote.

use std::fs;

use protocol::Digest;

use crate::clinic::Clinic;
use crate::faults::Fault;
use crate::world::{BEGIN, DAY};

/// Days from one upgrade of the collector to the next.
const UPGRADED: i64 = 50;
/// Days from one later version at the workstation to the next: it is a Monday.
const LATER: i64 = 70;

impl Clinic {
    /// On some nights the collector is a new version, and its store the one before's: everything in it stays.
    pub(crate) fn vendor_is_upgraded(&mut self, midnight: i64) {
        let is_night = (midnight - BEGIN) / DAY % UPGRADED == UPGRADED - 1;
        if !is_night || self.link.net().vendor.is_none() || self.comes().is_none() {
            return;
        }
        let before = self.vendor.holds();
        match self.vendor.upgrade() {
            Ok(true) => {
                self.fault(Fault::VendorUpgraded);
                let after = self.vendor.holds();
                if before != after {
                    self.violations.push(format!("upgrade: {before:?} before it, {after:?} after it"));
                }
                self.vendor.verify();
            }
            Ok(false) => {}
            Err(what) => self.violations.push(format!("upgrade: {what}")),
        }
    }

    /// On some evenings somebody has run a later version of the agent: this one starts not, and changes nothing.
    pub(crate) fn store_is_later(&mut self) {
        let is_evening = (self.world.now() - BEGIN) / DAY % LATER == LATER - 5;
        if !is_evening || self.comes().is_none() {
            return;
        }
        let path = self.pc.data().join("format");
        let Ok(before) = fs::read(&path) else { return };
        let later = format!("2 {:.16}\n", Digest::of(b"2").to_string());
        if fs::write(&path, &later).is_err() {
            return;
        }
        self.fault(Fault::NewerStore);
        let files = self.pc.digest();
        if matches!(self.pc.start(), Ok(Ok(()))) {
            self.violations.push("upgrade: it starts on the store of a later version".to_owned());
        }
        self.pc.stop();
        if self.pc.digest() != files {
            self.violations.push("upgrade: it changed the store of a later version".to_owned());
        }
        if let Err(error) = fs::write(&path, before) {
            self.violations.push(format!("world: the format: {}", error.kind()));
        }
    }
}

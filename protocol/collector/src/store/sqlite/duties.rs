//! What erasing for an owner and retention need of the store, step by step: each step is a transaction of its own, so
//! that others get their turn, and a cut leaves whole steps.

use std::collections::BTreeMap;

use crate::store::engine::Connection;
use protocol::bundle::receipt;
use protocol::period::{Kept, Start};
use protocol::{CaseId, DeviceId, Digest, Purpose, Retention};
use time::OffsetDateTime;

use super::audit::{self, Line, Note};
use super::device::{self, Device};
use super::erase::{self, Aged, STEP, Taken};
use super::rows::{self, micros};
use super::{bundles, consents, invitations, sealing, tx, uploads};
use crate::failure::Failure;
use crate::store::folder::Kept as Files;
use crate::store::replay::{self, Entry};
use crate::store::rules::decide::Standing;
use crate::store::rules::retention::{self, Beginnings};
use crate::store::{Store, files};

/// What retention would erase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// By number of the device and purpose.
    pub(crate) groups: BTreeMap<(i64, Purpose), Group>,
    /// Bundles that came on a stick without a consent, and that no device reported within the longest life of a case.
    pub(crate) unclaimed: Vec<Digest>,
    /// Envelopes and bundles that are held in all.
    pub(crate) all: u64,
    /// Time of the store's last transaction.
    pub(crate) newest: i64,
    /// Devices whose rows are damaged: their periods are not known, so nothing of theirs goes.
    pub(crate) damaged: Vec<String>,
}

/// Of one device and purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) records: u64,
    pub(crate) places: Vec<i64>,
    /// When the newest of them came, by class.
    pub(crate) until: BTreeMap<i64, i64>,
    pub(crate) bundles: Vec<Digest>,
    pub(crate) parts: Vec<Digest>,
    pub(crate) invitations: u64,
}

impl Plan {
    /// Envelopes and bundles that would go.
    pub(crate) fn going(&self) -> u64 {
        let of_devices = self.groups.values().map(|group| group.places.len() + group.bundles.len());
        (of_devices.sum::<usize>() + self.unclaimed.len()) as u64
    }
}

/// What erasing bundles of a case took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleared {
    pub(crate) bundles: u64,
    /// Bundles of which a part had come.
    pub(crate) parts: u64,
    pub(crate) invitations: u64,
    /// When the oldest of the bundles came.
    pub(crate) oldest: Option<i64>,
    /// Backups may have one of the bundles with its header, which opens it.
    pub(crate) is_readable: bool,
}

impl Store {
    /// Takes out every envelope of a device for a purpose that came until then, microseconds.
    pub(crate) fn erase_envelopes(
        &self,
        device: DeviceId,
        purpose: Purpose,
        until: i64,
    ) -> Result<Taken, Failure> {
        self.erase_class(device, purpose, None, until)
    }

    /// The same for one retention class, or for all. With the last of them go the keys that nothing is left under.
    pub(crate) fn erase_class(
        &self,
        device: DeviceId,
        purpose: Purpose,
        class: Option<i64>,
        until: i64,
    ) -> Result<Taken, Failure> {
        let mut taken = Taken::default();
        loop {
            let (step, is_last) = self.write(true, move |tx| {
                let device = device::enrolled(tx, device)?;
                let places = erase::next_of(tx, device.no, purpose, class, until)?;
                let (mut step, is_last) = (erase::take_out(tx, &places)?, places.len() < STEP);
                if is_last {
                    // Not for ever: nothing that comes later is meant.
                    let said = until.min(tx::newest(tx)?);
                    tx.again(&Entry::Erased { device: device.id, purpose, class, until: said })?;
                    step.is_readable |= sealing::destroy_unused(tx, &device, purpose, until)? > 0;
                }
                Ok((step, is_last))
            })?;
            taken.add(step);
            if is_last {
                return Ok(taken);
            }
        }
    }

    /// Takes out the bundles and the announcements of a device that came until then, microseconds, and its invitations,
    /// of one case or of all.
    pub(crate) fn erase_case(
        &self,
        device: DeviceId,
        case: Option<&CaseId>,
        until: i64,
    ) -> Result<Cleared, Failure> {
        let row = self.read(|sql| device::enrolled(sql, device))?;
        let is_its = |of: Option<&CaseId>| case.is_none() || case == of;
        let held = self.read(|sql| bundles::of(sql, &row))?;
        let came = |bundle: &&bundles::Bundle| is_its(bundle.case.as_ref()) && bundle.received <= until;
        let oldest = held.iter().filter(came).map(|bundle| bundle.received).min();
        let mut is_readable = false;
        for bundle in held.iter().filter(came) {
            is_readable |= self.is_readable_elsewhere(bundle)?;
        }
        let held: Vec<Digest> = held.iter().filter(came).map(|bundle| bundle.sha256).collect();
        let announced = self.read(|sql| uploads::of(sql, &row))?;
        let announced: Vec<Digest> = announced
            .iter()
            .filter(|(said, touched)| is_its(Some(&said.case)) && *touched <= until)
            .map(|(said, _)| said.sha256)
            .collect();
        let bundles = self.remove_bundles(&held)?;
        let parts = self.remove_uploads(device, row.no, &announced)?;
        let (no, case) = (row.no, case.cloned());
        let invitations = self.write(true, move |tx| invitations::remove(tx, no, case.as_ref()))?;
        Ok(Cleared { bundles, parts, invitations, oldest, is_readable })
    }

    /// The exports and backups since a time: copies that nothing here can reach.
    pub(crate) fn copies_since(&self, since: i64) -> Result<Vec<Line>, Failure> {
        let (since, mut out) = (rows::text(since), Vec::new());
        self.audit(|line| {
            use audit::Deed::{Backup, Export};
            // A damaged line hides no copy: it is named by `audit` and `verify`.
            if let Ok(line) = line
                && matches!(line.deed, Export | Backup)
                && line.at >= since
            {
                out.push(line);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// What is kept longer than its class allows.
    pub(crate) fn retention_plan(&self, now: OffsetDateTime) -> Result<Plan, Failure> {
        let now = micros(now);
        self.read(|sql| plan(sql, self, now))
    }

    /// Takes out a group of a plan.
    pub(crate) fn retire_group(
        &self,
        device: DeviceId,
        (no, purpose): (i64, Purpose),
        group: &Group,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        for step in group.places.chunks(STEP) {
            let step = step.to_vec();
            self.write(true, move |tx| erase::take_out(tx, &step).map(drop))?;
        }
        if !group.until.is_empty() {
            let until = group.until.clone();
            self.write(true, move |tx| {
                let device = device::enrolled(tx, device)?;
                for (&class, &until) in &until {
                    tx.again(&Entry::Erased { device: device.id, purpose, class: Some(class), until })?;
                }
                let until = until.values().copied().max().unwrap_or(i64::MIN);
                sealing::destroy_unused(tx, &device, purpose, until).map(drop)
            })?;
        }
        self.remove_bundles(&group.bundles)?;
        self.remove_uploads(device, no, &group.parts)?;
        if group.invitations > 0 {
            let before = invitations::over(micros(now));
            self.write(false, move |tx| {
                tx.remove("DELETE FROM invitation WHERE device = ?1 AND asked <= ?2", (no, before)).map(drop)
            })?;
        }
        Ok(())
    }

    /// Takes out one whole bundle by its number or its digest, also one of which no device said that it is its own.
    pub(crate) fn erase_bundle(&self, name: &str) -> Result<(), Failure> {
        let mut found = None;
        self.read(|sql| {
            bundles::all(sql, |bundle| {
                let sha256 = bundle.ok().map(|bundle| bundle.sha256);
                found =
                    found.or(sha256.filter(|sha256| *name == sha256.to_string() || name == receipt(*sha256)));
                Ok(())
            })
        })?;
        let sha256 = found.ok_or_else(|| {
            Failure::new("there is no bundle of this number or digest; `bundles` lists them")
        })?;
        self.remove_bundles(&[sha256]).map(drop)
    }

    /// First the file, then header and row: a cut between them leaves a row that says that something is gone.
    pub(crate) fn remove_bundles(&self, bundles: &[Digest]) -> Result<u64, Failure> {
        for &sha256 in bundles {
            files::remove_whole(&self.folder, sha256)?;
            self.write(true, move |tx| {
                tx.truncate_after();
                tx.again(&Entry::Bundle { sha256 })?;
                tx.keys.destroy_header(sha256)?;
                bundles::remove(tx, sha256)
            })?;
        }
        Ok(bundles.len() as u64)
    }

    /// Removes announcements and what came of them. Those of which the whole bundle is still here stay, and are not
    /// counted: they go with it.
    fn remove_uploads(&self, device: DeviceId, no: i64, announced: &[Digest]) -> Result<u64, Failure> {
        let mut parts = 0;
        for &sha256 in announced {
            if files::holds(&self.folder, sha256)? {
                continue;
            }
            parts += u64::from(files::remove_part(&self.folder, device, sha256)?);
            self.write(true, move |tx| {
                let statement = "DELETE FROM upload WHERE device = ?1 AND sha256 = ?2";
                tx.remove(statement, (no, sha256.to_bytes())).map(drop)
            })?;
            // Of a request that another front began before.
            files::remove_part(&self.folder, device, sha256)?;
            // A cut may have come between the header and the rest.
            if !files::holds(&self.folder, sha256)? {
                self.keys.destroy_header(sha256)?;
            }
        }
        Ok(parts)
    }
}

fn plan(sql: &Connection, store: &Store, now: i64) -> Result<Plan, Failure> {
    let count = |statement: &str| sql.query_row(statement, (), |row| row.get::<i64>(0));
    let held = count("SELECT count(*) FROM envelope")? + count("SELECT count(*) FROM bundle")?;
    let mut plan = Plan { all: held.max(0) as u64, newest: tx::newest(sql)?, ..Plan::default() };
    let mut beginnings = BTreeMap::new();
    device::all(sql, |device| {
        let found = device.and_then(|device| {
            let (began, due) = of_device(sql, store, &device, now)?;
            Ok((device.no, began, due))
        });
        match found {
            Ok((no, began, due)) => {
                beginnings.insert(no, began);
                if due != Group::default() {
                    plan.groups.insert((no, Purpose::SupportCase), due);
                }
            }
            Err(failure) => plan.damaged.push(failure.to_string()),
        }
        Ok(())
    })?;
    bundles::all(sql, |bundle| {
        match bundle {
            Ok(bundle) if bundle.device.is_none() && bundle.received < uploads::abandoned(now) => {
                plan.unclaimed.push(bundle.sha256);
            }
            Ok(_) => {}
            Err(failure) => plan.damaged.push(failure.to_string()),
        }
        Ok(())
    })?;
    for number in erase::classes(sql)? {
        let Some(class) = retention::kept(number) else {
            plan.damaged
                .push("batches of a retention class that there is not; `verify` names them".to_owned());
            continue;
        };
        // A class that starts later is a superset here; the rule decides.
        let before = match class.from {
            Start::Decommissioning if !beginnings.values().any(|b| b.decommissioned.is_some()) => continue,
            Start::Decommissioning => i64::MAX,
            Start::Receipt | Start::LastContact => retention::over(class, now),
        };
        erase::older(sql, number, before, |Aged { place, device, purpose, received, records }| {
            if beginnings.get(&device).is_some_and(|began| began.is_over(class, received, now)) {
                let group = plan.groups.entry((device, purpose)).or_default();
                group.records += records;
                group.places.push(place);
                let until = group.until.entry(number).or_insert(received);
                *until = received.max(*until);
            }
            Ok(())
        })?;
    }
    Ok(plan)
}

/// When a device's periods began, and which of its bundles, parts and invitations are over.
fn of_device(
    sql: &Connection,
    store: &Store,
    device: &Device,
    now: i64,
) -> Result<(Beginnings, Group), Failure> {
    let held = bundles::of(sql, device)?;
    let last_contact = held.iter().map(|bundle| bundle.received).max();
    // One that was never enrolled tells nobody of its end: it is taken for out of use since its last bundle.
    let never_enrolled = last_contact.filter(|_| device.standing == Standing::Unknown);
    let began = Beginnings { decommissioned: device.retired.or(never_enrolled), last_contact };
    let mut due = Group::default();
    if !held.is_empty() {
        let entries = consents::load(sql, device)?;
        let newest = entries.iter().rev().find(|entry| entry.line.purpose == Purpose::SupportCase);
        let class = newest.map(|entry| entry.class).or(Kept::of_word(Retention::SupportDecommission10Years));
        let is_over = |received| class.is_some_and(|class| began.is_over(class, received, now));
        let over = held.iter().filter(|bundle| is_over(bundle.received));
        due.bundles = over.map(|bundle| bundle.sha256).collect();
    }
    for (said, touched) in uploads::of(sql, device)? {
        // The rows first: to ask for the bytes may be a request to another machine.
        let is_old = |at: i64| at < uploads::abandoned(now);
        if is_old(touched)
            && files::part_modified(&store.folder, device.id, said.sha256)?.map(micros).is_none_or(is_old)
            && !files::holds(&store.folder, said.sha256)?
        {
            due.parts.push(said.sha256);
        }
    }
    let statement = "SELECT count(*) FROM invitation WHERE device = ?1 AND asked <= ?2";
    let params = (device.no, invitations::over(now));
    due.invitations =
        sql.prepare_cached(statement)?.query_row(params, |row| row.get::<i64>(0))?.max(0) as u64;
    Ok((began, due))
}

impl Store {
    /// The id of the device with this number.
    pub(crate) fn id_of(&self, no: i64) -> Result<DeviceId, Failure> {
        self.read(|sql| device::id_of(sql, no))
    }

    /// The device that must be there for a command of an operator.
    pub(crate) fn enrolled(&self, device: DeviceId) -> Result<Device, Failure> {
        self.read(|sql| device::enrolled(sql, device))
    }

    /// Adds a note about one device and purpose.
    pub(crate) fn note_of(
        &self,
        note: Note,
        device: DeviceId,
        purpose: Purpose,
        case: Option<&CaseId>,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        self.note(Note { device: Some(device), purpose: Some(purpose), case: case.cloned(), ..note }, now)
    }

    /// Removes files that nothing is known of: parts of uploads that were erased or given up, which a cut left. A
    /// whole bundle that nothing is known of is left: `verify` names it.
    pub(crate) fn sweep(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let until = micros(now) - retention::DAY;
        let old = micros(now).saturating_sub(replay::KEPT);
        self.write(true, move |tx| tx.keys.log.prune(old))?;
        self.settle_bundles(micros(now))?;
        let unreadable = self.take_out_unreadable()?;
        if unreadable > 0 {
            log::warn!("{unreadable} records were taken out whose key an erasure had destroyed");
        }
        if let Files::Files { root, is_shared: true } = self.folder.kept()? {
            files::sweep_imports(root, until)?;
        }
        for name in files::names(&self.folder)?.0 {
            let Some((device, sha256)) = files::part_of(&name) else { continue };
            let modified = files::part_modified(&self.folder, device, sha256)?;
            let is_old = modified.is_some_and(|at| micros(at) < until);
            // A chunk that came late to a bundle that is whole is of no use either.
            let is_whole = files::holds(&self.folder, sha256)?;
            if is_old && (is_whole || self.announced(device, sha256)?.is_none()) {
                files::remove_part(&self.folder, device, sha256)?;
            }
        }
        Ok(())
    }
}

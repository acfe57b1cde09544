//! Gathering: the list of what is looked for, and the one order that is made of it.
//!
//! ```text
//! case_request  what was asked for
//! steps    everything that is looked for, in its order
//! kathea   what Kathea's and the X1's files are called: assumptions, all of them here
//! listing  what lies where the scans do, as runs of files
//! scans    which scans
//! context  what is learned from beside them: of a scan in slices one file
//! headers  what headers say, as they would leave
//! logs     logs and the other files beside them
//! system   what the operating system says of disks, graphics and crashes
//! own      what the agent says of the workstation and of itself
//! dates    by how much the dates of the case are moved, and which may be in it
//! looking  what every step sees
//! plan     what a step wants of this workstation
//! basket   the draft that is being filled
//! failure  why there is no draft
//! ```
//!
//! Everything goes as one case through the process that reads files from outside: it learns who is meant, cleans,
//! and searches every byte that comes out. A source that this workstation does not have is listed as absent, and
//! what failed or was cut says so: nothing is silently missing.

mod basket;
mod case_request;
mod context;
mod dates;
mod failure;
mod headers;
pub(super) mod kathea;
mod listing;
mod logs;
mod looking;
pub(crate) mod missing;
mod own;
mod plan;
mod scans;
mod steps;
pub(super) mod system;

use std::collections::BTreeMap;
use std::io;

use protocol::Purpose;
use ring::rand::SystemRandom;

use super::cause::{Cause, StopOr};
use super::check::judge;
use super::check::look::look_until as look_around;
use super::draft::{Draft, Writer};
use super::manifest::{FileEntry, Manifest, Provenance, purposes};
use super::pseudonyms::Pseudonyms;
use super::summary;
use super::watch::Watch;
use crate::checks::Check;
use crate::config::Language;
use crate::consent::state::to_text;
use crate::limits;
use crate::machine;
use crate::programs;
use crate::vault::data_key::DataKey;
use basket::Basket;
pub use case_request::{CaseRequest, Selection};
use dates::Dates;
use deidentify::child::Parser;
use deidentify::dicom::EDITION;
use deidentify::files::{Format, Found, Known, Order};
use deidentify::text::has_personal_number;
pub use failure::{GatherError, Typed};
use looking::Looking;
pub use looking::Site;
pub use own::StatusDocument;
pub use scans::{Scan, list as list_scans};
pub use steps::{STEPS, Step};

/// Gathers what `case_request` asks for into a sealed draft.
///
/// # Errors
/// [`GatherError`], after which nothing is left of it.
pub fn run(
    site: &Site,
    case_request: &CaseRequest,
    random: SystemRandom,
    watch: &Watch<'_>,
) -> Result<(Draft, DataKey), GatherError> {
    let pseudonyms = match &site.pseudonyms {
        Some(pseudonyms) => pseudonyms.clone(),
        None => Pseudonyms::draw(&random)?,
    };
    let typed = typed(case_request);
    if !case_request.as_typed
        && let Some((place, _)) = typed.iter().find(|(_, text)| has_personal_number(text))
    {
        return Err(GatherError::Personal(*place, "personal_number"));
    }
    watch.begin("looking", 0);
    let table = programs::for_case(&site.config, &site.program, site.now)?;
    let (looking, contexts) = look(site, case_request, &pseudonyms, &random, watch)?;
    let dates = looking.dates;
    let mut facts = look_around(&site.config, site.now, dates.last());
    let mut checks: Vec<Check> =
        judge(&facts).iter().map(|finding| finding.in_language(Language::En)).collect();
    let codes: Vec<u32> = facts.errors.keys().copied().collect();
    let sentences = checks.iter().map(|check| check.what.clone());
    let plans = STEPS.iter().map(|step| step.plan(&looking, case_request.reason)).collect::<Vec<_>>();
    let writer = Writer::create(&site.config.data_dir, &site.id, random)?;
    let mut basket = Basket::new(writer, plans, case_request.as_typed, watch);
    let mut order = Order {
        key: *pseudonyms.0,
        files: basket.wanted(),
        contexts,
        typed: typed.iter().map(|(_, text)| (*text).to_owned()).collect(),
        own: sentences.chain(codes.iter().map(u32::to_string)).collect(),
        known: Known {
            table: table.as_ref().map(|table| table.file.clone()),
            machine: machine::names(&site.config.kathea.names),
            until: dates.until(),
        },
        done: 0,
    };
    watch.begin("learning", (order.files.len() + order.contexts.len()) as u64);
    loop {
        match Parser::new(&site.program).run(&mut order, &mut basket).map_err(StopOr::from) {
            // What is there when a step's share is used up stays, and its rest is listed as cut.
            Err(StopOr::Stop(Cause::ShareOver)) => match basket.next_step() {
                Some(next) => order.done = next,
                None => break,
            },
            Err(StopOr::Stop(Cause::Personal)) => {
                let (at, rule) = basket.typed.first().copied().unwrap_or_default();
                let place = typed.get(at).map_or(Typed::Anything, |(place, _)| *place);
                return Err(GatherError::Personal(place, rule));
            }
            done => break done?,
        }
    }
    let gathered = basket.finish();
    for (code, _) in codes.iter().zip(checks.len()..).filter(|(_, at)| gathered.own.contains(at)) {
        facts.errors.remove(code);
    }
    let mut numbers = 0..;
    checks.retain(|_| !numbers.next().is_some_and(|at| gathered.own.contains(&at)));
    let mut manifest = Manifest {
        case: case_request.case.clone(),
        reason: case_request.reason,
        contact: case_request.contact.clone(),
        description: case_request.description.clone(),
        made: to_text(dates.moment()),
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        device: site.device,
        policy: site.policy.clone(),
        purposes: purposes(&gathered.files),
        operations: gathered.operations,
        files: gathered.files,
        removed: gathered.removed,
        persons_learned: gathered.learned.0,
        files_learned: gathered.learned.1,
        edition: EDITION.to_owned(),
        provenance: table.map(|table| Provenance { bytes: table.bytes, sha256: table.sha256 }),
        window: Some(dates.window(looking.window.0)),
        checks,
    };
    let mut writer = gathered.writer;
    enclose(&mut writer, &mut manifest, &facts.errors)?;
    Ok(writer.finish(case_request.case.clone(), site.now, pseudonyms, &manifest.to_bytes())?)
}

/// Puts `README.txt` and `summary.json` before the other files. Like the manifest they hold only numbers, digests, names
/// that the agent gives, words of closed lists, and what was typed and searched.
fn enclose(writer: &mut Writer, manifest: &mut Manifest, errors: &BTreeMap<u32, u64>) -> io::Result<()> {
    let reach = manifest.window.as_ref().map(|window| window.reach);
    let enclosed = [
        (summary::FILE, Format::Json, summary::to_bytes(manifest, errors)),
        (summary::README, Format::Text, summary::readme(reach).into_bytes()),
    ];
    for (name, kind, text) in enclosed {
        let span = writer.put_first(&text)?;
        let (bytes, sha256) = (span.bytes, span.sha256);
        manifest.files.insert(
            0,
            FileEntry { name: name.to_owned(), kind, purpose: Purpose::SupportCase, bytes, sha256 },
        );
    }
    Ok(())
}

/// What a person typed, and what it is called. Everything else in a manifest is a number, a digest, a word of a closed
/// list, or one of the checks: those are searched like a file.
fn typed(case_request: &CaseRequest) -> Vec<(Typed, &str)> {
    let contact = case_request.contact.as_deref().map(|contact| (Typed::Contact, contact));
    let description = case_request.description.as_deref().map(|text| (Typed::Description, text));
    contact.into_iter().chain(description).chain([(Typed::CaseId, case_request.case.as_str())]).collect()
}

/// Chooses the scans, with them the window, and with it whose names are learned: those of every scan of the window
/// and of the year before.
fn look<'a>(
    site: &'a Site,
    case_request: &CaseRequest,
    pseudonyms: &Pseudonyms,
    random: &SystemRandom,
    watch: &Watch<'_>,
) -> Result<(Looking<'a>, Vec<Found>), GatherError> {
    let listing = listing::walk(&site.config.kathea.scans, watch)?;
    let chosen = scans::choose(&listing, case_request, site.now, watch)?;
    let window = case_request.window(&chosen, site.now);
    let roots = if case_request.logs.is_empty() { &site.config.kathea.logs } else { &case_request.logs };
    let beside = kathea::sources(roots, !case_request.logs.is_empty())?;
    let runs = listing.runs_since(window.0 - limits::LEARN_BACK);
    let context = context::choose(runs, &site.program, random, watch)?;
    let is_all_learned = !listing.is_cut && context.is_whole;
    let traces = scans::traces(&listing, &chosen, case_request, watch)?;
    let dates = Dates::new(pseudonyms, site.now, window.1);
    Ok((Looking { site, chosen, traces, beside, window, dates, is_all_learned }, context.files))
}

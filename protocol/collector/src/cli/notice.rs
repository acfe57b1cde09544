//! `notice`: signed where the key is, published where the store is.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use protocol::notice::{self, MAX_TEXT, Notice, NoticeKind};
use protocol::reply::SignedText;
use protocol::signature::{Context, Signature};
use protocol::{DeviceId, Digest};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::data::Data;
use super::output::{list, print};
use crate::audit::{Deed, Note};
use crate::disk::{self, Access};
use crate::failure::Failure;
use crate::news::{self, Published};
use crate::sign::Signer;
use crate::store::{Standing, Store, rfc3339};

/// How long a notice is shown at most.
const LONGEST: Duration = Duration::days(400);

/// What is done about notices.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Sign a notice, on the machine that has the key, and print the path of the signed file: FILE.signed
    Sign {
        /// TOML with number, kind (material_change, breach, advisory, end_of_support or newer_version), until, en and da
        file: PathBuf,
        /// The file that `signing-key` made for notice
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Publish a signed notice: every device gets it with its next contact
    Publish {
        /// What `notice sign` wrote
        file: PathBuf,
    },
    /// Give a notice to no further device; those that have it show it until its own end
    End {
        /// Its number
        number: u64,
    },
    /// Print every notice, how many devices confirmed it, and which did not, as JSON lines
    List,
}

/// What somebody wrote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    number: u64,
    kind: NoticeKind,
    until: String,
    en: String,
    da: String,
}

#[derive(Serialize)]
struct Line {
    number: u64,
    kind: NoticeKind,
    issued: String,
    until: String,
    published: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    reached: u64,
    not_reached: Vec<Missing>,
}

/// A device that did not confirm it.
#[derive(Clone, Serialize)]
struct Missing {
    device: DeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    last_contact: String,
}

/// `notice`.
pub(super) fn run(action: Action, data: impl FnOnce() -> Data, now: OffsetDateTime) -> Result<(), Failure> {
    let store = || data().store();
    match action {
        Action::Sign { file, key } => print(&sign(&file, &key, now)?.display().to_string()),
        Action::Publish { file } => publish(&store()?, &file, now),
        Action::End { number } => end(&store()?, number, now),
        Action::List => show(&store()?),
    }
}

fn sign(file: &Path, key: &Path, now: OffsetDateTime) -> Result<PathBuf, Failure> {
    let bytes = disk::read_up_to(file, 4 * notice::MAX_NOTICE)?;
    let bytes = bytes.ok_or_else(|| Failure::new(format!("{} is not there", file.display())))?;
    let Draft { number, kind, until, en, da } = toml::from_slice(&bytes).map_err(|_| {
        Failure::new(format!(
            "{} is no notice: TOML with number, kind ({}), until = \"2027-05-30T00:00:00Z\", en and da was expected",
            file.display(),
            NoticeKind::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ))
    })?;
    let end = OffsetDateTime::parse(&until, &Rfc3339).ok().filter(|end| *end > now && *end <= now + LONGEST);
    let end = end.ok_or_else(|| {
        Failure::new(format!(
            "`until` is a time to come, at most {} days, as 2027-05-30T00:00:00Z",
            LONGEST.whole_days()
        ))
    })?;
    let (en, da) = (en.trim().to_owned(), da.trim().to_owned());
    let format = notice::FORMAT.to_owned();
    let said = Notice { format, number, kind, issued: rfc3339(now), until: rfc3339(end), en, da };
    let text = serde_json::to_string(&said).map_err(|_| Failure::new("the notice has no JSON form"))?;
    if Notice::read(&text).is_none() {
        return Err(Failure::new(format!(
            "`number` is 1 or more; `en` and `da` are 1 to {MAX_TEXT} characters each, without control characters"
        )));
    }
    let signature = Signer::read(key)?.sign(Context::Notice, Digest::of(text.as_bytes()))?;
    let signed = SignedText { text, signature: signature.to_string() };
    let bytes = serde_json::to_vec(&signed).map_err(|_| Failure::new("the notice has no JSON form"))?;
    let mut path = file.as_os_str().to_owned();
    path.push(".signed");
    let path = PathBuf::from(path);
    disk::write(&path, &bytes, Access::Public)?;
    Ok(path)
}

fn publish(store: &Store, file: &Path, now: OffsetDateTime) -> Result<(), Failure> {
    let bytes = disk::read_up_to(file, 4 * notice::MAX_NOTICE)?;
    let signed = bytes.and_then(|bytes| serde_json::from_slice::<SignedText>(&bytes).ok());
    let is_signed = |signed: &SignedText| signed.signature.parse::<Signature>().is_ok();
    let signed = signed.filter(is_signed);
    let said = signed.as_ref().and_then(|signed| Notice::read(&signed.text));
    let (Some(signed), Some(said)) = (signed, said) else {
        return Err(Failure::new(format!("{} is no signed notice: `notice sign` makes one", file.display())));
    };
    if said.until <= rfc3339(now) {
        return Err(Failure::new(format!(
            "notice {} is over since {}: sign a new one",
            said.number, said.until
        )));
    }
    // Devices take a number once and no earlier one after it.
    let last = news::published(store)?.iter().map(|one| one.notice.number).max().unwrap_or(0);
    if said.number <= last {
        return Err(Failure::new(format!(
            "number {} was given out, or a later one was: sign it anew with number {}",
            said.number,
            last + 1
        )));
    }
    store.note(Note { notice: Some(signed), ..Note::new(Deed::Publish, said.number) }, now)
}

fn end(store: &Store, number: u64, now: OffsetDateTime) -> Result<(), Failure> {
    let published = news::published(store)?;
    let Some(Published { notice, ended, .. }) = published.iter().find(|one| one.notice.number == number)
    else {
        return Err(Failure::new(format!("notice {number} was not published; `notice list` shows them")));
    };
    if ended.is_none() {
        store.note(Note::new(Deed::Withhold, number), now)?;
    }
    let _ = writeln!(io::stderr(), "kathea-collector: devices that have it show it until {}", notice.until);
    Ok(())
}

fn show(store: &Store) -> Result<(), Failure> {
    let (mut devices, mut damaged) = (Vec::new(), None);
    store.devices(|seen| {
        match seen {
            Ok(seen) if seen.device.standing == Standing::Active => {
                let last_contact = crate::store::text(seen.device.seen);
                devices.push(Missing { device: seen.device.id, label: seen.label, last_contact });
            }
            Ok(_) => {}
            Err(failure) => damaged = Some(failure),
        }
        Ok(())
    })?;
    let reached = devices.iter().map(|one| store.reached(one.device)).collect::<Result<Vec<_>, _>>()?;
    list(|lines| {
        for Published { notice, at, ended, .. } in news::published(store)? {
            let has = |at: &usize| reached[*at].notices.contains(&notice.number);
            let (have, lack): (Vec<usize>, Vec<usize>) = (0..devices.len()).partition(has);
            let Notice { number, kind, issued, until, .. } = notice;
            let not_reached = lack.into_iter().map(|at| devices[at].clone()).collect();
            let (reached, published) = (have.len() as u64, at);
            lines.put(&Line { number, kind, issued, until, published, ended, reached, not_reached })?;
        }
        Ok(())
    })?;
    damaged.map_or(Ok(()), Err)
}

//! `kathea-case open FILE.age --identity KEY -o DIR`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use age::x25519::Identity;
use clap::{CommandFactory, Parser, Subcommand};
use time::OffsetDateTime;

use crate::bundle::{self, Opened};
use crate::compare::{Judged, compare};
use crate::consent::{self, Covered};
use crate::failure::Failure;
use crate::folder::Folder;
use crate::page::Page;
use crate::rules::Rules;
use crate::timeline;

/// Opens a support bundle, checks it, and says what is probably wrong.
///
/// Use it on a computer away from the internet. Exit codes: 0 done; 1 the bundle cannot be used; 2 usage; 4 the clinic's
/// consent does not cover it.
#[derive(Parser)]
#[command(name = "kathea-case", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Open a bundle into a new folder and write summary.html there
    ///
    /// The folder holds the bundle in plain text, for its owner alone (0700, files 0600). Delete it when the case is
    /// closed. Nothing is written anywhere else.
    #[command(
        after_help = "Example: kathea-case open bundle.age --identity age-identity.txt --proof proof.json -o CASE-1042"
    )]
    Open(Open),
}

#[derive(clap::Args)]
struct Open {
    /// The sealed bundle, as `kathea-collector bundles` lists it
    file: PathBuf,
    /// The file with the age identity that opens it
    #[arg(long, value_name = "KEY")]
    identity: PathBuf,
    /// The new folder for the opened bundle
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// What `kathea-collector bundles proof ID` printed: the clinic's signed consent; without it the summary says that
    /// consent was not checked
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Triage rules instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Compare with an earlier case of the same device: its folder, or its sealed bundle
    #[arg(long, value_name = "DIR|FILE", requires = "earlier_proof")]
    earlier: Option<PathBuf>,
    /// The proof of the earlier case, printed today: it may be read only while its consent lasts
    #[arg(long, value_name = "FILE", requires = "earlier")]
    earlier_proof: Option<PathBuf>,
}

/// Every command and option, for manual pages and completions.
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let Command::Open(asked) = cli.command;
    match asked.run(OffsetDateTime::now_utc()) {
        Ok(sentence) => {
            let _ = writeln!(std::io::stdout(), "{sentence}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "kathea-case: {failure}");
            failure.code()
        }
    }
}

impl Open {
    fn run(&self, now: OffsetDateTime) -> Result<String, Failure> {
        let rules = Rules::load(self.rules.as_deref())?;
        let keys = bundle::identities(&self.identity)?;
        let folder = Folder::create(&self.output)?;
        let opened = bundle::open(&self.file, &keys, &folder)?;
        let proven = |proof| proven(proof, &opened, Some(bundle::digest_of(&self.file)?), now);
        let consent = self.proof.as_deref().map(proven).transpose()?;
        let case = timeline::read(folder.inside(), &opened.manifest, |line| rules.want(line))?;
        let causes = rules.apply(&case);
        let judged = Judged { manifest: &opened.manifest, case: &case, causes: &causes };
        let differences = match (&self.earlier, &self.earlier_proof) {
            (Some(earlier), Some(proof)) => Some(self.compared(earlier, proof, &keys, &rules, &judged, now)?),
            _ => None,
        };
        let page = Page {
            opened: &opened,
            case: &case,
            causes: &causes,
            consent: consent.as_ref(),
            differences: differences.as_ref(),
        };
        folder.write("summary.html", page.render().as_bytes())?;
        folder.keep()?;
        let cause = causes.first().map_or("no rule knows this case", |cause| cause.cause);
        Ok(format!("{}\n{}", cause, self.output.join("summary.html").display()))
    }

    /// What differs from an earlier case. A sealed one is opened beside the new folder and removed again.
    fn compared(
        &self,
        earlier: &Path,
        proof: &Path,
        keys: &[Identity],
        rules: &Rules,
        now: &Judged<'_>,
        time: OffsetDateTime,
    ) -> Result<crate::compare::Differences, Failure> {
        let (folder, opened, sealed) = if earlier.is_dir() {
            (None, bundle::opened_before(earlier)?, None)
        } else {
            let mut beside = self.output.clone().into_os_string();
            beside.push(".earlier");
            let folder = Folder::create(Path::new(&beside))?;
            let opened = bundle::open(earlier, keys, &folder)?;
            (Some(folder), opened, Some(bundle::digest_of(earlier)?))
        };
        if opened.manifest.device != now.manifest.device {
            return Err(Failure::usage(
                "the case of --earlier is of another device: only cases of one device are compared",
            ));
        }
        proven(proof, &opened, sealed, time)?;
        let inside = folder.as_ref().map_or(earlier, Folder::inside);
        let case = timeline::read(inside, &opened.manifest, |line| rules.want(line))?;
        let causes = rules.apply(&case);
        Ok(compare(&Judged { manifest: &opened.manifest, case: &case, causes: &causes }, now))
    }
}

fn proven(
    path: &Path,
    opened: &Opened,
    sealed: Option<protocol::Digest>,
    now: OffsetDateTime,
) -> Result<Covered, Failure> {
    let mut proof = Vec::new();
    let file = File::open(path).map_err(Failure::at(path))?;
    file.take(consent::MOST).read_to_end(&mut proof).map_err(Failure::at(path))?;
    consent::covers(&proof, opened, sealed, now)
}

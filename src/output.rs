//! Output of commands: an existing file is overwritten only on request.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::{Command, Privacy, SupportCommand};
use crate::exit::Failure;
use crate::support::consent_path;
use crate::texts::refusal::Refusal;
use crate::texts::say;

/// Refuses a command whose outputs are there already.
///
/// # Errors
/// Names the first of them.
pub(crate) fn is_free(command: &Command, force: bool) -> Result<(), Failure> {
    let there = |path: &PathBuf| path.symlink_metadata().is_ok();
    match targets(command).iter().find(|path| !force && there(path)) {
        Some(path) => Err(Failure::usage(say(Refusal::Exists { path: path.clone() }))),
        None => Ok(()),
    }
}

fn targets(command: &Command) -> Vec<PathBuf> {
    let inside = |dir: &Path, names: [&str; 2]| names.map(|name| dir.join(name)).to_vec();
    match command {
        Command::Deidentify { output, report, .. } => outputs(output).chain(report.clone()).collect(),
        Command::Privacy(Privacy::Export { output, .. }) => inside(output, ["held.json", "held.txt"]),
        Command::Privacy(Privacy::Report { output }) => vec![output.clone()],
        Command::Support(typed) => match &typed.command {
            Some(SupportCommand::Preview { output: Some(dir), .. }) => {
                inside(dir, ["manifest.json", "preview.html"])
            }
            Some(SupportCommand::Export { output, .. }) => vec![output.clone(), consent_path(output)],
            None => {
                let named = typed.case.case.as_ref().map(|case| PathBuf::from(format!("support-{case}")));
                let dir = typed.output.clone().or(named);
                dir.map(|dir| inside(&dir, ["manifest.json", "preview.html"])).unwrap_or_default()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Outputs of an earlier call: `0001.json`, `0002.log`.
fn outputs(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let is_output = |path: &PathBuf| {
        let [stem, ending] = [path.file_stem(), path.extension()].map(|part| part.and_then(OsStr::to_str));
        stem.is_some_and(|stem| stem.len() >= 4 && stem.bytes().all(|byte| byte.is_ascii_digit()))
            && matches!(ending, Some("json" | "xml" | "log" | "csv"))
    };
    // A folder that cannot be read is reported when the command writes to it.
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_output)
}

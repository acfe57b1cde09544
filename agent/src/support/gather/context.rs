//! From which files beside the chosen scans it is learned whom a log may mention: all of them, but of the slices of a scan one.
//!
//! A run of files is a scan in slices if its first and its last file by name say the same series and as many numbers as there are
//! files between them. Any other run is read file by file: its files may be about different people.

use std::path::Path;

use ring::rand::SystemRandom;

use super::failure::GatherError;
use super::headers;
use super::listing::{File, Run};
use crate::limits;
use crate::support::watch::Watch;
use deidentify::dicom::DataSet;
use deidentify::files::Found;

/// What is read, and whether that tells everybody.
pub(super) struct Context {
    pub(super) files: Vec<Found>,
    pub(super) is_whole: bool,
}

/// Files of a run from which on its ends are asked whether it is one scan.
const LONG: usize = 4;

/// Chooses from `runs` what is learned from; `program` reads the ends of runs in a process of its own.
///
/// # Errors
/// [`GatherError`].
pub(super) fn choose(
    runs: &[Run],
    program: &Path,
    random: &SystemRandom,
    watch: &Watch<'_>,
) -> Result<Context, GatherError> {
    let long: Vec<&Run> = runs.iter().filter(|run| run.count >= LONG).take(limits::LEARN_FILES).collect();
    let is_one = are_scans(&long, program, random)?;
    let mut answers = is_one.into_iter();
    let (mut files, mut is_whole) = (Vec::new(), true);
    for run in runs {
        watch.go_on(0)?;
        let is_scan = run.count >= LONG && answers.next() == Some(true);
        if is_scan {
            files.push(run.newest.found());
        } else {
            files.extend(run.files().iter().map(File::found));
        }
        if files.len() > limits::LEARN_FILES {
            files.truncate(limits::LEARN_FILES);
            is_whole = false;
            break;
        }
    }
    Ok(Context { files, is_whole })
}

/// Of each run, whether it is one scan. Their headers are read as they would leave: a series is called by a key that is
/// forgotten, and no name is in them.
fn are_scans(runs: &[&Run], program: &Path, random: &SystemRandom) -> Result<Vec<bool>, GatherError> {
    let ends = runs.iter().filter_map(|run| run.ends.as_deref());
    let files: Vec<Found> = ends.flatten().map(File::found).collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let headers = headers::read(files, place, program, random)?;
    let is_one = |(run, places): (&&Run, &[Option<Place>])| match places {
        [Some(first), Some(last)] => {
            let between = first.number.abs_diff(last.number);
            first.series == last.series && between + 1 == run.count as u64
        }
        _ => false,
    };
    Ok(runs.iter().zip(headers.chunks(2)).map(is_one).collect())
}

/// Where in which series an image is (PS3.3, sections C.7.3.1 and C.7.6.1).
struct Place {
    series: String,
    number: i64,
}

fn place(header: &DataSet) -> Option<Place> {
    let value = |tag: &str| header.0.get(tag)?.values.first();
    let series = value("0020000E")?.as_str()?.to_owned();
    Some(Place { series, number: value("00200013")?.as_i64()? })
}

//! The product's main job, end to end: `cargo run --release --example demo`.
//!
//! Kathea reports, the agent takes it only with consent, keeps it encrypted and ships it over mutual TLS, the
//! collector has every event exactly once. Everything in a temporary directory, with the real programs.

#![allow(clippy::print_stdout, reason = "printing is what a demonstration does")]

#[path = "../kathea/mod.rs"]
mod kathea;

mod case;
mod input;
mod look;
mod relay;
mod show;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use time::{OffsetDateTime, UtcOffset};

use case::Places;
use input::Input;
use kathea::Said;
use show::{Show, bytes, grouped, mark};
use stage::{AGENT, COLLECTOR, Result, Stage, wait_until};

/// From Kathea to the vendor and back to nothing, in one go.
#[derive(Parser)]
struct Arguments {
    /// Your own events instead of simulated ones, one a line; their times are moved behind the consent
    #[arg(long, value_name = "FILE.ndjson")]
    outbox: Option<PathBuf>,
    /// Your own scans for the support case instead of simulated ones
    #[arg(long, value_name = "DIR")]
    scans: Option<PathBuf>,
    /// Your own logs for it
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Keep everything in this new directory, for looking
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Days that are simulated
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// The same seed, the same days
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    match arguments.peek().and_then(|role| role.to_str()) {
        Some(AGENT) => return kathea_agent::main(arguments),
        Some(COLLECTOR) => return kathea_collector::main(arguments),
        // The agent starts itself again to read files.
        Some(deidentify::child::ROLE) => return kathea_agent::main(std::env::args_os()),
        _ => {}
    }
    match demonstrate(&Arguments::parse()) {
        Ok(0) => {
            println!("\nEverything held.");
            ExitCode::SUCCESS
        }
        Ok(failed) => {
            println!("\n{failed} checks did not hold.");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("\nStopped: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many checks did not hold.
fn demonstrate(arguments: &Arguments) -> Result<u32> {
    let temporary = tempfile::tempdir()?;
    let dir = arguments.keep.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(dir)?;
    let input = match &arguments.outbox {
        Some(file) => Input::File(file.clone()),
        None => Input::Simulated { days: arguments.days, seed: arguments.seed },
    };
    let mut show = Show::default();

    show.step("A collector and an agent");
    let dir = &fs::canonicalize(dir)?;
    let places = Places::new(arguments.logs.as_deref(), arguments.scans.as_deref(), dir, arguments.seed)?;
    let stage = Stage::set(dir, &places)?;
    let device = stage.enroll()?;
    show.say(format!("directory   {}", dir.display()));
    show.say(format!(
        "collector   https://{}, mutual TLS, a certificate authority of its own",
        stage.relay.address
    ));
    show.say(format!("agent       device {device}, enrolled with a one-time token"));

    without_consent(&mut show, &stage)?;
    with_consent(&mut show, &stage)?;
    let taken = take_in(&mut show, &stage, &input, dir)?;
    let at_rest = at_rest(&mut show, &stage)?;
    let wire = ship(&mut show, &stage, &taken)?;
    withdraw(&mut show, &stage)?;
    case::support(&mut show, &stage, &places, dir)?;

    show.step("In figures");
    let lines = taken.said.lines;
    let each = |size: u64| format!("{:.2} B", size as f64 / lines.max(1) as f64);
    let row = |name: &str, value: String, each: String| vec![name.to_owned(), value, each];
    let speed = lines as f64 / taken.time.as_secs_f64().max(1e-6);
    show.table(&[
        row("", "in all".into(), "a line".into()),
        row("lines of Kathea", grouped(lines), String::new()),
        row("as Kathea wrote them", bytes(taken.size), each(taken.size)),
        row("encrypted on disk, ballast aside", bytes(at_rest), each(at_rest)),
        row("on the wire, TLS and HTTP counted", bytes(wire), each(wire)),
        row(
            "from start to the last synced record",
            format!("{:.2} s", taken.time.as_secs_f64()),
            String::new(),
        ),
        row("lines a second", grouped(speed as u64), String::new()),
        row("peak memory of the agent", taken.memory.map_or("n/a".into(), bytes), String::new()),
    ]);
    if cfg!(debug_assertions) {
        show.say("(a debug build: run with --release for the real figures)");
    }
    Ok(show.failed())
}

/// Now, on a clock in Copenhagen in winter.
fn now() -> OffsetDateTime {
    let offset = UtcOffset::from_hms(1, 0, 0).unwrap_or(UtcOffset::UTC);
    OffsetDateTime::now_utc().to_offset(offset)
}

fn without_consent(show: &mut Show, stage: &Stage) -> Result<()> {
    show.step("Nobody said yes: nothing is collected, nothing leaves");
    let before = stage.relay.connections();
    let service = stage.service()?;
    let said = Input::Simulated { days: 7, seed: 7 }.write(&stage.outbox, now())?;
    wait_until("the agent to empty the outbox", || stage.waiting_files() == 0)?;
    let unread = stage.status()?["dropped"]["no_consent"].as_u64().unwrap_or(0);
    drop(service);
    show.say(format!("Kathea wrote {} lines all the same.", grouped(said.lines)));
    show.check(unread > 0, format!("the outbox is empty: {unread} events were removed unread, and counted"));
    show.check(!stage.data.join("spool").exists(), "the buffer's directory does not exist");
    let connections = stage.relay.connections() - before;
    show.check(connections == 0, format!("{connections} connections to the collector"));
    Ok(())
}

fn with_consent(show: &mut Show, stage: &Stage) -> Result<()> {
    show.step("The clinic reads what is asked for, and says yes");
    let shown = stage.agent_json(&["consent", "show", "usage_statistics", "--json"])?;
    let digest = shown["digest"].as_str().ok_or("no digest")?;
    for line in shown["text"]["en"].as_str().unwrap_or_default().lines().take(3) {
        show.say(format!("| {line}"));
    }
    show.say("| ...");
    stage.relay.plug(false);
    stage.agent(&["consent", "grant", "usage_statistics", "--by", "owner", "--yes", digest])?;
    let state = stage.status()?["consent"]["usage_statistics"].clone();
    show.check(state == "granted", format!("granted by the owner, who was shown text {}", &digest[..16]));
    Ok(())
}

/// What was taken in, and how.
struct Taken {
    said: Said,
    size: u64,
    time: Duration,
    memory: Option<u64>,
    refused: u64,
}

fn take_in(show: &mut Show, stage: &Stage, input: &Input, dir: &Path) -> Result<Taken> {
    show.step("Kathea reports, and the network is unplugged");
    let written = dir.join("written");
    fs::create_dir_all(&written)?;
    let said = input.write(&written, now())?;
    let files = look::files(&written)?;
    let size = files.iter().map(|file| Ok(fs::metadata(file)?.len())).sum::<Result<u64>>()?;
    show.say(format!("{}: {} lines in {} files", input.describe(), grouped(said.lines), files.len()));
    show.say("dated from now on: a yes never reaches back");
    let readable = look::hits(&written, &look::names())?;

    for file in &files {
        fs::rename(file, stage.outbox.join(file.file_name().unwrap_or_default()))?;
    }
    let bar = ProgressBar::new(files.len() as u64);
    bar.set_style(ProgressStyle::with_template("   {bar:50} {pos}/{len} files")?);
    let started = Instant::now();
    let service = stage.service()?;
    wait_until("the agent to take everything in", || {
        let waiting = stage.waiting_files();
        bar.set_position(files.len().saturating_sub(waiting) as u64);
        waiting == 0
    })?;
    let time = started.elapsed();
    bar.finish_and_clear();
    let memory = service.peak_memory();
    let status = stage.status()?;
    drop(service);
    show.check(readable > 0, format!("{} names of events can be read in its files", grouped(readable)));
    show.say("The agent took them all, and was killed in the next moment.");
    let dropped = status["dropped"].as_object().into_iter().flatten();
    let reasons: Vec<_> = dropped.filter(|(reason, _)| *reason != "no_consent").collect();
    for (reason, count) in &reasons {
        show.say(format!("{count} lines were refused: {reason}"));
    }
    let refused = reasons.iter().filter_map(|(_, count)| count.as_u64()).sum();
    Ok(Taken { said, size, time, memory, refused })
}

/// Returns the bytes that records take on the disk.
fn at_rest(show: &mut Show, stage: &Stage) -> Result<u64> {
    show.step("What lies on the disk");
    let mut rows = Vec::new();
    let mut records = 0;
    for file in look::files(&stage.data)? {
        let size = look::size(&file)?;
        let name = file.strip_prefix(&stage.data)?.display().to_string();
        if ["spool/open", "spool/usage"].iter().any(|queue| name.replace('\\', "/").starts_with(queue)) {
            records += size;
        }
        rows.push(vec![name, bytes(size)]);
    }
    show.table(&rows);
    let largest = look::files(&stage.data.join("spool").join("open"))?
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "db"))
        .max_by_key(|file| look::size(file).unwrap_or(0));
    if let Some(file) = &largest {
        show.say(format!("\n   In the middle of {}:", file.strip_prefix(&stage.data)?.display()));
        println!("{}", look::hex_dump(file, 5)?);
    }
    show.check(largest.is_some(), "there are records");
    let names = look::hits(&stage.data, &look::names())?;
    show.check(names == 0, format!("{names} names of events can be read in the agent's directory"));
    let words = look::hits(&stage.data.join("spool"), &look::attribute_words())?;
    show.check(words == 0, format!("{words} values of attributes can be read in the buffer"));
    Ok(records)
}

/// Returns the bytes that went over the wire.
fn ship(show: &mut Show, stage: &Stage, taken: &Taken) -> Result<u64> {
    show.step("The network is back: everything is sent");
    stage.relay.plug(true);
    let before = stage.relay.bytes();
    stage.agent(&["run", "--once", "--close"])?;
    let wire = stage.relay.bytes() - before;
    let mut held = Said::default();
    for line in stage.collector(&["export", "--to", "Example Vendor", "--why", "quality"])?.lines() {
        held.note_exported(&serde_json::from_str(line)?);
    }
    show.say(format!("{} on the wire; the collector holds {} records", bytes(wire), grouped(held.lines)));
    let comparison = taken.said.compare(&held);
    let mut rows = vec![["entry", "Kathea said", "the collector holds", ""].map(str::to_owned).to_vec()];
    let mentioned = comparison.iter().filter(|verdict| verdict.said + verdict.held > 0);
    rows.extend(mentioned.map(|verdict| {
        vec![
            verdict.entry.to_owned(),
            grouped(verdict.said),
            grouped(verdict.held),
            mark(verdict.same).to_owned(),
        ]
    }));
    show.table(&rows);
    if taken.refused == 0 {
        let same = comparison.iter().all(|verdict| verdict.same);
        show.check(same, "each sum the same: per period, per attribute, per bucket");
        for difference in taken.said.differences(&held).iter().take(5) {
            show.say(difference);
        }
    }
    let losses = stage.collector(&["export", "--losses"])?;
    show.check(losses.is_empty(), "nothing was declared lost");
    Ok(wire)
}

fn withdraw(show: &mut Show, stage: &Stage) -> Result<()> {
    show.step("The clinic takes its yes back, while something waits");
    stage.relay.plug(false);
    Input::Simulated { days: 7, seed: 8 }.write(&stage.outbox, now())?;
    // Ends with 3: something remains to be sent.
    let _ = stage.agent(&["run", "--once"]);
    let keys = || look::files(&stage.data.join("keys")).map(|files| files.len());
    let (keys_before, waiting_before) = (keys()?, waiting(&stage.status()?));
    let receipt = stage.agent(&["consent", "withdraw", "usage_statistics", "--by", "owner"])?;
    for line in receipt.lines() {
        show.say(format!("| {line}"));
    }
    show.check(waiting_before > 0, format!("{} records waited", grouped(waiting_before)));
    show.check(keys()? < keys_before, "the key's file is gone: what it sealed can't be read by anybody");
    let buffers = ["open", "usage"].map(|queue| stage.data.join("spool").join(queue));
    let gone = waiting(&stage.status()?) == 0 && buffers.iter().all(|queue| !queue.exists());
    show.check(gone, "the buffer is gone");
    stage.relay.plug(true);
    stage.agent(&["run", "--once"])?;
    let requests = stage.collector(&["requests"])?;
    show.check(
        requests.lines().count() == 1,
        "one request to withdraw arrived, although everything else is off",
    );
    let before = stage.relay.connections();
    stage.agent(&["run", "--once"])?;
    show.check(stage.relay.connections() == before, "after that: silence");
    Ok(())
}

fn waiting(status: &Value) -> u64 {
    ["open", "usage"].iter().filter_map(|queue| status["waiting"][queue]["records"].as_u64()).sum()
}

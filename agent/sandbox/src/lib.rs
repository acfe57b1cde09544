//! `kathea-sandbox`: one command for whoever writes a program that reports events. It starts an agent and a collector in
//! a temporary place on this computer, with a consent for this place only, and prints each event as it comes: accepted, or
//! refused with the attribute, what may stand there, and the nearest known word.
//!
//! ```text
//! the integrator's program        this program                    agent and collector, each a process of its own
//! ------------------------        ------------                    ----------------------------------------------
//! kathea.sock, a line        ->   socket: forwards the line  ->   the agent's socket: its answer is what is printed
//! outbox, a file             ->   outbox: checks each line   ->   the agent's outbox: it takes the same lines
//!                                 verdict: prints                 ships to the collector over mutual TLS
//! ```
//!
//! Both programs are the real ones: this program contains them and starts itself again. The agent that a clinic installs
//! contains neither this program nor a collector.

mod outbox;
mod place;
mod socket;
mod verdict;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use agent::api::status::Status;
use clap::Parser;
use protocol::{CaseId, Invitation, Purpose};
use serde::Serialize;

use place::{AGENT, BESIDE, COLLECTOR, Place};
use verdict::Verdict;

/// Between two looks at what the agent sent.
const LOOK: Duration = Duration::from_millis(300);

/// Try the agent's interface: an agent and a collector in a temporary place, and what becomes of each event.
///
/// The consent counts in this place only. Ctrl-C ends everything and removes the place.
#[derive(Parser)]
#[command(name = "kathea-sandbox", version)]
struct Arguments {
    /// Have the vendor ask for a support bundle of this case, as your program would have to show it
    #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
    ask: Option<CaseId>,
    /// Print machine-readable JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// What wakes the sandbox.
pub(crate) enum Wake {
    /// An event or a request was answered.
    Said(Verdict),
    /// Ctrl-C.
    End,
}

/// Runs the program on its arguments, the first of which is its name.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let all: Vec<OsString> = arguments.collect();
    let word = |at: usize| all.get(at).and_then(|word| word.to_str());
    let (role, rest) = match word(1) {
        Some(BESIDE) => {
            thread::spawn(end_with_standard_input);
            (word(2), all.get(2..))
        }
        role => (role, all.get(1..)),
    };
    let rest = || rest.unwrap_or_default().iter().cloned();
    match role {
        Some(AGENT) => return kathea_agent::main(rest()),
        Some(COLLECTOR) => return kathea_collector::main(rest()),
        // The agent starts itself again to read files.
        Some(deidentify::child::ROLE) => return kathea_agent::main(all.into_iter()),
        _ => {}
    }
    let typed = match Arguments::try_parse_from(all) {
        Ok(typed) => typed,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(&typed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "kathea-sandbox: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Ends this process when whoever started it is gone.
fn end_with_standard_input() {
    let _ = io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}

/// Where a program finds the agent of the sandbox.
#[derive(Serialize)]
struct Where<'a> {
    socket: &'a str,
    outbox: &'a str,
    config: &'a str,
}

fn run(typed: &Arguments) -> Result<(), String> {
    let (wakes, woken) = mpsc::channel();
    let end = wakes.clone();
    ctrlc::set_handler(move || drop(end.send(Wake::End)))
        .map_err(|_| "Ctrl-C cannot be listened for: close the sandbox that runs already".to_owned())?;
    let place = Place::set_up(typed.ask.as_ref())?;
    let listening = socket::open(&place, wakes.clone())?;
    watch_outbox(&place, wakes);
    let [at, outbox, config] =
        [&place.socket, &place.outbox, &place.config].map(|path| path.display().to_string());
    let shown = if typed.json {
        json(&Where { socket: &at, outbox: &outbox, config: &config })
    } else {
        format!(
            "The sandbox runs on this computer alone, with a consent that counts here only.\n\
             socket     {at}\n\
             outbox     {outbox}\n\
             config     {config}\n\
             Each event is shown here as it comes. Ctrl-C ends the sandbox and removes its place."
        )
    };
    print(&shown)?;
    let ended = each_event(&place, &woken, typed.json);
    drop(listening);
    let removed = place.remove();
    if !typed.json {
        print("The sandbox is over; its place is removed.")?;
    }
    ended.and(removed)
}

fn watch_outbox(place: &Place, wakes: Sender<Wake>) {
    let (from, to, granted) = (place.outbox.clone(), place.agents_outbox.clone(), place.granted);
    thread::spawn(move || outbox::watch(&from, &to, granted, &wakes));
}

/// Prints what becomes of each event until Ctrl-C.
fn each_event(place: &Place, woken: &Receiver<Wake>, is_json: bool) -> Result<(), String> {
    let mut seen = Seen::default();
    let mut next = Instant::now() + LOOK;
    loop {
        match woken.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Wake::Said(verdict)) => print(&if is_json { json(&verdict) } else { verdict.to_string() })?,
            Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        // Also while events come one after another.
        if next <= Instant::now() {
            for news in place.status().map(|status| seen.news(&status)).unwrap_or_default() {
                print(&if is_json { json(&news) } else { news.to_string() })?;
            }
            next = Instant::now() + LOOK;
        }
    }
}

/// What was shown of the agent's status.
#[derive(Default)]
struct Seen {
    sent: u64,
    invitations: Vec<Invitation>,
}

/// What is new of the agent's status.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum News {
    /// Records that the sandbox's collector holds, since the start.
    Delivered(u64),
    /// The vendor asks for a support bundle.
    Asked(Invitation),
}

impl std::fmt::Display for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Delivered(1) => f.write_str("delivered  1 record in all, to the sandbox's collector"),
            Self::Delivered(records) => {
                write!(f, "delivered  {records} records in all, to the sandbox's collector")
            }
            Self::Asked(Invitation { case, reason }) => {
                write!(
                    f,
                    "asked      the vendor asks for a support bundle of {case} ({reason}): `status` has it in `wishes`"
                )
            }
        }
    }
}

impl Seen {
    fn news(&mut self, status: &Status) -> Vec<News> {
        let sent = status.sent.get(Purpose::UsageStatistics.as_str()).map_or(0, |sent| sent.records);
        let mut news = Vec::new();
        if sent != self.sent {
            self.sent = sent;
            news.push(News::Delivered(sent));
        }
        for invitation in &status.invitations {
            if !self.invitations.contains(invitation) {
                self.invitations.push(invitation.clone());
                news.push(News::Asked(invitation.clone()));
            }
        }
        news
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A line on standard output, at once. A reader that has seen enough ends the sandbox.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|e| format!("standard output cannot be written: {}", e.kind()))
}

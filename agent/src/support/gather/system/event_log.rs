//! The event log of Windows, asked of the system's own `wevtutil`: what its log "System" noted as a warning, an error or
//! worse. Only the sources of a closed list are counted, and no text of an event is kept.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::consent::state::to_text;

/// Events that are asked for, the newest: a week of a workstation in trouble has some hundreds.
const MOST: usize = 20_000;
/// Bytes of them that are looked at: some 800 for each.
const MOST_BYTES: u64 = 16 << 20;
/// How long it may take; the log is on a disk that may be broken.
#[cfg(windows)]
const PATIENCE: Duration = Duration::from_secs(10);

/// The events of a time, one on a line.
#[cfg(windows)]
pub(super) fn read(start: i64, end: i64) -> Option<String> {
    let system = std::env::var_os("SystemRoot")?;
    let program = std::path::Path::new(&system).join("System32").join("wevtutil.exe");
    output_of(Command::new(program).args(question(start, end)), PATIENCE).map(|xml| a_line_each(&xml))
}

fn question(start: i64, end: i64) -> [String; 6] {
    let (start, end) = (to_text(start), to_text(end));
    let time = format!("TimeCreated[@SystemTime>='{start}' and @SystemTime<='{end}']");
    let query = format!("/q:*[System[(Level=1 or Level=2 or Level=3) and {time}]]");
    ["qe".into(), "System".into(), query, format!("/c:{MOST}"), "/rd:true".into(), "/f:xml".into()]
}

/// What a program says, if it ends well within `patience`.
fn output_of(command: &mut Command, patience: Duration) -> Option<String> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let out = child.stdout.take()?;
    let (said, heard) = channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = out.take(MOST_BYTES).read_to_end(&mut text);
        let _ = said.send(read.is_ok().then_some(text));
    });
    let text = heard.recv_timeout(patience).ok().flatten();
    if text.is_none() {
        let _ = child.kill();
    }
    let is_well = child.wait().ok()?.success();
    text.filter(|_| is_well).map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// `<Event>...</Event>` without line ends between, each on a line of its own, with one kind of quotes.
fn a_line_each(xml: &str) -> String {
    xml.replace(['\r', '\n'], " ").replace('"', "'").replace("</Event>", "</Event>\n")
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, counted};
    use super::*;

    const EVENTS: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
        Name='disk'/><EventID Qualifiers='49156'>7</EventID><Level>2</Level></System><EventData><Data>\\Device\\\
        Harddisk0\\DR0</Data></EventData></Event><Event xmlns=\"x\"><System><Provider Name=\"Display\"/>\
        <EventID>4101</EventID>\r\n<Level>3</Level></System><EventData><Data>nvlddmkm</Data></EventData></Event>\
        <Event><System><Provider Name='Service Control Manager'/></System><EventData><Data>anna.sorensen</Data>\
        </EventData></Event>";

    #[test]
    fn events_become_counts_of_the_sources_that_are_listed() {
        let counted = counted(&a_line_each(EVENTS), |kind: &Kind| kind.windows);
        let text = serde_json::to_string(&counted).unwrap();
        for (kind, count) in [("disk_error", 1), ("graphics_reset", 1), ("crash", 0)] {
            assert_eq!(counted[kind], count, "{kind}");
        }
        assert!(!text.contains("anna") && !text.contains("link_lost"), "{text}");
    }

    #[test]
    fn the_question_names_the_log_the_time_and_a_limit() {
        let question = question(1_795_341_600, 1_795_348_800).join(" ");
        assert!(question.starts_with("qe System /q:*[System[(Level=1"), "{question}");
        assert!(question.contains("@SystemTime>='2026-11-22T10:00:00Z'"), "{question}");
        assert!(question.ends_with("/c:20000 /rd:true /f:xml"), "{question}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_or_hangs_says_nothing() {
        let shell = |line: &str, patience| output_of(Command::new("sh").args(["-c", line]), patience);
        let long = Duration::from_secs(100);
        assert_eq!(shell("printf abc", long).as_deref(), Some("abc"));
        assert_eq!(shell("printf abc; exit 1", long), None);
        assert_eq!(shell("exec sleep 1000", Duration::from_millis(1)), None);
    }
}

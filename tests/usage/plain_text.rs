//! Nothing of what Kathea writes can be read in the agent's files or in what it prints: not while it waits, not
//! after it was sent, not after a kill, not in the log at its most talkative, and not where a line was refused.

use std::fs;
use std::path::Path;

use crate::common::collector::Collector;
use crate::common::until;
use crate::common::workstation::Workstation;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const SIGNATURE: u64 = 9_007_199_254_711_937;
/// Somebody who must not be in these lines, and is.
const CANARY: &str = "Vestergaard 070761-4285";

/// Names of events, words of enumerations, long numbers as text and as bytes, the canary in parts.
fn needles() -> Vec<Vec<u8>> {
    let words = [
        "device.error",
        "kathea.crash",
        "feature.used",
        "exposure.completed",
        "collimator",
        "motion_correction",
        "growth_prediction",
        "child_low_dose",
        "48123.33791",
        "Vestergaard",
        "070761",
    ];
    let mut needles: Vec<_> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    needles.push(SIGNATURE.to_string().into_bytes());
    needles.push(SIGNATURE.to_le_bytes()[..7].to_vec());
    needles.push(SIGNATURE.to_be_bytes()[1..].to_vec());
    needles
}

fn now() -> String {
    (OffsetDateTime::now_utc() + time::Duration::SECOND).format(&Rfc3339).unwrap()
}

/// Good lines, each many times.
fn lines() -> String {
    let at = now();
    let lines = [
        format!(
            r#"{{"event":"device.error","at":"{at}","code":48123,"subsystem":"collimator","severity":"stop","repeats":3}}"#
        ),
        format!(
            r#"{{"event":"kathea.crash","at":"{at}","module":"motion_correction","signature":{SIGNATURE},"version":"48123.33791.7"}}"#
        ),
        format!(r#"{{"event":"feature.used","at":"{at}","feature":"growth_prediction"}}"#),
        format!(
            r#"{{"event":"exposure.completed","at":"{at}","mode":"cbct","patient_size":"child","kv":90,"ma":4,"beam_s":9,"dap":300,"fov":"8x8","voxel_um":150,"protocol":"child_low_dose","changed_by_user":"no"}}"#
        ),
    ];
    (lines.join("\n") + "\n").repeat(500)
}

/// The canary wherever a line can hold it, each line refused for a reason of its own.
fn refused_lines() -> Vec<u8> {
    let at = now();
    let error = format!(r#""event":"device.error","at":"{at}","severity":"stop","repeats":3"#);
    let lines = [
        format!(r#"{{"event":"device.error","patient":"{CANARY}""#),
        format!(r#"{{"event":"{CANARY}","at":"{at}"}}"#),
        format!(r#"{{{error},"code":1,"subsystem":"motion","note":"{CANARY}"}}"#),
        format!(r#"{{{error},"code":1,"subsystem":"motion","{CANARY}":1}}"#),
        format!(r#"{{{error},"code":"{CANARY}","subsystem":"motion"}}"#),
        format!(r#"{{{error},"code":1,"subsystem":"{CANARY}"}}"#),
        format!(r#"{{"event":"device.error","at":"{CANARY}"}}"#),
        CANARY.to_owned(),
        CANARY.repeat(1000),
    ];
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    bytes.extend_from_slice(CANARY.as_bytes());
    bytes.extend_from_slice(b"\xff\n");
    bytes
}

/// Which needles are in `bytes`.
fn found(bytes: &[u8], needles: &[Vec<u8>]) -> Vec<String> {
    let mut by_first: Vec<Vec<&[u8]>> = vec![Vec::new(); 256];
    needles.iter().for_each(|needle| by_first[usize::from(needle[0])].push(needle));
    let here = |(at, byte): (usize, &u8)| {
        by_first[usize::from(*byte)].iter().find(|needle| bytes[at..].starts_with(needle))
    };
    bytes
        .iter()
        .enumerate()
        .filter_map(here)
        .map(|needle| String::from_utf8_lossy(needle).into_owned())
        .collect()
}

/// Searches every file of the workstation but those that Kathea left in the outbox.
fn search(workstation: &Workstation) -> Vec<String> {
    let (mut hits, needles) = (Vec::new(), needles());
    let mut files = 0;
    walk(workstation.path(), &mut |path| {
        if !path.starts_with(workstation.outbox()) {
            files += 1;
            let hit = found(&fs::read(path).unwrap_or_default(), &needles);
            hits.extend(hit.into_iter().map(|hit| format!("{}: {hit}", path.display())));
        }
    });
    assert!(files > 5);
    hits
}

fn walk(dir: &Path, see: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() { walk(&entry.path(), see) } else { see(&entry.path()) }
    }
}

/// Runs the agent with everything logged; nothing of what it prints may be content.
fn run_traced(workstation: &Workstation, code: i32, args: &[&str]) -> String {
    let output = workstation.agent(args).env("RUST_LOG", "trace").output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&printed).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(found(&printed, &needles()), Vec::<String>::new(), "{args:?}");
    text
}

#[test]
fn no_file_and_no_log_line_holds_what_kathea_wrote() {
    let clean = Vec::<String>::new();
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    assert_eq!(search(&workstation), clean);

    // While it waits.
    workstation.configure(&url, "https://127.0.0.1:1");
    workstation.leave("1.ndjson", lines());
    workstation.leave("2.ndjson", refused_lines());
    let log = run_traced(&workstation, 3, &["run", "--once"]);
    assert!(log.contains("refused: bad_type") && log.contains("DEBUG"), "the log is on\n{log}");
    let status = workstation.status();
    assert!(status["waiting"]["usage"]["records"] == 1000 && status["waiting"]["open"]["records"] != 0);
    assert_eq!((workstation.in_outbox(), search(&workstation)), (0, clean.clone()));

    // After a kill in the middle.
    workstation.leave("3.ndjson", lines().repeat(10));
    let mut agent = workstation.start(&["run", "--once", "--close"]);
    until("something of it is sealed", || agent.ended() || workstation.in_outbox() == 0);
    agent.kill();
    assert_eq!(search(&workstation), clean);

    // After it was sent.
    workstation.configure("https://127.0.0.1:1", &url);
    run_traced(&workstation, 0, &["run", "--once", "--close"]);
    run_traced(&workstation, 0, &["status"]);
    assert_eq!((workstation.in_outbox(), search(&workstation)), (0, clean.clone()));
    let sent = collector.export();
    assert!(sent.iter().any(|line| line["attributes"]["feature"] == "growth_prediction"));
    assert!(sent.iter().any(|line| line["attributes"]["signature"] == SIGNATURE));

    // What the search would have found.
    for (number, needle) in needles().iter().enumerate() {
        let planted = [b"....", needle.as_slice(), b"...."].concat();
        fs::write(workstation.data().join(format!("planted-{number}")), planted).unwrap();
    }
    assert_eq!(search(&workstation).len(), needles().len());
}

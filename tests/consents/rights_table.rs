//! Who may ask for what: each row of the tables in `protocol/SOCKET.md`, asked over the real socket by each kind of
//! account. Kathea's account, a member of the consent group, the agent's own account (an administrator), and anybody
//! else, among them an engineer who is in no group.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::common::peer;
use crate::common::workstation::Workstation;
use serde_json::{Value as Json, json};

/// Accounts and groups that every Debian has (base-passwd): name, number of the account, of its group.
const KATHEA: (&str, u32, u32) = ("daemon", 1, 1);
const MEMBER: (&str, u32, u32) = ("games", 5, 60);
const OWN: (&str, u32, u32) = ("root", 0, 0);
const ANYBODY: (&str, u32, u32) = ("nobody", 65_534, 65_534);

/// Asks each line on a connection of its own, slower than a stranger's limit of 20 lines a second, and prints each answer:
/// `ok`, or the error and its sentence.
const ASK: &str = r"
import json, socket, sys, time
for line in sys.stdin.read().splitlines():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
        s.sendall(line.encode() + b'\n')
        answer = json.loads(s.makefile().readline())
        print(answer.get('error', 'ok') + ' ' + answer.get('what', ''))
    time.sleep(0.07)
";

/// How an answer begins that is about the account, and not about what it asked for.
const REFUSALS: [&str; 2] = [
    "not_allowed this account may not do that",
    "not_allowed erasing what was sent, and a change of owner, need",
];

/// A row of the tables: the request, and who may.
struct Row {
    request: Json,
    who: String,
}

/// The rows, each as a request that says as little as it takes.
fn rows() -> Vec<Row> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol/SOCKET.md")).unwrap();
    let mut kind = String::new();
    let mut rows = vec![];
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            kind = heading.trim_end_matches('`').to_owned();
        }
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let (Some(name), Some(who)) = (cells.first(), cells.last()) else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
        if !line.starts_with("| `") || ["request", "action"].contains(&name) {
            continue;
        }
        let request = |more: Json| {
            let mut request = json!({"purpose": "usage_statistics", "case": "CASE-1", "by": "owner", "yes": "0123456789abcdef",
                "draft": "d-1", "file": "manifest.json", "offset": 0, "bundle": "b-1", "id": "b-1", "key": "00", "tray": "usage",
                "from": 0, "drain": false, "token": "x", "wish": {"case": "CASE-1", "reason": "error", "scans": "none"}});
            let object = request.as_object_mut().unwrap();
            if kind.is_empty() {
                object.insert("request".into(), json!(name));
            } else {
                object.insert("request".into(), json!(kind));
                object.insert("action".into(), json!(name));
            }
            object.extend(more.as_object().unwrap().clone());
            if kind == "consent" {
                object.remove("case");
            }
            request
        };
        match who.split_once("; with `\"erase\":true` ") {
            Some((plain, erasing)) => {
                rows.push(Row { request: request(json!({})), who: plain.to_owned() });
                rows.push(Row { request: request(json!({"erase": true})), who: erasing.to_owned() });
            }
            None => rows.push(Row { request: request(json!({})), who: (*who).to_owned() }),
        }
    }
    // The end of the device comes last.
    rows.sort_by_key(|row| row.request["action"] == "decommission");
    rows
}

fn may(who: &str, account: (&str, u32, u32)) -> bool {
    let letter = match account {
        KATHEA => "K",
        MEMBER => "G",
        OWN => "A",
        _ => "-",
    };
    who == "all" || who.split(' ').any(|word| word == letter)
}

#[test]
fn each_account_may_what_the_table_says_and_nothing_else() {
    if !peer::is_root() || !peer::has("python3") {
        return;
    }
    let rows = rows();
    assert!(rows.len() > 30, "only {} rows were found", rows.len());
    let workstation = Workstation::new("https://127.0.0.1:1", Path::new("/nowhere/ca.pem"));
    workstation.configure("user = \"\"", "user = \"daemon\"");
    workstation.configure("group = \"\"", "group = \"games\"");
    fs::set_permissions(workstation.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _service = workstation.serve();
    let (mut cells, mut refused) = (0, 0);
    let mut wrong = vec![];
    for account in [ANYBODY, KATHEA, MEMBER, OWN] {
        let lines: Vec<String> = rows.iter().map(|row| row.request.to_string()).collect();
        let file = workstation.path().join(format!("lines-{}", account.0));
        fs::write(&file, lines.join("\n")).unwrap();
        let mut ask = Command::new("python3");
        ask.args(["-c", ASK]).arg(workstation.socket()).stdin(fs::File::open(&file).unwrap());
        let output = ask.uid(account.1).gid(account.2).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = said.lines().collect();
        assert_eq!(words.len(), rows.len(), "{}: {}", account.0, String::from_utf8_lossy(&output.stderr));
        for (row, word) in rows.iter().zip(words) {
            cells += 1;
            // What is allowed may still fail: there is no such draft, no such token, no consent to restrict.
            let was_allowed = !REFUSALS.iter().any(|refusal| word.starts_with(refusal));
            refused += u32::from(!was_allowed);
            // A claim code that is not this device's is no right, and none came with it.
            if was_allowed != may(&row.who, account) {
                let name = (&row.request["request"], &row.request["action"], &row.request["erase"]);
                wrong.push(format!("{} {name:?}: {word}, the table says {}", account.0, row.who));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused > 40, "only {refused} of {cells} cells were refused: the refusals are not recognised");
}

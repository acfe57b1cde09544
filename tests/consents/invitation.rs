//! The vendor's invitation to send a support bundle: it arrives in a response that the agent gets anyway, is shown,
//! and does nothing by itself. With every flag off it does not arrive.

use crate::common::bundle::{open_case, queue};
use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::seeded;
use crate::common::workstation::Workstation;
use serde_json::json;

const CASE: &str = "CASE-1042";

fn ask(collector: &Collector, workstation: &Workstation) {
    let device = workstation.status()["device"].as_str().unwrap().to_owned();
    collector.command("ask", &["--device", &device, "--case", CASE, "--reason", "image_quality"]);
}

#[test]
fn an_invitation_is_shown_under_a_consent_and_costs_no_request() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.expect(0, &["run", "--once"]);
    ask(&collector, &workstation);
    let connections = relay.connections();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!((relay.connections(), &workstation.status()["wishes"]), (connections, &json!([])));

    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, 10, 10, Outbox::device_error);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(relay.connections(), connections + 1, "the batch's");
    assert_eq!(workstation.status()["wishes"], json!([{"case": CASE, "reason": "image_quality"}]));
    let shown = workstation.expect(0, &["status"]);
    let command =
        format!("kathea-agent --config {} support --case CASE-1042", workstation.config().display());
    assert!(shown.contains(&command), "{shown}");
    assert_eq!(workstation.status()["bundles"], json!([]), "nothing happens without the clinic");

    workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(workstation.status()["wishes"], json!([]));
}

#[test]
fn with_every_flag_off_no_invitation_arrives() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::new(&relay.url(), &collector.ca());
    workstation.enroll(&collector.token());
    ask(&collector, &workstation);
    let connections = relay.connections();
    workstation.expect(0, &["run", "--once"]);
    assert_eq!((relay.connections(), &workstation.status()["wishes"]), (connections, &json!([])));
}

#[test]
fn an_invitation_ends_with_its_bundle() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::new(&relay.url(), &collector.ca());
    workstation.enroll(&collector.token());
    ask(&collector, &workstation);
    let consent = open_case(&workstation, CASE);
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(workstation.status()["wishes"][0]["case"], CASE, "an open case is enough to hear of it");
    queue(&workstation, CASE, consent, 100_000, &mut seeded());
    workstation.expect(0, &["run", "--once"]);
    assert_eq!(workstation.status()["wishes"], json!([]));
}

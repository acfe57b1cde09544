//! A fleet's night: every device comes, says what it has, and keeps its connection as long as it may.

use std::collections::VecDeque;

use crate::server::Server;

/// Devices that come; the 10,000 with `LOAD_DEVICES=10000`.
fn devices() -> u64 {
    std::env::var("LOAD_DEVICES").ok().and_then(|count| count.parse().ok()).unwrap_or(300)
}

#[test]
fn under_256_descriptors_no_device_of_a_fleet_is_refused() {
    let server = Server::configured(Some("-n 256"), "[operations]\nlisten = \"127.0.0.1:0\"\n");
    let mut open = VecDeque::new();
    let (fleet, used) = (server.devices(devices()), server.processor());
    for device in fleet {
        let mut connection = device.connect(&server.place).unwrap();
        assert_eq!(connection.ask("GET", "/v1/capabilities", &[], b"").unwrap().status, 200);
        let answers = device.visit(&server.place, &device.batch(0, 100), true).unwrap();
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
        // No client hangs up: the collector has to close one.
        open.push_back(connection);
        if open.len() > 200 {
            open.pop_front();
        }
    }
    let (resident, most) = (server.status("VmRSS"), server.status("VmHWM"));
    let each = (server.processor() - used) / devices() as u32;
    println!(
        "{} devices under 256 descriptors: {resident} KiB resident, {most} KiB at most; {each:?} of a processor for each \
         with two handshakes, a consent and a batch of 100",
        devices()
    );
    assert!(most <= 48 << 10, "{most} KiB");
    assert_eq!(server.metric("kathea_collector_connections_turned_away_total"), Some(0.0));
    assert_eq!(server.metric("kathea_collector_accept_failures_total"), Some(0.0));
    assert!(server.metric("kathea_collector_connections_closed_for_room_total").unwrap() > 0.0);
}

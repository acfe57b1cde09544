//! A device that comes again opens with the session of its last connection, however many others came meanwhile; and a
//! handshake carries what leads from the device's certificate to the root, not the root.

use std::fs;

use crate::fleet::Device;
use crate::server::Server;

#[test]
fn a_device_resumes_its_session_after_three_hundred_others_came() {
    let server = Server::start(None);
    let device = server.devices(1).remove(0).resuming();
    let is_resumed = |device: &Device| {
        let mut open = device.connect(&server.place).unwrap();
        // The ticket for the next connection comes with the first answer.
        assert_eq!(open.ask("GET", "/v1/capabilities", &[], b"").unwrap().status, 200);
        open.is_resumed()
    };
    assert_eq!([is_resumed(&device), is_resumed(&device)], [false, true]);
    for number in 1..=300 {
        let other = Device::new(&server.place, number).unwrap().resuming();
        drop(other.connect(&server.place).unwrap());
    }
    assert!(is_resumed(&device), "its session was forgotten");
}

#[test]
fn a_device_is_known_by_its_certificate_with_the_root_behind_it_and_without() {
    let server = Server::start(None);
    let mut device = Device::new(&server.place, 1).unwrap();
    let reply = device.enrol(&server.place, server.run("token", &[]).trim()).unwrap();
    let reply: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let alone = reply["chain"].as_str().unwrap();
    assert_eq!(alone.matches("BEGIN CERTIFICATE").count(), 1, "both ends have the root");

    let answers = device.visit(&server.place, &device.batch(0, 3), true).unwrap();
    assert!(answers.iter().all(|answer| answer.status < 300), "{answers:?}");
    // Whoever enrolled earlier shows both until its next renewal.
    let root = fs::read_to_string(server.data().join("ca.pem")).unwrap();
    device.show(&server.place, &(alone.to_owned() + &root)).unwrap();
    let answers = device.visit(&server.place, &device.batch(1, 3), false).unwrap();
    assert!(answers.iter().all(|answer| answer.status < 300), "{answers:?}");
}

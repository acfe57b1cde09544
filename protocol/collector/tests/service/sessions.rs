//! A device that comes again opens with the session of its last connection, however many others came meanwhile.

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

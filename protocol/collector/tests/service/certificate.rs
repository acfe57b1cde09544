//! The server's certificate is renewed while it serves; what is wrong on the disk leaves the one before in place.

use std::fs;
use std::time::{Duration, Instant};

use crate::fleet::Device;
use crate::server::{Server, command};

fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited too long");
        std::thread::yield_now();
    }
}

fn shown(server: &Server) -> Vec<u8> {
    Device::new(&server.place, 99).unwrap().connect(&server.place).unwrap().server_certificate()
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart_and_open_connections_stay() {
    let server = Server::configured(None, "[operations]\nlisten = \"127.0.0.1:0\"\n");
    let device = server.devices(1).remove(0);
    let mut open = device.connect(&server.place).unwrap();
    let before = shown(&server);
    assert_eq!(server.run("server-cert", &["--if-due"]), "not due: more than 30 days are left\n");
    assert!(server.run("server-cert", &["--new-key"]).starts_with("good until "));
    until(|| shown(&server) != before);
    assert_eq!(open.ask("GET", "/v1/capabilities", &[], b"").unwrap().status, 200);
    // It is good for the same names: an agent that checks them comes in.
    assert_eq!(device.visit(&server.place, &device.batch(0, 5), true).unwrap()[1].status, 201);
    let end = server.metric("kathea_collector_server_certificate_end_timestamp_seconds").unwrap();
    let days = (end - time::OffsetDateTime::now_utc().unix_timestamp() as f64) / 86_400.0;
    assert!((89.9..=90.0).contains(&days), "{days}");
}

#[test]
fn half_a_renewal_changes_nothing_for_who_comes_and_another_one_mends_it() {
    let mut server = Server::start(None);
    let before = shown(&server);
    let key = server.data().join("server-key.pem");
    fs::write(&key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        assert!(shown(&server) == before);
    }
    assert!(server.end());
    let output = command("serve", &server.data()).args(["--listen", "127.0.0.1:0"]).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && words.contains("`server-cert` makes both anew"), "{words}");
    assert!(server.run("server-cert", &[]).starts_with("good until "));
    assert!(server.run("server-cert", &["--if-due"]).starts_with("not due"));
}

//! TLS to PostgreSQL: a server that is not the one of the configured authority gets neither password nor data.

use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use test_support::{or_skip, peer};

use crate::device::{Device, batch};
use crate::engine;
use crate::program::{Collector, serve_fails};
use crate::server::Server;

/// An authority's certificate as `NAME.pem`, and a server's for `host` as `server-NAME.pem` and `.key`.
fn certificates(dir: &Path, name: &str, host: &str) {
    let (key, server) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&key).unwrap();
    std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let leaf = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&server, &issuer).unwrap();
    std::fs::write(dir.join(format!("server-{name}.pem")), leaf.pem()).unwrap();
    let file = dir.join(format!("server-{name}.key"));
    std::fs::write(&file, server.serialize_pem()).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    if peer::is_root() {
        assert!(Command::new("chown").arg("postgres").arg(&file).status().unwrap().success());
    }
}

#[test]
fn only_a_server_with_a_certificate_of_the_authority_gets_the_password() {
    let mut server = or_skip!(Server::start(&[]));
    let dir = server.dir.path().to_owned();
    certificates(&dir, "right", "localhost");
    certificates(&dir, "other", "localhost");
    let with = |name: &str| {
        let file = |kind: &str| format!("ssl_{kind}_file={}", dir.join(format!("server-{name}")).display());
        ["ssl=on".to_owned(), file("cert") + ".pem", file("key") + ".key"]
    };
    let url = server.database("fleet", &format!("localhost:{}", server.port));
    let more = format!("durability = \"managed\"\nca_file = \"{}\"", dir.join("right.pem").display());

    let settings = with("right");
    server.restart(&settings.each_ref().map(String::as_str));
    let mut collector = Collector::in_postgres(&url, &more);
    let device = Device::enrolled(&collector);
    let consent = device.grant(&collector);
    assert_eq!(device.put_batch(&collector, &batch(consent, 1, 0, 4)).status, 201);
    assert_eq!(collector.lines("export", &[]).len(), 5);
    let plain = "SELECT count(*) FILTER (WHERE NOT ssl), count(*) FILTER (WHERE ssl) > 0 FROM pg_stat_ssl \
                 JOIN pg_stat_activity USING (pid) WHERE application_name = 'kathea-collector'";
    assert_eq!(server.text(plain), "0|t", "every connection is encrypted");
    collector.end();
    let data = collector.data().to_owned();

    // A certificate for another host.
    let elsewhere = url.replace("localhost", "127.0.0.1");
    engine::configure(&data, &elsewhere, &more);
    let said = serve_fails(&data);
    assert!(said.contains("its certificate is not good") && !said.contains("secret-word"), "{said}");
    engine::configure(&data, &url, &more);
    // Of another authority, and a server that has none: never without TLS.
    let settings = with("other");
    server.restart(&settings.each_ref().map(String::as_str));
    assert!(serve_fails(&data).contains("its certificate is not good"));
    server.restart(&[]);
    let said = serve_fails(&data);
    assert!(said.contains("no TLS connection") && !said.contains("secret-word"), "{said}");
    // Without the key it goes to this machine, and the name of another one is refused.
    engine::configure(&data, &url.replace("localhost", "db.example"), "durability = \"managed\"");
    assert!(serve_fails(&data).contains("store.ca_file"));
    std::fs::write(dir.join("right.pem"), "nothing").unwrap();
    engine::configure(&data, &url, &more);
    assert!(serve_fails(&data).contains("has no certificate in PEM"));
}

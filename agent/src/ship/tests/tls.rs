//! Whom the socket talks to: the vendor's CA, the right host, now, TLS 1.3, with a certificate of our own key.

use rustls::{HandshakeKind, ProtocolVersion};

use super::pki::{Authority, Life, Pair, device_key, self_signed};
use super::server::{BOTH, Server, config, respond};
use crate::ship::exchange::{Body, Exchange, Method};
use crate::ship::failure::{BadSettings, Failure, TlsFailure};
use crate::ship::https::{Https, Settings};
use crate::ship::pace::Reply;
use crate::ship::routes;
use crate::ship::trust::Identity;

const HOST: &str = "127.0.0.1";

fn served(pair: &Pair, clients: Option<&str>) -> Server {
    Server::start(config(pair, clients, BOTH), |tls, _| respond(tls, "200 OK", "", "{}"))
}

fn refused(pair: &Pair, ca: &Authority) -> TlsFailure {
    let server = served(pair, None);
    let mut https = Https::new(server.settings(ca.pem())).unwrap();
    let failure = https.exchange(&routes::capabilities()).unwrap_err();
    assert_eq!(server.connections(), 1);
    assert!(server.nothing_more_seen(), "not a byte of a request");
    match failure {
        Failure::Tls(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_vendors_server_is_talked_to_mutually_in_tls_1_3_with_a_small_head() {
    let ca = Authority::new();
    let server = served(&ca.server(HOST, Life::Now), Some(&ca.pem()));
    let pkcs8 = device_key();
    let chain_pem = ca.client(&pkcs8).into_bytes();
    let settings = Settings { identity: Some(Identity { chain_pem, pkcs8 }), ..server.settings(ca.pem()) };
    let mut https = Https::new(settings).unwrap();
    let exchange = Exchange {
        method: Method::Put,
        path: "/v1/x".into(),
        headers: vec![("content-type", "application/json".into())],
        body: Body::Bytes(b"{}".to_vec()),
        lease: None,
    };
    assert_eq!(https.exchange(&exchange).unwrap().status, 200);
    let seen = server.seen();
    assert_eq!(seen.version, ProtocolVersion::TLSv1_3);
    let mut head = seen.head.lines().map(|line| line.split(": ").next().unwrap()).collect::<Vec<_>>();
    head.sort_unstable();
    assert_eq!(head, ["", "PUT /v1/x HTTP/1.1", "content-length", "content-type", "host", "user-agent"]);
}

/// The next drain opens with what the last one was given; another identity, and a server that keeps nothing, begin anew.
#[test]
fn a_connection_after_a_rest_resumes_the_session_and_is_the_same_devices() {
    let ca = Authority::new();
    let serving = |keeps: bool| {
        let mut config = config(&ca.server(HOST, Life::Now), Some(&ca.pem()), BOTH);
        config.send_tls13_tickets = if keeps { 2 } else { 0 };
        Server::start(config, |tls, _| respond(tls, "200 OK", "", "{}"))
    };
    let client = |server: &Server| {
        let pkcs8 = device_key();
        let chain_pem = ca.client(&pkcs8).into_bytes();
        Https::new(Settings { identity: Some(Identity { chain_pem, pkcs8 }), ..server.settings(ca.pem()) })
            .unwrap()
    };
    let drain = |https: &mut Https, server: &Server| {
        https.exchange(&routes::capabilities()).unwrap();
        https.rest();
        let seen = server.seen();
        assert!(seen.has_identity && server.nothing_more_seen());
        seen.handshake.unwrap()
    };
    let server = serving(true);
    let mut https = client(&server);
    let kinds = [drain(&mut https, &server), drain(&mut https, &server), drain(&mut https, &server)];
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed]);
    assert_eq!(drain(&mut client(&server), &server), HandshakeKind::Full, "other settings have no session");
    let forgetful = serving(false);
    let mut https = client(&forgetful);
    assert_eq!([drain(&mut https, &forgetful), drain(&mut https, &forgetful)], [HandshakeKind::Full; 2]);
}

#[test]
fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    let (ca, other) = (Authority::new(), Authority::new());
    assert_eq!(refused(&other.server(HOST, Life::Now), &ca), TlsFailure::UnknownCa);
    assert_eq!(refused(&self_signed(HOST), &ca), TlsFailure::UnknownCa);
    assert_eq!(refused(&ca.server(HOST, Life::Over), &ca), TlsFailure::Expired);
    assert_eq!(refused(&ca.server(HOST, Life::ToCome), &ca), TlsFailure::NotYetValid);
    assert_eq!(refused(&ca.server("localhost", Life::Now), &ca), TlsFailure::WrongName);
}

#[test]
fn a_server_of_tls_1_2_gets_nothing() {
    let ca = Authority::new();
    let config = config(&ca.server(HOST, Life::Now), None, &[&rustls::version::TLS12]);
    let server = Server::start(config, |tls, _| respond(tls, "200 OK", "", "{}"));
    let mut https = Https::new(server.settings(ca.pem())).unwrap();
    let failure = https.exchange(&routes::capabilities()).unwrap_err();
    assert_eq!(failure, Failure::Tls(TlsFailure::Version));
}

#[test]
fn two_roots_are_both_trusted_during_a_roll_over() {
    let (old, new) = (Authority::new(), Authority::new());
    for ca in [&old, &new] {
        let server = served(&ca.server(HOST, Life::Now), None);
        let mut https = Https::new(server.settings(old.pem() + &new.pem())).unwrap();
        assert_eq!(https.exchange(&routes::capabilities()).unwrap().status, 200);
    }
}

#[test]
fn a_device_that_the_server_does_not_take_learns_it() {
    let (ca, other) = (Authority::new(), Authority::new());
    let server = served(&ca.server(HOST, Life::Now), Some(&ca.pem()));
    let pkcs8 = device_key();
    let stranger = Identity { chain_pem: other.client(&pkcs8).into_bytes(), pkcs8 };
    for identity in [None, Some(stranger)] {
        let mut https = Https::new(Settings { identity, ..server.settings(ca.pem()) }).unwrap();
        let failure = https.exchange(&routes::capabilities()).unwrap_err();
        assert_eq!(failure, Failure::Tls(TlsFailure::ClientRefused));
    }
}

/// The server's clock says that it is over. It is shown only while it is valid by the own clock, so this is no refusal.
#[test]
fn a_certificate_that_is_over_by_the_servers_clock_alone_is_tried_again() {
    let ca = Authority::new();
    let server = served(&ca.server(HOST, Life::Now), Some(&ca.pem()));
    let pkcs8 = device_key();
    let identity = Some(Identity { chain_pem: ca.client_until(&pkcs8, 2021).into_bytes(), pkcs8 });
    let mut https = Https::new(Settings { identity, ..server.settings(ca.pem()) }).unwrap();
    let outcome = https.exchange(&routes::capabilities());
    assert_eq!(outcome.as_ref().err(), Some(&Failure::Tls(TlsFailure::ClientExpired)));
    assert_eq!(routes::probed(&outcome, None), Reply::Failed);
}

#[test]
fn bad_key_material_is_an_error_at_the_start_and_not_a_panic() {
    let ca = Authority::new();
    let server = served(&ca.server(HOST, Life::Now), None);
    let open = |ca_pem: String, identity| Https::new(Settings { identity, ..server.settings(ca_pem) }).err();
    let (key, another) = (device_key(), device_key());
    let chain_pem = ca.client(&key).into_bytes();
    let identity = |chain_pem: &[u8], pkcs8: &[u8]| {
        Some(Identity { chain_pem: chain_pem.to_vec(), pkcs8: pkcs8.to_vec().into() })
    };
    assert_eq!(open(ca.pem(), identity(&chain_pem, &key)), None, "what is right is taken");
    assert_eq!(open(ca.pem(), identity(&chain_pem, &another)), Some(BadSettings::KeyMismatch));
    assert_eq!(open(ca.pem(), identity(&chain_pem, b"junk")), Some(BadSettings::KeyMismatch));
    assert_eq!(open(ca.pem(), identity(b"junk", &key)), Some(BadSettings::Chain));

    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for roots in [String::new(), "junk".into(), junk.into(), ca.pem() + junk, ca.pem()[..300].into()] {
        assert_eq!(open(roots, None), Some(BadSettings::Ca));
    }
}

#[test]
fn an_address_that_is_not_https_and_bare_is_an_error_at_the_start() {
    let ca = Authority::new();
    let server = served(&ca.server(HOST, Life::Now), None);
    let open = |url: &str| Https::new(Settings { url: url.into(), ..server.settings(ca.pem()) }).err();
    assert_eq!(open("https://collector.example:8443/"), None);
    for bad in [
        "",
        "collector.example",
        "http://collector.example",
        "https://user:secret@collector.example",
        "https://collector.example/v1",
        "https://collector.example?x",
        "ftp://collector.example",
    ] {
        assert_eq!(open(bad), Some(BadSettings::Url), "{bad}");
    }
}

#[test]
fn a_host_that_the_policy_does_not_name_is_an_error_at_the_start() {
    let ca = Authority::new();
    let server = served(&ca.server(HOST, Life::Now), None);
    let open = |url: &str, endpoints: &[&str]| {
        let endpoints = endpoints.iter().map(|&name| name.to_owned()).collect();
        Https::new(Settings { url: url.into(), endpoints, ..server.settings(ca.pem()) }).err()
    };
    let url = "https://eu.collector.example:8443";
    assert_eq!(open(url, &[]), None, "a policy that names none");
    assert_eq!(open(url, &["other.example", "EU.collector.example"]), None);
    assert_eq!(open(url, &["*.collector.example"]), None);
    for others in
        [&["other.example"][..], &["collector.example"], &["*.example.com", "eu.collector.examples"]]
    {
        assert_eq!(open(url, others), Some(BadSettings::Endpoint), "{others:?}");
    }
}

//! Who may come: one device a token, nobody without a certificate, nobody who was revoked.

use serde_json::json;

use crate::device::{Device, batch, path};
use crate::program::Collector;
use crate::{rows, stored};

#[test]
fn a_token_enrols_one_device_once() {
    let collector = Collector::start();
    let (device, token) = (Device::new(&collector), collector.token());
    assert_eq!(device.enrol(&collector, "never made").problem(), (403, "bad_token"));
    let answer = device.enrol(&collector, &token);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body["device_id"], device.id().to_string());
    assert_eq!(Device::new(&collector).enrol(&collector, &token).problem(), (409, "token_used"));
}

/// The answer was lost: the same key and token get the same certificate, within the token's day and for nobody else.
#[test]
fn a_lost_answer_to_an_enrolment_is_given_again() {
    let collector = Collector::start();
    let (device, token) = (Device::new(&collector), collector.token());
    let body = |pem: &str| {
        let leaf = pem.split("-----END CERTIFICATE-----").next().unwrap().trim_start();
        let text: String = leaf.lines().skip(1).collect();
        let der = data_encoding::BASE64.decode(text.as_bytes()).unwrap();
        // All but the authority's signature, which is new each time, and of another length: what stands before it says
        // its own length in four bytes, behind the four of the whole.
        let length = usize::from(u16::from_be_bytes([der[6], der[7]]));
        der[4..8 + length].to_vec()
    };
    let first = device.enrol(&collector, &token);
    assert_eq!(first.status, 201);
    for _ in 0..2 {
        let again = device.enrol(&collector, &token);
        assert_eq!(again.status, 201);
        assert_eq!(again.body["not_after"], first.body["not_after"]);
        let [first, again] = [&first, &again].map(|answer| body(answer.body["chain"].as_str().unwrap()));
        assert!(first.len() > 200 && first == again, "number, key and life");
    }
    assert_eq!(Device::new(&collector).enrol(&collector, &token).problem(), (409, "token_used"));
    // A token's row has no sum.
    let over = format!("UPDATE token SET until = {} WHERE used IS NOT NULL", rows::days_ago(0));
    assert_eq!(stored::execute(collector.data(), &over), 1);
    assert_eq!(device.enrol(&collector, &token).problem(), (409, "token_used"), "a day later");
    collector.lines("revoke", &[&device.id().to_string()]);
    assert_eq!(device.enrol(&collector, &token).problem(), (403, "device_revoked"));
}

#[test]
fn a_bad_request_does_not_use_the_token_up() {
    let collector = Collector::start();
    let (device, token) = (Device::new(&collector), collector.token());
    // The last bytes are the signature's.
    let mut tampered: Vec<char> = device.csr().chars().collect();
    let at = tampered.len() - 40;
    tampered[at] = if tampered[at] == 'A' { 'B' } else { 'A' };
    let tampered: String = tampered.into_iter().collect();
    for csr in ["", "-----BEGIN CERTIFICATE REQUEST-----", &tampered] {
        let answer = device.post(&collector, "/v1/enrol", &json!({"token": token, "csr": csr}));
        assert_eq!(answer.problem(), (400, "bad_csr"));
    }
    assert_eq!(device.enrol(&collector, &token).status, 201);
}

#[test]
fn everything_else_wants_a_certificate() {
    let collector = Collector::start();
    let enrolled = Device::enrolled(&collector);
    let batch = batch(enrolled.grant(&collector), 1, 0, 1);
    let stranger = enrolled.without_certificate(&collector);
    let calls = [
        ("GET", "/v1/capabilities".to_owned()),
        ("PUT", format!("/v1/consents/{}", "0".repeat(64))),
        ("PUT", path(&batch)),
        ("POST", "/v1/privacy/erase".to_owned()),
        ("GET", format!("/v1/privacy/{}-{}", enrolled.id(), "0".repeat(32))),
    ];
    for (method, path) in calls {
        let answer = stranger.call(&collector, method, &path, b"{}", "");
        assert_eq!(answer.problem(), (401, "certificate_required"), "{method} {path}");
        let answer = enrolled.call(&collector, method, &path, b"{}", "");
        assert_ne!(answer.status, 401, "{method} {path}");
        assert!(answer.dated);
    }
}

#[test]
fn a_revoked_device_is_refused_on_the_connection_it_has() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    assert_eq!(device.get(&collector, "/v1/capabilities").status, 200);
    collector.lines("revoke", &[&device.id().to_string()]);
    assert_eq!(device.get(&collector, "/v1/capabilities").problem(), (403, "device_revoked"));
    assert_eq!(device.enrol(&collector, &collector.token()).problem(), (403, "device_revoked"));
    let renewal = json!({"csr": device.csr()});
    assert_eq!(device.post(&collector, "/v1/enrol/renew", &renewal).problem(), (403, "device_revoked"));
}

#[test]
fn a_certificate_renews_for_its_own_key_alone() {
    let collector = Collector::start();
    let (device, other) = (Device::enrolled(&collector), Device::enrolled(&collector));
    let renew = |who: &Device, csr| who.post(&collector, "/v1/enrol/renew", &json!({"csr": csr}));
    assert_eq!(renew(&device, device.csr()).status, 201);
    assert_eq!(renew(&device, other.csr()).problem(), (401, "certificate_required"));
    // The certificate lives, so it has to be shown.
    let bare = device.without_certificate(&collector);
    assert_eq!(renew(&bare, device.csr()).problem(), (401, "certificate_required"));
    assert_eq!(renew(&device, Device::new(&collector).csr()).problem(), (403, "device_unknown"));
}

#[test]
fn an_expired_certificate_renews_by_the_key_for_a_year() {
    let collector = Collector::start();
    let device = Device::enrolled(&collector);
    let bare = device.without_certificate(&collector);
    let renew_after = |days: i64| {
        let id = device.id();
        stored::set(
            collector.data(),
            "device",
            &format!("not_after = {}", rows::days_ago(days)),
            &format!("id = x'{id}'"),
        );
        bare.post(&collector, "/v1/enrol/renew", &json!({"csr": device.csr()})).status
    };
    assert_eq!(renew_after(364), 201);
    assert_eq!(renew_after(366), 401);
}

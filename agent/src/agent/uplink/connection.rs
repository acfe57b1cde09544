//! The device's certificate: from a one-time token to the connection that uses it.

use std::path::PathBuf;

use log::info;

use super::super::{Agent, Parts, unix_now};
use super::renewal::Life;
use crate::api::Enrolled;
use crate::config::Config;
use crate::consent::Policy;
use crate::durable;
use crate::request::{Refused, Reply};
use crate::ship::enrol::{self, EnrolError};
use crate::ship::https::{Https, Settings, Timeouts};
use crate::ship::trust::Identity;
use crate::vault::Vault;

/// What the connection needs; without the device's certificate if there is none yet.
pub(in crate::agent) fn settings(
    config: &Config,
    policy: &Policy,
    vault: &Vault,
) -> Result<Settings, String> {
    let ca_pem = std::fs::read(&config.collector.ca).map_err(|e| {
        format!("the vendor's CA ([collector] ca) cannot be read ({}): put the file there", e.kind())
    })?;
    let identity = std::fs::read(certificate(config))
        .ok()
        .map(|chain_pem| Identity { chain_pem, pkcs8: vault.device_key().pkcs8().clone() });
    Ok(Settings {
        url: config.collector.url.clone(),
        endpoints: policy.endpoints().to_vec(),
        ca_pem,
        identity,
        proxy: config.collector.proxy.clone(),
        user_agent: concat!("kathea-agent/", env!("CARGO_PKG_VERSION")).to_owned(),
        rate: config.ship.rate,
        timeouts: Timeouts::default(),
        sleep: Box::new(std::thread::sleep),
    })
}

/// Where the device's certificate is kept.
fn certificate(config: &Config) -> PathBuf {
    config.data_dir.join("certificate.pem")
}

/// Keeps the certificate that was given `now`, and until when it holds.
pub(in crate::agent) fn keep(
    config: &Config,
    identity: &Identity,
    not_after: &str,
    now: i64,
) -> std::io::Result<()> {
    durable::replace(&certificate(config), &identity.chain_pem)?;
    Life::keep(config, now, not_after)
}

/// Says that the collector retired this device (410): nothing is sent any more, also after a restart.
pub(in crate::agent) fn retired(config: &Config) -> PathBuf {
    config.data_dir.join("retired")
}

impl Agent {
    /// One-time token to certificate. An administrator's explicit act; waits for the collector's answer.
    pub(in crate::agent) fn enroll(&mut self, url: Option<&str>, token: &str) -> Reply {
        let mut settings = match settings(&self.config, self.book.policy(), &self.vault) {
            Ok(settings) => settings,
            Err(what) => return Reply::refused(Refused::Failed, what),
        };
        settings.identity = None;
        settings.url = url.map_or(settings.url, str::to_owned);
        let ca_pem = settings.ca_pem.clone();
        let key = self.vault.device_key();
        let enrolled = Https::new(settings).map_err(|e| e.to_string()).and_then(|mut https| {
            let exchange =
                enrol::enrol(token.trim(), key.public_key(), |text| key.sign(text)).map_err(shown)?;
            let outcome = https.exchange(&exchange);
            let now = unix_now().unsigned_abs(); // after the answer: the certificate may be of this very second
            enrol::enrolled(outcome, key.id(), key.pkcs8(), &ca_pem, now).map_err(shown)
        });
        let (identity, reply) = match enrolled {
            Ok(enrolled) => enrolled,
            Err(what) => return Reply::refused(Refused::Failed, what),
        };
        let now = unix_now();
        if let Err(e) = keep(&self.config, &identity, &reply.not_after, now) {
            let what = format!("the certificate cannot be kept ({}): check data_dir", e.kind());
            return Reply::refused(Refused::Failed, what);
        }
        let _ = std::fs::remove_file(retired(&self.config));
        let Parts { uplink, cx, .. } = self.parts();
        uplink.connect(&cx);
        info!("enrolled");
        Reply::done(Enrolled { device: reply.device_id, not_after: reply.not_after })
    }
}

fn shown(e: EnrolError) -> String {
    e.to_string()
}

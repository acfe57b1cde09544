//! The device's certificate: from a one-time token to the connection that uses it.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;

use log::info;

use super::super::decommission;
use super::super::health::{Cause, Subject};
use super::super::{Agent, Parts, Wake};
use super::renewal::Life;
use crate::api;
use crate::collect::socket::Asked;
use crate::config::Config;
use crate::consent::Policy;
use crate::durable;
use crate::presence;
use crate::request::{Refused, Reply};
use crate::ship::enrol;
use crate::ship::exchange::{Exchange, Outcome, Transport};
use crate::ship::https::{Settings, Timeouts};
use crate::ship::trust::Identity;
use crate::texts::{Said, Text};
use crate::vault::Vault;

/// What shows who this device is, if it was enrolled.
///
/// # Errors
/// The certificate cannot be read now.
pub(in crate::agent) fn identity(config: &Config, vault: &Vault) -> io::Result<Option<Identity>> {
    let read = presence::read(&certificate(config))?;
    Ok(read.found().map(|chain_pem| Identity { chain_pem, pkcs8: vault.device_key().pkcs8().clone() }))
}

/// What the connection needs; without the device's certificate if there is none yet.
pub(in crate::agent) fn settings(
    config: &Config,
    policy: &Policy,
    identity: Option<Identity>,
) -> Result<Settings, Said> {
    let ca_pem = presence::given(&config.collector.ca).map_err(|e| Cause::NoCa { why: e.kind() }.said())?;
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

/// An enrolment that is asked for.
struct Enrolment {
    https: Box<dyn Transport>,
    exchange: Exchange,
    ca_pem: Vec<u8>,
}

/// What came of an enrolment, and who waits for it.
pub(crate) struct Enrolled {
    asked: Asked,
    ca_pem: Vec<u8>,
    outcome: Outcome,
}

impl Agent {
    /// One-time token to certificate. An administrator's explicit act; waits for the collector's answer.
    pub(in crate::agent) fn enroll(&mut self, url: Option<&str>, token: &str) -> Reply {
        match self.enrolment(url, token) {
            Ok(Enrolment { mut https, exchange, ca_pem }) => {
                let outcome = https.exchange(&exchange);
                self.keep_enrolment(&ca_pem, outcome)
            }
            Err(what) => Reply::refused(Refused::Failed, what),
        }
    }

    /// Likewise on a thread of its own: a collector that does not answer keeps nobody else waiting.
    pub(in crate::agent) fn enroll_beside(&mut self, asked: Asked, url: Option<&str>, token: &str) {
        let (ask, enrolments) = mpsc::sync_channel::<(Asked, Enrolment)>(1);
        let wakes = self.wakes.0.clone();
        let thread = std::thread::Builder::new().name("enrol".into()).spawn(move || {
            if let Ok((asked, Enrolment { mut https, exchange, ca_pem })) = enrolments.recv() {
                let outcome = https.exchange(&exchange);
                let _ = wakes.send(Wake::Enrolled(Box::new(Enrolled { asked, ca_pem, outcome })));
            }
        });
        match (thread, self.enrolment(url, token)) {
            (Ok(_), Ok(enrolment)) => drop(ask.send((asked, enrolment))),
            (Ok(_), Err(what)) => asked.answer(Reply::refused(Refused::Failed, what)),
            (Err(e), _) => {
                asked.answer(Reply::refused(Refused::Busy, Cause::NoThread { why: e.kind() }));
            }
        }
    }

    /// Keeps what came of it, and answers.
    pub(in crate::agent) fn finish_enrolment(&mut self, Enrolled { asked, ca_pem, outcome }: Enrolled) {
        let reply = self.keep_enrolment(&ca_pem, outcome);
        asked.answer(reply);
    }

    fn enrolment(&self, url: Option<&str>, token: &str) -> Result<Enrolment, Said> {
        let mut settings = settings(&self.config, self.registry.policy(), None)?;
        settings.url = url.map_or(settings.url, str::to_owned);
        let ca_pem = settings.ca_pem.clone();
        let key = self.vault.device_key();
        let exchange =
            enrol::enrol(token.trim(), key.public_key(), |text| key.sign(text)).map_err(|e| e.said())?;
        let https = (self.edges.connect)(settings).map_err(|e| e.said())?;
        Ok(Enrolment { https, exchange, ca_pem })
    }

    fn keep_enrolment(&mut self, ca_pem: &[u8], outcome: Outcome) -> Reply {
        let now = self.now(); // after the answer: the certificate may be of this very second
        let key = self.vault.device_key();
        let enrolled = enrol::enrolled(outcome, key.id(), key.pkcs8(), ca_pem, now.unsigned_abs());
        let (identity, reply) = match enrolled {
            _ if presence::is_there(&decommission::begun(&self.config.data_dir)).unwrap_or(true) => {
                return Reply::refused(Refused::Failed, Cause::Leaving);
            }
            Ok(enrolled) => enrolled,
            Err(e) => return Reply::refused(Refused::Failed, e),
        };
        if let Err(e) = keep(&self.config, &identity, &reply.not_after, now) {
            return Reply::refused(Refused::Failed, Cause::CertificateNotSaved { why: e.kind() });
        }
        let _ = std::fs::remove_file(retired(&self.config));
        let Parts { uplink, mut cx, .. } = self.parts();
        if let Err(e) = uplink.connect(&mut cx) {
            cx.trouble(Subject::Connection, &e.into());
        }
        info!("enrolled");
        Reply::done(api::Enrolled { device: reply.device_id, not_after: reply.not_after })
    }
}

//! The device's certificate: from a one-time token to the connection that uses it.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;

use log::info;

use super::super::cx::Cx;
use super::super::decommission;
use super::super::health::{Cause, Subject};
use super::Uplink;
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
pub(in crate::agent) struct Enrolment {
    https: Box<dyn Transport>,
    exchange: Exchange,
    ca_pem: Vec<u8>,
}

/// What the collector answered to it, and the CA that it is to be of.
pub(in crate::agent) struct EnrolmentAnswered {
    ca_pem: Vec<u8>,
    outcome: Outcome,
}

/// What came of an enrolment, and who waits for it.
pub(crate) struct Enrolled {
    asked: Asked,
    answered: EnrolmentAnswered,
}

impl Enrolment {
    /// Waits for the collector's answer.
    pub(in crate::agent) fn carry_out(mut self) -> EnrolmentAnswered {
        let outcome = self.https.exchange(&self.exchange);
        EnrolmentAnswered { ca_pem: self.ca_pem, outcome }
    }
}

/// One-time token to a request for a certificate; nothing is sent yet.
pub(in crate::agent) fn enrolment(cx: &Cx<'_>, url: Option<&str>, token: &str) -> Result<Enrolment, Said> {
    let mut settings = settings(cx.config, cx.registry.policy(), None)?;
    settings.url = url.map_or(settings.url, str::to_owned);
    let ca_pem = settings.ca_pem.clone();
    let key = cx.vault.device_key();
    let exchange =
        enrol::enrol(token.trim(), key.public_key(), |text| key.sign(text)).map_err(|e| e.said())?;
    let https = (cx.edges.connect)(settings).map_err(|e| e.said())?;
    Ok(Enrolment { https, exchange, ca_pem })
}

/// Asks for the certificate on a thread of its own: a collector that does not answer keeps nobody else waiting.
pub(in crate::agent) fn enroll_beside(
    cx: &Cx<'_>,
    wake: impl FnOnce(Enrolled) + Send + 'static,
    asked: Asked,
    url: Option<&str>,
    token: &str,
) {
    let (ask, enrolments) = mpsc::sync_channel::<(Asked, Enrolment)>(1);
    let thread = std::thread::Builder::new().name("enrol".into()).spawn(move || {
        if let Ok((asked, enrolment)) = enrolments.recv() {
            let answered = enrolment.carry_out();
            wake(Enrolled { asked, answered });
        }
    });
    match (thread, enrolment(cx, url, token)) {
        (Ok(_), Ok(enrolment)) => drop(ask.send((asked, enrolment))),
        (Ok(_), Err(what)) => asked.answer(Reply::refused(Refused::Failed, what)),
        (Err(e), _) => {
            asked.answer(Reply::refused(Refused::Busy, Cause::NoThread { why: e.kind() }));
        }
    }
}

impl Uplink {
    /// Keeps what came of an enrolment, and answers who waits for it.
    pub(in crate::agent) fn finish_enrolment(
        &mut self,
        cx: &mut Cx<'_>,
        Enrolled { asked, answered }: Enrolled,
    ) {
        let reply = self.keep_enrolment(cx, answered);
        asked.answer(reply);
    }

    /// Keeps the certificate and uses it. `cx` is of after the answer: the certificate may be of this very second.
    pub(in crate::agent) fn keep_enrolment(
        &mut self,
        cx: &mut Cx<'_>,
        EnrolmentAnswered { ca_pem, outcome }: EnrolmentAnswered,
    ) -> Reply {
        let key = cx.vault.device_key();
        let enrolled = enrol::enrolled(outcome, key.id(), key.pkcs8(), &ca_pem, cx.now.unsigned_abs());
        let (identity, reply) = match enrolled {
            _ if presence::is_there(&decommission::begun(&cx.config.data_dir)).unwrap_or(true) => {
                return Reply::refused(Refused::Failed, Cause::Leaving);
            }
            Ok(enrolled) => enrolled,
            Err(e) => return Reply::refused(Refused::Failed, e),
        };
        if let Err(e) = keep(cx.config, &identity, &reply.not_after, cx.now) {
            return Reply::refused(Refused::Failed, Cause::CertificateNotSaved { why: e.kind() });
        }
        let _ = std::fs::remove_file(retired(cx.config));
        if let Err(e) = self.connect(cx) {
            cx.trouble(Subject::Connection, &e.into());
        }
        info!("enrolled");
        Reply::done(api::Enrolled { device: reply.device_id, not_after: reply.not_after })
    }
}

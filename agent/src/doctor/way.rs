//! Connectivity to the collector, step by step: proxy, certificates, name, connection, TLS, response.

use std::path::Path;
use std::time::Duration;

use super::texts::{Is, Remedy};
use super::{Reach, SystemProxy};
use crate::agent::certificate_life;
use crate::checks::Finding;
use crate::config::Config;
use crate::consent::Policy;
use crate::harmless;
use crate::limits;
use crate::presence;
use crate::ship::exchange::Answer;
use crate::ship::failure::{BadSettings, Failure, Phase, TlsFailure};
use crate::ship::https::{Https, Settings, Timeouts};
use crate::ship::routes;

/// The steps of a connection, in their order.
const STEPS: [(&str, Is); 3] = [("name", Is::Addressed), ("connection", Is::Connected), ("tls", Is::Agreed)];

/// How long the device's certificate holds, where this account may see it.
pub(super) fn certificate(data_dir: &Path, now: i64) -> Option<Finding> {
    // What this account may not see, the agent itself tells.
    let (from, until) = certificate_life(data_dir).ok()??;
    let (left, life) = (until.saturating_sub(now) / 86_400, until.saturating_sub(from) / 86_400);
    Some(if until <= now {
        Finding::warn("certificate", Is::CertificateEnded { days: -left }, Remedy::RenewedAtContact)
    } else if left < life / 4 {
        Finding::warn("certificate", Is::CertificateEnds { days: left }, Remedy::RenewedWhenSent)
    } else {
        Finding::pass("certificate", Is::CertificateHolds { days: left })
    })
}

/// What the agent uses, beside what the system uses: the environment and the system's settings are not followed.
pub(super) fn proxy(ours: Option<&str>, system: &SystemProxy) -> Finding {
    match (ours, &system.address, system.script) {
        (Some(_), ..) => Finding::pass("proxy", Is::ProxyOurs),
        (None, _, true) => Finding::warn("proxy", Is::ProxyScript, Remedy::ProxyOfScript),
        (None, Some(address), _) => {
            Finding::warn("proxy", Is::ProxySystem { address: address.clone() }, Remedy::ProxyOfSystem)
        }
        (None, None, false) => Finding::pass("proxy", Is::ProxyNone),
    }
}

/// The settings, and, if a person asked for it, one connection without data.
pub(super) fn collector(config: &Config, reach: Reach, now: i64) -> Vec<Finding> {
    let mut https = match https(config) {
        Ok(https) => https,
        Err(check) => return vec![*check],
    };
    let mut checks = vec![Finding::pass("ca", Is::CaRead)];
    if reach == Reach::Collector {
        let proxied = config.collector.proxy.is_some();
        checks.extend(steps(&https.exchange(&routes::capabilities()), proxied, now));
    }
    checks
}

/// The settings of the way out, each checked; nothing is opened.
fn https(config: &Config) -> Result<Https, Box<Finding>> {
    let ca = &config.collector.ca;
    let ca_pem = presence::given(ca).map_err(|e| {
        let what = Is::Unreadable { name: harmless::path(ca), why: e.kind() };
        Box::new(Finding::fail("ca", what, Remedy::PutCa))
    })?;
    let settings = Settings {
        url: config.collector.url.clone(),
        // A policy that is none stops the agent itself.
        endpoints: Policy::configured(config)
            .map_or_else(|_| Vec::new(), |policy| policy.endpoints().to_vec()),
        ca_pem,
        identity: None,
        proxy: config.collector.proxy.clone(),
        user_agent: concat!("kathea-agent/", env!("CARGO_PKG_VERSION")).to_owned(),
        rate: config.ship.rate,
        timeouts: Timeouts::default(),
        sleep: Box::new(std::thread::sleep),
    };
    Https::new(settings).map_err(|e| {
        Box::new(match e {
            BadSettings::Ca => Finding::fail("ca", Is::NoCa { name: harmless::path(ca) }, e),
            _ => Finding::fail("collector", Is::NotConfigured, e),
        })
    })
}

/// Asked without the device's certificate, a collector that is the vendor's says no; anything else is no
/// collector. What comes before the step that failed went well.
fn steps(outcome: &Result<Answer, Failure>, proxied: bool, now: i64) -> Vec<Finding> {
    let passed = |count| STEPS.into_iter().take(count).map(|(check, what)| Finding::pass(check, what));
    let failed = |count, check, failure: &Failure| {
        passed(count).chain([Finding::fail(check, Is::FailsToComeAbout, failure)]).collect()
    };
    let answer = match outcome {
        Ok(answer) => answer,
        Err(Failure::Tls(TlsFailure::ClientRefused)) => {
            return passed(3).chain([Finding::pass("collector", Is::Reached)]).collect();
        }
        Err(failure @ (Failure::Name | Failure::Timeout(Phase::Resolve))) => {
            return failed(0, "name", failure);
        }
        Err(failure @ Failure::Proxy(_)) => {
            return vec![Finding::fail("proxy", Is::ProxyRefuses, failure)];
        }
        Err(Failure::Cut | Failure::NotHttp) if proxied => {
            return vec![Finding::fail("proxy", Is::BreaksOff, Remedy::CheckProxy)];
        }
        Err(Failure::Cut) => {
            return passed(2)
                .chain([Finding::fail("tls", Is::FailsToComeAbout, Remedy::BrokenOff)])
                .collect();
        }
        Err(failure @ (Failure::Connect | Failure::Timeout(Phase::Connect))) => {
            return failed(1, "connection", failure);
        }
        Err(Failure::Tls(why @ TlsFailure::UnknownCa)) => {
            let opened = Finding::fail("tls", Is::Opened, Remedy::LetThrough { why: *why });
            return passed(2).chain([opened]).collect();
        }
        Err(failure @ Failure::Tls(_)) => return failed(2, "tls", failure),
        Err(failure) => return failed(3, "collector", failure),
    };
    let mut checks = passed(3).collect::<Vec<_>>();
    if !matches!(answer.status, 200 | 401 | 403) {
        checks.push(Finding::fail("collector", Is::WrongAnswer { status: answer.status }, Remedy::CheckUrl));
        return checks;
    }
    checks.push(Finding::pass("collector", Is::Reached));
    checks.extend(answer.clock().map(|theirs| {
        let off = Duration::from_secs(theirs.abs_diff(now));
        if off > limits::CLOCK_OFF {
            Finding::warn("clock offset", Is::ClockOff { minutes: off.as_secs() / 60 }, Remedy::KeepClock)
        } else {
            Finding::pass("clock offset", Is::ClockAgrees)
        }
    }));
    checks
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::checks::Verdict;
    use crate::texts::Language;

    /// The line that does not pass, and the line before it.
    fn verdicts(checks: &[Finding]) -> Vec<(&str, Verdict)> {
        let well = |check: &&Finding| check.result == Verdict::Pass;
        let bad = checks.iter().filter(|check| !well(check)).map(|check| (check.check, check.result));
        assert!(checks.iter().all(|check| well(&check) == check.remedy.is_none()));
        bad.collect()
    }

    #[test]
    fn any_server_differs_from_a_collector() {
        let answer = |status, date: Option<&str>| {
            Ok(Answer { status, date: date.map(str::to_owned), ..Answer::default() })
        };
        let (now, date) = (1_795_341_600, Some("Sun, 22 Nov 2026 10:00:00 GMT"));
        assert_eq!(verdicts(&steps(&answer(401, date), false, now)), []);
        assert_eq!(
            verdicts(&steps(&answer(401, date), false, now - 86_400)),
            [("clock offset", Verdict::Warn)]
        );
        assert_eq!(verdicts(&steps(&answer(404, date), false, now)), [("collector", Verdict::Fail)]);
    }

    #[test]
    fn the_step_that_fails_is_named() {
        for (failure, step, before) in [
            (Failure::Name, "name", 0),
            (Failure::Timeout(Phase::Resolve), "name", 0),
            (Failure::Connect, "connection", 1),
            (Failure::Proxy(Some(407)), "proxy", 0),
            (Failure::Proxy(None), "proxy", 0),
            (Failure::Tls(TlsFailure::UnknownCa), "tls", 2),
            (Failure::Tls(TlsFailure::Expired), "tls", 2),
            (Failure::Cut, "tls", 2),
            (Failure::NotHttp, "collector", 3),
        ] {
            let checks = steps(&Err(failure), false, 0);
            assert_eq!(verdicts(&checks), [(step, Verdict::Fail)], "{failure:?}");
            assert_eq!(checks.len(), before + 1, "{failure:?}");
        }
        assert_eq!(verdicts(&steps(&Err(Failure::Tls(TlsFailure::ClientRefused)), false, 0)), []);
        let inspected = steps(&Err(Failure::Tls(TlsFailure::UnknownCa)), false, 0);
        assert!(inspected.last().unwrap().remedy(Language::En).contains("inspection proxy"));
        let password = steps(&Err(Failure::Proxy(Some(407))), true, 0);
        assert!(password[0].remedy(Language::En).contains("NTLM is not supported"));
    }

    #[test]
    fn the_systems_proxy_is_shown_and_what_is_not_supported_is_named() {
        let system =
            |address: Option<&str>, script| SystemProxy { address: address.map(str::to_owned), script };
        assert_eq!(proxy(None, &system(None, false)).result, Verdict::Pass);
        assert_eq!(proxy(Some("http://p:1"), &system(Some("q:2"), true)).result, Verdict::Pass);
        let shown = proxy(None, &system(Some("q:2"), false));
        assert!(shown.what.en.contains("q:2") && shown.remedy(Language::En).contains("NTLM"));
        assert!(proxy(None, &system(None, true)).what.en.contains("PAC"));
    }

    #[test]
    fn a_certificate_that_ends_is_reported_in_time() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(certificate(dir.path(), 0), None);
        let day = 86_400;
        let verdict = |from: i64, until: i64| {
            fs::write(dir.path().join("certificate.life"), format!("{} {}\n", from * day, until * day))
                .unwrap();
            certificate(dir.path(), 0).unwrap().result
        };
        assert_eq!(verdict(-10, 80), Verdict::Pass);
        assert_eq!(verdict(-80, 10), Verdict::Warn);
        assert_eq!(verdict(-100, -10), Verdict::Warn);
        fs::write(dir.path().join("certificate.life"), format!("{} {}\n", i64::MAX, i64::MIN)).unwrap();
        assert_eq!(certificate(dir.path(), i64::MAX).unwrap().result, Verdict::Warn, "no life at all");
    }
}

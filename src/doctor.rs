//! What is wrong, and what to do about it.

use std::path::Path;

use agent::checks::{Finding, Verdict};
use agent::config::Config;
use agent::doctor::{Reach, SystemProxy, examine};
use agent::texts::Language;
use time::OffsetDateTime;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::texts::say;
use crate::texts::status::Say;

/// `doctor`.
pub(crate) fn doctor(path: &Path, json: bool, offline: bool) -> Result<Exit, Failure> {
    let checks = match Config::load(path) {
        Ok(config) => {
            let reach = if offline { Reach::Offline } else { Reach::Collector };
            let now = OffsetDateTime::now_utc().unix_timestamp();
            examine(&config, reach, &system_proxy(), now)
        }
        Err(e) => vec![Finding::fail("configuration", Say::Unusable, e)],
    };
    report(&checks, json)
}

/// Prints checks; one that failed is the exit code.
pub(crate) fn report(checks: &[Finding], json: bool) -> Result<Exit, Failure> {
    if json {
        print::json(&checks.iter().map(|check| check.in_language(Language::En)).collect::<Vec<_>>())?;
    } else {
        print::data(&text(checks))?;
    }
    let failed = checks.iter().any(|check| check.result == Verdict::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// What other programs of this computer use: the environment's, without a password.
#[cfg(not(windows))]
fn system_proxy() -> SystemProxy {
    let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let found = named.iter().find_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty());
    SystemProxy { address: found.as_deref().map(without_password), script: false }
}

/// What other programs of this account use: the settings of Windows.
#[cfg(windows)]
fn system_proxy() -> SystemProxy {
    use winsafe::co::RRF;
    use winsafe::{HKEY, RegistryValue};

    const SETTINGS: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    let read = |name| HKEY::CURRENT_USER.RegGetValue(Some(SETTINGS), Some(name), RRF::RT_ANY).ok();
    let text = |name| match read(name) {
        Some(RegistryValue::Sz(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let enabled = matches!(read("ProxyEnable"), Some(RegistryValue::Dword(1)));
    let address = text("ProxyServer").filter(|_| enabled);
    SystemProxy { address: address.as_deref().map(without_password), script: text("AutoConfigURL").is_some() }
}

/// `host:port` of an address that may have a user and a password.
fn without_password(address: &str) -> String {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    address.rsplit_once('@').map_or(address, |(_, rest)| rest).trim_end_matches('/').to_owned()
}

fn text(checks: &[Finding]) -> String {
    let width = checks.iter().map(|check| say(check.result).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        text += &format!("{:<width$}  {:<14} {}\n", say(check.result), check.check, say(&check.what));
        if let Some(remedy) = &check.remedy {
            text += &format!("{:<width$}  {:<14} {}\n", "", "", say(remedy));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("http://jane:se@cret@proxy.example:3128/"), "proxy.example:3128");
        assert_eq!(without_password("proxy:1"), "proxy:1");
    }

    #[test]
    fn a_remedy_stands_below_what_it_remedies() {
        let checks =
            [Finding::pass("clock", "is plausible"), Finding::fail("outbox", "is missing", "make it")];
        assert_eq!(
            text(&checks),
            "pass  clock          is plausible\nfail  outbox         is missing\n                     make it\n"
        );
    }
}

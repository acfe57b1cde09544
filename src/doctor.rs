//! What is wrong, and what to do about it.

use std::path::Path;

use agent::config::Config;
use agent::doctor::{Check, Reach, Verdict, examine};
use time::OffsetDateTime;

use crate::exit::{Exit, Failure};
use crate::print;

/// `doctor`.
pub(crate) fn doctor(path: &Path, json: bool, offline: bool) -> Result<Exit, Failure> {
    let checks = match Config::load(path) {
        Ok(config) => {
            let reach = if offline { Reach::Offline } else { Reach::Collector };
            let now = OffsetDateTime::now_utc().unix_timestamp();
            let mut checks = vec![Check::pass("configuration", "is read")];
            checks.extend(examine(&config, reach, now));
            checks
        }
        Err(e) => vec![Check::fail("configuration", "cannot be used", e)],
    };
    report(&checks, json)
}

/// Prints checks; one that failed is the exit code.
pub(crate) fn report(checks: &[Check], json: bool) -> Result<Exit, Failure> {
    if json {
        print::json(&checks)?;
    } else {
        print::data(&text(checks))?;
    }
    let failed = checks.iter().any(|check| check.result == Verdict::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        text += &format!("{}  {:<14} {}\n", check.result, check.check, check.what);
        if !check.remedy.is_empty() {
            text += &format!("      {:<14} {}\n", "", check.remedy);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_stands_below_what_it_remedies() {
        let checks = [Check::pass("clock", "is plausible"), Check::fail("outbox", "is missing", "make it")];
        assert_eq!(
            text(&checks),
            "pass  clock          is plausible\nfail  outbox         is missing\n                     make it\n"
        );
    }
}

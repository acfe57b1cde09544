//! `enroll`: a one-time token to the device's certificate.

use agent::api::Enrolled;
use agent::config::Config;
use agent::request::Request;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach;
use crate::texts::privacy::Say;
use crate::texts::say;

/// `enroll`.
pub(crate) fn enroll(
    config: &Config,
    url: Option<String>,
    token: String,
    json: bool,
) -> Result<Exit, Failure> {
    let enrolled: Enrolled = reach::ask(config, Request::Enroll { url, token })?;
    print::answer(&enrolled, json, || {
        print::words(&say(Say::Enrolled { device: enrolled.device.to_string() }));
        Ok(())
    })
}

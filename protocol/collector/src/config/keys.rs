//! `[keys]`: where the key store is, what opens it, and where the log is of what a restored database has to do again.

use toml::Value;

use crate::store::keystore::places::Settings;

/// Takes one key.
pub(super) fn take(settings: &mut Settings, key: &str, value: &Value) -> Result<(), String> {
    let path = Some(super::path::absolute(key, value)?);
    match key {
        "keys.directory" => settings.directory = path,
        "keys.credential_file" => settings.credential_file = path,
        _ => settings.log_file = path,
    }
    Ok(())
}

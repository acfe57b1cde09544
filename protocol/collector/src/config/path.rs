//! A path in the configuration.

use std::path::PathBuf;

use toml::Value;

/// An absolute path, as the value of `key` has to be.
pub(in crate::config) fn absolute(key: &str, value: &Value) -> Result<PathBuf, String> {
    let path = value.as_str().map(PathBuf::from).filter(|path| path.is_absolute());
    path.ok_or_else(|| format!("{key} must be an absolute path such as \"/var/lib/kathea-collector\""))
}

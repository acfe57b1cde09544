//! Which engine the collectors of the tests have: SQLite, or PostgreSQL where `COLLECTOR_TEST_POSTGRES` names the folder
//! of its programs and a server's port (`postgres::the_tests_of_the_collector_are_green_on_postgresql` does).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const VARIABLE: &str = "COLLECTOR_TEST_POSTGRES";

/// The configuration that says where the store of a data directory is.
fn file(data: &Path) -> PathBuf {
    data.with_extension("toml")
}

/// Options that name it, if there is one.
pub(crate) fn options(data: &Path) -> Vec<PathBuf> {
    let file = file(data);
    if file.exists() { vec!["--config".into(), file] } else { Vec::new() }
}

/// The URL of its store, if that is in PostgreSQL.
pub(crate) fn url(data: &Path) -> Option<String> {
    file(data).exists().then(|| std::fs::read_to_string(data.with_extension("url")).unwrap())
}

/// Gives a new data directory a database of its own, if the tests run on PostgreSQL.
pub(crate) fn choose(data: &Path) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var(VARIABLE) else { return };
    let (bin, port) = server.split_once(' ').unwrap();
    let name = format!("collector_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let create = format!("CREATE DATABASE {name}");
    let made = Command::new(Path::new(bin).join("psql"))
        .args(["-h", "127.0.0.1", "-p", port, "-U", "kathea", "-d", "postgres", "-c", &create])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    configure(
        data,
        &format!("postgres://kathea:secret-word@127.0.0.1:{port}/{name}"),
        "durability = \"managed\"",
    );
}

/// Writes the configuration of a store in PostgreSQL; `more` stands in `[store]` and behind it.
pub(crate) fn configure(data: &Path, url: &str, more: &str) {
    configure_with(data, "", url, more);
}

/// The same, with lines before every table.
pub(crate) fn configure_with(data: &Path, first: &str, url: &str, more: &str) {
    let secret = data.with_extension("url");
    std::fs::write(&secret, url).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "data = \"{}\"\n{first}\n[store]\nengine = \"postgres\"\nurl_file = \"{}\"\n{more}\n",
        data.display(),
        secret.display()
    );
    std::fs::write(file(data), text).unwrap();
}

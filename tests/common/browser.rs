//! Headless Chromium through Node: `NODE_PEERS` names the folder `node_modules` that holds playwright-core and
//! axe-core, `CHROMIUM` the browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::peer::{self, Skipped};

/// What `script` of tests/browser says of `page`. `SCREENSHOTS` names a folder for pictures.
pub(crate) fn look(script: &str, page: &Path) -> Result<Value, Skipped> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let modules = peer::node(&root, &["playwright-core", "axe-core"])?;
    let browser = chromium()?;
    let name = page.file_stem().unwrap_or_default();
    let output = Command::new("node")
        .arg(root.join("tests/browser").join(script))
        .arg(page)
        .env("NODE_PEERS", modules)
        .env("CHROMIUM", browser)
        .env("SHOT", name)
        .output()
        .expect("node starts");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout).expect("one JSON object"))
}

/// The browser: `CHROMIUM`, or the system's.
pub(crate) fn chromium() -> Result<PathBuf, Skipped> {
    let browser =
        std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    peer::need(browser.is_file(), "no Chromium looks at the page: set CHROMIUM")?;
    Ok(browser)
}

/// A page loads nothing, complains of nothing, fits both widths, and axe-core has nothing against it.
pub(crate) fn assert_quiet(seen: &Value) {
    for (quiet, what) in [("requests", "the network"), ("complaints", "the console"), ("unfit", "the layout")]
    {
        assert_eq!(seen[quiet], json!([]), "{what}");
    }
    for widths in ["overflow", "danish_overflow", "open_overflow"] {
        assert_eq!(seen[widths], json!({"1280": 0, "400": 0}), "{widths}");
    }
    for language in ["violations", "danish_violations", "open_violations"] {
        assert_eq!(seen[language], json!([]), "axe-core: {language}");
    }
}

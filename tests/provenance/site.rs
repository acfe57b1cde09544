//! A workstation with a small installed program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use test_support::peer::{self, Skipped};

use super::installed;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kathea-agent");

pub(crate) struct Site {
    dir: TempDir,
}

impl Site {
    /// With a program that holds `literals`, which a C compiler makes.
    pub(crate) fn installed(literals: &[&str]) -> Result<Self, Skipped> {
        peer::need(
            Command::new("cc").arg("--version").output().is_ok(),
            "there is no C compiler: install cc",
        )?;
        let site = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(site.folder()).unwrap();
        for folder in [site.dir.path(), &site.folder()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let vendor = format!("[vendor]\n{}", installed::trusted());
        let text =
            format!("data_dir = {:?}\n{vendor}[kathea]\nprogram = [{:?}]\n", site.data(), site.folder());
        fs::write(site.dir.path().join("agent.toml"), text).unwrap();
        fs::create_dir(site.data()).unwrap();
        site.install(literals);
        Ok(site)
    }

    /// Puts another program in the place of the one that is there.
    pub(crate) fn install(&self, literals: &[&str]) {
        let source = self.dir.path().join("x1.c");
        let texts: String = literals.iter().map(|literal| format!("{literal:?},\n")).collect();
        let text = format!(
            "const char *const texts[] = {{ {texts} 0 }};\nint main(void) {{ return texts[0] == 0; }}\n"
        );
        fs::write(&source, text).unwrap();
        let built = Command::new("cc").arg("-o").arg(self.folder().join("x1")).arg(&source).status().unwrap();
        assert!(built.success());
        fs::set_permissions(self.folder().join("x1"), fs::Permissions::from_mode(0o755)).unwrap();
        installed::list(&self.folder());
    }

    /// Adds to the configuration.
    pub(crate) fn configure(&self, more: &str) {
        let path = self.dir.path().join("agent.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + more).unwrap();
    }

    /// What names the clinic.
    pub(crate) fn name(&self, names: &[&str]) {
        self.configure(&format!("names = {names:?}\n"));
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("kathea")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn output(&self, args: &[&str]) -> Output {
        Command::new(std::env::var_os("AGENT_PROGRAM").unwrap_or_else(|| PROGRAM.into()))
            .arg("--config")
            .arg(self.dir.path().join("agent.toml"))
            .args(args)
            .output()
            .unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) {
        let output = self.output(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What it says when it fails.
    pub(crate) fn fails(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.json_with(0, args)
    }

    pub(crate) fn json_with(&self, code: i32, args: &[&str]) -> Value {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn clean(&self, log: &str, contexts: &[PathBuf]) -> (Output, PathBuf) {
        let (file, out) = (self.dir.path().join("kathea.log"), self.dir.path().join("out"));
        fs::write(&file, log).unwrap();
        let _ = fs::remove_dir_all(&out);
        let mut args = vec!["deidentify", file.to_str().unwrap(), "-o", out.to_str().unwrap()];
        for context in contexts {
            args.extend(["--context", context.to_str().unwrap()]);
        }
        (self.output(&args), out.join("0001.log"))
    }

    /// What comes of a log.
    pub(crate) fn cleaned(&self, log: &str, contexts: &[PathBuf]) -> String {
        let (output, file) = self.clean(log, contexts);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(file).unwrap()
    }

    pub(crate) fn fails_to_clean(&self, log: &str) -> String {
        let (output, file) = self.clean(log, &[]);
        assert!(!output.status.success() && !file.exists());
        String::from_utf8(output.stderr).unwrap()
    }
}

/// How many words of `text` are still in the line that it became, and some of those that are not.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) words: usize,
    pub(crate) kept: usize,
    pub(crate) lost: Vec<(String, String)>,
}

impl Kept {
    /// Counts one line.
    pub(crate) fn line(&mut self, text: &str, left: &str) {
        const SHOWN: usize = 12;
        let mut there: Vec<&str> = left.split_whitespace().collect();
        for word in text.split_whitespace() {
            self.words += 1;
            match there.iter().position(|other| *other == word) {
                Some(at) => {
                    there.swap_remove(at);
                    self.kept += 1;
                }
                None if self.lost.len() < SHOWN => self.lost.push((word.to_owned(), left.to_owned())),
                None => {}
            }
        }
    }

    /// In percent.
    pub(crate) fn share(&self) -> f64 {
        self.kept as f64 * 100.0 / self.words as f64
    }
}

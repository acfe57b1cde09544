//! Opening a page in the system's browser. The command line holds the file name and no secret.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Opens the file in the account's browser.
pub(crate) fn open(page: &Path) -> io::Result<Child> {
    let mut command = command(page);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

#[cfg(not(windows))]
fn command(page: &Path) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(page);
    command
}

/// Edge as a window of its own where it is there, else whatever opens pages.
#[cfg(windows)]
fn command(page: &Path) -> Command {
    let folders = ["ProgramFiles(x86)", "ProgramFiles"].into_iter().filter_map(std::env::var_os);
    let mut edge = folders.map(|folder| Path::new(&folder).join(r"Microsoft\Edge\Application\msedge.exe"));
    match edge.find(|edge| edge.is_file()) {
        Some(edge) => {
            let mut command = Command::new(edge);
            let address = page.display().to_string().replace('\\', "/").replace(' ', "%20");
            command.arg(format!("--app=file:///{address}"));
            command
        }
        None => {
            let mut command = Command::new("rundll32");
            command.arg("url.dll,FileProtocolHandler").arg(page);
            command
        }
    }
}

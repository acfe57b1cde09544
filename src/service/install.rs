//! Everything on a Windows workstation that makes the program a service: folders and their rights, configuration,
//! the service's account and recovery, the event log's source. Done again, it mends what is there; it never says
//! yes to anything.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use agent::durable;
use agent::presence::Presence;
use windows_service::service::{
    ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use winsafe::{HKEY, RegistryValue};

use super::windows::{NAME, failed, stop};
use crate::exit::Failure;
use crate::print;
use crate::texts::say;
use crate::texts::windows::{Extra, Say, Undone};

const DISPLAY_NAME: &str = "Kathea Agent";
const DESCRIPTION: &str = "Collects and sends what the clinic said yes to, and nothing else.";
/// A virtual account: nobody signs in with it, it has no password, and its data protection is its own.
const ACCOUNT: &str = r"NT SERVICE\KatheaAgent";
const TEMPLATE: &str = include_str!("../../packaging/windows/agent.toml");
const SHIPPED_URL: &str = "https://127.0.0.1:8443";
const EVENT_SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\KatheaAgent";
/// Has the messages 1 to 1000, each of them one text.
const EVENT_MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";

/// Makes or mends the service; does not start it.
pub(super) fn install(config: &Path, collector: Option<&str>, ca_file: Option<&Path>) -> Result<(), Failure> {
    configure(config, collector, ca_file)?;
    register(config)?;
    let data = crate::given::load(config)?.data_dir;
    durable::create_directory(&data).map_err(|e| unwritable(&data, &e))?;
    protect(config, &data);
    name_in_event_log();
    make_group();
    Ok(())
}

/// The local group whose members may say yes, empty: who belongs in it is the clinic's to decide. A group of the domain
/// takes its place where the configuration names one.
fn make_group() {
    const GROUP: &str = "kathea-consent";
    let net = |words: &[&str]| {
        let mut net = Command::new("net.exe");
        net.arg("localgroup").arg(GROUP).args(words);
        net.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        net.status().is_ok_and(|status| status.success())
    };
    if !net(&[]) && !net(&["/add"]) {
        print::words(&say(Say::NoGroup));
    }
}

/// Stops and removes the service; the data stays.
pub(super) fn uninstall() -> Result<(), Failure> {
    let service = super::windows::open(ServiceAccess::DELETE)?;
    // One that does not stop is gone when its process is.
    let stopped = stop();
    service.delete().map_err(|e| failed(Undone::NotRemoved, &e))?;
    let _ = HKEY::LOCAL_MACHINE.RegDeleteTree(Some(EVENT_SOURCE));
    stopped
}

/// A configuration that is there is kept, but for the collector that was given. What was given is looked at first: a
/// mistake leaves everything as it was.
fn configure(config: &Path, collector: Option<&str>, ca_file: Option<&Path>) -> Result<(), Failure> {
    let ca = ca_file.map(certificates).transpose()?;
    let folder = config.parent().unwrap_or(Path::new("."));
    let there = Presence::of(fs::read_to_string(config))
        .map_err(|e| Failure::failed(say(Say::Unreadable { path: config.to_owned(), why: e.kind() })))?;
    let there = there.found();
    let text = there.as_deref().unwrap_or(TEMPLATE);
    let text = match collector {
        Some(url) => set_url(text, url)?,
        None => text.to_owned(),
    };
    fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
    if there.as_ref() != Some(&text) {
        durable::replace(config, text.as_bytes()).map_err(|e| unwritable(config, &e))?;
    }
    if let Some(bytes) = ca {
        let ca = crate::given::load(config)?.collector.ca;
        durable::replace(&ca, &bytes).map_err(|e| unwritable(&ca, &e))?;
    }
    Ok(())
}

/// What is in the vendor's CA file.
fn certificates(file: &Path) -> Result<Vec<u8>, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|e| Failure::usage(say(Say::CaUnreadable { path: file.to_owned(), why: e.kind() })))?;
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(Failure::usage(say(Say::NoCertificate { path: file.to_owned() })));
    }
    Ok(text.into_bytes())
}

/// The configuration with this `[collector] url`.
fn set_url(text: &str, url: &str) -> Result<String, Failure> {
    let plain = url.starts_with("https://") && !url.contains(['"', '\\', '\n', '\r']);
    let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
    let section = lines.iter().position(|line| line.trim() == "[collector]");
    let line = section.and_then(|from| {
        let rest = lines.get_mut(from..)?;
        rest.iter_mut().find(|line| line.trim_start().starts_with("url"))
    });
    match line {
        Some(line) if plain => *line = format!("url = \"{url}\""),
        _ if !plain => return Err(Failure::usage(say(Say::NoUrl))),
        _ => {
            return Err(Failure::usage(say(Say::WriteUrl { url: SHIPPED_URL.to_owned() })));
        }
    }
    Ok(lines.join("\r\n") + "\r\n")
}

fn register(config: &Path) -> Result<(), Failure> {
    let program =
        std::env::current_exe().map_err(|e| Failure::failed(say(Say::ProgramUnknown { why: e.kind() })))?;
    let info = ServiceInfo {
        name: OsString::from(NAME),
        display_name: OsString::from(DISPLAY_NAME),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program,
        launch_arguments: vec!["--config".into(), config.into(), "service".into(), "run".into()],
        dependencies: vec![],
        account_name: Some(ACCOUNT.into()),
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::QUERY_CONFIG;
    let service = ServiceManager::local_computer(
        None::<&str>,
        ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE,
    )
    .and_then(|manager| match manager.open_service(NAME, access) {
        Ok(service) => service.change_config(&info).map(|()| service),
        Err(_) => manager.create_service(&info, access),
    })
    .map_err(|e| failed(Undone::NotMade, &e))?;

    let again = |seconds| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: Duration::from_secs(seconds),
    };
    let recovery = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_secs(86_400)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![again(5), again(60), again(600)]),
    };
    for (what, done) in [
        (Extra::Description, service.set_description(DESCRIPTION)),
        (Extra::Recovery, service.update_failure_actions(recovery)),
        (Extra::OwnFailures, service.set_failure_actions_on_non_crash_failures(true)),
        (Extra::DelayedStart, service.set_delayed_auto_start(true)),
    ] {
        if done.is_err() {
            print::words(&say(Say::NotTaken { what: say(what) }));
        }
    }
    Ok(())
}

/// The configuration is read by everybody and written by administrators; the data is the service's alone.
fn protect(config: &Path, data: &Path) {
    const FULL: &str = "(OI)(CI)F";
    let everybody = ["*S-1-5-18", "*S-1-5-32-544"].map(|account| format!("{account}:{FULL}"));
    let readers = ["*S-1-5-32-545:(OI)(CI)RX".to_owned(), format!("{ACCOUNT}:(OI)(CI)RX")];
    let service = [format!("{ACCOUNT}:{FULL}")];
    for (path, rights) in [(config.parent(), readers.as_slice()), (Some(data), service.as_slice())] {
        let Some(path) = path else { continue };
        let done = Command::new("icacls.exe")
            .arg(path)
            .args(["/inheritance:r", "/grant:r"])
            .args(everybody.iter().chain(rights))
            .stdout(Stdio::null())
            .status();
        if !done.is_ok_and(|status| status.success()) {
            print::words(&say(Say::RightsNotSet { path: path.to_owned() }));
        }
    }
}

fn name_in_event_log() {
    let set = |name, value| HKEY::LOCAL_MACHINE.RegSetKeyValue(Some(EVENT_SOURCE), Some(name), value);
    let done = set("EventMessageFile", RegistryValue::ExpandSz(EVENT_MESSAGES.to_owned()))
        .and_then(|()| set("TypesSupported", RegistryValue::Dword(7)));
    if done.is_err() {
        print::words(&say(Say::NoEventSource));
    }
}

fn unwritable(path: &Path, e: &std::io::Error) -> Failure {
    Failure::failed(say(Say::Unwritable { path: path.to_owned(), why: e.kind() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collector_is_written_where_it_belongs_and_nothing_else_changes() {
        let text = set_url(TEMPLATE, "https://collector.example:8443").unwrap();
        let config = agent::config::Config::parse(&text).unwrap();
        assert_eq!(config.collector.url, "https://collector.example:8443");
        assert_eq!(set_url(&text, SHIPPED_URL).unwrap().lines().count(), TEMPLATE.lines().count());
        for bad in ["http://collector", "https://x\"\n[consent]", ""] {
            assert!(set_url(TEMPLATE, bad).is_err(), "{bad}");
        }
    }
}

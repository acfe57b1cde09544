//! The service under the control manager of Windows: run, start, stop.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use agent::agent::Stop;
use agent::collect::socket::{self, AskError};
use agent::limits;
use agent::request::Request;
use log::error;
use windows_service::define_windows_service;
use windows_service::service::{
    Service, ServiceAccess, ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState,
    ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_dispatcher;
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use crate::exit::Failure;
use crate::texts::say;
use crate::texts::windows::{Say, Undone};

/// Its name for the control manager and in the event log.
pub(super) const NAME: &str = "KatheaAgent";

/// How long the service may take to start or stop before somebody must look.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);

/// What a failed service tells the control manager, which then starts it again.
const FAILED: ServiceExitCode = ServiceExitCode::ServiceSpecific(1);

/// The control manager calls back without arguments of ours.
static CONFIG: OnceLock<PathBuf> = OnceLock::new();

define_windows_service!(service_main, serve);

/// Runs as the service; only the control manager starts it so.
pub(super) fn run(config: &Path) -> Result<(), Failure> {
    let _ = CONFIG.set(config.to_owned());
    service_dispatcher::start(NAME, service_main).map_err(|_| {
        Failure::usage(
            "only the control manager of Windows starts the service: use `kathea-agent service start`",
        )
    })
}

fn serve(_: Vec<OsString>) {
    let Some(path) = CONFIG.get() else { return };
    let stop = std::sync::Arc::new(OnceLock::<Stop>::new());
    let handler = {
        let stop = stop.clone();
        move |control| match control {
            ServiceControl::Stop | ServiceControl::Shutdown | ServiceControl::Preshutdown => {
                if let Some(stop) = stop.get() {
                    stop.stop();
                }
                ServiceControlHandlerResult::NoError
            }
            ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
            _ => ServiceControlHandlerResult::NotImplemented,
        }
    };
    let Ok(status) = service_control_handler::register(NAME, handler) else { return };
    report(status, ServiceState::StartPending, ServiceExitCode::NO_ERROR);
    let ended = crate::given::load(path).and_then(|config| {
        crate::logger::to_windows(&config.data_dir, NAME);
        let agent = crate::reach::open(config)?;
        let _ = stop.set(agent.stopper());
        report(status, ServiceState::Running, ServiceExitCode::NO_ERROR);
        agent.run(None).map_err(Failure::failed)
    });
    if let Err(failure) = &ended {
        crate::logger::to_event_log(NAME, &failure.to_string());
        error!("{failure}");
    }
    report(status, ServiceState::Stopped, if ended.is_ok() { ServiceExitCode::NO_ERROR } else { FAILED });
}

fn report(handle: ServiceStatusHandle, state: ServiceState, exit_code: ServiceExitCode) {
    let running = state == ServiceState::Running;
    let accepted = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    // If the control manager cannot be notified, it notices when the process ends.
    let _ = handle.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if running { accepted } else { ServiceControlAccept::empty() },
        exit_code,
        checkpoint: 0,
        wait_hint: if state == ServiceState::StartPending { PATIENCE } else { Duration::ZERO },
        process_id: None,
    });
}

/// The installed service.
pub(super) fn open(access: ServiceAccess) -> Result<Service, Failure> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
        .and_then(|manager| manager.open_service(NAME, access | ServiceAccess::QUERY_STATUS))
        .map_err(|e| failed(Undone::NotOpened, &e))
}

/// Whether the service is installed.
pub(super) fn is_there() -> bool {
    open(ServiceAccess::QUERY_STATUS).is_ok()
}

/// Starts the service, if it does not run, and waits until it does.
pub(super) fn start() -> Result<(), Failure> {
    let service = open(ServiceAccess::START)?;
    if state(&service)? != ServiceState::Running {
        service.start(&[] as &[&OsStr]).map_err(|e| failed(Undone::NotStarted, &e))?;
    }
    wait(&service, ServiceState::Running)
}

/// Stops the service, if it runs, and waits until it has ended.
pub(super) fn stop() -> Result<(), Failure> {
    let service = open(ServiceAccess::STOP)?;
    if state(&service)? != ServiceState::Stopped {
        service.stop().map_err(|e| failed(Undone::NotStopped, &e))?;
    }
    wait(&service, ServiceState::Stopped)
}

fn state(service: &Service) -> Result<ServiceState, Failure> {
    service.query_status().map(|s| s.current_state).map_err(|e| failed(Undone::StateUnknown, &e))
}

fn wait(service: &Service, wanted: ServiceState) -> Result<(), Failure> {
    let begun = Instant::now();
    while state(service)? != wanted {
        if begun.elapsed() > PATIENCE {
            let late = if wanted == ServiceState::Running { Say::NotRunning } else { Say::NotStopped };
            return Err(Failure::failed(say(late)));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Waits until the service answers over its pipe: it runs before it listens.
pub(super) fn wait_for_answer(config: &Path) -> Result<(), Failure> {
    let config = crate::given::load(config)?;
    let begun = Instant::now();
    let question = serde_json::to_string(&Request::Status).unwrap_or_default();
    while socket::ask(&config.kathea.socket, &question, limits::SOCKET_SLOW) == Err(AskError::Nobody) {
        if begun.elapsed() > PATIENCE {
            return Err(Failure::busy(say(Say::NobodyListens)));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// The system's own words help here, and carry nothing of ours.
pub(super) fn failed(what: Undone, e: &windows_service::Error) -> Failure {
    let why = match e {
        windows_service::Error::Winapi(e) => e.to_string(),
        other => other.to_string(),
    };
    Failure::failed(say(Say::Failed { what: say(what), why }))
}

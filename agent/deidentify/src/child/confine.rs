//! What the child gives up before it reads anything: open files, memory without end, and every system call but
//! those that read an open file, receive one from the parent, and write to a pipe.

use std::io;

#[cfg(unix)]
use nix::sys::resource::{Resource, setrlimit};

/// Seconds of processor time: more than any case needs, and the end of what never ends.
#[cfg(unix)]
const SECONDS: u64 = 3600;
/// Files open at a time, the three pipes among them.
#[cfg(unix)]
const FILES: u64 = 16;

/// Closes whatever was left open by whoever started this process, but for standard input, output and error.
///
/// # Errors
/// When the system does not list them.
#[cfg(target_os = "linux")]
pub(super) fn descriptors() -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?.flatten().map(|entry| entry.file_name());
    let numbers = names.filter_map(|name| name.to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > 2).collect::<Vec<_>>() {
        // The one by which they are listed is closed already.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Only Linux lists them; Rust opens nothing that a child would inherit.
#[cfg(not(target_os = "linux"))]
pub(super) fn descriptors() -> io::Result<()> {
    Ok(())
}

/// Bounds memory, time and open files, and lets no file grow.
///
/// # Errors
/// When the system does not take it.
#[cfg(unix)]
pub(super) fn limits(memory: u64) -> io::Result<()> {
    setrlimit(Resource::RLIMIT_AS, memory, memory)?;
    setrlimit(Resource::RLIMIT_CPU, SECONDS, SECONDS)?;
    setrlimit(Resource::RLIMIT_NOFILE, FILES, FILES)?;
    setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
    Ok(())
}

/// On Windows the parent puts the child into a job object.
#[cfg(not(unix))]
pub(super) fn limits(_: u64) -> io::Result<()> {
    Ok(())
}

/// From here on this thread reads and writes what is open, receives files from the parent, and has memory; every other
/// call fails. It opens nothing, has no socket of its own, no program, no other process, no memory that can be run.
///
/// # Errors
/// When the kernel has no seccomp.
#[cfg(target_os = "linux")]
pub(super) fn calls() -> io::Result<()> {
    let filter = filter(std::process::id()).map_err(|_| io::ErrorKind::Unsupported)?;
    seccompiler::apply_filter(&filter).map_err(|_| io::ErrorKind::Unsupported.into())
}

/// The calls that are allowed whatever their arguments are: they name no file, no process and no address.
#[cfg(target_os = "linux")]
pub(super) const FREE: &[nix::libc::c_long] = &[
    nix::libc::SYS_read,
    nix::libc::SYS_readv,
    nix::libc::SYS_pread64,
    nix::libc::SYS_write,
    nix::libc::SYS_writev,
    nix::libc::SYS_lseek,
    nix::libc::SYS_close,
    nix::libc::SYS_fstat,
    nix::libc::SYS_munmap,
    nix::libc::SYS_mremap,
    nix::libc::SYS_madvise,
    nix::libc::SYS_brk,
    nix::libc::SYS_futex,
    nix::libc::SYS_getrandom,
    nix::libc::SYS_clock_gettime,
    nix::libc::SYS_sched_yield,
    nix::libc::SYS_sigaltstack,
    nix::libc::SYS_rt_sigaction,
    nix::libc::SYS_rt_sigprocmask,
    nix::libc::SYS_rt_sigreturn,
    nix::libc::SYS_restart_syscall,
    nix::libc::SYS_getpid,
    nix::libc::SYS_gettid,
    nix::libc::SYS_exit,
    nix::libc::SYS_exit_group,
];

/// The filter for the process `own`, the only one that it may send a signal to.
#[cfg(target_os = "linux")]
pub(super) fn filter(own: u32) -> Result<seccompiler::BpfProgram, seccompiler::BackendError> {
    use std::collections::BTreeMap;

    use nix::libc;
    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch,
    };

    // F_SETOWN and F_SETSIG would send any signal to another process of this account.
    const DESCRIPTORS: &[i32] = &[libc::F_GETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC];
    let only = |argument, operator, value: u64| {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?;
        SeccompRule::new(vec![condition])
    };
    let not_run = || Ok(vec![only(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)?]);
    let equal = |argument, value| only(argument, SeccompCmpOp::Eq, value);
    // To collect it would bring a sort of its own into the program, 3 kB.
    let mut rules = BTreeMap::new();
    rules.extend(FREE.iter().map(|call| (*call, Vec::new())));
    rules.insert(libc::SYS_mmap, not_run()?);
    rules.insert(libc::SYS_mprotect, not_run()?);
    rules.insert(libc::SYS_tgkill, vec![equal(0, u64::from(own))?]);
    rules.insert(libc::SYS_recvmsg, vec![equal(0, libc::STDIN_FILENO as u64)?]);
    let descriptors = DESCRIPTORS.iter().map(|command| equal(1, *command as u64));
    rules.insert(libc::SYS_fcntl, descriptors.collect::<Result<_, _>>()?);
    let here: TargetArch = std::env::consts::ARCH.try_into()?;
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, here)?.try_into()
}

/// Only Linux takes calls away from a process that runs.
#[cfg(not(target_os = "linux"))]
pub(super) fn calls() -> io::Result<()> {
    Ok(())
}

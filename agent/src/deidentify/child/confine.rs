//! What the child gives up before it reads anything: open files, memory without end, and every system call but
//! those by which a file is read and a pipe is written.

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

/// Windows bounds a process by a job object, which needs calls that safe Rust can't make.
#[cfg(not(unix))]
pub(super) fn limits(_: u64) -> io::Result<()> {
    Ok(())
}

/// From here on this thread reads files, writes to what is open, and has memory; every other call fails. No socket,
/// no program, no other process, no file opened to be written, no memory that can be run.
///
/// # Errors
/// When the kernel has no seccomp.
#[cfg(target_os = "linux")]
pub(super) fn calls() -> io::Result<()> {
    use std::collections::BTreeMap;

    use nix::libc;
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    const FREE: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_statx,
        libc::SYS_fcntl,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    const TO_WRITE: i32 = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;
    // Allowed where none of `bits` is set in the argument with this number.
    let without = |argument, bits: i32| {
        let none = SeccompCmpOp::MaskedEq(bits as u64);
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, none, 0)?;
        SeccompRule::new(vec![condition]).map(|rule| vec![rule])
    };
    let filter = || -> Result<BpfProgram, seccompiler::BackendError> {
        let mut rules: BTreeMap<_, _> = FREE.iter().map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_openat, without(2, TO_WRITE)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, without(1, TO_WRITE)?);
        rules.insert(libc::SYS_mmap, without(2, libc::PROT_EXEC)?);
        rules.insert(libc::SYS_mprotect, without(2, libc::PROT_EXEC)?);
        let here: TargetArch = std::env::consts::ARCH.try_into()?;
        let refuse = SeccompAction::Errno(libc::EPERM as u32);
        SeccompFilter::new(rules, refuse, SeccompAction::Allow, here)?.try_into()
    };
    let filter = filter().map_err(|_| io::ErrorKind::Unsupported)?;
    seccompiler::apply_filter(&filter).map_err(|_| io::ErrorKind::Unsupported.into())
}

/// Only Linux takes calls away from a process that runs.
#[cfg(not(target_os = "linux"))]
pub(super) fn calls() -> io::Result<()> {
    Ok(())
}

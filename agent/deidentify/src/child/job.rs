//! The job object that a child runs in on Windows: it ends with its parent, runs below the scanner's programs, and
//! holds no more physical memory than a child on Unix may map. A job object bounds neither its calls nor the files that
//! it opens; that needs a token of its own, which safe Rust cannot make.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process::Child;

use win32job::{ExtendedLimitInfo, PriorityClass};

/// Physical memory that the system leaves to a child whatever others need.
const LEAST: usize = 1 << 20;

/// A child's job. Dropped, it ends the child; so does the system when the parent is gone.
#[derive(Debug)]
pub(super) struct Job(#[expect(dead_code, reason = "its handle keeps the child alive")] win32job::Job);

impl Job {
    /// Puts `child` into a job of its own, with at most `memory` bytes of physical memory and less priority than a
    /// program has. An account that may not set these two has the job without them: the child still ends with it.
    ///
    /// # Errors
    /// When the system makes no job, or does not take the child into it.
    pub(super) fn of(child: &Child, memory: u64) -> io::Result<Self> {
        let job = win32job::Job::create()?;
        let mut limits = ExtendedLimitInfo::new();
        job.set_extended_limit_info(limits.limit_kill_on_job_close())?;
        limits.limit_priority_class(PriorityClass::BelowNormal);
        limits.limit_working_memory(LEAST, usize::try_from(memory).unwrap_or(usize::MAX).max(LEAST));
        let _ = job.set_extended_limit_info(&limits);
        job.assign_process(child.as_raw_handle() as isize)?;
        Ok(Self(job))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_child_ends_with_its_job() {
        // It waits for a line that never comes.
        let mut child =
            Command::new("cmd").args(["/c", "set /p line="]).stdin(Stdio::piped()).spawn().unwrap();
        let _open = child.stdin.take().unwrap();
        let job = Job::of(&child, 64 << 20).unwrap();
        assert!(child.try_wait().unwrap().is_none());
        drop(job);
        // Without the job it waits for its line for ever, and so does this.
        child.wait().unwrap();
    }
}

//! Why a piece of work ended although the system refused nothing: it passes through `Read` and `Write` as what it is.

use std::io;

/// What ended the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Somebody stopped it.
    #[error("the work was stopped")]
    Stopped,
    /// The step used up its share of time or size.
    #[error("the step has used up its share")]
    ShareOver,
    /// What was typed names a patient.
    #[error("what was typed names a patient")]
    Personal,
    /// The consent was withdrawn.
    #[error("the consent was withdrawn")]
    Withdrawn,
    /// What was read is not what was written.
    #[error("what was read is damaged")]
    Damaged,
}

impl Cause {
    /// The cause that an error carries; none for one of the system.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Self>().copied()
    }
}

impl From<Cause> for io::Error {
    fn from(cause: Cause) -> Self {
        Self::other(cause)
    }
}

/// Why a step of the work ended: by a cause that its caller decides about, or by an error that is its own.
#[derive(Debug)]
pub enum StopOr<E> {
    /// Ended for this cause.
    Stop(Cause),
    /// Failed.
    Error(E),
}

impl<E: From<io::Error>> From<io::Error> for StopOr<E> {
    fn from(error: io::Error) -> Self {
        Cause::of(&error).map_or_else(|| Self::Error(error.into()), Self::Stop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_cause_passes_through_readers_and_is_no_error_of_the_system() {
        struct Ends;
        impl Read for Ends {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(Cause::Withdrawn.into())
            }
        }
        let through = io::copy(&mut io::BufReader::new(Ends), &mut io::sink()).unwrap_err();
        assert_eq!(Cause::of(&through), Some(Cause::Withdrawn));
        assert_eq!(Cause::of(&io::ErrorKind::PermissionDenied.into()), None);
    }
}

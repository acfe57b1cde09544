//! The child's own side: gives up what it does not need, then reads what it is told to.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::confine;
use super::frame::{self, Pipe};
use crate::deidentify::files::{self, Failed, Outlet, Said};
use crate::limits;

/// Carries out the order on `input`, within `memory` bytes, and tells about it on `output`.
///
/// # Errors
/// When nobody listens, or the order is none.
pub fn run(memory: u64, input: impl Read, output: impl io::Write) -> io::Result<()> {
    let mut out = Pipe::new(output);
    if confine::descriptors().and_then(|()| confine::limits(memory)).and_then(|()| confine::calls()).is_err()
    {
        return out.say(Said::Failed(Failed::Unconfined));
    }
    let mut order = Zeroizing::new(Vec::new());
    input.take(limits::CHILD_ORDER as u64).read_to_end(&mut order)?;
    let decoded = frame::decoded(&order)?;
    // A hundred thousand paths need not be there twice.
    drop(order);
    files::wash(decoded, &mut out)
}

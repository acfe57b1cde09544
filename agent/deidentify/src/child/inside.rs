//! The child process's side: drops its privileges, then reads the files of its order.

use std::io::{self, Read};

use zeroize::Zeroizing;

use super::confine;
use super::frame::{self, Pipe};
use crate::files::{self, Failed, Found, Opened, Outlet, Said};
use crate::limits;

/// Carries out the order on `input`, within `memory` bytes, and tells about it on `output`.
///
/// # Errors
/// When nobody listens, or the order is none.
pub fn run(memory: u64, input: &io::Stdin, output: impl io::Write) -> io::Result<()> {
    let mut out = Pipe::new(output);
    if confine::descriptors().and_then(|()| confine::limits(memory)).and_then(|()| confine::calls()).is_err()
    {
        return out.say(Said::Failed(Failed::Unconfined));
    }
    let mut length = [0; 4];
    input.lock().read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > limits::CHILD_ORDER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut order = Zeroizing::new(vec![0; length]);
    input.lock().read_exact(&mut order)?;
    let decoded = frame::decoded(&order)?;
    // A hundred thousand paths need not be there twice.
    drop(order);
    files::process(decoded, &mut |found| opened(input, found), &mut out)
}

/// The parent opens, and passes what it opened.
#[cfg(unix)]
fn opened(input: &io::Stdin, found: &Found) -> io::Result<Opened> {
    if found.is_opened() { super::passed::receive(input) } else { Ok(Ok(None)) }
}

/// Windows passes no open file to a process that runs without calls that safe Rust can't make.
#[cfg(not(unix))]
fn opened(_: &io::Stdin, found: &Found) -> io::Result<Opened> {
    Ok(found.open())
}

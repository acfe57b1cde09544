//! Open files that the parent passes to the child, one for each [`Said::Reading`](crate::files::Said), so
//! that the child opens nothing.
//!
//! A message is the bincode of `Result<(), Reason>`, with the descriptor beside it where it is `Ok`.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

use super::frame;
use crate::files::{Opened, Reason};

/// Bytes of a message: any reason fits.
const MESSAGE: usize = 256;

/// Tells the child at `socket` what came of opening the file that it reads next.
pub(super) fn pass(socket: impl AsFd, opened: &Opened) -> io::Result<()> {
    let reported: Result<(), Reason> = opened.as_ref().map(|_| ()).map_err(|reason| *reason);
    let body = frame::encoded(&reported)?;
    let file = opened.as_ref().ok().and_then(Option::as_ref);
    let descriptors = file.map(AsFd::as_fd);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(descriptors) = &descriptors {
        control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(descriptors)));
    }
    let sent = sendmsg(socket, &[IoSlice::new(&body)], &mut control, SendFlags::NOSIGNAL)?;
    if sent == body.len() { Ok(()) } else { Err(ErrorKind::WriteZero.into()) }
}

/// The file that the parent at `socket` passes.
pub(super) fn receive(socket: impl AsFd) -> io::Result<Opened> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut body = [0; MESSAGE];
    let message = loop {
        let mut slices = [IoSliceMut::new(&mut body)];
        match recvmsg(&socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    let descriptor: Option<OwnedFd> = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    match frame::decoded(body.get(..message.bytes).unwrap_or_default())? {
        Ok(()) => Ok(Ok(Some(File::from(descriptor.ok_or(ErrorKind::InvalidData)?)))),
        Err(reason) => Ok(Err(reason)),
    }
}

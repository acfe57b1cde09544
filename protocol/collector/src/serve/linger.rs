//! The end of a connection whose last answer came before all of its request: what is still on its way is read and
//! thrown away for a while. A socket that is closed over unread bytes resets the connection, and the answer may be
//! lost with it (RFC 9112, section 9.6).

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use protocol::bundle::MAX_CHUNK;

/// A device sends its chunk to the end before it looks for the answer: one on a line that is slower than this finds
/// its connection reset, and asks for the offset anew.
const TIME: Duration = Duration::from_secs(5);
/// A chunk, and the frames of TLS around it.
const BYTES: u64 = MAX_CHUNK + MAX_CHUNK / 16;

/// Whether a request of this connection was answered before its end.
#[derive(Clone, Default)]
pub(super) struct Early(Arc<AtomicBool>);

impl Early {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_noted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How far the end has come.
enum State {
    Open,
    /// Closed for writing.
    Reads {
        left: u64,
        time: Pin<Box<Sleep>>,
    },
    Over,
}

/// A connection that listens on after its end where it was [`Early`].
pub(super) struct Lingering {
    stream: TlsStream<TcpStream>,
    early: Early,
    state: State,
}

impl Lingering {
    pub(super) fn new(stream: TlsStream<TcpStream>, early: Early) -> Self {
        Self { stream, early, state: State::Open }
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, early, state } = &mut *self;
        if let State::Open = state {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
            *state = if early.is_noted() {
                State::Reads { left: BYTES, time: Box::pin(tokio::time::sleep(TIME)) }
            } else {
                State::Over
            };
        }
        if let State::Reads { left, time } = state {
            // Below TLS: nobody looks at what it says.
            let rest = drain(stream.get_mut().0, cx, left);
            if rest.is_pending() && time.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            *state = State::Over;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Reads until the other end closes, or nothing is left of what may be read.
fn drain(stream: &mut TcpStream, cx: &mut Context<'_>, left: &mut u64) -> Poll<()> {
    let mut space = [MaybeUninit::uninit(); 8 << 10];
    while *left > 0 {
        let mut buffer = ReadBuf::uninit(&mut space);
        let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
        let length = buffer.filled().len() as u64;
        if read.is_err() || length == 0 {
            break;
        }
        *left = left.saturating_sub(length);
    }
    Poll::Ready(())
}

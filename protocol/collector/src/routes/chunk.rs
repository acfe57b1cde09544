//! The bytes of one `PATCH` on their way to the disk, never more of them in memory than a frame.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use data_encoding::BASE64;
use protocol::bundle::tus;
use ring::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::turns::Turn;
use crate::problem::Problem;
use crate::store::chunks::Ended;
use crate::store::files::Part;

/// What a checksum may be made by; tus wants SHA-1 of every server that offers any.
pub(super) const ALGORITHMS: &str = "sha1,sha256";

/// What `Upload-Checksum` says of the chunk.
pub(super) struct Checksum {
    expected: Vec<u8>,
    context: Context,
}

impl Checksum {
    /// `ALGORITHM BASE64`; none if the header is not there.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(tus::CHECKSUM) else { return Ok(None) };
        let read = || {
            let (algorithm, encoded) = value.to_str().ok()?.split_once(' ')?;
            let algorithm: &'static Algorithm = match algorithm {
                "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
                "sha256" => &SHA256,
                _ => return None,
            };
            let expected = BASE64.decode(encoded.trim().as_bytes()).ok()?;
            Some(Self { expected, context: Context::new(algorithm) })
        };
        read().map(Some).ok_or(Problem::BadRequest)
    }
}

/// A chunk that is being written.
pub(super) struct Chunk {
    writing: Option<Writing>,
    begin: u64,
    length: u64,
    /// Bytes that it may have.
    limit: u64,
    checksum: Option<Checksum>,
}

/// Holds the turn on the upload until the last of its writes is over.
struct Writing {
    /// None if nothing is missing any more.
    part: Option<Part>,
    turn: Turn,
}

impl Drop for Chunk {
    /// What came before a cut is kept: by the disk, or by another machine, and nobody else waits for that.
    fn drop(&mut self) {
        if let Some(writing) = self.writing.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(writing));
        }
    }
}

impl Chunk {
    /// Of at most `limit` bytes, which go to `part` from `begin` on.
    pub(super) fn new(
        part: Option<Part>,
        begin: u64,
        limit: u64,
        checksum: Option<Checksum>,
        turn: Turn,
    ) -> Self {
        Self { writing: Some(Writing { part, turn }), begin, length: 0, limit, checksum }
    }

    /// Takes the body to its end. What came before a cut stays: the next request goes on behind it.
    pub(super) async fn fill(mut self, mut body: Body) -> Result<Self, Problem> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            // What has arrived is kept also for the request that comes after.
            let frame = tokio::select! {
                biased;
                frame = frame => frame,
                () = is_over(self.writing.as_mut()) => return Err(Problem::Superseded),
            };
            match frame {
                None => return Ok(self),
                Some(Err(_)) => return Err(Problem::BadRequest),
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    let write = tokio::task::spawn_blocking(move || self.write(&bytes).map(|()| self));
                    self = write.await.map_err(|_| Problem::Unavailable)??;
                }
            }
        }
    }

    fn write(&mut self, bytes: &Bytes) -> Result<(), Problem> {
        let length = self.length + bytes.len() as u64;
        if length > self.limit {
            return Err(Problem::TooLong);
        }
        if let Some(part) = self.writing.as_mut().and_then(|writing| writing.part.as_mut()) {
            part.write(bytes)?;
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.context.update(bytes);
        }
        self.length = length;
        Ok(())
    }

    /// Keeps the bytes if they are what the checksum says, else throws them away. Returns the new offset, which
    /// outlives a power cut.
    pub(super) fn keep(mut self) -> Result<u64, Problem> {
        let is_right = self
            .checksum
            .take()
            .is_none_or(|checksum| checksum.context.finish().as_ref() == checksum.expected.as_slice());
        // Another front may have taken a chunk at this offset meanwhile.
        let mut writing = self.writing.take();
        if let Some(part) = writing.as_mut().and_then(|writing| writing.part.as_mut())
            && part.end(is_right)? == Ended::Taken
        {
            return Err(Problem::OffsetConflict);
        }
        if is_right { Ok(self.begin + self.length) } else { Err(Problem::ChecksumMismatch) }
    }
}

async fn is_over(writing: Option<&mut Writing>) {
    match writing {
        Some(writing) => writing.turn.is_over().await,
        None => std::future::pending().await,
    }
}

//! The access log: a line of JSON for each answered request, on standard output, which the service manager keeps
//! and rotates. It has no payload, no address, no name out of a route.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use protocol::DeviceId;
use serde::Serialize;
use time::OffsetDateTime;

use crate::metrics::Metrics;
use crate::store::rfc3339;

/// Lines that wait while standard output is slow; what is beyond is counted as lost, and nobody waits.
const WAITING: usize = 4096;

/// One answered request.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    at: String,
    /// The device whose certificate was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    method: String,
    /// The route as it is documented, with the names of its parts instead of what stood there.
    route: String,
    status: u16,
    milliseconds: u64,
}

impl Line {
    pub(crate) fn new(
        now: OffsetDateTime,
        device: Option<DeviceId>,
        method: &axum::http::Method,
        route: &str,
        status: u16,
        took: Duration,
    ) -> Self {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        // A method that HTTP does not know is a word of the sender's.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE"];
        let method = known.iter().find(|known| method == **known).unwrap_or(&"other");
        let (method, route) = ((*method).to_owned(), route.to_owned());
        Self { at: rfc3339(now), device, method, route, status, milliseconds }
    }
}

/// Where lines are put. Without one there is no access log.
#[derive(Clone)]
pub(crate) struct Access(SyncSender<Line>, Arc<Metrics>);

impl Access {
    /// Starts the thread that writes to standard output.
    pub(crate) fn stdout(metrics: Arc<Metrics>) -> io::Result<Self> {
        let (sender, lines) = sync_channel::<Line>(WAITING);
        let counted = metrics.clone();
        std::thread::Builder::new().name("access-log".to_owned()).spawn(move || {
            for line in lines {
                let mut text = serde_json::to_vec(&line).unwrap_or_default();
                text.push(b'\n');
                let mut out = io::stdout().lock();
                if out.write_all(&text).and_then(|()| out.flush()).is_err() {
                    counted.access_line_lost();
                }
            }
        })?;
        Ok(Self(sender, metrics))
    }

    /// Puts a line; it is lost, and counted, where the reader of standard output is too slow.
    pub(crate) fn put(&self, line: Line) {
        if self.0.try_send(line).is_err() {
            self.1.access_line_lost();
        }
    }
}

//! One request at a time on each upload, and the newest wins: a device whose connection was cut comes back
//! before this side has noticed, and must not wait for what nobody sends any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use protocol::{DeviceId, Digest};
use tokio::sync::{OwnedMutexGuard, watch};

/// The uploads that requests work on.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<(DeviceId, Digest), Arc<Upload>>>);

#[derive(Default)]
struct Upload {
    working: Arc<tokio::sync::Mutex<()>>,
    newest: watch::Sender<u64>,
}

/// A request's turn on an upload, until it is dropped.
pub(super) struct Turn {
    newest: watch::Receiver<u64>,
    _working: OwnedMutexGuard<()>,
}

impl Turns {
    /// Tells whoever works on the upload to stop, and waits until it did.
    pub(super) async fn take(&self, device: DeviceId, sha256: Digest) -> Turn {
        let upload = {
            let mut uploads = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            uploads.retain(|_, upload| Arc::strong_count(&upload.working) > 1);
            uploads.entry((device, sha256)).or_default().clone()
        };
        // Taken before it is counted, so that this turn hears of every later one.
        let working = upload.working.clone();
        upload.newest.send_modify(|count| *count += 1);
        let newest = upload.newest.subscribe();
        Turn { newest, _working: working.lock_owned().await }
    }
}

impl Turn {
    /// Ends when a newer request wants the upload.
    pub(super) async fn is_over(&mut self) {
        // The sender lives as long as there are turns; without it, nobody can want anything.
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

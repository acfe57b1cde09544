//! How much is worked on at once: requests in all and of one device, and the bytes of bodies that are held in
//! memory. Beyond that a request gets a `Retry-After`, each a different one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::DeviceId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Requests that are being read or answered.
const REQUESTS: usize = 512;
/// Of one device: the agent has at most one a stream and one for a bundle.
const OF_ONE_DEVICE: usize = 6;
/// Bodies that are held in memory, in KiB.
const BODIES: usize = 32 << 10;

/// The bounds, and what is used of them.
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    devices: Mutex<HashMap<DeviceId, usize>>,
}

/// A request that was let in, until it is dropped.
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    device: Option<DeviceId>,
    _held: [OwnedSemaphorePermit; 2],
}

impl Admission {
    pub(crate) fn new() -> Arc<Self> {
        Self::of(REQUESTS, BODIES)
    }

    fn of(requests: usize, bodies: usize) -> Arc<Self> {
        let [requests, bodies] = [requests, bodies].map(|count| Arc::new(Semaphore::new(count)));
        Arc::new(Self { requests, bodies, devices: Mutex::default() })
    }

    /// Lets a request in whose body will hold so many bytes of memory.
    pub(crate) fn admit(
        self: &Arc<Self>,
        device: Option<DeviceId>,
        body: usize,
    ) -> Result<Admitted, Problem> {
        let take = |of: &Arc<Semaphore>, count: usize| {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            of.clone().try_acquire_many_owned(count).map_err(|_| Problem::Busy)
        };
        let held = [take(&self.requests, 1)?, take(&self.bodies, body.div_ceil(1 << 10))?];
        if let Some(device) = device {
            let mut devices = self.devices();
            let count = devices.entry(device).or_default();
            if *count >= OF_ONE_DEVICE {
                return Err(Problem::TooManyRequests);
            }
            *count += 1;
        }
        Ok(Admitted { admission: self.clone(), device, _held: held })
    }

    /// Requests that are being read or answered.
    pub(crate) fn in_flight(&self) -> usize {
        REQUESTS.saturating_sub(self.requests.available_permits())
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<DeviceId, usize>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some(device) = self.device else { return };
        let mut devices = self.admission.devices();
        if let Some(count) = devices.get_mut(&device) {
            *count -= 1;
            if *count == 0 {
                devices.remove(&device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u8) -> Option<DeviceId> {
        Some(DeviceId::of_public_key(&[number]))
    }

    fn refused(admission: &Arc<Admission>, device: Option<DeviceId>, body: usize) -> Option<Problem> {
        admission.admit(device, body).err()
    }

    #[test]
    fn one_device_is_limited_before_the_others_are() {
        let admission = Admission::new();
        let held: Vec<_> = (0..OF_ONE_DEVICE).map(|_| admission.admit(device(1), 10).ok().unwrap()).collect();
        assert_eq!(refused(&admission, device(1), 10), Some(Problem::TooManyRequests));
        assert_eq!(refused(&admission, device(2), 10), None);
        assert_eq!(admission.in_flight(), OF_ONE_DEVICE);
        drop(held);
        assert_eq!(refused(&admission, device(1), 10), None);
        assert!(admission.devices().is_empty());
        assert_eq!(admission.in_flight(), 0);
    }

    #[test]
    fn requests_and_bodies_are_bounded() {
        let admission = Admission::of(2, 100);
        let first = admission.admit(device(1), 60 << 10).ok().unwrap();
        assert_eq!(refused(&admission, device(2), 41 << 10), Some(Problem::Busy));
        let second = admission.admit(device(2), 40 << 10).ok().unwrap();
        assert_eq!(refused(&admission, None, 0), Some(Problem::Busy));
        drop((first, second));
        assert_eq!(refused(&admission, None, 100 << 10), None);
    }
}
